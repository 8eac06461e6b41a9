//! Why a link was not started.

use ipvs::NamespaceError;
use std::fmt;
use std::io;
use std::net::SocketAddr;

/// Why a link was not started.
#[derive(Debug)]
#[non_exhaustive]
pub enum LinkError {
    /// It cannot listen there.
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// The network namespace could not be entered.
    Namespace(NamespaceError),
    /// The system gave no thread, or no descriptor.
    System(io::Error),
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen { address, error } => write!(f, "listen at {address}: {error}"),
            Self::Namespace(error) => error.fmt(f),
            Self::System(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for LinkError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Listen { error, .. } | Self::System(error) => Some(error),
            Self::Namespace(error) => Some(error),
        }
    }
}
