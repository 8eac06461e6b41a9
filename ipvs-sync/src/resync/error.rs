//! Why a transfer ended early.

use super::refused::Refused;
use crate::net;
use std::fmt;
use std::io;

/// Why a transfer ended before all was told. What arrived before that stays, and the next
/// one goes on from there.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The peer sent what no director with the key sends, or does not have the key.
    Refused(Refused),
    /// The peer said or took nothing for too long.
    Slow,
    /// The peer closed the stream.
    Closed,
    /// The peer asked for the table more often than a transfer needs.
    TooOften,
    /// The stream broke.
    Stream(io::Error),
    /// The connection table cannot be read.
    Table(ipvs::connections::ReadError),
    /// The services, destinations or daemons cannot be read.
    Client(ipvs::Error),
    /// The sync message for the backup daemon cannot be sent.
    Net(net::Error),
    /// No backup daemon runs here that would take the connections.
    NoBackup,
    /// The backup daemon does not take what it is sent.
    Stalled,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("transfer of connections: ")?;
        match self {
            Self::Refused(refused) => refused.fmt(f),
            Self::Slow => f.write_str("the peer is too slow"),
            Self::Closed => f.write_str("the peer closed the stream"),
            Self::TooOften => f.write_str("the peer asked too often"),
            Self::Stream(error) => error.fmt(f),
            Self::Table(error) => error.fmt(f),
            Self::Client(error) => error.fmt(f),
            Self::Net(error) => error.fmt(f),
            Self::NoBackup => f.write_str("no backup daemon runs here: start it first"),
            Self::Stalled => f.write_str("the backup daemon does not take what it is sent"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Refused(refused) => Some(refused),
            Self::Stream(error) => Some(error),
            Self::Table(error) => Some(error),
            Self::Client(error) => Some(error),
            Self::Net(error) => Some(error),
            Self::Slow | Self::Closed | Self::TooOften | Self::NoBackup | Self::Stalled => None,
        }
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<ipvs::connections::ReadError> for Error {
    fn from(error: ipvs::connections::ReadError) -> Self {
        Self::Table(error)
    }
}

impl From<ipvs::Error> for Error {
    fn from(error: ipvs::Error) -> Self {
        Self::Client(error)
    }
}

impl From<net::Error> for Error {
    fn from(error: net::Error) -> Self {
        Self::Net(error)
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
