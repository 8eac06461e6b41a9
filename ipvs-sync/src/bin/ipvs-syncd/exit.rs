//! How a command ends.

use std::fmt;
use std::process::ExitCode;

/// The exit codes, which stay what they are. 0 is success, and 2 a bad command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The system refused something.
    System = 1,
    /// The configuration is wrong.
    Configuration = 3,
    /// A capability is missing.
    Permission = 4,
    /// No daemon answers.
    NoDaemon = 5,
    /// The daemon refused the request.
    Refused = 6,
    /// The doctor has findings.
    Findings = 7,
}

/// Why a command failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) text: String,
}

impl Failure {
    pub(crate) fn new(exit: Exit, text: impl fmt::Display) -> Self {
        Self { exit, text: text.to_string() }
    }

    pub(crate) fn system(text: impl fmt::Display) -> Self {
        Self::new(Exit::System, text)
    }
}

/// What the kernel says of IPVS.
impl From<ipvs::Error> for Failure {
    fn from(error: ipvs::Error) -> Self {
        match error.is_permission() {
            true => Self::new(Exit::Permission, error),
            false => Self::system(error),
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
