//! What the user of a link hears.

use crate::peer::{self, Standing};
use crate::resync::{self, Progress, Recent, Report};
use std::net::IpAddr;

/// What came of what was asked for, and what others ask for. Peers are named by their
/// number.
#[derive(Debug)]
#[non_exhaustive]
pub enum Told {
    /// What the virtual routers of a peer are.
    Answer {
        /// The peer.
        peer: usize,
        /// Each of its routers, or why they are not known.
        result: Result<Vec<Standing>, peer::Error>,
    },
    /// A transfer goes on; told four times a second at most.
    Progress {
        /// The peer whose table it is.
        peer: usize,
        /// How far it is.
        progress: Progress,
    },
    /// A transfer has ended.
    Transferred {
        /// The peer whose table it is.
        peer: usize,
        /// What came of it.
        result: Result<Report, resync::Error>,
    },
    /// The connections here have been noted, or why not.
    Noted {
        /// Why not.
        result: Result<(), resync::Error>,
    },
    /// A peer hands over, and asks that a router here takes over; to be answered by
    /// [`Link::answer`](super::Link::answer).
    PromoteAsked {
        /// The number of the question, for the answer.
        request: u64,
        /// The peer.
        from: usize,
        /// The first virtual address of the router.
        address: IpAddr,
        /// What became of its connections that were too young to be known here.
        recent: Result<Recent, resync::Error>,
    },
    /// A peer asks that a router here hands over to it; to be answered by
    /// [`Link::answer`](super::Link::answer).
    ClaimAsked {
        /// The number of the question, for the answer.
        request: u64,
        /// The peer.
        from: usize,
        /// The first virtual address of the router.
        address: IpAddr,
        /// The priority of the peer's: a router here whose is not lower stays.
        priority: u8,
    },
    /// A peer is about to hand over, and asks that its connections are taken again; to be
    /// answered by [`Link::answer`](super::Link::answer).
    PrepareAsked {
        /// The number of the question, for the answer.
        request: u64,
        /// The peer.
        from: usize,
        /// The first virtual address of the router.
        address: IpAddr,
    },
    /// A peer was asked to take the connections again.
    Prepared {
        /// The peer.
        peer: usize,
        /// The first virtual address of the router.
        address: IpAddr,
        /// Nothing if it takes them; it is ready again when it has them.
        result: Result<(), peer::Error>,
    },
    /// A peer was asked that a router hands over.
    Claimed {
        /// The peer.
        peer: usize,
        /// The first virtual address of the router.
        address: IpAddr,
        /// Nothing if it does; [`peer::Error::Declined`] if it does not, and
        /// another if that is not known.
        result: Result<(), peer::Error>,
    },
    /// A peer was asked that a router takes over.
    Promoted {
        /// The peer.
        peer: usize,
        /// The first virtual address of the router.
        address: IpAddr,
        /// Nothing if it does; [`peer::Error::Declined`] if it does not, and another if
        /// that is not known.
        result: Result<(), resync::Error>,
    },
}

/// What became of those that connected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Counters {
    /// They got an answer, or were told why not.
    pub served: u64,
    /// They came from an address that no peer has.
    pub strangers: u64,
    /// They came while eight others were served.
    pub busy: u64,
    /// They did not have the key, or sent again what one that has it had sent.
    pub without_key: u64,
    /// They sent what no director sends, or were slow or gone, or the stream broke.
    pub broken: u64,
}
