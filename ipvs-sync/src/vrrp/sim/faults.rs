//! What can be done to a world while time stands still.

use super::host::{Status, Told};
use super::{Crash, HostId, NetworkId, Pause, Sim, Wire};
use crate::vrrp::Rule;
use crate::vrrp::router::{Config, Event};
use std::time::Duration;

impl Sim {
    /// Tells a host's router, or all members of its group. One that is paused is told when
    /// it runs again, one that is down is not.
    pub fn tell(&mut self, host: HostId, event: Event) {
        if let Some(host) = self.hosts.get_mut(host.0) {
            match &event {
                Event::Health(health) => host.health = health.clone(),
                Event::SyncReady(is_ready) => host.is_ready = *is_ready,
                _ => {}
            }
        }
        self.told(host.0, Told { member: None, event });
    }

    /// Gives a router another configuration; a host that does not run keeps its own.
    ///
    /// # Errors
    /// [`Rule::Member`] and [`Rule::OtherRouter`].
    pub fn reconfigure(&mut self, host: HostId, member: usize, config: Config) -> Result<(), Rule> {
        let now = self.now;
        let Some(running) = self.hosts.get_mut(host.0).filter(|host| host.status == Status::Runs)
        else {
            return Ok(());
        };
        running.machine.reconfigure(running.clock.local(now), member, config)?;
        self.watch.is_reconfigured();
        self.act(host.0, false);
        Ok(())
    }

    /// Takes a link away, or gives it back.
    pub fn link(&mut self, host: HostId, member: usize, link: bool) {
        let port = self.hosts.get_mut(host.0).and_then(|host| host.ports.get_mut(member));
        if let Some(port) = port {
            port.link = link;
            self.told(host.0, Told { member: Some(member), event: Event::Link(link) });
            self.review();
        }
    }

    /// A host does not run for so long.
    pub fn pause(&mut self, host: HostId, pause: Pause, duration: Duration) {
        let until = self.now + duration;
        if let Some(host) = self.hosts.get_mut(host.0).filter(|host| host.status == Status::Runs) {
            host.status = Status::Paused(pause, self.now);
            host.wake = Some(until);
            self.review();
        }
    }

    /// A host is down until it is [restarted](Self::restart).
    pub fn crash(&mut self, host: HostId, crash: Crash) {
        if let Some(host) = self.hosts.get_mut(host.0) {
            host.status = Status::Down;
            host.wake = None;
            host.waiting.clear();
            if crash == Crash::Machine {
                host.ports.iter_mut().for_each(|port| port.has_addresses = false);
            }
            self.review();
        }
    }

    /// A host that is down starts again with the same configuration.
    pub fn restart(&mut self, id: HostId) {
        let Some(host) = self.hosts.get_mut(id.0).filter(|host| host.status == Status::Down) else {
            return;
        };
        host.status = Status::Runs;
        host.machine = host.machine.anew();
        let links = host.ports.iter().enumerate().filter(|(_, port)| !port.link);
        let links =
            links.map(|(member, _)| Told { member: Some(member), event: Event::Link(false) });
        let of_all = [Event::Health(host.health.clone()), Event::SyncReady(host.is_ready)];
        let of_all = of_all.map(|event| Told { member: None, event });
        let now = host.clock.local(self.now);
        for told in links.chain(of_all) {
            told.to(&mut host.machine, now);
        }
        self.tell(id, Event::Start);
    }

    /// How a network carries from now on.
    pub fn wire(&mut self, network: NetworkId, wire: Wire) {
        if let Some(network) = self.networks.get_mut(network.0) {
            network.wire = wire;
            self.review();
        }
    }

    /// Nothing comes from the one to the other, until the network is healed.
    pub fn cut(&mut self, network: NetworkId, from: HostId, to: HostId) {
        if let Some(network) = self.networks.get_mut(network.0) {
            network.cuts.push((from.0, to.0));
            self.review();
        }
    }

    /// Nothing comes from one side to another, until the network is healed.
    pub fn partition(&mut self, network: NetworkId, sides: &[&[HostId]]) {
        for (n, side) in sides.iter().enumerate() {
            let others = || sides.iter().enumerate().filter(|&(other, _)| other != n);
            for &from in *side {
                others().flat_map(|(_, side)| *side).for_each(|&to| self.cut(network, from, to));
            }
        }
    }

    /// No advertisement comes from the one to the other, though all else does, until the
    /// network is healed.
    pub fn filter(&mut self, network: NetworkId, from: HostId, to: HostId) {
        if let Some(network) = self.networks.get_mut(network.0) {
            network.filters.push((from.0, to.0));
            self.review();
        }
    }

    /// All on the network hear each other again.
    pub fn heal(&mut self, network: NetworkId) {
        if let Some(network) = self.networks.get_mut(network.0) {
            network.cuts.clear();
            network.filters.clear();
            self.review();
        }
    }
}
