//! Random worlds and random faults. The same seed gives the same run, so a failure that
//! is told with its seed can be looked at again.

use super::network::between;
use super::world::world;
use super::{Crash, HostId, NetworkId, Pause, Sim, Violation, Wire};
use crate::vrrp::router::{Event, Health, Preempt};
use crate::vrrp::{Interval, Priority, Rank, Time, Version};
use fastrand::Rng;
use std::fmt;
use std::time::Duration;

/// What a run was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// How long it took in virtual time, times the number of its routers.
    pub router_time: Duration,
    /// How many packets were carried.
    pub packets: u64,
}

/// A run that broke what must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The seed that leads there again.
    pub seed: u64,
    /// What was broken.
    pub violation: Violation,
}

/// A random world, of which the seed says everything, through rounds of faults if the seed
/// is even or of partitions if it is odd.
///
/// # Errors
/// What was broken first, with the seed.
pub fn run(seed: u64, rounds: u32) -> Result<Run, Failure> {
    let failed = |violation| Failure { seed, violation };
    let world = world(seed).map_err(|rule| failed(Violation::World(rule)))?;
    let mut chaos = Chaos::new(seed, world);
    if seed % 2 == 0 {
        chaos.faults(rounds).map_err(failed)?;
    } else {
        chaos.partitions(rounds).map_err(failed)?;
    }
    let routers: usize = chaos.sim.hosts.iter().map(|host| host.ports.len()).sum();
    let routers = u32::try_from(routers).unwrap_or(u32::MAX);
    let router_time = (chaos.sim.now - Time::ZERO) * routers;
    Ok(Run { router_time, packets: chaos.sim.sent })
}

/// Random faults in a world.
#[derive(Clone, Debug)]
pub struct Chaos {
    sim: Sim,
    rng: Rng,
    networks: Vec<NetworkId>,
    hosts: Vec<HostId>,
    /// How the networks carry when all is well.
    wires: Vec<Wire>,
    /// Those that were told to hand over, and stand back until they are started anew.
    stand_back: Vec<HostId>,
    /// The longest interval that anyone ever had.
    longest: Duration,
}

impl Chaos {
    /// Faults of this seed, in a world of one's own. All its hosts are started.
    pub fn new(seed: u64, sim: Sim) -> Self {
        let networks = (0..sim.networks.len()).map(NetworkId).collect();
        let hosts = (0..sim.hosts.len()).map(HostId).collect();
        let wires = sim.networks.iter().map(|network| network.wire).collect();
        let mut chaos = Self {
            sim,
            rng: Rng::with_seed(seed),
            networks,
            hosts,
            wires,
            stand_back: Vec::new(),
            longest: Duration::ZERO,
        };
        for host in chaos.hosts.clone() {
            chaos.sim.tell(host, Event::Start);
        }
        chaos.measure();
        chaos
    }

    /// Rounds of faults of all kinds. At the end of each all is mended, and after long
    /// enough there must be one active router on each network.
    ///
    /// # Errors
    /// What was broken first.
    pub fn faults(&mut self, rounds: u32) -> Result<(), Violation> {
        for _ in 0..rounds {
            for _ in 0..self.rng.u32(1..=6) {
                self.fault();
                let most = self.longest * self.rng.u32(0..=5);
                self.wait_for_at_most(most)?;
            }
            self.mend();
            self.settle()?;
            self.networks.iter().try_for_each(|&network| self.sim.settled(network))?;
        }
        Ok(())
    }

    /// Rounds of partitions, in each of which all networks are split in two, settle, and
    /// are healed. Each time clients must send to the one active router in the end.
    ///
    /// # Errors
    /// What was broken first.
    pub fn partitions(&mut self, rounds: u32) -> Result<(), Violation> {
        self.settle()?;
        for _ in 0..rounds {
            let sides = self.split();
            for &network in &self.networks {
                self.sim.partition(network, &[&sides.0, &sides.1]);
            }
            self.settle()?;
            self.networks.iter().try_for_each(|&network| self.sim.announced(network))?;
            // At any time in an interval: who is heard first is left to chance.
            self.wait_for_at_most(self.longest)?;
            self.mend();
            self.settle()?;
            self.networks.iter().try_for_each(|&network| self.sim.announced(network))?;
        }
        Ok(())
    }

    /// The world.
    pub fn sim(&self) -> &Sim {
        &self.sim
    }

    fn fault(&mut self) {
        let Some(host) = self.rng.choice(self.hosts.clone()) else { return };
        let Some(network) = self.rng.choice(self.networks.clone()) else { return };
        let crash = self.rng.choice([Crash::Process, Crash::Machine]).unwrap_or(Crash::Process);
        let pause = self
            .rng
            .choice([Pause::Process, Pause::Machine, Pause::MachineAndClock])
            .unwrap_or(Pause::Process);
        match self.rng.u32(0..21) {
            0 | 1 => {
                let sides = self.split();
                self.sim.partition(network, &[&sides.0, &sides.1]);
            }
            2 => {
                if let Some(other) = self.rng.choice(self.hosts.clone()) {
                    self.sim.cut(network, host, other);
                }
            }
            3 | 4 => self.sim.heal(network),
            5 => self.sim.crash(host, crash),
            6 => self.sim.restart(host),
            7..=9 => {
                let duration = between(&mut self.rng, Duration::ZERO, self.longest * PAUSES);
                self.sim.pause(host, pause, duration);
            }
            10 => self.sim.tell(host, Event::Stop),
            11 => self.sim.tell(host, Event::Start),
            12 => self.sim.link(host, 0, false),
            13 => self.sim.link(host, 0, true),
            14 => {
                let lower = self.rng.u8(..);
                self.sim.tell(host, Event::Health(Health::Well { lower }));
            }
            15 => self.sim.tell(host, Event::Health(Health::Fault { track: "disk".to_owned() })),
            16 => {
                self.stand_back.push(host);
                self.sim.tell(host, Event::Resign);
            }
            17 => self.sim.tell(host, Event::Promote),
            18 => self.reconfigure(host),
            19 => {
                if let Some(other) = self.rng.choice(self.hosts.clone()) {
                    self.sim.filter(network, host, other);
                }
            }
            _ => {
                let wire = self.bad_wire(network);
                self.sim.wire(network, wire);
            }
        }
    }

    /// Another priority, and of version 3 another interval. Of a group all members would
    /// need the same rank.
    fn reconfigure(&mut self, id: HostId) {
        let host = self.sim.hosts.get(id.0).filter(|host| host.ports.len() == 1);
        let Some(router) = host.and_then(|host| host.machine.router(0)) else { return };
        let old = router.config().clone();
        let version = match old.version() {
            Version::V2(seconds) => Version::V2(seconds),
            Version::V3(interval) => {
                let most = interval.centis().saturating_mul(2).min(Interval::MAX.centis());
                let centis = self.rng.u16(1.max(interval.centis() / 2)..=most);
                Version::V3(Interval::from_centis(centis).unwrap_or(interval))
            }
        };
        let rank = match old.rank() {
            Rank::Owner => Rank::Owner,
            Rank::Backup(_) => {
                Rank::Backup(Priority::new(self.rng.u8(1..=254)).unwrap_or_default())
            }
        };
        let new = old.with_version(version).and_then(|config| config.with_rank(rank));
        if let Err(rule) = new.and_then(|config| self.sim.reconfigure(id, 0, config)) {
            self.sim.watch.broken(Violation::World(rule));
        }
        self.measure();
    }

    /// All that was broken is mended.
    fn mend(&mut self) {
        for (&network, &wire) in self.networks.iter().zip(&self.wires) {
            self.sim.heal(network);
            self.sim.wire(network, wire);
        }
        for &host in &self.hosts {
            let members = self.sim.hosts.get(host.0).map_or(0, |host| host.ports.len());
            (0..members).for_each(|member| self.sim.link(host, member, true));
            self.sim.restart(host);
            self.sim.tell(host, Event::Health(Health::default()));
            self.sim.tell(host, Event::SyncReady(true));
            if self.stand_back.contains(&host) {
                self.sim.tell(host, Event::Stop);
            }
            self.sim.tell(host, Event::Start);
        }
        self.stand_back.clear();
    }

    /// Two sides, neither of them empty if there are two hosts.
    fn split(&mut self) -> (Vec<HostId>, Vec<HostId>) {
        let mut hosts = self.hosts.clone();
        self.rng.shuffle(&mut hosts);
        let side = self.rng.usize(1..hosts.len().max(2));
        let other = hosts.split_off(side.min(hosts.len()));
        (hosts, other)
    }

    fn bad_wire(&mut self, network: NetworkId) -> Wire {
        let wire = self.wires.get(network.0).copied().unwrap_or(Wire::GOOD);
        Wire {
            most: wire.most * self.rng.u32(1..=3),
            lost: self.rng.u32(1..=300_000),
            doubled: self.rng.u32(0..=200_000),
            ..wire
        }
    }

    fn measure(&mut self) {
        let routers = self.sim.hosts.iter().filter_map(|host| host.machine.router(0));
        let intervals = routers.map(|router| router.config().version().interval());
        self.longest = intervals.fold(self.longest, Duration::max);
    }

    fn wait_for_at_most(&mut self, most: Duration) -> Result<(), Violation> {
        let wait = between(&mut self.rng, Duration::ZERO, most);
        self.sim.run_for(wait)
    }

    fn settle(&mut self) -> Result<(), Violation> {
        self.sim.run_for(self.until_settled())
    }

    /// How long it takes at most until one is active and all know: pauses end, start-up and
    /// preemption are delayed, a wait for the active router can be followed by one to
    /// preempt it, each of four intervals at most, one that answered for the addresses is
    /// missed for three, and announcements are repeated.
    fn until_settled(&self) -> Duration {
        let routers = self.sim.hosts.iter().filter_map(|host| host.machine.router(0));
        let delays = routers.map(|router| {
            let config = router.config();
            let preempt = match config.preempt() {
                Preempt::After(delay) => delay,
                Preempt::Never | Preempt::AtOnce => Duration::ZERO,
            };
            config.startup_delay() + preempt + config.announcements().delay() * 2
        });
        delays.max().unwrap_or_default() + self.longest * (PAUSES + 15)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}: {}", self.seed, self.violation)
    }
}

impl std::error::Error for Failure {}

/// The longest pause, in intervals.
const PAUSES: u32 = 8;
