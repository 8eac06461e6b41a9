//! Taking over from one of lower priority: it is asked to hand over first.

use super::director::{Director, is_there};
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
    /// Since when it says that it does.
    granted: Option<Time>,
    /// Since when it says that it does not.
    refused: Option<Time>,
}

/// A peer that has asked for a router here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Claimant {
    pub(super) peer: usize,
    pub(super) request: u64,
    /// Of the router there.
    pub(super) priority: u8,
}

/// How long a router waits for an active one that does not say that it hands over.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often that one is asked. It may be another by then.
const AGAIN: Duration = Duration::from_secs(5);

impl Claim {
    fn new(now: Time) -> Self {
        Self { since: now, again: now, granted: None, refused: None }
    }

    /// The active one is to hand over.
    pub(super) fn granted(self, now: Time) -> Self {
        Self { granted: self.granted.or(Some(now)), refused: None, ..self }
    }

    fn refused(self, now: Time) -> Self {
        Self { refused: self.refused.or(Some(now)), ..self }
    }

    /// Until when the gate stays closed. To hand over takes as long as the table is, but that
    /// counts from the first time: where it never comes to pass there must be an end.
    fn until(&self) -> Time {
        let Some(granted) = self.granted else { return self.since + PATIENCE };
        let refused = self.refused.map(|refused| refused + PATIENCE);
        refused.into_iter().fold(granted + LIMIT, Time::min)
    }
}

impl Own {
    /// Until when the gate stays closed though the router has all connections, and has claimed.
    pub(super) fn claims_until(&self) -> Option<Time> {
        self.claim.filter(|_| self.ready == Ready::Yes && !self.is_open).map(|claim| claim.until())
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

    /// The active one hands over, or does not. It may be another by now, or may later.
    pub(super) fn claimed(&mut self, address: IpAddr, peer: usize, result: Result<(), String>) {
        let Some(own) = self.routers.get_mut(&address) else { return };
        let Some(claim) = &mut own.claim else { return };
        match result {
            Ok(()) => *claim = claim.granted(self.now),
            Err(reason) => {
                *claim = claim.refused(self.now);
                self.tell(Notice::ClaimRefused { address, peer, reason });
            }
        }
    }

    /// A peer asks for a router here, and so for all that move with it.
    pub(super) fn claim_asked(
        &mut self,
        by: Claimant,
        address: IpAddr,
        own_priority: u8,
        addresses: Vec<IpAddr>,
    ) {
        let reason = match self.state(address) {
            // That it has resigned may be told later.
            Some(State::Active) if self.is_being_told(address) => {
                format!("{address} has just been handed over")
            }
            Some(State::Active) if own_priority < by.priority => {
                return self.hand_over(addresses, Some(by));
            }
            Some(State::Active) => {
                format!("its priority there is {own_priority}, and not below {}", by.priority)
            }
            state => is_there(address, state),
        };
        self.answer(by, Err(reason));
    }

    pub(super) fn answer(&mut self, to: Claimant, result: Result<(), String>) {
        self.actions.push_back(Action::Answer { request: to.request, result });
    }
}
