//! Every run of two and three routers, as far as time comes in quarters of an interval:
//! all orders of packets and timers, and every time at which something is lost, paused,
//! stopped or crashed. The search ends because only what is left of a time is looked at,
//! so it is not of so many steps but of all.
//!
//! It is written out because it is short: a model checker would bring 40 crates and an
//! HTTP server.

use super::*;
use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

/// A quarter of the interval. Priorities are such that all skews are whole quarters.
const QUARTER: u64 = 2_500;

/// It is always this time: what is remembered grows older instead, and when it is so old
/// that it makes no difference, no more.
const NOW: Time = Time::from_micros(1_000_000);
const OLDEST: Time = Time::from_micros(1_000_000 - 20 * QUARTER);

/// What may happen, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Limits {
    /// Packets that are lost.
    losses: u8,
    /// Pauses of any length, one at a time.
    pauses: u8,
    /// Graceful stops.
    stops: u8,
    /// Crashes.
    crashes: u8,
    /// Starts.
    starts: u8,
}

#[derive(Clone, Debug)]
struct World {
    hosts: Vec<Rc<Node>>,
    /// On their way: each comes in this quarter or in the next.
    packets: Vec<Packet>,
    left: Limits,
    /// For how many quarters two have been active that hear each other, and nothing was
    /// lost.
    dual: u8,
    /// For how many quarters nothing has been lost, paused, started, stopped or crashed.
    quiet: u8,
    /// The one that is active alone, for how many quarters, and nothing was lost.
    heard: Option<usize>,
    audible: u8,
    /// No advertisement comes to anybody, and all routers ask for the addresses. None takes
    /// over when another has been active alone for so many quarters.
    filtered: Option<u8>,
}

#[derive(Clone, Debug)]
struct Node {
    router: Router,
    is_paused: bool,
    has_addresses: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Packet {
    from: usize,
    to: usize,
    load: Load,
    is_old: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Load {
    Advertisement(u8),
    Answer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Start(usize),
    Stop(usize),
    Crash(usize),
    Pause(usize),
    Resume(usize),
    Tick(usize),
    Deliver(usize),
    Lose(usize),
    Time,
}

/// The most quarters that two are active: until the next advertisement has come.
const DUAL: u8 = 5;

/// After so many quiet quarters one is active, and it is the best.
const SETTLED: u8 = 20;

/// After so many quarters in which it could hear a better active router, none takes over.
const AUDIBLE: u8 = 20;

impl World {
    fn new(priorities: &[u8], left: Limits) -> Self {
        let hosts = priorities.iter().zip(1..).map(|(&priority, host)| {
            let version = Version::V3(Interval::MIN);
            let config = versioned(&rank(priority), version);
            let source = IpAddr::from([10, 0, 0, host]);
            let router = Router::new(config.with_source(source).unwrap());
            Rc::new(Node { router, is_paused: false, has_addresses: false })
        });
        let hosts = hosts.collect();
        Self {
            hosts,
            packets: Vec::new(),
            left,
            dual: 0,
            quiet: 0,
            heard: None,
            audible: 0,
            filtered: None,
        }
    }

    /// The same where no advertisement comes any more, and all ask for the addresses.
    fn filtered(mut self, quarters: u8) -> Self {
        for node in &mut self.hosts {
            let router = &mut Rc::make_mut(node).router;
            let config = router.config().clone().with_probe(true);
            router.reconfigure(NOW, config).unwrap();
        }
        Self { filtered: Some(quarters), ..self }
    }

    /// All are started, and the first is active.
    fn settled(priorities: &[u8], left: Limits) -> Self {
        let mut world = Self::new(priorities, left);
        for n in 0..priorities.len() {
            world.tell(n, Event::Start).unwrap();
        }
        while !(world.quiet >= 16 && world.packets.is_empty()) {
            let step = world
                .steps()
                .into_iter()
                .find(|step| matches!(step, Step::Tick(_) | Step::Deliver(_) | Step::Time));
            world = world.after(step.unwrap()).unwrap();
        }
        world
    }

    fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        let is_any_paused = self.hosts.iter().any(|node| node.is_paused);
        for (n, node) in self.hosts.iter().enumerate() {
            let state = node.router.state();
            if node.is_paused {
                steps.push(Step::Resume(n));
                continue;
            }
            if state == State::Stopped {
                if self.left.starts > 0 {
                    steps.push(Step::Start(n));
                }
                continue;
            }
            if self.left.stops > 0 {
                steps.push(Step::Stop(n));
            }
            if self.left.crashes > 0 {
                steps.push(Step::Crash(n));
            }
            if self.left.pauses > 0 && !is_any_paused {
                steps.push(Step::Pause(n));
            }
            if self.is_due(n) {
                steps.push(Step::Tick(n));
            }
        }
        for n in 0..self.packets.len() {
            steps.push(Step::Deliver(n));
            if self.left.losses > 0 {
                steps.push(Step::Lose(n));
            }
        }
        // Nothing waits for more than a quarter, and timers for none.
        let is_waiting = self.packets.iter().any(|packet| packet.is_old)
            || (0..self.hosts.len()).any(|n| self.is_due(n));
        if !is_waiting {
            steps.push(Step::Time);
        }
        steps
    }

    fn is_due(&self, n: usize) -> bool {
        let node = &self.hosts[n];
        !node.is_paused && node.router.poll_timeout().is_some_and(|next| next <= NOW)
    }

    /// The world after a step, or what it broke.
    fn after(&self, step: Step) -> Result<Self, String> {
        let mut world = self.clone();
        let is_disturbed = !matches!(step, Step::Tick(_) | Step::Deliver(_) | Step::Time);
        if is_disturbed {
            world.quiet = 0;
        }
        match step {
            Step::Start(n) => {
                world.left.starts -= 1;
                world.tell(n, Event::Start)?;
            }
            Step::Stop(n) => {
                world.left.stops -= 1;
                world.tell(n, Event::Stop)?;
            }
            Step::Crash(n) => {
                world.left.crashes -= 1;
                let node = world.host(n);
                node.router = Router::new(node.router.config().clone());
            }
            Step::Pause(n) => {
                world.left.pauses -= 1;
                world.host(n).is_paused = true;
            }
            Step::Resume(n) => {
                world.host(n).is_paused = false;
                world.tell(n, Event::Tick)?;
            }
            Step::Tick(n) => world.tell(n, Event::Tick)?,
            Step::Deliver(n) => {
                let Packet { from, to, load, .. } = world.packets.remove(n);
                let config = world.hosts[from].router.config();
                let (version, source) = (config.version(), config.source());
                let node = &world.hosts[to];
                if node.is_paused {
                    world.dual = 0;
                } else if node.router.state() != State::Stopped {
                    let event = match load {
                        Load::Advertisement(priority) => {
                            Event::Heard(Heard { priority, version, source, arrival: NOW })
                        }
                        Load::Answer => Event::Answered(probe::THERE),
                    };
                    world.tell(to, event)?;
                }
            }
            Step::Lose(n) => {
                world.left.losses -= 1;
                world.packets.remove(n);
                (world.dual, world.audible) = (0, 0);
            }
            Step::Time => world.pass()?,
        }
        world.packets.sort_unstable();
        Ok(world)
    }

    fn tell(&mut self, n: usize, event: Event) -> Result<(), String> {
        let is_tick = event == Event::Tick;
        self.host(n).router.handle(NOW, event);
        while let Some(action) = self.host(n).router.poll() {
            match action {
                Action::Advertise { .. } if self.filtered.is_some() => {}
                Action::Advertise { priority } => {
                    let load = Load::Advertisement(priority);
                    let packet = |to| Packet { from: n, to, load, is_old: false };
                    self.packets.extend(self.others(n).map(packet));
                }
                Action::Probe => {
                    // The question takes no time.
                    let load = Load::Answer;
                    let answer = |from| Packet { from, to: n, load, is_old: false };
                    let answers = self.others(n).filter(|&from| self.hosts[from].has_addresses);
                    let answers: Vec<Packet> = answers.map(answer).collect();
                    self.packets.extend(answers);
                }
                Action::Install => self.host(n).has_addresses = true,
                Action::Remove => self.host(n).has_addresses = false,
                Action::Announce if self.filtered.is_some() => {
                    let load = Load::Answer;
                    let packet = |to| Packet { from: n, to, load, is_old: false };
                    let packets = self.others(n).map(packet);
                    // A second round on its way makes no difference.
                    let is_new = |packet: &Packet| !self.packets.contains(packet);
                    let packets: Vec<Packet> = packets.filter(is_new).collect();
                    self.packets.extend(packets);
                }
                Action::StateChanged { to: State::Active, cause, .. }
                    if self.filtered.is_some_and(|quarters| self.audible >= quarters) =>
                {
                    let other = self.heard.filter(|_| matches!(cause, Cause::Silence { .. }));
                    if let Some(other) = other {
                        return Err(format!("{n} took over from {other}, which answers"));
                    }
                }
                Action::StateChanged { to: State::Active, .. } => {
                    let heard = self.heard.filter(|_| self.audible >= AUDIBLE);
                    if let Some(better) = heard.filter(|&other| self.rank(other) > self.rank(n)) {
                        return Err(format!("{n} took over from {better}, which was to be heard"));
                    }
                }
                Action::Announce | Action::StateChanged { .. } | Action::Report(_) => {}
            }
        }
        let node = &self.hosts[n];
        if node.has_addresses != (node.router.state() == State::Active) {
            return Err(format!("{n} is {}, and its addresses are not", node.router.state()));
        }
        if is_tick && self.is_due(n) {
            return Err(format!("{n} wants to be told the time again"));
        }
        self.host(n).router.forget(|time| *time = (*time).max(OLDEST));
        Ok(())
    }

    /// A quarter passes.
    fn pass(&mut self) -> Result<(), String> {
        for packet in &mut self.packets {
            packet.is_old = true;
        }
        for node in &mut self.hosts {
            Rc::make_mut(node).router.forget(|time| {
                *time = Time::from_micros(time.micros() - QUARTER).max(OLDEST);
            });
        }
        let active = self.active();
        self.dual = if active.len() > 1 && self.filtered.is_none() { self.dual + 1 } else { 0 };
        if self.dual > DUAL {
            return Err(format!("{active:?} were active for {} quarters", self.dual));
        }
        let heard = active.first().copied().filter(|_| active.len() == 1);
        let goes_on = heard.is_some() && heard == self.heard;
        self.audible = if goes_on { (self.audible + 1).min(AUDIBLE) } else { 0 };
        self.heard = heard;
        let is_any_paused = self.hosts.iter().any(|node| node.is_paused);
        self.quiet = if is_any_paused { 0 } else { (self.quiet + 1).min(SETTLED) };
        let takes_part = |&n: &usize| self.hosts[n].router.state() != State::Stopped;
        let best = (0..self.hosts.len()).filter(takes_part).max_by_key(|&n| self.rank(n));
        let is_well = match self.filtered {
            // Nobody knows who is better. What a crash has left is waited for.
            Some(_) => !active.is_empty() || self.hosts.iter().any(|node| node.is_left()),
            None => active == Vec::from_iter(best),
        };
        if self.quiet == SETTLED && best.is_some() && !is_well {
            return Err(format!("{active:?} are active when all has been quiet, not {best:?}"));
        }
        Ok(())
    }

    fn others(&self, n: usize) -> impl Iterator<Item = usize> + use<> {
        (0..self.hosts.len()).filter(move |&other| other != n)
    }

    fn host(&mut self, n: usize) -> &mut Node {
        Rc::make_mut(&mut self.hosts[n])
    }

    fn rank(&self, n: usize) -> Rank {
        self.hosts[n].router.rank()
    }

    /// Those that are and run.
    fn active(&self) -> Vec<usize> {
        let is_active =
            |&n: &usize| !self.hosts[n].is_paused && self.hosts[n].router.state() == State::Active;
        (0..self.hosts.len()).filter(is_active).collect()
    }

    /// A number of 64 bits: that two of some millions of worlds have the same one happens
    /// once in a hundred thousand searches. What never differs is left out.
    fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for node in &self.hosts {
            (&node.router.role, node.is_paused, node.has_addresses).hash(&mut hasher);
        }
        let counts = (self.dual, self.quiet, self.heard, self.audible);
        (&self.packets, self.left, counts).hash(&mut hasher);
        hasher.finish()
    }
}

impl Node {
    /// Whether a crash has left the addresses.
    fn is_left(&self) -> bool {
        self.has_addresses && self.router.state() != State::Active
    }
}

impl Router {
    /// Makes what makes no difference the same.
    fn forget(&mut self, time: impl Fn(&mut Time)) {
        match &mut self.role {
            Role::Backup(backup) => backup.forget(time),
            Role::Active(active) => active.forget(time),
            Role::Stopped | Role::Fault => {}
        }
    }
}

/// Looks at every world that can be reached; how many there are.
fn explore(first: World) -> usize {
    let mut seen = HashSet::from([first.fingerprint()]);
    // The step that led to a world, and the number of the world before.
    let mut ways: Vec<(usize, Step)> = vec![(0, Step::Time)];
    let mut frontier = VecDeque::from([(0, first)]);
    while let Some((number, world)) = frontier.pop_front() {
        for step in world.steps() {
            match world.after(step) {
                Ok(next) if seen.insert(next.fingerprint()) => {
                    frontier.push_back((ways.len(), next));
                    ways.push((number, step));
                }
                Ok(_) => {}
                Err(broken) => {
                    let mut way = vec![step];
                    let mut at = number;
                    while at > 0 {
                        way.push(ways[at].1);
                        at = ways[at].0;
                    }
                    way.reverse();
                    panic!("{broken}, after {way:?}");
                }
            }
        }
    }
    seen.len()
}

/// What may happen: losses, pauses, stops, crashes, starts.
fn limits([losses, pauses, stops, crashes, starts]: [u8; 5]) -> Limits {
    Limits { losses, pauses, stops, crashes, starts }
}

const TWO: [u8; 2] = [192, 128];
const THREE: [u8; 3] = [192, 128, 64];

#[test]
fn two_routers_that_start_lose_stop_and_crash_at_any_time() {
    assert!(explore(World::new(&TWO, limits([1, 0, 1, 1, 3]))) > 300_000);
}

#[test]
fn two_routers_that_lose_pause_stop_and_start_at_any_time() {
    assert!(explore(World::settled(&TWO, limits([1, 1, 1, 0, 1]))) > 700_000);
}

#[test]
fn three_routers_of_which_one_is_paused_at_any_time_for_any_time() {
    assert!(explore(World::settled(&THREE, limits([0, 1, 0, 0, 0]))) > 200_000);
}

#[test]
fn three_routers_of_which_one_stops_or_crashes_and_a_packet_is_lost_at_any_time() {
    assert!(explore(World::settled(&THREE, limits([1, 0, 1, 0, 0]))) > 50_000);
    assert!(explore(World::settled(&THREE, limits([1, 0, 0, 1, 0]))) > 40_000);
}

/// What comes are answers and announcements. Of those nothing, or one thing is lost, or
/// comes in a pause.
#[test]
fn two_routers_that_do_not_hear_each_other_and_ask() {
    let explored = |left, quarters| explore(World::settled(&TWO, limits(left)).filtered(quarters));
    assert!(explored([0, 0, 1, 1, 2], 1) > 20_000);
    assert!(explored([1, 0, 1, 0, 2], 8) > 10_000);
    assert!(explored([0, 1, 1, 0, 1], 8) > 90_000);
}

#[test]
fn three_routers_that_do_not_hear_each_other_and_ask() {
    let explored =
        |left, quarters| explore(World::settled(&THREE, limits(left)).filtered(quarters));
    assert!(explored([0, 0, 1, 1, 0], 1) > 7_000);
    assert!(explored([1, 0, 1, 0, 0], 8) > 10_000);
}

#[test]
#[ignore = "takes minutes, where the others of this file take seconds"]
fn more_of_it_at_once() {
    for more in [[1, 1, 0, 0, 0], [0, 0, 1, 0, 1], [0, 0, 0, 1, 1]] {
        let start = std::time::Instant::now();
        let n = explore(World::settled(&THREE, limits(more)));
        println!("three routers, {:?}: {n} worlds in {:?}", limits(more), start.elapsed());
    }
    for (priorities, more) in [(&THREE[..], [0, 0, 0, 0, 3]), (&TWO[..], [2, 1, 1, 1, 4])] {
        let start = std::time::Instant::now();
        let n = explore(World::new(priorities, limits(more)));
        println!("{priorities:?}, {:?}: {n} worlds in {:?}", limits(more), start.elapsed());
    }
}
