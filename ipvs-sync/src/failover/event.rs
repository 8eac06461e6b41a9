//! What a [`Director`](super::Director) is told, and what it wants done.

use crate::peer::Standing;
use crate::vrrp::router::State;
use std::net::IpAddr;

/// Something that happened. Peers are named by their number from 0, virtual routers by
/// their first virtual address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A virtual router is here, or is in another state.
    State {
        /// The router.
        address: IpAddr,
        /// The state that it is in.
        state: State,
        /// It was active until now and handed over by itself
        /// ([`Cause::HandedOver`](crate::vrrp::router::Cause::HandedOver) and
        /// [`Cause::GaveWay`](crate::vrrp::router::Cause::GaveWay), or left with one of its
        /// group that did), so that it knows all that its successor began with.
        has_handed_over: bool,
    },
    /// A virtual router is no longer here.
    Gone {
        /// The router.
        address: IpAddr,
    },
    /// What came of an [`Action::Look`].
    Looked {
        /// The router.
        address: IpAddr,
        /// Its priority, if it and all that move with it would take over from one of lower
        /// priority but for their gates (`runtime::Status::preempts`).
        preempts: Option<u8>,
    },
    /// Another was active besides a router here
    /// ([`Report::DualActive`](crate::vrrp::router::Report::DualActive)).
    DualActive {
        /// The router.
        address: IpAddr,
    },
    /// The kernel's backup daemon was started anew: what others sent before is not known.
    BackupStarted,
    /// What became of an [`Action::Ask`]: the peer's routers, or why there is no answer.
    Answer {
        /// The peer.
        peer: usize,
        /// Its routers.
        result: Result<Vec<Standing>, String>,
    },
    /// What became of an [`Action::Transfer`].
    Transferred {
        /// The peer whose table it was.
        peer: usize,
        /// Whether all of it is here now.
        result: Result<(), String>,
    },
    /// The operator wants routers that move together, or one that moves alone, to hand over.
    /// If they can, [`Action::Resign`] follows some seconds later, and
    /// [`Notice::HandedOver`](super::Notice::HandedOver) of each; else
    /// [`Notice::Held`](super::Notice::Held), of each and within five minutes. Those
    /// that do so already are not told again.
    HandOver {
        /// The routers.
        addresses: Vec<IpAddr>,
    },
    /// A peer wants a router to hand over to it. [`Action::Answer`] follows as soon as it is
    /// known whether it does. It is told what it would be of a [`HandOver`](Self::HandOver), but
    /// nothing where its priority or state speaks against it.
    ClaimAsked {
        /// A number for the answer.
        request: u64,
        /// The peer.
        peer: usize,
        /// The router.
        address: IpAddr,
        /// Its priority there.
        priority: u8,
        /// Its priority here.
        own_priority: u8,
        /// All that move with it, itself among them.
        addresses: Vec<IpAddr>,
    },
    /// What became of an [`Action::Note`].
    Noted {
        /// Why not.
        result: Result<(), String>,
    },
    /// A peer is about to hand over, and asks that its connections are taken again. Until they
    /// are here the router is not ready. [`Action::Answer`] follows.
    PrepareAsked {
        /// A number for the answer.
        request: u64,
        /// The router.
        address: IpAddr,
    },
    /// What became of an [`Action::Prepare`].
    Prepared {
        /// The peer.
        peer: usize,
        /// The router.
        address: IpAddr,
        /// Whether it takes the connections.
        result: Result<(), String>,
    },
    /// A peer hands over, and asks that the router here takes over. [`Action::Answer`] follows.
    PromoteAsked {
        /// A number for the answer.
        request: u64,
        /// The router.
        address: IpAddr,
    },
    /// What became of an [`Action::Claim`].
    Claimed {
        /// The peer.
        peer: usize,
        /// The router.
        address: IpAddr,
        /// Whether it hands over.
        result: Result<(), String>,
    },
    /// What became of an [`Action::Promote`].
    Promoted {
        /// The peer.
        peer: usize,
        /// The router.
        address: IpAddr,
        /// Whether it says that it took over.
        result: Result<(), String>,
    },
    /// The time that [`poll_timeout`](super::Director::poll_timeout) said has come. At
    /// another time it does nothing.
    Tick,
}

/// Something to do. What becomes of the first seven is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Ask a peer for its routers. It is not asked again before the answer was told.
    Ask {
        /// The peer.
        peer: usize,
    },
    /// Take a peer's connection table. It is not asked for another before this has ended.
    Transfer {
        /// The peer.
        peer: usize,
    },
    /// Note which connections are here.
    Note,
    /// Have a peer take the connections here again.
    Prepare {
        /// The peer.
        peer: usize,
        /// The router, or the first of those that move together.
        address: IpAddr,
    },
    /// Tell a peer to take over, and give it the connections that were not noted.
    Promote {
        /// The peer.
        peer: usize,
        /// The router, or the first of those that move together.
        address: IpAddr,
    },
    /// Ask a peer to hand over to this director.
    Claim {
        /// The peer.
        peer: usize,
        /// The router.
        address: IpAddr,
        /// The priority of the router here: who is active with one that is not lower does not
        /// hand over.
        priority: u8,
    },
    /// See whether a router would take over if its gate were open.
    Look {
        /// The router.
        address: IpAddr,
    },
    /// Open the gate of a router, or close it: `runtime::Handle::sync_ready`.
    Gate {
        /// The router.
        address: IpAddr,
        /// Whether it may take over from one of lower priority that does not hand over.
        is_open: bool,
    },
    /// The active router hands over: `runtime::Handle::resign`, or `give_way` to one of higher
    /// priority that has asked for it. It is to be done, and the addresses gone, before the
    /// [`Promote`](Self::Promote) that follows.
    Resign {
        /// The router, or the first of those that move together.
        address: IpAddr,
        /// Whether another has asked for it.
        gives_way: bool,
    },
    /// The backup takes over at once: `runtime::Handle::promote`.
    TakeOver {
        /// The router.
        address: IpAddr,
    },
    /// The answer to a peer that asked.
    Answer {
        /// Its request.
        request: u64,
        /// Whether that is done, or why not.
        result: Result<(), String>,
    },
    /// Tell the operator.
    Notice(super::Notice),
}
