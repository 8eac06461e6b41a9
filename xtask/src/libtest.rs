//! Reading what Rust's test harness prints.

/// Tests that passed and failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// How many passed.
    pub(crate) passed: u64,
    /// How many failed.
    pub(crate) failed: u64,
    /// How many summary lines said so.
    pub(crate) summaries: u64,
}

impl Counts {
    /// Adds up every summary line in a program's output.
    pub(crate) fn read(output: &str) -> Self {
        let mut counts = Self::default();
        for line in output.lines() {
            let Some(fields) = line.trim_end().strip_prefix("test result: ") else { continue };
            let Some((_, fields)) = fields.split_once(". ") else { continue };
            counts.summaries += 1;
            for field in fields.split("; ") {
                match field.split_once(' ') {
                    Some((number, "passed")) => counts.passed += number.parse().unwrap_or(0),
                    Some((number, "failed")) => counts.failed += number.parse().unwrap_or(0),
                    _ => {}
                }
            }
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_summaries_of_a_run_add_up() {
        let output = "running 3 tests\ntest a ... ok\n\n\
            test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.02s\n\n\
            test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 9 filtered out\r\n";
        let expected = Counts { passed: 4, failed: 2, summaries: 2 };
        assert_eq!(Counts::read(output), expected);
    }

    #[test]
    fn output_without_a_summary_has_none() {
        assert_eq!(Counts::read("test a ... ok\ntest result:\n"), Counts::default());
    }
}
