//! A host: its clock, its routers and their addresses.

use crate::vrrp::Time;
use crate::vrrp::router::{Event, Group, Health, Machine, Router, State};
use std::time::Duration;

/// What drives one router or a group of them as a runtime should.
#[derive(Clone, Debug)]
pub(super) struct Host {
    pub(super) machine: Machine,
    pub(super) ports: Vec<Port>,
    pub(super) clock: Clock,
    pub(super) status: Status,
    /// When it does something next, by the true time.
    pub(super) wake: Option<Time>,
    /// What it is told when it runs again.
    pub(super) waiting: Vec<Told>,
    /// What a new process is told again.
    pub(super) health: Health,
    pub(super) is_ready: bool,
}

/// Where a router is attached.
#[derive(Clone, Debug)]
pub(super) struct Port {
    pub(super) network: usize,
    pub(super) link: bool,
    /// Whether the interface has the virtual addresses.
    pub(super) has_addresses: bool,
    /// Who announced the addresses last, as far as a client here has heard.
    pub(super) believes: Option<usize>,
}

/// How a host's clock goes: it began at another time, and is so much too fast.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    pub(super) start: u64,
    pub(super) ppm: i64,
    /// For how many microseconds it stood still.
    pub(super) stood: u64,
    /// How late it wakes at most.
    pub(super) lateness: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Runs,
    /// Since then.
    Paused(Pause, Time),
    Down,
}

/// What is paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pause {
    /// The process does not run. Packets wait in its socket.
    Process,
    /// The whole machine does not run, though its clock does. Packets are lost.
    Machine,
    /// The whole machine does not run, nor does its clock. Packets are lost.
    MachineAndClock,
}

/// What ends without a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Crash {
    /// The process. The addresses that it set stay.
    Process,
    /// The machine, and its addresses with it.
    Machine,
}

/// An event for one member, or for all.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) member: Option<usize>,
    pub(super) event: Event,
}

impl Host {
    pub(super) fn new(machine: Machine, networks: Vec<usize>, clock: Clock) -> Self {
        let attached = |network| Port { network, link: true, has_addresses: false, believes: None };
        Self {
            machine,
            ports: networks.into_iter().map(attached).collect(),
            clock,
            status: Status::Runs,
            wake: None,
            waiting: Vec::new(),
            health: Health::default(),
            is_ready: false,
        }
    }

    /// The router that is attached there, if there is one and it runs.
    pub(super) fn running(&self, member: usize) -> Option<&Router> {
        (self.status == Status::Runs).then(|| self.machine.router(member)).flatten()
    }

    /// Whether packets come and go there.
    pub(super) fn has_link(&self, member: usize) -> bool {
        self.ports.get(member).is_some_and(|port| port.link)
    }

    /// Which member is on a network.
    pub(super) fn member_on(&self, network: usize) -> Option<usize> {
        self.ports.iter().position(|port| port.network == network)
    }
}

impl Status {
    /// Whether what comes is received, though perhaps not told before it runs. The kernel
    /// answers for the addresses that a process has left.
    pub(super) fn receives(self) -> bool {
        !matches!(self, Self::Paused(Pause::Machine | Pause::MachineAndClock, _))
    }
}

impl Told {
    /// Tells it.
    pub(super) fn to(self, machine: &mut Machine, now: Time) {
        match self.member {
            None => machine.handle(now, self.event),
            Some(member) => {
                // A member that is not there is told nothing.
                let _ = machine.handle_member(now, member, self.event);
            }
        }
    }
}

impl Machine {
    /// The same as it is when its process starts.
    pub(super) fn anew(&self) -> Self {
        match self {
            Self::One(router) => Self::One(Box::new(Router::new(router.config().clone()))),
            Self::Group(group) => {
                let configs = group.members().iter().map(|member| member.config().clone());
                Self::Group(Group::new(configs))
            }
        }
    }

    /// That of all of them.
    pub(super) fn state(&self) -> State {
        self.router(0).map_or(State::Stopped, Router::state)
    }
}

impl Clock {
    /// What it shows.
    pub(super) fn local(self, time: Time) -> Time {
        let shown = self.start.saturating_add(scaled(time.micros(), self.rate(), MILLION));
        Time::from_micros(shown.saturating_sub(self.stood))
    }

    /// When it shows so much, within microseconds and never before.
    pub(super) fn shows_at(self, local: Time) -> Time {
        let since = local.micros().saturating_add(self.stood).saturating_sub(self.start);
        let mut time = Time::from_micros(scaled(since, MILLION, self.rate()));
        while self.local(time) < local {
            time = time + (local - self.local(time));
        }
        time
    }

    /// How far it goes in a million microseconds.
    fn rate(self) -> u64 {
        MILLION.saturating_add_signed(self.ppm).max(1)
    }
}

/// `micros` × `to` / `from`, of rates near a million, without overflow for centuries.
fn scaled(micros: u64, to: u64, from: u64) -> u64 {
    (micros / from).saturating_mul(to).saturating_add(micros % from * to / from)
}

const MILLION: u64 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_told_when_it_shows_a_time_and_not_before() {
        let (lateness, stood) = (Duration::ZERO, 12_000);
        for ppm in [-500, -1, 0, 3, 500] {
            let clock = Clock { start: 12_345, ppm, stood, lateness };
            for local in [12_345, 12_346, 1_000_000, 3_600_000_000_000, 77_777_777_777] {
                let local = Time::from_micros(local);
                let shown = clock.local(clock.shows_at(local));
                assert!(shown >= local, "{ppm} {local}");
                assert!(shown - local <= Duration::from_micros(3), "{ppm} {local} {shown}");
            }
        }
    }
}
