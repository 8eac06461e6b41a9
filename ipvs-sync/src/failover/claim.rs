//! Taking over from one of lower priority: it is asked to hand over first.

use super::director::Director;
use super::event::Action;
use super::handover::LIMIT;
use super::notice::Notice;
use super::own::{Own, Ready};
use super::peers::Peer;
use crate::vrrp::Time;
use crate::vrrp::router::State;
use std::net::IpAddr;
use std::time::Duration;

/// The active one was asked to hand over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    since: Time,
    /// When it is asked again. What it does already it does not begin anew.
    again: Time,
    /// Until when the gate stays closed.
    until: Time,
    /// It does so, and the connections are taken once more before.
    is_granted: bool,
}

/// How long a router waits for the active one to begin to hand over.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often that one is asked. It may be another by then.
const AGAIN: Duration = Duration::from_secs(5);

impl Claim {
    fn new(now: Time) -> Self {
        Self { since: now, again: now, until: now + PATIENCE, is_granted: false }
    }

    /// The active one is to hand over, which takes as long as its table is. That counts once:
    /// where it never comes to pass there must be an end.
    pub(super) fn granted(self, now: Time) -> Self {
        let until = if self.is_granted { self.until } else { now + LIMIT };
        Self { until, is_granted: true, ..self }
    }
}

impl Own {
    /// Until when the gate stays closed though the router has all connections, and has claimed.
    pub(super) fn claims_until(&self) -> Option<Time> {
        self.claim.filter(|_| self.ready == Ready::Yes && !self.is_open).map(|claim| claim.until)
    }
}

impl Director {
    /// Whether the routers that have the connections of this peer would take over from it is
    /// seen as often as it is asked: that can change with each advertisement, and with each
    /// configuration.
    pub(super) fn look(&mut self, peer: usize) {
        let Some(peer) = self.peers.get(peer) else { return };
        for (address, own) in &self.routers {
            // One that has waited for long enough may have no reason any more.
            let may_claim = own.ready == Ready::Yes && (!own.is_open || own.claim.is_some());
            if own.state == State::Backup && may_claim && peer.is_active(*address, own.since) {
                self.actions.push_back(Action::Look { address: *address });
            }
        }
    }

    /// A router that would take over if its gate were open asks the active one to hand over:
    /// a preemption would lose the connections of the last seconds.
    pub(super) fn looked(&mut self, address: IpAddr, preempts: Option<u8>) {
        let now = self.now;
        let Some(own) = self.routers.get_mut(&address) else { return };
        let Some(priority) = preempts else {
            if own.claim.take().is_some() {
                self.actions.extend(own.gate(address, false));
            }
            return;
        };
        if own.ready != Ready::Yes || own.is_open {
            return;
        }
        let claim = own.claim.get_or_insert_with(|| Claim::new(now));
        let is_there = |peer: &Peer| peer.is_active(address, own.since);
        let Some(peer) = self.peers.iter().position(is_there) else { return };
        if now >= claim.again {
            claim.again = now + AGAIN;
            self.actions.push_back(Action::Claim { peer, address, priority });
        }
    }

    /// If the active one does not hand over in time, there is no better way than to take over.
    pub(super) fn give_up_claims(&mut self) {
        let now = self.now;
        for (&address, own) in &mut self.routers {
            let Some(claim) = own.claim else { continue };
            if own.claims_until().is_some_and(|until| now >= until) {
                let waited = now - claim.since;
                let notice = Notice::ClaimGivenUp { address, waited };
                self.actions.extend(own.gate(address, true));
                self.actions.push_back(Action::Notice(notice));
            }
        }
    }

    /// The active one does not hand over. It may be another by now, or may later.
    pub(super) fn does_not_get(&mut self, address: IpAddr, peer: usize, reason: String) {
        if self.routers.get(&address).is_some_and(|own| own.claim.is_some()) {
            self.tell(Notice::ClaimRefused { address, peer, reason });
        }
    }
}
