//! What must hold all the while.

use super::host::{Host, Status};
use super::succession::Successions;
use super::{HostId, NetworkId, Pause, Sim, Violation};
use crate::vrrp::Time;
use crate::vrrp::router::{Cause, Config, Heard, State};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// What is remembered to see it.
#[derive(Clone, Debug, Default)]
pub(super) struct Watch {
    violation: Option<Violation>,
    /// Since when two hosts are active on a network and hear each other.
    duals: BTreeMap<(usize, usize, usize), Time>,
    /// Since when a host could hear another that is active, on a network that loses
    /// nothing.
    audible: BTreeMap<(usize, usize, usize), Time>,
    /// Since when a host could ask another that answers for the addresses, heard or not, on
    /// a network that loses nothing.
    answering: BTreeMap<(usize, usize, usize), Time>,
    /// When a host's last pause was over, and the one before.
    pauses: BTreeMap<usize, [Time; 2]>,
    reconfigured: bool,
    successions: Successions,
    /// When routers advertised within the last interval, and since anything else was told
    /// to their host.
    sent: BTreeMap<(usize, usize), VecDeque<Time>>,
}

/// How many advertisements a router may send in an interval: 5 while it is active, and one
/// each for what it does when it goes back to backup and takes over again, twice.
const MOST: usize = 9;

impl Watch {
    /// What was broken first.
    pub(super) fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    pub(super) fn sticks(&mut self, at: Time, host: usize) {
        self.broken(Violation::Stuck { at, host: HostId(host) });
    }

    pub(super) fn addresses(&mut self, at: Time, id: usize, host: &Host) {
        if host.status != Status::Runs {
            return;
        }
        for (member, port) in host.ports.iter().enumerate() {
            let state = host.machine.router(member).map_or(State::Stopped, |router| router.state());
            if port.has_addresses != (state == State::Active) {
                self.broken(Violation::Addresses { at, host: HostId(id), state });
            }
        }
    }

    /// A host was told something that the others have to hear of first. What it sends from
    /// now on may be for a change of its own.
    pub(super) fn is_changed(&mut self, at: Time, host: usize) {
        self.sent.retain(|&(of, _), _| of != host);
        let of_host = self.audible.iter_mut().filter(|((_, _, active), _)| *active == host);
        of_host.for_each(|(_, since)| *since = at);
        let broken = self.successions.over(at, host);
        broken.into_iter().for_each(|broken| self.broken(broken));
    }

    /// A router advertised because it was told the time or a packet.
    pub(super) fn advertised(&mut self, at: Time, port: (usize, usize), interval: Duration) {
        let sent = self.sent.entry(port).or_default();
        while sent.front().is_some_and(|&first| at - first >= interval) {
            sent.pop_front();
        }
        sent.push_back(at);
        if sent.len() > MOST {
            self.broken(Violation::Flood { at, host: HostId(port.0) });
        }
    }

    pub(super) fn is_reconfigured(&mut self) {
        self.reconfigured = true;
        self.successions = Successions::default();
    }

    pub(super) fn was_paused(&mut self, at: Time, host: usize, pause: Pause) {
        if pause == Pause::MachineAndClock {
            // It cannot know of that time, so that it has to listen for as long again.
            self.audible.retain(|&(_, listener, _), _| listener != host);
            self.answering.retain(|&(_, asking, _), _| asking != host);
            self.successions.stood_still(at, host);
        }
        let pauses = self.pauses.entry(host).or_insert([Time::ZERO; 2]);
        let [last, _] = *pauses;
        *pauses = [at, last];
    }

    /// A host's router, which is alone, has become a backup.
    pub(super) fn is_backup(&mut self, at: Time, host: usize, config: &Config, cause: &Cause) {
        self.successions.begins(at, host, config, cause);
    }

    /// An advertisement comes from one host to another.
    pub(super) fn hears(&mut self, sim: &Sim, from: usize, to: usize, heard: Heard) {
        if !self.reconfigured {
            let broken = self.successions.heard(sim, from, to, heard);
            broken.into_iter().for_each(|broken| self.broken(broken));
        }
    }

    /// A host takes over because it heard nobody, or nobody better.
    pub(super) fn claims(&mut self, sim: &Sim, host: usize, member: usize, is_silence: bool) {
        let found = sim.hosts.get(host).and_then(|host| Some((host, host.machine.router(member)?)));
        let Some((found, router)) = found.filter(|_| !self.reconfigured) else { return };
        let long = router.config().version().interval() * 5;
        let is_often_paused =
            self.pauses.get(&host).is_some_and(|&[_, before]| sim.now - before < long);
        let Some(network) = found.ports.get(member).map(|port| port.network) else { return };
        let is_worse = |other: usize| {
            sim.router_on(network, other).is_some_and(|other| other.rank() < router.rank())
        };
        let audible = self.audible.iter().find(|&(&(on, listener, active), &since)| {
            (on, listener) == (network, host) && sim.now - since > long && !is_worse(active)
        });
        if let (Some((&(_, _, active), _)), false) = (audible, is_often_paused) {
            let (host, active) = (HostId(host), HostId(active));
            self.broken(Violation::Claimed { at: sim.now, host, active });
        }
        let asks = is_silence && router.config().probed().next().is_some();
        let answered = self.answering.iter().find(|&(&(on, asking, _), &since)| {
            asks && (on, asking) == (network, host) && sim.now - since > long
        });
        if let (Some((&(_, _, holder), _)), false) = (answered, is_often_paused) {
            let (host, holder) = (HostId(host), HostId(holder));
            self.broken(Violation::Answered { at: sim.now, host, holder });
        }
    }

    /// Who is active, runs or hears whom may have changed.
    pub(super) fn review(&mut self, sim: &Sim) {
        self.review_audible(sim);
        let broken = self.successions.review(sim);
        broken.into_iter().for_each(|broken| self.broken(broken));
        for (id, network) in sim.networks.iter().enumerate() {
            let pairs = network.hosts.iter().enumerate();
            let pairs =
                pairs.flat_map(|(n, &a)| network.hosts.iter().skip(n + 1).map(move |&b| (a, b)));
            for (a, b) in pairs {
                let is_dual = network.wire.lost == 0
                    && sim.hear_each_other(id, a, b)
                    && sim.is_active(id, a)
                    && sim.is_active(id, b);
                match self.duals.get(&(id, a, b)) {
                    None if is_dual => {
                        self.duals.insert((id, a, b), sim.now);
                    }
                    Some(&since) if !is_dual => {
                        self.duals.remove(&(id, a, b));
                        self.dual(sim, id, [a, b], since);
                    }
                    _ => {}
                }
            }
        }
    }

    fn review_audible(&mut self, sim: &Sim) {
        for (id, network) in sim.networks.iter().enumerate() {
            for &listener in &network.hosts {
                for &active in &network.hosts {
                    let key = (id, listener, active);
                    let loses_nothing = network.wire.lost == 0 && sim.is_attached(id, listener);
                    let is_audible = loses_nothing
                        && network.carries(active, listener)
                        && sim.is_active(id, active)
                        && sim.is_attached(id, active);
                    since(&mut self.audible, key, sim.now, is_audible);
                    let is_answering = loses_nothing
                        && network.joins(active, listener)
                        && network.joins(listener, active)
                        && sim.answers(id, active);
                    since(&mut self.answering, key, sim.now, is_answering);
                }
            }
        }
    }

    /// Those that are active at the same time still.
    pub(super) fn look(&mut self, sim: &Sim) {
        let broken = self.successions.look(sim.now);
        broken.into_iter().for_each(|broken| self.broken(broken));
        for ((network, a, b), since) in self.duals.clone() {
            self.dual(sim, network, [a, b], since);
        }
    }

    fn dual(&mut self, sim: &Sim, network: usize, hosts: [usize; 2], since: Time) {
        let lasted = sim.now - since;
        let bound = sim.bound_of_dual(network, hosts);
        if lasted > bound {
            let (network, [a, b]) = (NetworkId(network), hosts);
            let hosts = [HostId(a), HostId(b)];
            self.broken(Violation::DualActive { at: sim.now, network, hosts, lasted, bound });
        }
    }

    pub(super) fn broken(&mut self, violation: Violation) {
        self.violation.get_or_insert(violation);
    }
}

/// Notes since when something is so, or that it is not.
fn since<K: Ord>(times: &mut BTreeMap<K, Time>, key: K, now: Time, is_so: bool) {
    if is_so {
        times.entry(key).or_insert(now);
    } else {
        times.remove(&key);
    }
}

impl Sim {
    pub(super) fn hear_each_other(&self, network: usize, a: usize, b: usize) -> bool {
        let Some(wires) = self.networks.get(network) else { return false };
        let is_there = |id: usize| {
            let runs = self.hosts.get(id).is_some_and(|host| host.status == Status::Runs);
            runs && self.is_attached(network, id)
        };
        is_there(a) && is_there(b) && wires.carries(a, b) && wires.carries(b, a)
    }

    /// Whether a host has its link to a network and is not down.
    fn is_attached(&self, network: usize, id: usize) -> bool {
        let host = self.hosts.get(id).filter(|host| host.status != Status::Down);
        host.is_some_and(|host| host.member_on(network).is_some_and(|at| host.has_link(at)))
    }

    /// Whether the kernel of a host answers for the addresses on a network.
    fn answers(&self, network: usize, id: usize) -> bool {
        let Some(host) = self.hosts.get(id).filter(|host| host.status.receives()) else {
            return false;
        };
        let port = host.member_on(network).and_then(|member| host.ports.get(member));
        port.is_some_and(|port| port.link && port.has_addresses)
    }

    /// The better one advertises within its interval. The other hears it when the packet
    /// has come.
    fn bound_of_dual(&self, network: usize, hosts: [usize; 2]) -> Duration {
        let interval = |id: usize| {
            let host = self.hosts.get(id)?;
            let router = host.machine.router(host.member_on(network)?)?;
            Some(router.config().version().interval() + host.clock.lateness)
        };
        let longest = hosts.into_iter().filter_map(interval).max().unwrap_or_default();
        let travels = self.networks.get(network).map_or(Duration::ZERO, |found| found.wire.most);
        // A clock may be a thousandth too slow.
        longest + longest / 1_000 + travels + Duration::from_micros(10)
    }

    /// What has lasted for too long already, and goes on.
    pub(super) fn look(&mut self) -> Result<(), Violation> {
        let mut watch = std::mem::take(&mut self.watch);
        watch.look(self);
        self.watch = watch;
        self.watch.violation().map_or(Ok(()), |violation| Err(violation.clone()))
    }

    /// An advertisement comes from one host to another.
    pub(super) fn hears(&mut self, from: usize, to: usize, heard: Heard) {
        let mut watch = std::mem::take(&mut self.watch);
        watch.hears(self, from, to, heard);
        self.watch = watch;
    }

    /// A host says that it heard nobody.
    pub(super) fn claims(&mut self, id: usize, member: usize, is_silence: bool) {
        let mut watch = std::mem::take(&mut self.watch);
        watch.claims(self, id, member, is_silence);
        self.watch = watch;
    }

    /// Who is active, runs or hears whom has changed.
    pub(super) fn review(&mut self) {
        let mut watch = std::mem::take(&mut self.watch);
        watch.review(self);
        self.watch = watch;
    }
}
