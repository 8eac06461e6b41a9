//! That a router which resigns is followed.

use super::host::{Host, Status};
use super::{HostId, Sim, Violation};
use crate::vrrp::router::{Cause, Config, Heard, Machine, Router, State};
use crate::vrrp::{Time, Version};
use std::collections::BTreeMap;
use std::time::Duration;

/// What is remembered of hosts with one router to see it.
#[derive(Clone, Debug, Default)]
pub(super) struct Successions {
    /// Whom a host heard last, other than resign.
    heard: BTreeMap<usize, usize>,
    /// Since when a host is a backup, and for how long it is one at least.
    backups: BTreeMap<usize, (Time, Duration)>,
    /// Who resigned, and until when a backup is to follow.
    waits: BTreeMap<usize, (usize, Time)>,
}

impl Successions {
    /// A host has become a backup.
    pub(super) fn begins(&mut self, now: Time, id: usize, config: &Config, cause: &Cause) {
        let least = match cause {
            Cause::Started | Cause::Recovered => config.startup_delay(),
            Cause::Outranked { .. } => config.version().interval(),
            Cause::NotInstalled | Cause::NotKept => Duration::from_secs(1),
            _ => Duration::ZERO,
        };
        self.backups.insert(id, (now, least));
    }

    /// A host's clock stood still until now.
    pub(super) fn stood_still(&mut self, now: Time, id: usize) {
        if let Some((since, _)) = self.backups.get_mut(&id) {
            *since = now;
        }
    }

    /// An advertisement comes from one host to another.
    pub(super) fn heard(&mut self, sim: &Sim, from: usize, to: usize, heard: Heard) -> Broken {
        let host = sim.hosts.get(to)?;
        let Machine::One(router) = &host.machine else { return None };
        if !listens_to(router.config(), heard) {
            return None;
        }
        if heard.priority > 0 {
            self.heard.insert(to, from);
            return self.over(sim.now, to);
        }
        let is_of_active = self.heard.get(&to).is_none_or(|&last| last == from);
        if is_of_active && host.status == Status::Runs && router.state() == State::Backup {
            if let Some(until) = self.until(sim, to, host, router) {
                // A second resignation does not prolong it.
                self.waits.entry(to).or_insert((from, until));
            }
        }
        None
    }

    /// A host is not to follow any more.
    pub(super) fn over(&mut self, now: Time, id: usize) -> Broken {
        let (resigned, until) = self.waits.remove(&id)?;
        let (host, resigned) = (HostId(id), HostId(resigned));
        (now > until).then_some(Violation::NotFollowed { at: now, host, resigned, until })
    }

    /// Who is a backup, runs or has its link may have changed.
    pub(super) fn review(&mut self, sim: &Sim) -> Broken {
        let waits = |host: &Host| {
            host.has_link(0) && host.running(0).map(Router::state) == Some(State::Backup)
        };
        let ids = self.waits.keys().copied();
        let over: Vec<usize> = ids.filter(|&id| !sim.hosts.get(id).is_some_and(waits)).collect();
        let broken: Vec<_> = over.into_iter().filter_map(|id| self.over(sim.now, id)).collect();
        broken.into_iter().next()
    }

    /// Those that should have followed already.
    pub(super) fn look(&mut self, now: Time) -> Broken {
        let late = self.waits.iter().find(|&(_, &(_, until))| now > until).map(|(&id, _)| id);
        self.over(now, late?)
    }

    /// Until when a backup follows one that resigns now, if that can be said.
    fn until(&self, sim: &Sim, id: usize, host: &Host, router: &Router) -> Option<Time> {
        let on = host.ports.first()?.network;
        let hosts = sim.networks.get(on)?.hosts.iter().filter_map(|&other| sim.hosts.get(other));
        let routers = hosts.filter_map(|other| other.machine.router(other.member_on(on)?));
        let intervals = routers.map(|other| other.config().version().interval());
        let (shortest, longest) = (intervals.clone().min()?, intervals.max()?);
        let whole = match router.config().version() {
            Version::V2(_) => Duration::from_secs(1),
            Version::V3(_) => longest,
        };
        let skew = whole * (256 - u32::from(router.rank().number())) / 256;
        let &(since, least) = self.backups.get(&id)?;
        let lateness = host.clock.lateness;
        let until = (sim.now + with_drift(skew)).max(since + with_drift(least));
        (lateness <= shortest / 2).then_some(until + lateness + Duration::from_micros(10))
    }
}

/// What does not hold.
type Broken = Option<Violation>;

/// Whether a router does not drop an advertisement unread.
fn listens_to(config: &Config, heard: Heard) -> bool {
    let is_of_version = match (config.version(), heard.version) {
        (Version::V2(own), Version::V2(other)) => own == other,
        (Version::V3(_), Version::V3(_)) => true,
        (Version::V2(_), Version::V3(_)) | (Version::V3(_), Version::V2(_)) => false,
    };
    is_of_version && heard.source != config.source()
}

/// A clock may be a thousandth too slow.
fn with_drift(duration: Duration) -> Duration {
    duration + duration / 1_000
}
