//! The virtual routers here.

use crate::vrrp::Time;
use crate::vrrp::router::State;
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
    /// It would take over from one of lower priority, but for its gate.
    pub(super) is_held: bool,
    pub(super) is_open: bool,
    /// Until when it waits for the active one, which it has asked to hand over.
    pub(super) claims: Option<Time>,
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
        Self { state, ready, since: now, waits: now, is_held: false, is_open: false, claims: None }
    }

    /// Whether connections may be missing here.
    pub(super) fn misses(&self) -> bool {
        self.state == State::Backup && self.ready != Ready::Yes
    }

    /// Whether it is to ask the active one to hand over, or has.
    pub(super) fn is_to_claim(&self) -> bool {
        self.is_held && self.ready == Ready::Yes && !self.is_open
    }

    /// When it waits no longer.
    pub(super) fn deadline(&self, deadline: Option<Duration>) -> Option<Time> {
        let is_waiting = self.state == State::Backup && self.ready == Ready::No;
        deadline.filter(|_| is_waiting).map(|deadline| self.waits + deadline)
    }
}
