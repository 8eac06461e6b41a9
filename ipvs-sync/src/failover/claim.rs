//! Taking over from one of lower priority: it is asked to hand over first.

use super::director::Director;
use super::event::Action;
use super::notice::Notice;
use super::peers::Peer;
use crate::vrrp::router::State;
use std::net::IpAddr;
use std::time::Duration;

/// How long a router waits for the active one to hand over: more than that takes, unless its
/// table is slow to read.
const PATIENCE: Duration = Duration::from_secs(20);

impl Director {
    /// A router would take over from one of lower priority.
    pub(super) fn is_held(&mut self, address: IpAddr) {
        if let Some(own) = self.routers.get_mut(&address) {
            own.is_held = own.state == State::Backup;
        }
    }

    /// A router that would take over if its gate were open asks the active one to hand over:
    /// a preemption would lose the connections of the last seconds. If that does not come
    /// to pass in time, the gate opens.
    pub(super) fn claim(&mut self) {
        let mut late = Vec::new();
        for (address, own) in self.routers.iter_mut().filter(|(_, own)| own.is_to_claim()) {
            let address = *address;
            match own.claims {
                Some(until) if self.now >= until => late.push(address),
                Some(_) => {}
                None => {
                    let is_there = |peer: &Peer| peer.is_active(address, own.since);
                    let Some(peer) = self.peers.iter().position(is_there) else { continue };
                    own.claims = Some(self.now + PATIENCE);
                    self.actions.push_back(Action::Claim { peer, address });
                }
            }
        }
        late.into_iter().for_each(|address| self.open(address));
    }

    /// The active one does not hand over: there is no better way than to take over.
    pub(super) fn does_not_get(&mut self, address: IpAddr, peer: usize, reason: String) {
        if self.routers.get(&address).is_some_and(|own| own.claims.is_some()) {
            self.tell(Notice::ClaimRefused { address, peer, reason });
            self.open(address);
        }
    }

    fn open(&mut self, address: IpAddr) {
        let Some(own) = self.routers.get_mut(&address) else { return };
        (own.is_open, own.claims) = (true, None);
        self.actions.push_back(Action::Gate { address, is_open: true });
    }
}
