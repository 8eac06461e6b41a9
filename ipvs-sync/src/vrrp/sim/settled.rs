//! What must hold when all has been quiet.

use super::host::Host;
use super::{HostId, NetworkId, Sim, Violation};
use crate::vrrp::router::{Preempt, Router, State};

impl Sim {
    /// What must hold on a network when nothing has happened there for long enough: of
    /// the hosts that run and hear each other, one is active, and it is the one with the
    /// highest priority, if they all preempt.
    ///
    /// Hosts of which some hear one another and some do not are passed over.
    ///
    /// # Errors
    /// What does not hold.
    pub fn settled(&self, network: NetworkId) -> Result<(), Violation> {
        let sides = self.sides(network);
        sides.iter().try_for_each(|side| self.has_its_best(network, side).map(|_| ()))
    }

    /// The same, and that clients beside each of them send to the one that is active.
    ///
    /// This holds after a partition that all hosts lived through, each side with an active
    /// one. It need not after other faults: a client that heard nobody while the addresses
    /// moved is right again when it asks again.
    ///
    /// # Errors
    /// What does not hold.
    pub fn announced(&self, network: NetworkId) -> Result<(), Violation> {
        let sides = self.sides(network);
        sides.iter().try_for_each(|side| {
            let active = self.has_its_best(network, side)?;
            self.is_believed(network, side, active)
        })
    }

    /// Those that hear each other and nobody else.
    fn sides(&self, network: NetworkId) -> Vec<Vec<usize>> {
        let mut sides = Vec::new();
        let hosts = self.networks.get(network.0).map_or(&[][..], |found| &found.hosts);
        let takes_part = |&&host: &&usize| {
            let state = self.router_on(network.0, host).map(Router::state);
            matches!(state, Some(State::Backup | State::Active))
        };
        let mut rest: Vec<usize> = hosts.iter().filter(takes_part).copied().collect();
        while let Some(&first) = rest.first() {
            let is_near =
                |&host: &usize| host == first || self.hear_each_other(network.0, first, host);
            let (side, others): (Vec<usize>, Vec<usize>) =
                rest.iter().partition(|&host| is_near(host));
            if self.is_side(network.0, &side, &others) {
                sides.push(side);
            }
            rest = others;
        }
        sides
    }

    /// Whether all of a side hear each other, and nobody else.
    fn is_side(&self, network: usize, side: &[usize], others: &[usize]) -> bool {
        let hears = |a: usize, b: usize| {
            self.networks.get(network).is_some_and(|network| network.carries(a, b))
        };
        let all = side
            .iter()
            .all(|&a| side.iter().all(|&b| a == b || self.hear_each_other(network, a, b)));
        all && side.iter().all(|&a| others.iter().all(|&b| !hears(a, b) && !hears(b, a)))
    }

    fn has_its_best(&self, network: NetworkId, side: &[usize]) -> Result<HostId, Violation> {
        let at = self.now;
        let is_active = |&&host: &&usize| self.is_active(network.0, host);
        let active: Vec<HostId> = side.iter().filter(is_active).map(|&host| HostId(host)).collect();
        let &[one] = active.as_slice() else {
            return Err(Violation::NotOne { at, network, active });
        };
        let rank = |host: usize| self.router_on(network.0, host).map(Router::rank);
        let best = side.iter().copied().max_by_key(|&host| rank(host));
        let preempt = |&host: &usize| {
            self.router_on(network.0, host).is_some_and(|router| {
                router.config().preempt() != Preempt::Never && !router.config().sync_gate()
            })
        };
        if let Some(best) = best {
            if side.iter().all(preempt) && rank(best) != rank(one.0) {
                return Err(Violation::NotTheBest { at, network, active: one, best: HostId(best) });
            }
        }
        Ok(one)
    }

    fn is_believed(
        &self,
        network: NetworkId,
        side: &[usize],
        active: HostId,
    ) -> Result<(), Violation> {
        for &id in side {
            let believes = |host: &Host| host.ports.get(host.member_on(network.0)?)?.believes;
            let believed = self.hosts.get(id).and_then(believes).map(HostId);
            if believed != Some(active) {
                let (at, host) = (self.now, HostId(id));
                return Err(Violation::Believed { at, host, active, believed });
            }
        }
        Ok(())
    }

    /// The router of a host on a network, if it runs.
    pub(super) fn router_on(&self, network: usize, host: usize) -> Option<&Router> {
        let host = self.hosts.get(host)?;
        host.running(host.member_on(network)?)
    }
}
