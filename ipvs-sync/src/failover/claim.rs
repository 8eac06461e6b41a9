//! Taking over from one of lower priority: it is asked to hand over first.

use super::director::Director;
use super::event::Action;
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
    /// When it is asked again. What it does already it does not begin anew.
    again: Time,
    /// Until when the gate stays closed.
    pub(super) until: Time,
}

/// How long a router waits for the active one to hand over: more than that takes, unless its
/// table is slow to read.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often that one is asked. It may be another by then.
const AGAIN: Duration = Duration::from_secs(5);

impl Director {
    /// Whether the routers that may take over without losing connections would is seen as
    /// often as the peers are asked: it can change with each advertisement, and with each
    /// configuration.
    pub(super) fn look(&mut self) {
        for (address, own) in &self.routers {
            let is_elsewhere = self.peers.iter().any(|peer| peer.is_active(*address, own.since));
            if own.state == State::Backup && can_claim(own) && is_elsewhere {
                self.actions.push_back(Action::Look { address: *address });
            }
        }
    }

    /// A router that would take over if its gate were open asks the active one to hand over:
    /// a preemption would lose the connections of the last seconds.
    pub(super) fn looked(&mut self, address: IpAddr, preempts: Option<u8>) {
        let now = self.now;
        let Some(own) = self.routers.get_mut(&address).filter(|own| can_claim(own)) else { return };
        let Some(priority) = preempts else {
            own.claim = None;
            return;
        };
        let claim = own.claim.unwrap_or(Claim { again: now, until: now + PATIENCE });
        own.claim = Some(claim);
        let is_there = |peer: &Peer| peer.is_active(address, own.since);
        let Some(peer) = self.peers.iter().position(is_there) else { return };
        if now >= claim.again {
            own.claim = Some(Claim { again: now + AGAIN, ..claim });
            self.actions.push_back(Action::Claim { peer, address, priority });
        }
    }

    /// If the active one does not hand over in time, there is no better way than to take over.
    pub(super) fn give_up_claims(&mut self) {
        let now = self.now;
        for (address, own) in &mut self.routers {
            if own.claim.take_if(|claim| now >= claim.until).is_some() {
                self.actions.extend(own.gate(*address, true));
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

fn can_claim(own: &Own) -> bool {
    own.ready == Ready::Yes && !own.is_open
}
