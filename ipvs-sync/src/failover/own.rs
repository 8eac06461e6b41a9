//! The virtual routers here.

use super::claim::Claim;
use super::event::Action;
use crate::vrrp::Time;
use crate::vrrp::router::State;
use std::net::IpAddr;
use std::time::Duration;

/// A virtual router here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Own {
    pub(super) state: State,
    /// Whether the connections of the active one are here; of a backup only.
    pub(super) ready: Ready,
    /// From when on what a peer tells and gives counts.
    pub(super) since: Time,
    /// Since when it waits to be ready.
    pub(super) waits: Time,
    pub(super) is_open: bool,
    /// It has asked the active one to hand over.
    pub(super) claim: Option<Claim>,
    /// When it has handed over, or its successor said that it takes over.
    pub(super) handed_over: Option<Time>,
    /// When it became active last.
    pub(super) activated: Option<Time>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ready {
    No,
    /// It has waited for long enough, and still looks for them.
    ByDeadline,
    Yes,
}

impl Own {
    pub(super) fn new(now: Time) -> Self {
        let (state, ready) = (State::Stopped, Ready::No);
        Self {
            state,
            ready,
            since: now,
            waits: now,
            is_open: false,
            claim: None,
            handed_over: None,
            activated: None,
        }
    }

    /// Opens the gate, or closes it, if it is not so already.
    pub(super) fn gate(&mut self, address: IpAddr, is_open: bool) -> Option<Action> {
        let was_open = std::mem::replace(&mut self.is_open, is_open);
        (was_open != is_open).then_some(Action::Gate { address, is_open })
    }

    /// Whether connections may be missing here.
    pub(super) fn misses(&self) -> bool {
        self.state == State::Backup && self.ready != Ready::Yes
    }

    /// When it waits no longer.
    pub(super) fn deadline(&self, deadline: Option<Duration>) -> Option<Time> {
        let is_waiting = self.state == State::Backup && self.ready == Ready::No;
        deadline.filter(|_| is_waiting).map(|deadline| self.waits + deadline)
    }
}
