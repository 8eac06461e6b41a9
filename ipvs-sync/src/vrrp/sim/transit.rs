//! What is on its way from host to host.

use super::Sim;
use super::host::Told;
use crate::vrrp::Version;
use crate::vrrp::router::{Answer, Event, Heard, State};
use std::net::IpAddr;

/// Something on its way.
#[derive(Clone, Debug)]
pub(super) struct Transit {
    from: usize,
    to: usize,
    member: usize,
    load: Load,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Load {
    Advertisement(Packet),
    Announcement(IpAddr),
    /// The question who has the virtual addresses.
    Probe,
    /// The answer of one that has them.
    Answer(IpAddr),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packet {
    priority: u8,
    version: Version,
    source: IpAddr,
}

impl Sim {
    /// What is next on its way arrives.
    pub(super) fn arrive(&mut self) {
        let Some((_, transit)) = self.transits.pop_first() else { return };
        let Some(host) = self.hosts.get_mut(transit.to) else { return };
        let Some(port) = host.ports.get_mut(transit.member).filter(|port| port.link) else {
            return;
        };
        match transit.load {
            Load::Announcement(address) => {
                port.believes = Some(transit.from);
                // An active router has nothing that it wants to know.
                let router = host.machine.router(transit.member);
                if router.is_some_and(|router| router.state() == State::Backup) {
                    self.answered(transit, address);
                }
            }
            Load::Advertisement(Packet { priority, version, source }) => {
                if host.status.receives() {
                    let arrival = host.clock.local(self.now);
                    let heard = Heard { priority, version, source, arrival };
                    let member = Some(transit.member);
                    self.hears(transit.from, transit.to, heard);
                    self.told(transit.to, Told { member, event: Event::Heard(heard) });
                }
            }
            Load::Probe => {
                let Transit { from, to, member, .. } = transit;
                let answers = port.has_addresses && host.status.receives();
                let address = self.first_address(to, member).filter(|_| answers);
                if let Some(address) = address {
                    self.send_to(to, member, from, Load::Answer(address));
                }
            }
            Load::Answer(address) => self.answered(transit, address),
        }
    }

    /// One of a router's addresses is said to be at another host.
    fn answered(&mut self, transit: Transit, address: IpAddr) {
        let Transit { from, to, member, .. } = transit;
        if self.hosts.get(to).is_some_and(|host| host.status.receives()) {
            let from = u8::try_from(from).unwrap_or(u8::MAX);
            let answer = Answer { address, mac: [2, 0, 0, 0, 0, from] };
            let told = Told { member: Some(member), event: Event::Answered(answer) };
            self.told(to, told);
        }
    }

    /// The first of a router's addresses, which stands for all.
    fn first_address(&self, id: usize, member: usize) -> Option<IpAddr> {
        let router = self.hosts.get(id).and_then(|host| host.machine.router(member))?;
        router.config().addresses().iter().next()
    }

    pub(super) fn announce(&mut self, id: usize, member: usize) {
        if let Some(address) = self.first_address(id, member) {
            self.send(id, member, Load::Announcement(address));
        }
    }

    pub(super) fn advertise(&mut self, id: usize, member: usize, priority: u8, is_asked: bool) {
        let Some(router) = self.hosts.get(id).and_then(|host| host.machine.router(member)) else {
            return;
        };
        let (version, source) = (router.config().version(), router.config().source());
        if is_asked {
            self.watch.advertised(self.now, (id, member), version.interval());
        }
        self.send(id, member, Load::Advertisement(Packet { priority, version, source }));
    }

    /// Sends to all others that are there; clients beside the host hear it at once.
    pub(super) fn send(&mut self, from: usize, member: usize, load: Load) {
        let Some(port) = self.hosts.get_mut(from).and_then(|host| host.ports.get_mut(member))
        else {
            return;
        };
        if matches!(load, Load::Announcement(_)) && port.link {
            port.believes = Some(from);
        }
        let network = self.networks.get(port.network);
        for to in network.map(|network| network.hosts.clone()).unwrap_or_default() {
            self.send_to(from, member, to, load);
        }
    }

    /// Sends to one other, if it is there.
    fn send_to(&mut self, from: usize, member: usize, to: usize, load: Load) {
        let port = self.hosts.get(from).and_then(|host| host.ports.get(member));
        let Some(port) = port.filter(|port| port.link) else { return };
        let Some(network) = self.networks.get(port.network) else { return };
        let comes = match load {
            Load::Advertisement(_) => network.carries(from, to),
            Load::Announcement(_) | Load::Probe | Load::Answer(_) => network.joins(from, to),
        };
        let member = self.hosts.get(to).and_then(|host| host.member_on(port.network));
        let Some(member) = member.filter(|_| comes) else { return };
        for delay in network.wire.carry(&mut self.rng).into_iter().flatten() {
            self.transits.insert((self.now + delay, self.sent), Transit { from, to, member, load });
            self.sent += 1;
        }
    }
}
