//! Why a transfer failed.

use super::report::Report;
use crate::net;
use crate::peer::{self, Refused};
use std::fmt;
use std::io;

/// Why a transfer ended before all was told, or brought too little. What arrived stays; the
/// next one goes on from where one ended early.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The stream to the peer ended, by its fault or not.
    Peer(peer::Error),
    /// The peer asked for the table more often than a transfer needs.
    TooOften,
    /// The connection table cannot be read.
    Table(ipvs::connections::ReadError),
    /// The services, destinations or daemons cannot be read.
    Client(ipvs::Error),
    /// The sync message for the backup daemon cannot be sent.
    Net(net::Error),
    /// No backup daemon runs here that would take the connections.
    NoBackup,
    /// The queue of the backup daemon cannot be looked at.
    Queue(io::Error),
    /// The backup daemon does not take what it is sent.
    Stalled,
    /// All was told and sent to the backup daemon, more than once, and most of it is not in
    /// the kernel's table.
    Missing(Report),
    /// There are connections, and no service here has a destination to which one could go.
    NoDestination,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("transfer of connections: ")?;
        match self {
            Self::Peer(error) => error.fmt(f),
            Self::TooOften => f.write_str("the peer asked too often"),
            Self::Queue(error) => write!(f, "queue of the backup daemon: {error}"),
            Self::Table(error) => error.fmt(f),
            Self::Client(error) => error.fmt(f),
            Self::Net(error) => error.fmt(f),
            Self::NoBackup => f.write_str("no backup daemon runs here: start it first"),
            Self::Stalled => f.write_str("the backup daemon does not take what it is sent"),
            Self::Missing(report) => write!(
                f,
                "{report}: what is sent to the backup daemon does not arrive (a packet filter \
                 of its port must let through what this host sends to itself)"
            ),
            Self::NoDestination => {
                f.write_str("no service here has a destination: they are to be there first")
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Peer(error) => Some(error),
            Self::Queue(error) => Some(error),
            Self::Table(error) => Some(error),
            Self::Client(error) => Some(error),
            Self::Net(error) => Some(error),
            Self::TooOften | Self::NoBackup | Self::Stalled => None,
            Self::Missing(_) | Self::NoDestination => None,
        }
    }
}

impl From<peer::Error> for Error {
    fn from(error: peer::Error) -> Self {
        Self::Peer(error)
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::Peer(refused.into())
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
