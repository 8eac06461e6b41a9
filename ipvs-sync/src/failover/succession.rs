//! What came of a handover: whether the successor took over.

use super::director::Director;
use super::event::Action;
use super::notice::Notice;
use super::own::Own;
use super::peers::Peer;
use crate::vrrp::Time;
use crate::vrrp::router::State;
use std::net::IpAddr;
use std::time::Duration;

/// Routers that have resigned, until it is known that they need not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Succession {
    addresses: Vec<IpAddr>,
    peer: usize,
    /// When all peers were asked who is active, since the successor did not say that it is.
    asked: Option<Time>,
}

/// How long it takes until a successor says that it is active. It is asked every second.
const SAYS_SO: Duration = Duration::from_secs(3);

impl Succession {
    pub(super) fn new(addresses: Vec<IpAddr>, peer: usize) -> Self {
        Self { addresses, peer, asked: None }
    }

    /// Whether the successor is still being told to take over.
    pub(super) fn is_open(&self) -> bool {
        self.asked.is_none()
    }

    fn is_of(&self, address: IpAddr) -> bool {
        self.addresses.first() == Some(&address)
    }
}

impl Director {
    /// What became of a peer that was told to take over. Whatever it says it may have, by its
    /// skew, and so may another: all are asked.
    pub(super) fn promoted(&mut self, address: IpAddr, peer: usize, result: Result<(), String>) {
        let is_it = |it: &&mut Succession| it.peer == peer && it.is_of(address);
        let Some(succession) = self.successions.iter_mut().find(is_it) else { return };
        let Err(reason) = result else {
            let addresses = std::mem::take(&mut succession.addresses);
            self.successions.retain(|it| !it.addresses.is_empty());
            for (address, own) in &mut self.routers {
                if addresses.contains(address) {
                    own.handed_over = own.handed_over.map(|_| self.now);
                }
            }
            return;
        };
        succession.asked = Some(self.now);
        let addresses = succession.addresses.clone();
        self.is_not_taken(addresses, peer, &reason);
        self.ask_all();
    }

    /// Whether a router has handed over and its successor need not say yet that it is active.
    pub(super) fn is_succeeded(&self, address: IpAddr, own: &Own) -> bool {
        let Some(handed_over) = own.handed_over else { return false };
        self.is_being_told(address) || self.now < handed_over + SAYS_SO
    }

    /// Whether a successor is being told to take over a router.
    pub(super) fn is_being_told(&self, address: IpAddr) -> bool {
        self.successions.iter().any(|it| it.is_open() && it.addresses.contains(&address))
    }

    fn is_not_taken(&mut self, addresses: Vec<IpAddr>, peer: usize, reason: &str) {
        for address in addresses {
            self.tell(Notice::NotTaken { address, peer, reason: reason.to_owned() });
        }
    }

    /// Routers from which nobody has taken over go on, as soon as that is known.
    pub(super) fn take_back(&mut self) {
        for succession in std::mem::take(&mut self.successions) {
            let Some(&address) = succession.addresses.first() else { continue };
            let Some(own) = self.routers.get(&address) else { continue };
            // That it has resigned may be told later.
            let asked = succession.asked.filter(|_| own.state != State::Active);
            let asked = asked.map(|asked| asked.max(own.since));
            let is_said = |at: &Time| self.peers.iter().all(|it| it.said_since(*at).is_some());
            let Some(since) = asked.filter(is_said) else {
                self.successions.push(succession);
                continue;
            };
            // One that does not answer may be active: then the virtual router hears it, or takes
            // over after its own time.
            let is_not_there = |peer: &Peer| {
                matches!(peer.said_since(since), Some(Ok(_))) && !peer.is_active(address, since)
            };
            if own.state == State::Backup && self.peers.iter().all(is_not_there) {
                self.actions.push_back(Action::TakeOver { address });
            }
        }
    }

    /// A router is active again, and need not be told to go on.
    pub(super) fn end_succession(&mut self, address: IpAddr) {
        let (ended, others) =
            std::mem::take(&mut self.successions).into_iter().partition(|it| it.is_of(address));
        self.successions = others;
        let ended: Vec<Succession> = ended;
        for succession in ended.into_iter().filter(Succession::is_open) {
            let Succession { addresses, peer, .. } = succession;
            self.is_not_taken(addresses, peer, "it is active here again");
        }
    }
}
