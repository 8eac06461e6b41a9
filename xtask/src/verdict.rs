//! The one line that says how a guest's job ended.

use std::fmt;

/// How the job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It exited with this status.
    Exit(u8),
    /// This signal killed it.
    Signal(u8),
    /// It could not be started: the status a shell would give (127 not found,
    /// 126 not executable), and why.
    CannotRun(u8, String),
    /// The guest itself could not be set up.
    Broken(String),
}

/// The job's end, and how many bytes it wrote: the host waits for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// How the job ended.
    pub outcome: Outcome,
    /// Bytes written to standard output.
    pub stdout: u64,
    /// Bytes written to standard error.
    pub stderr: u64,
}

impl Verdict {
    /// Reads a console line; `None` when it is not a verdict.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let rest = line.trim_end().strip_prefix(PREFIX)?;
        let (rest, counts) = rest.rsplit_once(" (")?;
        let counts = counts.strip_suffix(" err)")?;
        let (stdout, stderr) = counts.split_once(" out, ")?;
        Some(Self {
            outcome: Outcome::parse(rest)?,
            stdout: stdout.parse().ok()?,
            stderr: stderr.parse().ok()?,
        })
    }
}

impl Outcome {
    fn parse(text: &str) -> Option<Self> {
        if let Some(status) = text.strip_prefix("exit ") {
            return status.parse().ok().map(Self::Exit);
        }
        if let Some(signal) = text.strip_prefix("killed by signal ") {
            return signal.parse().ok().map(Self::Signal);
        }
        if let Some(rest) = text.strip_prefix("cannot run ") {
            let (status, why) = rest.split_once(": ")?;
            return Some(Self::CannotRun(status.parse().ok()?, why.to_owned()));
        }
        text.strip_prefix("broken guest: ").map(|why| Self::Broken(why.to_owned()))
    }

    /// The status that a shell would report.
    #[must_use]
    pub const fn status(&self) -> u8 {
        match self {
            Self::Exit(status) | Self::CannotRun(status, _) => *status,
            Self::Signal(signal) => signal.saturating_add(128),
            Self::Broken(_) => 125,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(status) => write!(f, "exit {status}"),
            Self::Signal(signal) => write!(f, "killed by signal {signal}"),
            Self::CannotRun(status, why) => write!(f, "cannot run {status}: {why}"),
            Self::Broken(why) => write!(f, "broken guest: {why}"),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { outcome, stdout, stderr } = self;
        // One line, whatever a program's name or complaint has in it.
        let outcome = outcome.to_string().replace(char::is_control, " ");
        write!(f, "{PREFIX}{outcome} ({stdout} out, {stderr} err)")
    }
}

const PREFIX: &str = "lab: ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verdict_reads_back_as_it_was_written() {
        for outcome in [
            Outcome::Exit(3),
            Outcome::Signal(9),
            Outcome::CannotRun(127, "nope: No such file (os error 2)".to_owned()),
            Outcome::Broken("mount /proc: EPERM".to_owned()),
        ] {
            let verdict = Verdict { outcome, stdout: 7, stderr: 0 };
            assert_eq!(Verdict::parse(&format!("{verdict}\r\n")), Some(verdict));
        }
    }

    #[test]
    fn a_verdict_is_one_line() {
        let outcome = Outcome::CannotRun(127, "a\nb\r\n: no".to_owned());
        let text = Verdict { outcome, stdout: 0, stderr: 0 }.to_string();
        assert_eq!(text, "lab: cannot run 127: a b  : no (0 out, 0 err)");
    }

    #[test]
    fn other_console_lines_are_no_verdict() {
        for line in ["", "lab: ", "lab: exit 3", "lab: exit 300 (0 out, 0 err)", "[ 1.0] lab: exit"]
        {
            assert_eq!(Verdict::parse(line), None, "{line}");
        }
    }
}
