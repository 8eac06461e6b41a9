//! What directors tell each other besides advertisements and sync messages.

use crate::vrrp::router::State;
use std::net::IpAddr;

/// A virtual router on one director.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its first virtual address, by which directors name it: that is the same on all of
    /// them, as the names of routers and interfaces need not be.
    pub address: IpAddr,
    /// Its state.
    pub state: State,
    /// Whether the connections of the active one are there.
    pub is_ready: bool,
}
