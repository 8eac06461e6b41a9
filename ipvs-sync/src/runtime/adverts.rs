//! The thread of the advertisements. Nothing here waits for anything but its descriptors
//! and the time: no lock, no system call that blocks, no log.

use super::alarm::Alarm;
use super::message::{Answer, Command, Job, Told};
use super::port::{Port, Taken};
use super::queue::Queue;
use super::unit::Unit;
use super::voice::Voice;
use super::{Error, Settings, Status};
use crate::net::now;
use crate::vrrp::router::{Action, Event, Router};
use crate::vrrp::{Rank, Time, VirtualAddresses};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::collections::VecDeque;
use std::mem;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// All that the thread has.
#[derive(Debug)]
pub(super) struct Adverts {
    pub(super) alarm: Alarm,
    pub(super) inbox: Arc<Queue<Told>>,
    pub(super) outbox: Arc<Queue<Job>>,
    /// What the outbox could not take yet.
    pub(super) jobs: VecDeque<Job>,
    pub(super) ports: Vec<Port>,
    pub(super) units: Vec<Unit>,
    pub(super) voices: Vec<Voice>,
}

impl Adverts {
    /// Runs until it is told to stop.
    pub(super) fn run(mut self) {
        // Whether they have their links. It may be over already.
        if self.follow_orders() {
            return self.stop();
        }
        let start = now();
        for unit in 0..self.units.len() {
            self.tell_unit(start, unit, Event::Start);
        }
        while !self.follow_orders() {
            // What arrived until now is told before the time is, which is this for both.
            let now = now();
            self.receive(now);
            self.tick(now);
            self.hand_over_jobs();
            self.wait();
        }
        self.stop();
    }

    /// Until something has come, or it is time.
    fn wait(&self) {
        let times = self.units.iter().filter_map(|unit| unit.machine.poll_timeout());
        let retry = (!self.jobs.is_empty()).then(|| now() + RETRY);
        self.alarm.set(times.chain(retry).min());
        let polled = |fd| PollFd::new(fd, PollFlags::POLLIN);
        let mut polled: Vec<PollFd<'_>> = [self.alarm.as_fd(), self.inbox.as_fd()]
            .into_iter()
            .chain(self.ports.iter().map(|port| port.socket.as_fd()))
            .map(polled)
            .collect();
        // Interrupted or not: all is looked at anyway.
        let _ = poll(&mut polled, PollTimeout::NONE);
    }

    /// Tells the routers all that has arrived until now.
    fn receive(&mut self, now: Time) {
        for port in 0..self.ports.len() {
            let mut unreadable = 0;
            while unreadable < MOST_UNREADABLE {
                let Self { ports, voices, units, jobs, .. } = self;
                let Some(port) = ports.get_mut(port) else { break };
                // What arrives after that is for the next time, so that a flood does not
                // keep the routers from the time.
                let is_later = |arrival: Time| arrival > now;
                match port.take(now, voices, units, jobs) {
                    Taken::Heard(router, heard) => {
                        self.tell(now, router, Event::Heard(heard));
                        if is_later(heard.arrival) {
                            break;
                        }
                    }
                    Taken::Dropped(None) => unreadable += 1,
                    Taken::Dropped(Some(arrival)) if is_later(arrival) => break,
                    Taken::Dropped(Some(_)) => {}
                    Taken::Empty => break,
                }
            }
            let Self { ports, voices, jobs, .. } = self;
            if let Some(port) = ports.get_mut(port) {
                port.count_overruns(now, voices, jobs);
            }
        }
    }

    fn tick(&mut self, now: Time) {
        for unit in 0..self.units.len() {
            let next = self.units.get(unit).and_then(|unit| unit.machine.poll_timeout());
            if next.is_some_and(|next| next <= now) {
                self.tell_unit(now, unit, Event::Tick);
            }
        }
    }

    fn tell_unit(&mut self, now: Time, unit: usize, event: Event) {
        if let Some(unit) = self.units.get_mut(unit) {
            unit.machine.handle(now, event);
        }
        self.act(now, unit);
    }

    fn tell(&mut self, now: Time, router: usize, event: Event) {
        let Some(voice) = self.voices.get(router) else { return };
        let (unit, member) = (voice.unit, voice.member);
        if let Some(unit) = self.units.get_mut(unit) {
            // It has this member.
            let _ = unit.machine.handle_member(now, member, event);
        }
        self.act(now, unit);
    }

    /// Does what a unit wants done. Advertisements are sent at once; the rest is given away.
    fn act(&mut self, now: Time, unit: usize) {
        let Self { ports, units, voices, jobs, .. } = self;
        let Some(Unit { machine, routers }) = units.get_mut(unit) else { return };
        while let Some((member, action)) = machine.poll() {
            let Some(&router) = routers.get(member) else { continue };
            let Some(config) = machine.router(member).map(Router::config) else { continue };
            let addresses = || config.addresses().iter().collect();
            let is_owner = config.rank() == Rank::Owner;
            if let (Action::Install | Action::Remove, Some(voice)) = (&action, voices.get(router)) {
                voice.wants_addresses.store(action == Action::Install, Ordering::Release);
            }
            let job = match action {
                Action::Advertise { priority } => {
                    let Some(voice) = voices.get_mut(router) else { continue };
                    let Some(port) = ports.get(voice.port) else { continue };
                    let sent = voice.advertise(config, priority, &port.socket);
                    let Err(error) = sent else { continue };
                    if voice.failures.admits(now).is_none() {
                        continue;
                    }
                    Job::Failed { router, time: now, error }
                }
                // An owner's are its interface's own: only what it has set before goes.
                Action::Install if is_owner => Job::Own { router, addresses: addresses() },
                Action::Remove if is_owner => Job::Remove { router, addresses: Vec::new() },
                Action::Install => Job::Install { router, addresses: addresses() },
                Action::Remove => Job::Remove { router, addresses: addresses() },
                Action::Announce => Job::Announce { router },
                Action::Probe => Job::Probe { router, addresses: config.probed().collect() },
                Action::StateChanged { from, to, cause } => {
                    Job::State { router, time: now, from, to, cause }
                }
                Action::Report(report) => {
                    let Some(voice) = voices.get_mut(router) else { continue };
                    let Some(withheld) = voice.reports.admits(now, &report) else { continue };
                    Job::Report { router, time: now, report, withheld }
                }
            };
            jobs.push_back(job);
        }
    }

    /// Does what it was told; whether it is to stop.
    fn follow_orders(&mut self) -> bool {
        let now = now();
        for told in self.inbox.try_take() {
            match told {
                Told::Command { router, command, reply, owns } => {
                    let job = match self.to_own(router, &command) {
                        // To see whether they are there can take longer.
                        Some(addresses) if owns.as_ref() != Some(&addresses) => {
                            Job::CheckOwner { router, addresses, command, reply }
                        }
                        _ => Job::Reply(reply, Box::new(self.command(now, router, command))),
                    };
                    self.jobs.push_back(job);
                }
                Told::Link { router, link } => self.tell(now, router, Event::Link(link)),
                Told::Release { router } => self.tell(now, router, Event::Resign),
                Told::NotInstalled { router } => self.tell(now, router, Event::NotInstalled),
                Told::NotKept { router } => self.tell(now, router, Event::NotKept),
                Told::Answered { router, answer } => {
                    self.tell(now, router, Event::Answered(answer));
                }
                Told::Reopened { port, socket } => {
                    if let Some(port) = self.ports.get_mut(port) {
                        let old = mem::replace(&mut port.socket, socket);
                        self.jobs.push_back(Job::Close(old));
                    }
                }
                Told::SendsBy { router, socket } => {
                    if let Some(voice) = self.voices.get_mut(router) {
                        let old = voice.virtual_mac.replace(socket);
                        self.jobs.extend(old.map(Job::Close));
                    }
                }
                Told::Stop => return true,
            }
        }
        false
    }

    /// What the router owns after a command, if it is an owner then and can be.
    fn to_own(&self, router: usize, command: &Command) -> Option<VirtualAddresses> {
        let config = match command {
            Command::Reconfigure(settings) if settings.config.rank() == Rank::Owner => {
                &settings.config
            }
            Command::SetRank(Rank::Owner) => self.router(router)?.config(),
            _ => return None,
        };
        let has_virtual_mac = self.voices.get(router)?.settings.virtual_mac.is_some();
        (!has_virtual_mac).then(|| config.addresses().clone())
    }

    fn command(&mut self, now: Time, router: usize, command: Command) -> Answer {
        let unknown = || Error::NoSuchRouter { router };
        match command {
            Command::Reconfigure(settings) => self.reconfigure(now, router, *settings)?,
            Command::SetRank(rank) => {
                let config = self.router(router).ok_or_else(unknown)?.config().clone();
                let settings = self.voices.get(router).ok_or_else(unknown)?.settings.clone();
                let settings = Settings { config: config.with_rank(rank)?, ..settings };
                self.reconfigure(now, router, settings)?;
            }
            Command::Track { name, is_well } => {
                let voice = self.voices.get_mut(router).ok_or_else(unknown)?;
                let health = voice.tracks.tell(&name, is_well).map_err(Error::Track)?;
                self.tell(now, router, Event::Health(health));
            }
            Command::SyncReady(is_ready) => self.tell(now, router, Event::SyncReady(is_ready)),
            Command::Resign => self.tell(now, router, Event::Resign),
            Command::GiveWay => self.tell(now, router, Event::GiveWay),
            Command::Promote => self.tell(now, router, Event::Promote),
            Command::Status => {}
        }
        self.status(router).ok_or_else(unknown)
    }

    fn reconfigure(&mut self, now: Time, router: usize, settings: Settings) -> Result<(), Error> {
        settings.check()?;
        let voice = self.voices.get_mut(router).ok_or(Error::NoSuchRouter { router })?;
        if let Some(what) = voice.settings.fixed(&settings) {
            return Err(Error::Fixed { what });
        }
        let (number, member) = (voice.unit, voice.member);
        let unit = self.units.get_mut(number).ok_or(Error::NoSuchRouter { router })?;
        unit.machine.reconfigure(now, member, settings.config.clone())?;
        self.jobs.push_back(Job::WhenDeleted { router, then: settings.when_deleted });
        voice.change(settings);
        let health = voice.tracks.health();
        self.act(now, number);
        self.tell(now, router, Event::Health(health));
        Ok(())
    }

    fn router(&self, router: usize) -> Option<&Router> {
        let voice = self.voices.get(router)?;
        self.units.get(voice.unit)?.machine.router(voice.member)
    }

    fn status(&self, router: usize) -> Option<Status> {
        let voice = self.voices.get(router)?;
        let unclaimed = &self.ports.get(voice.port)?.unclaimed;
        Some(voice.status(self.router(router)?, unclaimed))
    }

    fn hand_over_jobs(&mut self) {
        if !self.jobs.is_empty() {
            self.outbox.offer(&mut self.jobs);
        }
    }

    /// All resign, and the other thread ends after what that takes.
    fn stop(mut self) {
        let now = now();
        for unit in 0..self.units.len() {
            self.tell_unit(now, unit, Event::Stop);
        }
        self.jobs.push_back(Job::End);
        // Nothing hurries any more.
        for job in self.jobs {
            self.outbox.push(job);
        }
    }
}

/// After how long the other thread has finished taking what it takes.
const RETRY: Duration = Duration::from_micros(100);

/// More than any socket holds: of what cannot be read the arrival is not known.
const MOST_UNREADABLE: u32 = 10_000;
