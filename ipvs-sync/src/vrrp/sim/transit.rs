//! What is on its way from host to host.

use super::Sim;
use super::host::{Pause, Status, Told};
use crate::vrrp::Version;
use crate::vrrp::router::{Event, Heard};
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
    Announcement,
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
            Load::Announcement => port.believes = Some(transit.from),
            Load::Advertisement(Packet { priority, version, source }) => {
                let pause = match host.status {
                    Status::Paused(pause, _) => Some(pause),
                    Status::Runs | Status::Down => None,
                };
                if pause.is_none_or(|pause| pause == Pause::Process) {
                    let arrival = host.clock.local(self.now);
                    let heard = Heard { priority, version, source, arrival };
                    let member = Some(transit.member);
                    self.told(transit.to, Told { member, event: Event::Heard(heard) });
                }
            }
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
        let Some(network) = self.networks.get(port.network).filter(|_| port.link) else { return };
        let id = port.network;
        if load == Load::Announcement {
            port.believes = Some(from);
        }
        for &to in network.hosts.iter().filter(|&&to| network.carries(from, to)) {
            let Some(member) = self.hosts.get(to).and_then(|host| host.member_on(id)) else {
                continue;
            };
            for delay in network.wire.carry(&mut self.rng).into_iter().flatten() {
                self.transits
                    .insert((self.now + delay, self.sent), Transit { from, to, member, load });
                self.sent += 1;
            }
        }
    }
}
