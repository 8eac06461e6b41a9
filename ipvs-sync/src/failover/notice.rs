//! What operators are told.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

/// What an operator should know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// A peer answers.
    Reached {
        /// The peer.
        peer: usize,
    },
    /// A peer does not answer, or no longer.
    Lost {
        /// The peer.
        peer: usize,
        /// Why.
        reason: String,
    },
    /// The table of a peer could not be taken whole. It is tried again.
    TransferFailed {
        /// The peer.
        peer: usize,
        /// Why.
        reason: String,
    },
    /// The connections of the active router are here.
    Ready {
        /// The router.
        address: IpAddr,
    },
    /// They may no longer be, while it is a backup.
    NotReady {
        /// The router.
        address: IpAddr,
        /// Why.
        reason: String,
    },
    /// It counts as ready though they are not, because it has waited for so long.
    DeadlinePassed {
        /// The router.
        address: IpAddr,
        /// For how long.
        waited: Duration,
    },
    /// A router handed over, and this peer is told to take over.
    HandedOver {
        /// The router.
        address: IpAddr,
        /// The peer.
        peer: usize,
    },
    /// The peer did not take over at once. The router here does again, unless another has.
    NotTaken {
        /// The router.
        address: IpAddr,
        /// The peer.
        peer: usize,
        /// Why.
        reason: String,
    },
    /// A router did not hand over: nobody could take over, or it is not active.
    Held {
        /// The router.
        address: IpAddr,
        /// Why.
        reason: String,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reached { peer } => write!(f, "peer {peer} answers"),
            Self::Lost { peer, reason } => write!(f, "peer {peer} does not answer: {reason}"),
            Self::TransferFailed { peer, reason } => {
                write!(f, "the connections of peer {peer} are not here: {reason}")
            }
            Self::Ready { address } => write!(f, "{address}: all connections are here"),
            Self::NotReady { address, reason } => {
                write!(f, "{address}: connections may be missing: {reason}")
            }
            Self::DeadlinePassed { address, waited } => {
                write!(f, "{address}: connections may be missing after {waited:?}, waits no longer")
            }
            Self::HandedOver { address, peer } => {
                write!(f, "{address}: handed over to peer {peer}")
            }
            Self::NotTaken { address, peer, reason } => {
                write!(f, "{address}: peer {peer} did not take over at once: {reason}")
            }
            Self::Held { address, reason } => write!(f, "{address}: not handed over: {reason}"),
        }
    }
}
