//! What one run of a piece of work took, and what several took together.

use std::time::{Duration, Instant};

/// System calls, as seen from the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Calls {
    pub(crate) sends: u64,
    /// Receives; of a file, reads.
    pub(crate) receives: u64,
}

/// One run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// Microseconds for each unit of work.
    micros: f64,
    calls: Calls,
}

impl Sample {
    /// A run that ends now and did so many units of work.
    pub(crate) fn since(start: Instant, units: u32, calls: Calls) -> Self {
        Self::new(start.elapsed(), units, calls)
    }

    fn new(elapsed: Duration, units: u32, calls: Calls) -> Self {
        Self { micros: elapsed.as_secs_f64() * 1e6 / f64::from(units), calls }
    }
}

/// Runs of the same work.
#[derive(Clone, Debug, Default)]
pub(crate) struct Series(Vec<Sample>);

impl Series {
    /// Adds a run.
    pub(crate) fn push(&mut self, sample: Sample) {
        self.0.push(sample);
    }

    /// The median run's microseconds for each unit; 0 without runs.
    pub(crate) fn median(&self) -> f64 {
        let micros = self.sorted();
        micros.get(micros.len() / 2).copied().unwrap_or_default()
    }

    /// From the fastest run to the slowest, in percent of the median.
    pub(crate) fn spread(&self) -> f64 {
        let micros = self.sorted();
        match (micros.first(), micros.last()) {
            (Some(first), Some(last)) => (last - first) / self.median() * 100.0,
            _ => 0.0,
        }
    }

    /// The system calls of a run; `None` if not all runs made as many.
    pub(crate) fn calls(&self) -> Option<Calls> {
        let first = self.0.first()?.calls;
        self.0.iter().all(|sample| sample.calls == first).then_some(first)
    }

    fn sorted(&self) -> Vec<f64> {
        let mut micros: Vec<f64> = self.0.iter().map(|sample| sample.micros).collect();
        micros.sort_by(f64::total_cmp);
        micros
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(millis: &[u64]) -> Series {
        let calls = Calls { sends: 1, receives: 2 };
        let run = |&millis| Sample::new(Duration::from_millis(millis), 10, calls);
        Series(millis.iter().map(run).collect())
    }

    #[test]
    fn the_median_is_of_one_unit_and_the_spread_of_all_runs() {
        let series = series(&[5, 1, 4, 2, 3]);
        assert!((series.median() - 300.0).abs() < 1e-6);
        assert!((series.spread() - 400.0 / 3.0).abs() < 1e-6);
    }

    #[test]
    fn calls_that_differ_between_runs_are_none() {
        let mut series = series(&[1, 2]);
        assert_eq!(series.calls(), Some(Calls { sends: 1, receives: 2 }));
        series.push(Sample::new(Duration::from_millis(1), 1, Calls::default()));
        assert_eq!(series.calls(), None);
    }
}
