//! How a command ends.

use ipvs::NamespaceError;
use ipvs_sync::failover::LinkError;
use std::fmt;
use std::io;
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

    /// The system refused something, for want of a permission or not.
    pub(crate) fn refused(is_permission: bool, text: impl fmt::Display) -> Self {
        Self::new(if is_permission { Exit::Permission } else { Exit::System }, text)
    }

    /// What the system says of a thing.
    pub(crate) fn io(thing: impl fmt::Display, error: &io::Error) -> Self {
        Self::refused(is_permission(error), format!("{thing}: {error}"))
    }
}

/// What the kernel says of IPVS.
impl From<ipvs::Error> for Failure {
    fn from(error: ipvs::Error) -> Self {
        Self::refused(error.is_permission(), error)
    }
}

impl From<NamespaceError> for Failure {
    fn from(error: NamespaceError) -> Self {
        Self::refused(error.is_permission(), error)
    }
}

/// Why the link to the other directors was not started.
impl From<LinkError> for Failure {
    fn from(error: LinkError) -> Self {
        let is_permission = match &error {
            LinkError::Listen { error, .. } | LinkError::System(error) => is_permission(error),
            LinkError::Namespace(error) => error.is_permission(),
            _ => false,
        };
        Self::refused(is_permission, error)
    }
}

fn is_permission(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
