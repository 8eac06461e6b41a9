//! Virtual routers on virtual networks in virtual time: any number of hosts, loss, delay,
//! duplication, partitions, also one-way or of advertisements only, clocks that drift, pauses and crashes. The same
//! seed gives the same run.
//!
//! What must hold is watched all the while ([`Violation`]), so that a configuration can be
//! tried before it is used, with faults of one's own or with [random ones](chaos):
//!
//! ```
//! use ipvs_sync::vrrp::router::{Config, Event};
//! use ipvs_sync::vrrp::sim::{Crash, Sim, Wire};
//! use ipvs_sync::vrrp::{Interval, Priority, Rank, Version, VirtualAddresses, Vrid};
//! use std::time::Duration;
//!
//! let config = |priority, host| {
//!     let addresses = VirtualAddresses::new([[10, 0, 0, 7].into()])?;
//!     let rank = Rank::Backup(Priority::new(priority)?);
//!     let version = Version::V3(Interval::from_centis(10)?);
//!     Config::new(Vrid::new(7)?, rank, addresses, version, [10, 0, 0, host].into())
//! };
//!
//! let mut sim = Sim::new(1);
//! let lan = sim.network(Wire::GOOD);
//! let (a, b) = (sim.router(lan, config(150, 1)?), sim.router(lan, config(100, 2)?));
//! sim.tell(a, Event::Start);
//! sim.tell(b, Event::Start);
//! sim.run_for(Duration::from_secs(1))?;
//! assert_eq!(sim.active(lan), [a]);
//!
//! sim.crash(a, Crash::Machine);
//! sim.run_for(Duration::from_millis(361))?;
//! assert_eq!(sim.active(lan), [b]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod chaos;
mod faults;
mod host;
mod network;
mod settled;
mod succession;
mod transit;
mod violation;
mod watch;
mod world;

pub use host::{Crash, Pause};
pub use network::Wire;
pub use violation::Violation;

use crate::vrrp::Time;
use crate::vrrp::router::{Action, Cause, Config, Event, Group, Machine, Router, State};
use fastrand::Rng;
use host::{Clock, Host, Status, Told};
use network::{Network, between};
use std::collections::BTreeMap;
use std::time::Duration;
use transit::{Load, Transit};
use watch::Watch;

/// A world of hosts and networks. A name of a host or a network is of the world that gave
/// it: what is asked of one that is not there is nothing.
#[derive(Clone, Debug)]
pub struct Sim {
    now: Time,
    rng: Rng,
    hosts: Vec<Host>,
    networks: Vec<Network>,
    /// What is on its way: when it comes, and its number for what comes at the same time.
    transits: BTreeMap<(Time, u64), Transit>,
    sent: u64,
    records: Vec<Record>,
    watch: Watch,
}

/// A network of a [`Sim`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NetworkId(usize);

/// A host of a [`Sim`], with one router or one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostId(usize);

/// A change of state or a report, by the true time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// When.
    pub at: Time,
    /// Of which host.
    pub host: HostId,
    /// Of which member of its group; 0 of a router alone.
    pub member: usize,
    /// [`Action::StateChanged`] or [`Action::Report`].
    pub action: Action,
}

impl Sim {
    /// An empty world, in which chance is of this seed.
    pub fn new(seed: u64) -> Self {
        Self {
            now: Time::ZERO,
            rng: Rng::with_seed(seed),
            hosts: Vec::new(),
            networks: Vec::new(),
            transits: BTreeMap::new(),
            sent: 0,
            records: Vec::new(),
            watch: Watch::default(),
        }
    }

    /// Adds a network.
    pub fn network(&mut self, wire: Wire) -> NetworkId {
        self.networks.push(Network::new(wire));
        NetworkId(self.networks.len() - 1)
    }

    /// Adds a host with one router, which is not started.
    pub fn router(&mut self, network: NetworkId, config: Config) -> HostId {
        self.add(Machine::One(Box::new(Router::new(config))), vec![network.0])
    }

    /// Adds a host with a group, a member on each of these networks.
    pub fn group(&mut self, members: impl IntoIterator<Item = (NetworkId, Config)>) -> HostId {
        let (networks, configs): (Vec<_>, Vec<_>) =
            members.into_iter().map(|(network, config)| (network.0, config)).unzip();
        self.add(Machine::Group(Group::new(configs)), networks)
    }

    /// Gives a host a clock that is so many millionths too fast, and wakes it as late as
    /// that at most.
    pub fn clock(&mut self, host: HostId, ppm: i32, lateness: Duration) {
        let start = self.rng.u64(0..1 << 40);
        if let Some(host) = self.hosts.get_mut(host.0) {
            host.clock = Clock { start, ppm: ppm.into(), stood: 0, lateness };
        }
    }

    /// Lets so much time pass.
    ///
    /// # Errors
    /// What was broken first, at any time. Time stands still then.
    pub fn run_for(&mut self, duration: Duration) -> Result<(), Violation> {
        let end = self.now + duration;
        loop {
            if let Some(violation) = self.watch.violation() {
                return Err(violation.clone());
            }
            let transit = self.transits.first_key_value().map(|(&(at, _), _)| at);
            let wake = self.next_wake();
            // What has arrived is told before the time is.
            match (transit, wake) {
                (Some(at), _) if at <= end && wake.is_none_or(|(wake, _)| at <= wake) => {
                    self.now = at;
                    self.arrive();
                }
                (_, Some((at, host))) if at <= end => {
                    self.now = at;
                    self.wake(host);
                }
                _ => break,
            }
        }
        self.now = end;
        self.look()
    }

    /// The true time.
    pub fn now(&self) -> Time {
        self.now
    }

    /// The state of a host's router or group; stopped if it is down.
    pub fn state(&self, host: HostId) -> State {
        let host = self.hosts.get(host.0).filter(|host| host.status != Status::Down);
        host.map_or(State::Stopped, |host| host.machine.state())
    }

    /// Whether a host's router, or all of its group, would take over from one of lower
    /// priority but for the gate.
    pub fn preempts(&self, host: HostId) -> bool {
        self.hosts.get(host.0).is_some_and(|host| {
            let members = 0..host.ports.len();
            let mut members = members.filter_map(|member| host.machine.router(member));
            host.status != Status::Down && members.all(Router::preempts)
        })
    }

    /// The hosts that are active on a network; one that is paused is not.
    pub fn active(&self, network: NetworkId) -> Vec<HostId> {
        let hosts = self.networks.get(network.0).into_iter().flat_map(|network| &network.hosts);
        hosts.filter(|&&host| self.is_active(network.0, host)).map(|&host| HostId(host)).collect()
    }

    /// Whether a host has the virtual addresses, though it may be paused or down.
    pub fn has_addresses(&self, host: HostId, member: usize) -> bool {
        let port = self.hosts.get(host.0).and_then(|host| host.ports.get(member));
        port.is_some_and(|port| port.has_addresses)
    }

    /// To whom clients beside a host send what is for the virtual addresses: who announced
    /// them last.
    pub fn believed(&self, host: HostId, member: usize) -> Option<HostId> {
        let port = self.hosts.get(host.0).and_then(|host| host.ports.get(member))?;
        port.believes.map(HostId)
    }

    /// All changes of state and reports since this was last asked.
    pub fn take_records(&mut self) -> Vec<Record> {
        std::mem::take(&mut self.records)
    }

    fn add(&mut self, machine: Machine, networks: Vec<usize>) -> HostId {
        let id = self.hosts.len();
        for &network in &networks {
            if let Some(network) = self.networks.get_mut(network) {
                network.hosts.push(id);
            }
        }
        let clock = Clock { start: 0, ppm: 0, stood: 0, lateness: Duration::ZERO };
        self.hosts.push(Host::new(machine, networks, clock));
        HostId(id)
    }

    fn is_active(&self, network: usize, host: usize) -> bool {
        let Some(host) = self.hosts.get(host) else { return false };
        let router = host.member_on(network).and_then(|member| host.running(member));
        router.is_some_and(|router| router.state() == State::Active)
    }

    fn next_wake(&self) -> Option<(Time, usize)> {
        let wakes = self.hosts.iter().enumerate();
        wakes.filter_map(|(id, host)| Some((host.wake?, id))).min()
    }

    /// A host's time has come.
    fn wake(&mut self, id: usize) {
        let Some(host) = self.hosts.get_mut(id) else { return };
        if let Status::Paused(pause, since) = host.status {
            host.status = Status::Runs;
            if pause == Pause::MachineAndClock {
                let (shown, before) = (host.clock.local(self.now), host.clock.local(since));
                host.clock.stood += shown.micros() - before.micros();
            }
            self.watch.was_paused(self.now, id, pause);
            for told in std::mem::take(&mut host.waiting) {
                self.told(id, told);
            }
            self.review();
        }
        self.told(id, Told { member: None, event: Event::Tick });
    }

    fn told(&mut self, id: usize, told: Told) {
        let Some(host) = self.hosts.get_mut(id) else { return };
        match host.status {
            Status::Down => {}
            Status::Paused(..) => host.waiting.push(told),
            Status::Runs => {
                let now = host.clock.local(self.now);
                let is_tick = told.event == Event::Tick;
                let is_asked =
                    is_tick || matches!(told.event, Event::Heard(_) | Event::Answered(_));
                told.to(&mut host.machine, now);
                if !is_asked {
                    self.watch.is_changed(self.now, id);
                }
                if is_tick && host.machine.poll_timeout().is_some_and(|next| next <= now) {
                    self.watch.sticks(self.now, id);
                }
                self.act(id, is_asked);
            }
        }
    }

    /// A host does what its routers want.
    fn act(&mut self, id: usize, is_asked: bool) {
        while let Some((member, action)) =
            self.hosts.get_mut(id).and_then(|host| host.machine.poll())
        {
            match action {
                Action::Advertise { priority } => self.advertise(id, member, priority, is_asked),
                Action::Announce => self.announce(id, member),
                Action::Probe => self.send(id, member, Load::Probe),
                Action::Install => self.has(id, member, true),
                Action::Remove => self.has(id, member, false),
                Action::StateChanged { to, ref cause, .. } => {
                    if to == State::Backup {
                        self.is_backup(id, cause);
                    }
                    let is_silence = matches!(cause, Cause::Silence { .. });
                    let is_claim = is_silence || matches!(cause, Cause::Preempts { .. });
                    self.record(id, member, action);
                    if is_claim {
                        self.claims(id, member, is_silence);
                    }
                    self.review();
                }
                Action::Report(_) => self.record(id, member, action),
            }
        }
        let Some(host) = self.hosts.get_mut(id) else { return };
        let late = between(&mut self.rng, Duration::ZERO, host.clock.lateness);
        let next = host.machine.poll_timeout();
        host.wake = next.map(|next| (host.clock.shows_at(next) + late).max(self.now));
        self.watch.addresses(self.now, id, host);
    }

    fn is_backup(&mut self, id: usize, cause: &Cause) {
        let machine = self.hosts.get(id).map(|host| &host.machine);
        if let Some(Machine::One(router)) = machine {
            self.watch.is_backup(self.now, id, router.config(), cause);
        }
    }

    fn record(&mut self, id: usize, member: usize, action: Action) {
        self.records.push(Record { at: self.now, host: HostId(id), member, action });
    }

    fn has(&mut self, id: usize, member: usize, has_addresses: bool) {
        let port = self.hosts.get_mut(id).and_then(|host| host.ports.get_mut(member));
        if let Some(port) = port {
            port.has_addresses = has_addresses;
        }
    }
}

#[cfg(test)]
mod tests;
