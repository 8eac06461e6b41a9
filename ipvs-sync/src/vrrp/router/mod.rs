//! The state machine of a virtual router: no socket, no clock, no thread. It takes events
//! with the time at which they are told, and says what to do and when it wants to be told
//! the time again. It never panics, and allocates only for what it is told and for the
//! actions that wait to be polled.
//!
//! ```
//! use ipvs_sync::vrrp::router::{Action, Config, Event, Router, State};
//! use ipvs_sync::vrrp::{Interval, Priority, Rank, Time, Version, VirtualAddresses, Vrid};
//!
//! let rank = Rank::Backup(Priority::new(150)?);
//! let addresses = VirtualAddresses::new([[10, 0, 0, 7].into()])?;
//! let version = Version::V3(Interval::from_centis(10)?);
//! let config = Config::new(Vrid::new(7)?, rank, addresses, version, [10, 0, 0, 1].into())?;
//!
//! let mut router = Router::new(config);
//! router.handle(Time::ZERO, Event::Start);
//! // Nobody is heard.
//! while router.state() == State::Backup {
//!     let now = router.poll_timeout().unwrap_or(Time::ZERO);
//!     router.handle(now, Event::Tick);
//! }
//! let actions: Vec<Action> = std::iter::from_fn(|| router.poll()).collect();
//! let taken_over = [Action::Advertise { priority: 150 }, Action::Install, Action::Announce];
//! assert!(actions.windows(3).any(|three| three == taken_over));
//! # Ok::<(), ipvs_sync::vrrp::Rule>(())
//! ```
//!
//! # The order of actions
//!
//! Actions are begun in the order in which they are polled, and
//! [`Action::StateChanged`] is the last of its change. An advertisement never waits for
//! the work of an action before it: others count the microseconds.
//!
//! | change | actions |
//! |---|---|
//! | becomes active | advertise, install, announce (each round), state |
//! | stops, hands over, fails while its link is up | advertise priority 0, remove, state |
//! | loses its link | remove, state |
//! | hears a better active router | remove, advertise its own priority, state |
//! | was away | remove, advertise priority 0, probe, state |
//! | starts as a backup or at fault | remove, state |
//! | new addresses while active | advertise, install, announce (each round) |
//! | hears a worse active router, or one that resigns | advertise, announce (once) |
//! | misses an advertisement and goes on listening | probe |
//!
//! A [probe](Action::Probe) is only of a router that is told [to](Config::with_probe).
//!
//! On taking over the advertisement is first, because it ends the others' waiting, and the
//! addresses are there before they are announced. On resigning it is first too: the
//! successor waits its skew while the addresses go.
//!
//! One that hears a better active router removes its addresses and then advertises a last
//! time what it was. This is the one advertisement that RFC 9568 does not ask for. After a
//! partition has healed the better one may have been heard first, and then knows of no
//! rival, while the clients know the rival's MAC address. The last advertisement makes it
//! announce the addresses again, now that nobody else answers for them. It does so when it
//! hears the rival, and not otherwise: one that is another implementation and gives way
//! without a word (keepalived, when it hears this one first) is not noticed, and clients
//! that have learned its MAC address keep it until they ask again or the addresses are
//! announced for another reason.
//!
//! # The time
//!
//! Whoever drives a router
//!
//! 1. tells it all that has arrived, with the time of arrival, before it tells it
//!    [`Event::Tick`]. Only a tick lets time pass: a packet that waited in the socket while
//!    the process did not run is then not taken for one that never came;
//! 2. polls all actions after every event, and asks [`poll_timeout`](Router::poll_timeout)
//!    again.
//!
//! Packets that came while the whole machine was paused wait in no socket. So a backup
//! counts only what it was awake for: it wants to be told the time whenever an
//! advertisement is overdue (an interval and its skew after the last one was, three times),
//! and if it is told so more than half an interval late, then that one does not count as
//! missed. It listens for another for an interval and its skew, or for one and a half
//! intervals if that is longer. It does so three times at most before it has heard the
//! active router again, so that a host that is always late takes over at last. A single
//! pause of any length never makes it active while there is an active router to be heard.
//!
//! An active router that sent nothing for three intervals has to think that another is
//! active now. It goes back to backup before it looks at anything else, resigns, so that
//! the other announces the addresses again, and claims them only if it hears nobody better
//! while it listens for one advertisement as above.
//!
//! If the clock stood still with the machine, nothing shows that there was a pause. A
//! backup then still has most of its wait before it. An active router goes on, and whoever
//! took over from it hears that within an interval.
//!
//! # Asking for the addresses
//!
//! Where advertisements are lost and all else passes (a switch that snoops on IGMP, a
//! packet filter), who hears nobody becomes a second active router. One that is told to
//! [probe](Config::with_probe) asks its neighbours for the virtual addresses before, each
//! time that an advertisement is missed, and does not take over in a silence while
//! somebody answers.
//!
//! - It costs no time: the first question goes out when the first advertisement is missed,
//!   and when the third is two were asked. If nobody has answered it takes over then.
//! - While somebody answers it asks again after each interval, without an end, and
//!   [reports](Report::AddressAnswered) once who it is. It takes over when two questions in
//!   a row were not answered: three intervals at most after the other is gone, as if its
//!   advertisements had come until then.
//! - An answer that comes after it took over changes nothing and is reported: anybody could
//!   end an active router otherwise.
//! - Not held are a take-over from a router that resigned, a preemption, and
//!   [`Event::Promote`]: the other was heard, or somebody knows of it on another way. Nor
//!   is an owner, which does not ask.
//! - Of two backups that do not hear each other the first one's announcements hold the
//!   other, too. If both take over within the time that those are on their way, there are
//!   two.
//! - Whoever has one of the [first four](Config::probed) addresses holds the whole virtual
//!   router: a real server that should not answer for the address, too. Who can answer
//!   falsely could have the address as well.
//! - It cannot see a router whose process has died and whose host lives. The kernel still
//!   has the addresses then and answers for them. That router serves them until its
//!   process is there again, which removes them as it starts, or until its host ends.
//! - A member of a group goes on asking until the others can be active, too.
//!
//! # Floods
//!
//! Whatever comes in, an active router sends at most 5 advertisements in each interval
//! besides those for its own changes, and within a second at most 3 single rounds of
//! announcements besides the repetitions. One that went back to backup is not active again for an interval.
//! A packet adds at most one report, and nothing that it holds grows.
//!
//! # Where it differs from RFC 9568
//!
//! - One that goes back to backup advertises a last time; see above.
//! - Only the active router can resign (§6.4.2 takes priority 0 from anyone): one that was
//!   away does so when it finds that it was replaced, and its packet can be overtaken by
//!   the active router's answer.
//! - One that went back to backup is not active again for an interval, a backup that was
//!   paused listens for longer, and an active router that was away goes back by itself.
//! - Answers are limited in number, where §6.4.3 has one for each packet.
//! - One whose addresses could not be installed, or are deleted as often as they are put
//!   back, hands over. If nobody takes them it tries again, not more often than once a
//!   second.
//! - One that probes waits for who answers for the addresses, where §6.4.2 has it take over
//!   after the down interval.
//! - It is of one version and advertises in that alone, where §8.4.2 allows both. It drops
//!   what comes in the other, also from an active router that speaks both.
//! - Packets for the virtual addresses are accepted by default (§6.1 has the opposite):
//!   IPVS takes them from the host's input.

mod action;
mod active;
mod answers;
mod backup;
mod cause;
mod config;
mod event;
mod group;
mod machine;
mod timing;
mod track;

pub use action::{Action, Report, State};
pub use cause::Cause;
pub use config::{Announcements, Config, Preempt};
pub use event::{Answer, Event, Heard};
pub use group::Group;
pub(crate) use machine::Machine;
pub use track::{Effect, Health, TrackError, Tracks};

use crate::vrrp::{Priority, Rank, Rule, Time, Version};
use active::{Active, BEFORE_NEXT_TRY};
use answers::Answers;
use backup::{Backup, Turn};
use std::collections::VecDeque;
use std::mem;
use std::net::IpAddr;

/// A virtual router on one router.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Router {
    config: Config,
    role: Role,
    link: bool,
    health: Health,
    is_ready: bool,
    /// It was told to hand over, and does not take the addresses from its successor.
    stands_back: bool,
    membership: Membership,
    actions: VecDeque<Action>,
}

/// What its group is to a router.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Membership {
    /// It has none.
    Alone,
    /// It becomes active only with the others.
    Member,
    /// Another of the group is at fault.
    OfFaulty,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Role {
    Stopped,
    Fault,
    Backup(Backup),
    Active(Active),
}

/// What a router is at this moment to be compared with.
#[derive(Clone, Copy, Debug)]
struct Own {
    rank: Rank,
    version: Version,
    source: IpAddr,
    preempt: Preempt,
    /// The gate is closed.
    is_held: bool,
    probes: bool,
}

impl Router {
    /// A router that is stopped, with its link up, all that is tracked well, and not
    /// ready.
    pub fn new(config: Config) -> Self {
        Self {
            config,
            role: Role::Stopped,
            link: true,
            health: Health::default(),
            is_ready: false,
            stands_back: false,
            membership: Membership::Alone,
            actions: VecDeque::new(),
        }
    }

    /// Something happened, and is told at `now`, which is never before the time of an
    /// event that was told earlier.
    pub fn handle(&mut self, now: Time, event: Event) {
        self.notice_absence(now);
        match event {
            Event::Start => {
                if self.state() == State::Stopped {
                    self.begin(now, Cause::Started);
                }
            }
            Event::Stop => self.stop(),
            Event::Heard(heard) => self.heard(now, heard),
            Event::Tick => self.tick(now),
            Event::Link(link) => {
                self.link = link;
                self.judge(now);
            }
            Event::Health(health) => self.health_is(now, health),
            Event::SyncReady(is_ready) => self.is_ready = is_ready,
            Event::Resign => self.hand_over(now, now, Cause::HandedOver),
            Event::GiveWay => self.hand_over(now, now, Cause::GaveWay),
            Event::NotInstalled => {
                self.hand_over(now, now + BEFORE_NEXT_TRY, Cause::NotInstalled);
            }
            Event::NotKept => self.hand_over(now, now + BEFORE_NEXT_TRY, Cause::NotKept),
            Event::Promote => {
                if self.state() == State::Backup {
                    self.become_active(now, Cause::Promoted);
                }
            }
            Event::Answered(answer) => self.answered(answer),
        }
    }

    /// It goes on as what it is, with another configuration. What the others must know is
    /// advertised at once, so that there is no gap however the interval changes; a backup
    /// goes on counting what it has counted.
    ///
    /// # Errors
    /// [`Rule::OtherRouter`]; nothing has changed then.
    pub fn reconfigure(&mut self, now: Time, config: Config) -> Result<(), Rule> {
        if !config.is_of(&self.config) {
            return Err(Rule::OtherRouter);
        }
        self.notice_absence(now);
        let old = mem::replace(&mut self.config, config);
        self.reconfigured(now, &old);
        Ok(())
    }

    /// The next thing to do. After each event all of them are to be polled.
    #[must_use]
    pub fn poll(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When it wants to be told [`Event::Tick`]; never, if nothing else happens, if there
    /// is none. After each event it may be another time. It is never before the last
    /// tick's.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        match &self.role {
            Role::Stopped | Role::Fault => None,
            Role::Backup(backup) => backup.next(self.own()),
            Role::Active(active) => Some(active.next(self.config.version())),
        }
    }

    /// What it is.
    pub fn state(&self) -> State {
        match self.role {
            Role::Stopped => State::Stopped,
            Role::Fault => State::Fault,
            Role::Backup(_) => State::Backup,
            Role::Active(_) => State::Active,
        }
    }

    /// Whether it takes over from the router of lower priority that it heard last, or would
    /// but for its gate and its group.
    pub fn preempts(&self) -> bool {
        match &self.role {
            Role::Backup(backup) => backup.preempts(self.own()),
            _ => false,
        }
    }

    /// Its configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Its rank, as low as what is tracked makes it.
    pub fn rank(&self) -> Rank {
        match (self.config.rank(), &self.health) {
            (Rank::Backup(priority), Health::Well { lower }) => {
                let lowered = priority.number().saturating_sub(*lower);
                Rank::Backup(Priority::new(lowered).unwrap_or(Priority::MIN))
            }
            (rank, _) => rank,
        }
    }

    fn own(&self) -> Own {
        let rank = self.rank();
        let preempt = match rank {
            _ if self.stands_back => Preempt::Never,
            Rank::Owner => Preempt::AtOnce,
            Rank::Backup(_) => self.config.preempt(),
        };
        let Self { config, .. } = self;
        let is_held = config.sync_gate() && !self.is_ready && rank != Rank::Owner;
        let (version, source) = (config.version(), config.source());
        let probes = config.probed().next().is_some();
        Own { rank, version, source, preempt, is_held, probes }
    }

    fn begin(&mut self, now: Time, cause: Cause) {
        let is_active = self.needs_not_listen() && self.is_alone() && self.fault().is_none();
        if self.state() == State::Stopped && !is_active {
            self.actions.push_back(Action::Remove);
        }
        if self.fault().is_some() {
            self.become_other(Role::Fault, cause);
        } else if is_active {
            self.become_active(now, cause);
        } else if self.needs_not_listen() {
            self.become_other(Role::Backup(Backup::ready(now, cause.clone())), cause);
        } else {
            let backup = Backup::listening(now, now + self.config.startup_delay());
            self.become_other(Role::Backup(backup), cause);
        }
    }

    fn needs_not_listen(&self) -> bool {
        self.config.rank() == Rank::Owner && self.config.startup_delay().is_zero()
    }

    fn is_alone(&self) -> bool {
        self.membership == Membership::Alone
    }

    fn stop(&mut self) {
        self.stands_back = false;
        match self.state() {
            State::Stopped => return,
            State::Active => {
                self.actions.extend([Action::Advertise { priority: 0 }, Action::Remove])
            }
            State::Fault | State::Backup => {}
        }
        self.become_other(Role::Stopped, Cause::Stopped);
    }

    fn heard(&mut self, now: Time, heard: Heard) {
        let own = self.own();
        // Its own packet, come back.
        if heard.source == own.source {
            return;
        }
        match (own.version, heard.version) {
            (Version::V2(own), Version::V2(other)) if own == other => {}
            (Version::V2(_), version @ Version::V2(_)) => {
                // RFC 3768 §7.1: MUST discard, SHOULD log.
                let report = Report::OtherInterval { peer: heard.source, version };
                self.actions.push_back(Action::Report(report));
                return;
            }
            (Version::V3(_), Version::V3(_)) => {}
            (Version::V2(_), Version::V3(_)) | (Version::V3(_), Version::V2(_)) => return,
        }
        let heard = Heard { arrival: heard.arrival.min(now), ..heard };
        match &mut self.role {
            Role::Stopped | Role::Fault => {}
            Role::Backup(backup) => {
                let report = backup.heard(own, heard).map(Action::Report);
                self.actions.extend(report);
            }
            Role::Active(_) => self.heard_while_active(now, own, heard),
        }
    }

    fn tick(&mut self, now: Time) {
        let own = self.own();
        match &mut self.role {
            Role::Stopped | Role::Fault => {}
            Role::Backup(backup) => {
                match (backup.tick(own, now), self.membership) {
                    (None, _) => return,
                    (Some(Turn::Listens(report)), _) => {
                        self.actions.extend(report.map(Action::Report));
                    }
                    (Some(Turn::Claims(cause)), Membership::Alone) => {
                        return self.become_active(now, cause);
                    }
                    (Some(Turn::Claims(cause)), Membership::Member | Membership::OfFaulty) => {
                        backup.waits_for_group(now, cause);
                    }
                }
                self.actions.extend(backup.asks(own));
            }
            Role::Active(_) => self.tick_while_active(now),
        }
    }

    /// Somebody else has an address. An active router that is not heard is found so, and one
    /// that a successor did not wait for.
    fn answered(&mut self, answer: Answer) {
        if !self.config.probed().any(|address| address == answer.address) {
            return;
        }
        match &mut self.role {
            Role::Stopped | Role::Fault => {}
            Role::Backup(backup) => backup.answers.take(answer),
            Role::Active(_) => {
                self.actions.push_back(Action::Report(Report::AddressAnswered(answer)));
            }
        }
    }

    fn health_is(&mut self, now: Time, health: Health) {
        let before = self.rank();
        self.health = health;
        self.judge(now);
        if self.rank() != before {
            self.advertise_change(now);
        }
    }

    /// Whether it can be active may have changed.
    fn judge(&mut self, now: Time) {
        match (self.state(), self.fault()) {
            (State::Backup, Some(cause)) => self.become_other(Role::Fault, cause),
            (State::Active, Some(cause)) => {
                if self.link {
                    self.actions.push_back(Action::Advertise { priority: 0 });
                }
                self.actions.push_back(Action::Remove);
                self.become_other(Role::Fault, cause);
            }
            (State::Fault, None) => self.begin(now, Cause::Recovered),
            _ => {}
        }
    }

    /// Why it cannot be active, if it cannot.
    fn fault(&self) -> Option<Cause> {
        let of_group = || (self.membership == Membership::OfFaulty).then_some(Cause::GroupFault);
        self.own_fault().or_else(of_group)
    }

    fn own_fault(&self) -> Option<Cause> {
        match &self.health {
            _ if !self.link => Some(Cause::LinkDown),
            Health::Fault { track } => Some(Cause::Failed { track: track.clone() }),
            Health::Well { .. } => None,
        }
    }

    fn become_other(&mut self, role: Role, cause: Cause) {
        let from = self.state();
        self.role = role;
        self.actions.push_back(Action::StateChanged { from, to: self.state(), cause });
    }
}

impl Own {
    /// Whether an active router with this rank and address goes back to backup for the one
    /// that it heard (RFC 9568 §6.4.3). Addresses compare as numbers in network byte order.
    fn is_outranked_by(self, heard: Heard) -> bool {
        (heard.priority, heard.source) > (self.rank.number(), self.source)
    }
}

#[cfg(test)]
mod tests;
