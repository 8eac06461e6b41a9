//! What operators are told.

use crate::vrrp::router::State;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

/// What an operator should know. It displays with peers as their numbers and virtual routers
/// as their first address; [`text`](Self::text) has the user's names.
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
    /// Connections of others are missing where a router is active, and not fetched before it is
    /// a backup ([`take_beside_active`](super::Director::take_beside_active)).
    Forgone,
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
    /// Its gate opens though they are not here, because it has waited for so long.
    DeadlinePassed {
        /// The router.
        address: IpAddr,
        /// For how long.
        waited: Duration,
    },
    /// The peer does not hand over, though the router here has a higher priority and all
    /// connections. It is asked again.
    ClaimRefused {
        /// The router.
        address: IpAddr,
        /// The peer.
        peer: usize,
        /// Why.
        reason: String,
    },
    /// Nobody hands over to the router here, which has a higher priority and all connections:
    /// it takes over by itself.
    ClaimGivenUp {
        /// The router.
        address: IpAddr,
        /// For how long it has asked.
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
    /// A router did not hand over.
    Held {
        /// The router.
        address: IpAddr,
        /// Why.
        why: Held,
    },
}

/// Why a router did not hand over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Held {
    /// There is no such router here.
    Unknown,
    /// It is not active.
    NotActive,
    /// It was, or one that moves with it, until it was known who takes over.
    NoLongerActive,
    /// There is no other director.
    Alone,
    /// The connections here could not be noted.
    NotNoted(
        /// Why.
        String,
    ),
    /// No peer can take over, for these reasons.
    Peers(
        /// Of each peer by its number.
        Vec<(usize, CannotTake)>,
    ),
    /// It was not known in time.
    TooLate(
        /// After this.
        Duration,
    ),
}

/// Why a peer cannot take over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CannotTake {
    /// It does not answer.
    Lost(
        /// Why.
        String,
    ),
    /// It does not have the router.
    HasNot,
    /// The router is no backup there.
    Is(
        /// But this.
        State,
    ),
    /// It does not have all connections.
    NotReady,
    /// It does not take those that it may lack.
    NotPrepared(
        /// Why.
        String,
    ),
}

impl Notice {
    /// Its text, with the names that the user has for routers and peers.
    pub fn text(
        &self,
        router: impl Fn(IpAddr) -> String,
        peer: impl Fn(usize) -> String,
    ) -> String {
        match self {
            Self::Reached { peer: number } => format!("{} answers", peer(*number)),
            Self::Lost { peer: number, reason } => {
                format!("{} does not answer: {reason}", peer(*number))
            }
            Self::TransferFailed { peer: number, reason } => {
                format!("the connections of {} are not here: {reason}", peer(*number))
            }
            Self::Forgone => {
                "connections of other directors are not fetched while a virtual router is \
                              active: with backup_only nothing would be balanced meanwhile"
                    .to_owned()
            }
            Self::Ready { address } => {
                format!("{}: all connections are here", router(*address))
            }
            Self::NotReady { address, reason } => {
                format!("{}: connections may be missing: {reason}", router(*address))
            }
            Self::DeadlinePassed { address, waited } => format!(
                "{}: connections may be missing after {waited:?}, waits no longer",
                router(*address)
            ),
            Self::ClaimRefused { address, peer: number, reason } => {
                format!("{}: {} does not hand over: {reason}", router(*address), peer(*number))
            }
            Self::ClaimGivenUp { address, waited } => format!(
                "{}: takes over by itself, nobody handed over within {waited:?}",
                router(*address)
            ),
            Self::HandedOver { address, peer: number } => {
                format!("{}: handed over to {}", router(*address), peer(*number))
            }
            Self::NotTaken { address, peer: number, reason } => format!(
                "{}: {} did not take over at once: {reason}",
                router(*address),
                peer(*number)
            ),
            Self::Held { address, why } => {
                format!("{}: not handed over: {}", router(*address), why.text(peer))
            }
        }
    }
}

impl Held {
    /// Its text, with the names that the user has for peers.
    pub fn text(&self, peer: impl Fn(usize) -> String) -> String {
        match self {
            Self::Unknown => "there is no such virtual router".to_owned(),
            Self::NotActive => "it is not active".to_owned(),
            Self::NoLongerActive => "it is no longer active".to_owned(),
            Self::Alone => "there is no other director".to_owned(),
            Self::NotNoted(reason) => format!("its connections cannot be read: {reason}"),
            Self::Peers(peers) => {
                let texts = peers.iter().map(|(number, why)| why.text(&peer(*number)));
                texts.collect::<Vec<_>>().join("; ")
            }
            Self::TooLate(after) => format!("it did not come to pass within {after:?}"),
        }
    }
}

impl CannotTake {
    fn text(&self, peer: &str) -> String {
        match self {
            Self::Lost(reason) => format!("{peer} does not answer: {reason}"),
            Self::HasNot => format!("{peer} does not have it"),
            Self::Is(state) => format!("at {peer} it is {state}"),
            Self::NotReady => format!("{peer} does not have all connections"),
            Self::NotPrepared(reason) => format!("{peer} does not take the connections: {reason}"),
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(|address| address.to_string(), |peer| format!("peer {peer}")))
    }
}
