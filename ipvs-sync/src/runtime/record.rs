//! What the virtual routers tell.

use crate::net;
use crate::net::InterfaceAddress;
use crate::vrrp::packet::Counters;
use crate::vrrp::router::{Cause, Report, State};
use crate::vrrp::{Rank, Time};

/// Something that happened, with its place in the order of all that happened.
#[derive(Debug)]
pub struct Record {
    /// One more than that of the record before. If it is more than that, those between
    /// were lost: nobody took them in time.
    pub sequence: u64,
    /// When.
    pub time: Time,
    /// Which virtual router, by its number in the order in which they were given.
    pub router: usize,
    /// What.
    pub event: Event,
}

/// What happened.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// A router is in another state. What belongs to that is done: its addresses are
    /// there and announced, or gone. If not all could be installed, it hands over next
    /// ([`Cause::NotInstalled`]).
    State {
        /// The state before.
        from: State,
        /// The state that it is in.
        to: State,
        /// Why.
        cause: Cause,
    },
    /// What an operator should know.
    Report(Report),
    /// Somebody else deleted virtual addresses.
    Deleted {
        /// Those that are missing.
        addresses: Vec<InterfaceAddress>,
    },
    /// Something was not carried out. Of many addresses that were refused together this is
    /// the first.
    Failed(net::Error),
}

/// What a router is, and what came to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Its state.
    pub state: State,
    /// Its rank, as low as what is tracked makes it.
    pub rank: Rank,
    /// Whether it takes over from the router of lower priority that it heard last, or would
    /// but for its gate and its group.
    pub preempts: bool,
    /// How many advertisements it accepted.
    pub accepted: u64,
    /// How often packets were dropped, or odd, and why.
    pub counters: Counters,
    /// The same of packets on its interface that were for no router here.
    pub unclaimed: Counters,
}
