//! The rules of the RFCs, and what goes beyond them. A line `shows: …` above a test says
//! which requirements of `conformance.txt` it shows.

mod active;
mod backup;
mod change;
mod flood;
mod group;
mod handover;
mod heal;
mod initialize;
mod late;
mod model;
mod preempt;
mod probe;
mod version2;

use super::*;
use crate::vrrp::{Interval, Seconds, VirtualAddresses, Vrid};
use std::net::Ipv4Addr;
use std::time::Duration;

/// One router and its clock.
struct Host {
    router: Router,
    now: Time,
}

/// A start of a configuration: version 3, every second.
fn rank(priority: u8) -> Config {
    let rank = match priority {
        255 => Rank::Owner,
        _ => Rank::Backup(Priority::new(priority).unwrap()),
    };
    let addresses = VirtualAddresses::new([address("10.0.0.7"), address("10.0.0.8")]).unwrap();
    let version = Version::V3(Interval::DEFAULT);
    Config::new(Vrid::new(7).unwrap(), rank, addresses, version, address("10.0.0.2")).unwrap()
}

/// The same with another version and interval.
fn versioned(config: &Config, version: Version) -> Config {
    config.clone().with_version(version).unwrap()
}

fn centis(centis: u16) -> Version {
    Version::V3(Interval::from_centis(centis).unwrap())
}

fn seconds(seconds: u8) -> Version {
    Version::V2(Seconds::new(seconds).unwrap())
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn millis(millis: u64) -> Time {
    Time::from_micros(millis * 1_000)
}

const MILLI: Duration = Duration::from_millis(1);

impl Host {
    /// Started, its actions taken.
    fn started(config: Config) -> Self {
        let mut host = Self::stopped(config);
        host.tell(Event::Start);
        host.take();
        host
    }

    /// At a time that is not the first.
    fn stopped(config: Config) -> Self {
        Self { router: Router::new(config), now: millis(100_000) }
    }

    /// Active since just now, its actions taken.
    fn active(config: Config) -> Self {
        let mut host = Self::started(config);
        host.tell(Event::Promote);
        host.take();
        assert_eq!(host.router.state(), State::Active);
        host
    }

    fn tell(&mut self, event: Event) {
        self.router.handle(self.now, event);
    }

    fn hear(&mut self, priority: u8, source: &str) {
        self.hear_with(priority, source, self.router.config().version());
    }

    fn hear_with(&mut self, priority: u8, source: &str, version: Version) {
        let arrival = self.now;
        let heard = Heard { priority, version, source: address(source), arrival };
        self.tell(Event::Heard(heard));
    }

    /// Its actions that nobody has taken.
    fn take(&mut self) -> Vec<Action> {
        std::iter::from_fn(|| self.router.poll()).collect()
    }

    /// Lets so much time pass, telling every tick on time.
    fn pass(&mut self, duration: Duration) {
        let end = self.now + duration;
        while let Some(next) = self.router.poll_timeout().filter(|&next| next <= end) {
            self.now = next;
            self.tell(Event::Tick);
        }
        self.now = end;
    }

    /// Lets time pass until it is in this state; how long that took.
    fn until(&mut self, state: State) -> Duration {
        let start = self.now;
        while self.router.state() != state {
            self.now = self.router.poll_timeout().expect("something is to come");
            self.tell(Event::Tick);
        }
        self.now - start
    }

    fn state(&self) -> State {
        self.router.state()
    }

    /// How long until it wants to be told the time.
    fn next(&self) -> Duration {
        self.router.poll_timeout().expect("something is to come") - self.now
    }
}

fn advertise(priority: u8) -> Action {
    Action::Advertise { priority }
}

/// What [`Announcements::default`] comes to.
fn five_rounds() -> Vec<Action> {
    vec![Action::Announce; 5]
}

/// Why it changed its state, of the last change there.
fn cause(actions: &[Action]) -> Cause {
    let mut changes = actions.iter().filter_map(|action| match action {
        Action::StateChanged { cause, .. } => Some(cause.clone()),
        _ => None,
    });
    changes.next_back().expect("a change of state")
}

/// The same without what says why.
fn without_changes(actions: Vec<Action>) -> Vec<Action> {
    let is_done = |action: &Action| !matches!(action, Action::StateChanged { .. });
    actions.into_iter().filter(is_done).collect()
}

fn announcements(actions: &[Action]) -> usize {
    actions.iter().filter(|&action| *action == Action::Announce).count()
}

fn reports(actions: &[Action]) -> Vec<Report> {
    let reports = actions.iter().filter_map(|action| match action {
        Action::Report(report) => Some(*report),
        _ => None,
    });
    reports.collect()
}
