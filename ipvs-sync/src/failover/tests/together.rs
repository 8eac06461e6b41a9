//! Several directors with real virtual routers and a model of connections, in virtual time.

use super::*;
use crate::vrrp::router::{Action as Does, Cause, Config, Event as Happens, Report};
use crate::vrrp::sim::{Crash, HostId, NetworkId, Sim, Wire};
use crate::vrrp::{Interval, Priority, Rank, Version, VirtualAddresses, Vrid};
use fastrand::Rng;
use std::collections::BTreeSet;

const MILLI: Duration = Duration::from_millis(1);
const INTERVAL: Duration = Duration::from_millis(100);
/// How long time passes at once.
const STEP: Duration = Duration::from_millis(5);
/// How many milliseconds it takes to tell another to take over: longer than its skew.
const PROMOTE: u32 = 40;
/// How old a connection is when the others hear of it.
const TOLD_AFTER: Duration = Duration::from_millis(500);

/// Directors on one network, over which they advertise, ask, and tell connections.
struct World {
    sim: Sim,
    lan: NetworkId,
    nodes: Vec<Node>,
    /// What is on its way to a node, and when it comes.
    flights: Vec<(Time, usize, Flight)>,
    /// When each connection was made.
    made: Vec<Time>,
    /// Whether there are some of which sync messages do not tell.
    has_silent: bool,
    /// Whether the peers are listed by rising priority.
    is_reverse: bool,
    transfers: usize,
    preemptions: usize,
    notices: Vec<(usize, Notice)>,
}

struct Node {
    host: HostId,
    /// None when the machine has crashed.
    director: Option<Director>,
    /// The connections that it knows.
    table: BTreeSet<usize>,
    /// Those that it knew when they were noted.
    noted: BTreeSet<usize>,
    /// In which part of the network it is.
    side: usize,
}

#[derive(Clone)]
enum Flight {
    Answer { peer: usize },
    Transfer { peer: usize },
    Noted,
    Prepare { from: usize, address: IpAddr },
    Prepared { peer: usize, address: IpAddr, result: Result<(), String> },
    Claim { from: usize, address: IpAddr },
    Claimed { peer: usize, address: IpAddr, result: Result<(), String> },
    Promote { from: usize, address: IpAddr, young: BTreeSet<usize> },
    Promoted { peer: usize, address: IpAddr, result: Result<(), String> },
    Connection(usize),
}

fn config(host: u8, priority: u8) -> Config {
    let addresses = VirtualAddresses::new([vip()]).unwrap();
    let rank = Rank::Backup(Priority::new(priority).unwrap());
    let version = Version::V3(Interval::try_from(INTERVAL).unwrap());
    let own = [10, 0, 0, host].into();
    let config = Config::new(Vrid::new(7).unwrap(), rank, addresses, version, own).unwrap();
    config.with_sync_gate(true)
}

impl World {
    /// Directors of falling priority, settled: the first is active.
    fn new(count: u8) -> Self {
        Self::with_order(count, false)
    }

    fn with_order(count: u8, is_reverse: bool) -> Self {
        let mut sim = Sim::new(1);
        let lan = sim.network(Wire::GOOD);
        let node = |number: u8| Node {
            host: sim.router(lan, config(number + 1, 200 - 10 * number)),
            director: None,
            table: BTreeSet::new(),
            noted: BTreeSet::new(),
            side: 0,
        };
        let nodes: Vec<Node> = (0..count).map(node).collect();
        let mut world = Self {
            sim,
            lan,
            nodes,
            flights: Vec::new(),
            made: Vec::new(),
            has_silent: false,
            is_reverse,
            transfers: 0,
            preemptions: 0,
            notices: Vec::new(),
        };
        for node in 0..world.nodes.len() {
            world.boot(node);
            world.sim.tell(world.nodes[node].host, Happens::Start);
        }
        world.pass(SECOND * 20);
        assert_eq!(world.active(), [0]);
        world
    }

    fn boot(&mut self, node: usize) {
        let peers = self.nodes.len() - 1;
        self.nodes[node].director = Some(Director::new(self.sim.now(), peers, None));
    }

    fn crash(&mut self, node: usize) {
        self.sim.tell(self.nodes[node].host, Happens::SyncReady(false));
        self.sim.crash(self.nodes[node].host, Crash::Machine);
        self.nodes[node].director = None;
        self.nodes[node].table.clear();
        self.flights.retain(|(_, to, _)| *to != node);
    }

    fn restart(&mut self, node: usize) {
        self.boot(node);
        self.sim.restart(self.nodes[node].host);
    }

    fn split(&mut self, alone: usize) {
        self.nodes[alone].side = 1;
        let hosts = |side: usize| {
            let of = self.nodes.iter().filter(|node| node.side == side);
            of.map(|node| node.host).collect::<Vec<_>>()
        };
        let (one, other) = (hosts(0), hosts(1));
        self.sim.partition(self.lan, &[&one, &other]);
    }

    fn heal(&mut self) {
        self.nodes.iter_mut().for_each(|node| node.side = 0);
        self.sim.heal(self.lan);
    }

    fn active(&self) -> Vec<usize> {
        let active = self.sim.active(self.lan);
        (0..self.nodes.len()).filter(|node| active.contains(&self.nodes[*node].host)).collect()
    }

    fn reaches(&self, one: usize, other: usize) -> bool {
        let [one, other] = [one, other].map(|node| &self.nodes[node]);
        one.director.is_some() && other.director.is_some() && one.side == other.side
    }

    /// The number of a peer at a node is that of all nodes but itself, in falling priority or
    /// the reverse.
    fn peer(&self, node: usize, number: usize) -> usize {
        let number = self.ordered(number);
        if number < node { number } else { number + 1 }
    }

    fn number(&self, node: usize, peer: usize) -> usize {
        self.ordered(if peer < node { peer } else { peer - 1 })
    }

    fn ordered(&self, number: usize) -> usize {
        if self.is_reverse { self.nodes.len() - 2 - number } else { number }
    }

    fn ago(&self, time: Duration) -> Time {
        Time::ZERO + (self.sim.now() - (Time::ZERO + time))
    }

    fn pass(&mut self, time: Duration) {
        let until = self.sim.now() + time;
        while self.sim.now() < until {
            self.sim.run_for(STEP).unwrap_or_else(|violation| panic!("{violation}"));
            self.hear_routers();
            self.deliver();
            let now = self.sim.now();
            for node in 0..self.nodes.len() {
                let director = self.nodes[node].director.as_ref();
                if director.and_then(Director::poll_timeout).is_some_and(|at| at <= now) {
                    self.tell(node, Event::Tick);
                }
            }
            self.connect();
        }
    }

    fn hear_routers(&mut self) {
        for record in self.sim.take_records() {
            let node = self.nodes.iter().position(|node| node.host == record.host).unwrap();
            match record.action {
                Does::StateChanged { to, cause, .. } => {
                    if let Cause::Preempts { .. } = cause {
                        self.preemptions += 1;
                        self.knows_all(node);
                    }
                    let has_handed_over = matches!(cause, Cause::HandedOver | Cause::GaveWay);
                    self.tell(node, Event::State { address: vip(), state: to, has_handed_over });
                }
                Does::Report(Report::DualActive { .. }) => {
                    self.tell(node, Event::DualActive { address: vip() });
                }
                _ => {}
            }
        }
    }

    /// What a router that takes over from a living one must know: all connections that are
    /// old enough to have been told.
    fn knows_all(&self, node: usize) {
        let old = self.ago(TOLD_AFTER + STEP * 4);
        for peer in 0..self.nodes.len() {
            if self.reaches(node, peer) && self.sim.state(self.nodes[peer].host) == State::Active {
                let missing = self.nodes[peer].table.difference(&self.nodes[node].table);
                let missing: Vec<_> = missing.filter(|id| self.made[**id] < old).collect();
                assert!(missing.is_empty(), "{node} lacks {} of {peer}", missing.len());
            }
        }
    }

    fn tell(&mut self, node: usize, event: Event) {
        let now = self.sim.now();
        let Some(director) = &mut self.nodes[node].director else { return };
        director.handle(now, event);
        let actions: Vec<Action> = std::iter::from_fn(|| director.poll()).collect();
        let host = self.nodes[node].host;
        for action in actions {
            let (delay, to, flight) = match action {
                Action::Ask { peer } => {
                    let peer = self.peer(node, peer);
                    let delay = if self.reaches(node, peer) { 5 } else { 300 };
                    (delay, node, Flight::Answer { peer })
                }
                Action::Transfer { peer } => {
                    self.transfers += 1;
                    (400, node, Flight::Transfer { peer: self.peer(node, peer) })
                }
                Action::Note => {
                    self.nodes[node].noted = self.nodes[node].table.clone();
                    (20, node, Flight::Noted)
                }
                Action::Prepare { peer, address } => {
                    (5, self.peer(node, peer), Flight::Prepare { from: node, address })
                }
                Action::Promote { peer, address } => {
                    let young = &self.nodes[node].table - &self.nodes[node].noted;
                    let flight = Flight::Promote { from: node, address, young };
                    (PROMOTE, self.peer(node, peer), flight)
                }
                Action::Claim { peer, address, .. } => {
                    (10, self.peer(node, peer), Flight::Claim { from: node, address })
                }
                Action::Look { address } => {
                    let preempts = self.sim.preempts(host).then_some(1);
                    self.tell(node, Event::Looked { address, preempts });
                    continue;
                }
                Action::Gate { is_open, .. } => {
                    self.sim.tell(host, Happens::SyncReady(is_open));
                    continue;
                }
                Action::Resign { gives_way, .. } => {
                    let event = if gives_way { Happens::GiveWay } else { Happens::Resign };
                    self.sim.tell(host, event);
                    continue;
                }
                Action::TakeOver { .. } => {
                    self.sim.tell(host, Happens::Promote);
                    continue;
                }
                Action::Answer { request, result } => {
                    let (to, address) = (usize::try_from(request / 3).unwrap(), vip());
                    let flight = match request % 3 {
                        0 => Flight::Prepared { peer: node, address, result },
                        1 => Flight::Promoted { peer: node, address, result },
                        _ => Flight::Claimed { peer: node, address, result },
                    };
                    (5, to, flight)
                }
                Action::Notice(notice) => {
                    self.notices.push((node, notice));
                    continue;
                }
            };
            self.flights.push((now + MILLI * delay, to, flight));
        }
    }

    fn deliver(&mut self) {
        let now = self.sim.now();
        let (due, later) =
            std::mem::take(&mut self.flights).into_iter().partition(|it| it.0 <= now);
        self.flights = later;
        let due: Vec<(Time, usize, Flight)> = due;
        for (_, to, flight) in due {
            let lost = "timeout".to_owned();
            match flight {
                Flight::Answer { peer } => {
                    let director = self.nodes[peer].director.as_ref();
                    let result = match director.filter(|_| self.reaches(to, peer)) {
                        Some(director) => Ok(director.standings()),
                        None => Err(lost),
                    };
                    self.tell(to, Event::Answer { peer: self.number(to, peer), result });
                }
                Flight::Transfer { peer } => {
                    let reaches = self.reaches(to, peer);
                    if reaches {
                        let new = &self.nodes[peer].table - &self.nodes[to].table;
                        for id in new {
                            self.learns(to, id);
                        }
                    }
                    let result = if reaches { Ok(()) } else { Err(lost) };
                    self.tell(to, Event::Transferred { peer: self.number(to, peer), result });
                }
                Flight::Claim { from, address } if self.reaches(to, from) => {
                    let (peer, request) = (self.number(to, from), from as u64 * 3 + 2);
                    let (priority, own_priority, addresses) = (2, 1, vec![address]);
                    let claim = Event::ClaimAsked {
                        request,
                        peer,
                        address,
                        priority,
                        own_priority,
                        addresses,
                    };
                    self.tell(to, claim);
                }
                // The peer will not wait for ever.
                Flight::Claim { .. } => {}
                Flight::Noted => self.tell(to, Event::Noted { result: Ok(()) }),
                Flight::Prepare { from, address } => {
                    if self.reaches(to, from) {
                        let request = from as u64 * 3;
                        self.tell(to, Event::PrepareAsked { request, address });
                    }
                }
                Flight::Prepared { peer, address, result } => {
                    let peer = self.number(to, peer);
                    self.tell(to, Event::Prepared { peer, address, result });
                }
                Flight::Promote { from, address, young } => {
                    if self.reaches(to, from) {
                        young.into_iter().for_each(|id| self.learns(to, id));
                        let request = from as u64 * 3 + 1;
                        self.tell(to, Event::PromoteAsked { request, address });
                    }
                }
                Flight::Claimed { peer, address, result } => {
                    let result = if self.reaches(to, peer) { result } else { Err(lost) };
                    let peer = self.number(to, peer);
                    self.tell(to, Event::Claimed { peer, address, result });
                }
                Flight::Promoted { peer, address, result } => {
                    let peer = self.number(to, peer);
                    self.tell(to, Event::Promoted { peer, address, result });
                }
                Flight::Connection(id) => {
                    self.nodes[to].table.insert(id);
                }
            }
        }
    }

    /// A connection is made at each that is active, and told to those that can be reached.
    fn connect(&mut self) {
        let now = self.sim.now();
        for node in self.active() {
            let id = self.made.len();
            self.made.push(now);
            self.learns(node, id);
        }
    }

    /// A node has a connection now, and tells it if the connection's packets come there:
    /// the kernel's master tells also what its backup was told.
    fn learns(&mut self, node: usize, id: usize) {
        self.nodes[node].table.insert(id);
        if !self.active().contains(&node) || self.has_silent && id % 7 == 0 {
            return;
        }
        let at = self.sim.now() + TOLD_AFTER;
        for other in 0..self.nodes.len() {
            if other != node && self.reaches(node, other) {
                self.flights.push((at, other, Flight::Connection(id)));
            }
        }
    }

    /// What the active one knows and has had the time to tell.
    fn known(&self) -> BTreeSet<usize> {
        let told = self.ago(SECOND);
        let active = self.active();
        let tables = active.iter().flat_map(|node| &self.nodes[*node].table);
        tables.copied().filter(|id| self.made[*id] < told).collect()
    }

    /// All that live know all that is old enough, and may take over.
    fn is_settled(&self) {
        let [active] = self.active()[..] else { panic!("{:?} are active", self.active()) };
        for (number, node) in self.nodes.iter().enumerate() {
            let Some(director) = &node.director else { continue };
            if number != active {
                let standings = director.standings();
                assert!(standings.iter().all(|there| there.is_ready), "{number}: {standings:?}");
            }
            let told = self.ago(SECOND);
            let missing = self.nodes[active].table.difference(&node.table);
            assert_eq!(missing.filter(|id| self.made[**id] < told).count(), 0, "at {number}");
        }
    }
}

#[test]
fn one_that_comes_back_is_handed_over_to_when_it_knows_all_connections() {
    let mut world = World::new(2);
    world.crash(0);
    world.has_silent = true;
    world.pass(SECOND * 5);
    assert_eq!(world.active(), [1]);
    let lost: BTreeSet<usize> = (0..world.made.len()).collect();
    let lost = &lost - &world.nodes[1].table;
    world.restart(0);
    world.pass(MILLI * 300);
    assert_eq!(world.active(), [1], "it would have heard for long enough");
    while world.active() != [0] {
        world.pass(STEP);
        assert!(world.sim.now() < Time::ZERO + SECOND * 60, "it does not come");
    }
    assert_eq!(world.preemptions, 0);
    // Not even the youngest are missing, long before sync messages would have told them. They
    // come with the word to take over, which is later than the skew here.
    let all: BTreeSet<usize> = (0..world.made.len()).collect();
    world.pass(MILLI * PROMOTE);
    assert_eq!(&all - &world.nodes[0].table, lost);
    world.pass(SECOND * 5);
    assert_eq!(world.active(), [0]);
}

#[test]
fn a_planned_handover_leaves_nobody_without_and_loses_nothing() {
    let mut world = World::new(3);
    world.has_silent = true;
    world.pass(SECOND * 5);
    world.tell(0, Event::HandOver { addresses: vec![vip()] });
    let mut without = Duration::ZERO;
    let mut before = world.made.len();
    for _ in 0..1_200 {
        world.pass(STEP);
        if world.active().is_empty() {
            without += STEP;
            before = world.made.len();
        }
    }
    assert!(without > Duration::ZERO && without < INTERVAL, "{without:?}");
    // The one of the next higher priority, and it stays there.
    assert_eq!(world.active(), [1]);
    world.pass(SECOND * 10);
    assert_eq!(world.active(), [1]);
    assert!((0..before).all(|id| world.nodes[1].table.contains(&id)));
}

#[test]
fn a_backup_that_is_faster_than_the_successor_lacks_only_the_youngest() {
    let mut world = World::with_order(3, true);
    world.has_silent = true;
    world.pass(SECOND * 5);
    let before = world.made.len();
    world.tell(0, Event::HandOver { addresses: vec![vip()] });
    world.pass(SECOND * 5);
    // Both take over, and the successor gives way.
    assert_eq!(world.active(), [1]);
    assert!((0..before).all(|id| world.nodes[1].table.contains(&id)));
}

#[test]
fn nobody_hands_over_to_one_that_has_just_come_back() {
    let mut world = World::new(2);
    world.crash(1);
    world.pass(SECOND * 5);
    world.restart(1);
    world.pass(MILLI * 20);
    world.notices.clear();
    world.tell(0, Event::HandOver { addresses: vec![vip()] });
    world.pass(MILLI * 100);
    assert_eq!(world.active(), [0]);
    assert!(world.notices.iter().any(|(_, notice)| matches!(notice, Notice::Held { .. })));
}

#[test]
fn nobody_takes_over_who_has_just_come_back_while_another_is_told_to() {
    let mut world = World::new(3);
    world.crash(1);
    world.pass(SECOND * 5);
    world.restart(1);
    // The third is ready, the second is faster.
    world.pass(MILLI * 20);
    world.tell(0, Event::HandOver { addresses: vec![vip()] });
    world.pass(MILLI * 200);
    let [active] = world.active()[..] else { panic!("{:?} are active", world.active()) };
    let old = world.ago(SECOND);
    let missing = (0..world.made.len()).filter(|id| world.made[*id] < old);
    let missing = missing.filter(|id| !world.nodes[active].table.contains(id));
    assert_eq!(missing.count(), 0, "at {active}");
}

/// Also where the one that stays was a backup before, and the other active all the time.
#[test]
fn after_a_partition_all_know_what_either_side_had() {
    for (alone, has_handed_over) in [(0, false), (1, false), (0, true), (1, true)] {
        let mut world = World::new(2);
        if has_handed_over {
            world.tell(0, Event::HandOver { addresses: vec![vip()] });
            world.pass(SECOND * 10);
            assert_eq!(world.active(), [1]);
        }
        world.split(alone);
        world.pass(SECOND * 5);
        assert_eq!(world.active(), [0, 1]);
        world.heal();
        world.pass(SECOND * 15);
        assert_eq!(world.active(), [0]);
        let all: BTreeSet<usize> = (0..world.made.len() - 400).collect();
        for node in [0, 1] {
            let missing = all.difference(&world.nodes[node].table).count();
            assert_eq!(missing, 0, "{alone}, {has_handed_over}, {node}");
        }
    }
}

#[test]
fn whatever_happens_all_is_well_again_and_little_is_taken_for_it() {
    let seeds = 0..40;
    for seed in seeds {
        println!("seed {seed}");
        let mut rng = Rng::with_seed(seed);
        let mut world = World::new(2 + rng.u8(0..2));
        let count = world.nodes.len();
        for _ in 0..6 {
            let transfers = world.transfers;
            let known = world.known();
            let node = rng.usize(0..count);
            let pause = |rng: &mut Rng| MILLI * rng.u32(0..8_000);
            let what = rng.u8(0..8);
            println!(
                "fault {what} of {node}, {:?} are active, {}",
                world.active(),
                world.sim.now()
            );
            match what {
                0 => {
                    world.crash(node);
                    world.pass(pause(&mut rng));
                    world.restart(node);
                }
                1 => {
                    world.split(node);
                    // Long enough to be noticed by those that are on one side.
                    world.pass(SECOND * 2 + pause(&mut rng));
                    world.heal();
                }
                2 => world.tell(node, Event::BackupStarted),
                3 => {
                    for node in world.active() {
                        world.tell(node, Event::HandOver { addresses: vec![vip()] });
                    }
                    world.pass(MILLI * rng.u32(0..50));
                    // Meanwhile it dies, perhaps before anybody took over.
                    if rng.bool() {
                        world.crash(node);
                        world.pass(pause(&mut rng));
                        world.restart(node);
                    }
                }
                4 => {
                    for node in 0..count {
                        world.tell(node, Event::HandOver { addresses: vec![vip()] });
                    }
                }
                // Only advertisements are lost, or only the rest.
                5 => {
                    world.split(node);
                    world.nodes[node].side = 0;
                    world.pass(pause(&mut rng));
                    world.heal();
                }
                6 => {
                    world.nodes[node].side = 1;
                    world.pass(SECOND * 2 + pause(&mut rng));
                    world.heal();
                }
                // It comes back, and hears others only when it may have taken over.
                _ => {
                    world.crash(node);
                    world.pass(pause(&mut rng));
                    world.split(node);
                    world.nodes[node].side = 0;
                    world.restart(node);
                    world.pass(MILLI * rng.u32(300..400));
                    world.heal();
                }
            }
            world.pass(SECOND * 25);
            world.is_settled();
            let lost = known.difference(&world.nodes[world.active()[0]].table).count();
            assert_eq!(lost, 0, "lost");
            assert!(world.transfers - transfers <= 3 * count, "{}", world.transfers - transfers);
        }
    }
}
