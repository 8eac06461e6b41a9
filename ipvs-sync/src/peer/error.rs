//! Why an exchange ended early.

use super::refused::Refused;
use std::fmt;
use std::io;

/// Why an exchange with a peer ended before all was said.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The peer sent what no director with the key sends, or does not have the key.
    Refused(Refused),
    /// The peer does not do what it was asked for.
    Declined {
        /// Its reason.
        reason: String,
    },
    /// The peer said or took nothing for too long.
    Slow,
    /// The peer closed the stream.
    Closed,
    /// The stream broke, or was never there.
    Stream(io::Error),
}

impl Error {
    /// What the peer says is shown on terminals: it controls none.
    pub(crate) fn declined(reason: &str) -> Self {
        Self::Declined { reason: reason.replace(char::is_control, " ") }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refused) => refused.fmt(f),
            Self::Declined { reason } => write!(f, "the peer declined: {reason}"),
            Self::Slow => f.write_str("the peer is too slow"),
            Self::Closed => f.write_str("the peer closed the stream"),
            Self::Stream(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Refused(refused) => Some(refused),
            Self::Stream(error) => Some(error),
            Self::Declined { .. } | Self::Slow | Self::Closed => None,
        }
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Self::Slow,
            io::ErrorKind::UnexpectedEof | io::ErrorKind::WriteZero => Self::Closed,
            _ => Self::Stream(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_controls_no_terminal() {
        let error = Error::declined("no\x1b[2J\n\0way");
        assert_eq!(error.to_string(), "the peer declined: no [2J  way");
    }
}
