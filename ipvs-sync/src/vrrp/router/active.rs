//! The active router: has the addresses, and says so at every interval.

use super::timing::MISSED;
use super::{
    Action, Announcements, Backup, Cause, Config, Heard, Own, Report, Role, Router, State, Version,
};
use crate::vrrp::{Rank, Time};
use std::time::Duration;

/// What an active router has sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Active {
    /// When it became active.
    since: Time,
    /// When it advertised, or should have if it was a little late: so the interval keeps
    /// its length.
    advertised: Time,
    /// How many advertisements it sent at once since the last that was due.
    answers: u8,
    /// When it announces the addresses again.
    announces: Option<Time>,
    /// Whether another was active besides it since it last repeated them. It repeats them
    /// until none was: what a rival announced may have been on its way for longer than the
    /// last of these.
    is_challenged: bool,
    /// How many single rounds of announcements it sent at once since this time.
    rounds: (u8, Time),
}

impl Active {
    /// When it has something to send.
    pub(super) fn next(&self, version: Version) -> Time {
        let due = self.advertised + version.interval();
        self.announces.map_or(due, |announces| announces.min(due))
    }

    /// Other times, and no announcements.
    #[cfg(test)]
    pub(super) fn forget(&mut self, time: impl Fn(&mut Time)) {
        [&mut self.since, &mut self.advertised].into_iter().for_each(time);
        (self.announces, self.is_challenged, self.rounds) = (None, false, (0, Time::ZERO));
    }

    fn is_away(&self, version: Version, now: Time) -> bool {
        now - self.advertised > version.interval() * MISSED.into()
    }

    /// Another has been active besides this one. It may answer, and its addresses are
    /// to be announced again; how often is bounded.
    fn challenged(&mut self, now: Time, announcements: Announcements) -> Answer {
        let advertises = self.answers < ANSWERS;
        if advertises {
            self.answers += 1;
            self.advertised = now;
        }
        let (rounds, since) = &mut self.rounds;
        if now - *since >= ROUNDS_WITHIN {
            (*rounds, *since) = (0, now);
        }
        let announces = *rounds < ROUNDS;
        if announces {
            *rounds += 1;
        }
        self.is_challenged = true;
        self.announces.get_or_insert_with(|| now + announcements.delay());
        Answer { advertises, announces }
    }
}

/// What an active router does about another.
struct Answer {
    advertises: bool,
    announces: bool,
}

impl Router {
    pub(super) fn become_active(&mut self, now: Time, cause: Cause) {
        self.stands_back = false;
        self.advertise();
        self.actions.push_back(Action::Install);
        self.announce_all();
        let active = Active {
            since: now,
            advertised: now,
            answers: 0,
            announces: Some(now + self.config.announcements().delay()),
            is_challenged: false,
            rounds: (0, now),
        };
        self.become_other(Role::Active(active), cause);
    }

    /// An advertisement of another (RFC 9568 §6.4.3).
    pub(super) fn heard_while_active(&mut self, now: Time, own: Own, heard: Heard) {
        let Role::Active(active) = &mut self.role else { return };
        if own.is_outranked_by(heard) {
            return self.yield_to(own, heard);
        }
        // One interval is the least that the other has had to hear this one.
        let is_rival = heard.priority > 0 && active.since + own.version.interval() < heard.arrival;
        let answer = active.challenged(now, self.config.announcements());
        if answer.advertises {
            self.advertise();
        }
        if answer.announces {
            self.actions.push_back(Action::Announce);
        }
        if answer.advertises && is_rival {
            self.actions.push_back(Action::Report(rivalry(own, heard)));
        }
    }

    pub(super) fn tick_while_active(&mut self, now: Time) {
        let Role::Active(active) = &mut self.role else { return };
        let interval = self.config.version().interval();
        let due = active.advertised + interval;
        let is_due = now >= due;
        if is_due {
            active.advertised = if now - due < interval { due } else { now };
            active.answers = 0;
        }
        let announces = active.announces.is_some_and(|announces| now >= announces);
        if announces {
            let again = now + self.config.announcements().delay();
            active.announces = active.is_challenged.then_some(again);
            active.is_challenged = false;
        }
        if is_due {
            self.advertise();
        }
        if announces {
            self.announce_all();
        }
    }

    /// If it has been silent for so long that another may be active, it is active no more.
    pub(super) fn notice_absence(&mut self, now: Time) {
        let Role::Active(active) = &self.role else { return };
        if !active.is_away(self.config.version(), now) {
            return;
        }
        let silent = now - active.advertised;
        self.actions.extend([Action::Remove, Action::Advertise { priority: 0 }]);
        let mut backup = Backup::doubting(now);
        self.actions.extend(backup.asks(self.own()));
        self.become_other(Role::Backup(backup), Cause::Away { silent });
    }

    /// It is not active again before `not_before`; nor while another is, unless it gave way.
    pub(super) fn hand_over(&mut self, now: Time, not_before: Time, cause: Cause) {
        if self.state() != State::Active {
            return;
        }
        self.stands_back = cause != Cause::GaveWay;
        self.actions.extend([Action::Advertise { priority: 0 }, Action::Remove]);
        self.become_other(Role::Backup(Backup::listening(now, not_before)), cause);
    }

    pub(super) fn reconfigured(&mut self, now: Time, old: &Config) {
        if self.state() != State::Active {
            return;
        }
        if self.config.advertises_otherwise(old) {
            self.advertise_change(now);
        }
        let has_new_addresses = self.config.addresses() != old.addresses();
        if has_new_addresses || self.config.accepts() != old.accepts() {
            self.actions.push_back(Action::Install);
        }
        if has_new_addresses {
            self.announce_all();
            let again = now + self.config.announcements().delay();
            if let Role::Active(active) = &mut self.role {
                active.announces = Some(again);
            }
        }
    }

    /// What is advertised has changed: the others must not wait for it.
    pub(super) fn advertise_change(&mut self, now: Time) {
        if let Role::Active(active) = &mut self.role {
            active.advertised = now;
            self.advertise();
        }
    }

    fn yield_to(&mut self, own: Own, heard: Heard) {
        let Heard { source: peer, priority, .. } = heard;
        let (backup, report) = Backup::of(heard, own);
        let report = match own.rank {
            Rank::Owner => Some(Report::SecondOwner { peer }),
            Rank::Backup(_) => report,
        };
        self.actions.push_back(Action::Remove);
        self.advertise();
        self.actions.extend(report.map(Action::Report));
        let cause = Cause::Outranked { peer, priority, own: own.rank.number() };
        self.become_other(Role::Backup(backup), cause);
    }

    fn advertise(&mut self) {
        self.actions.push_back(Action::Advertise { priority: self.rank().number() });
    }

    fn announce_all(&mut self) {
        for _ in 0..self.config.announcements().rounds() {
            self.actions.push_back(Action::Announce);
        }
    }
}

fn rivalry(own: Own, heard: Heard) -> Report {
    let Heard { source: peer, priority, .. } = heard;
    match own.rank {
        Rank::Owner if priority == own.rank.number() => Report::SecondOwner { peer },
        _ => Report::DualActive { peer, priority },
    }
}

/// How long one whose addresses could not be installed, or kept, waits at least before it
/// tries again: each time the others believe it for a moment.
pub(super) const BEFORE_NEXT_TRY: Duration = Duration::from_secs(1);

/// How many advertisements it sends at most between two that are due, to answer others.
const ANSWERS: u8 = 4;

/// How many rounds of announcements it sends at most within so long, to answer others. Each
/// partition that ends takes one or two, and none may be left to the repetition: until that
/// the clients know the other.
const ROUNDS: u8 = 3;
const ROUNDS_WITHIN: Duration = Duration::from_secs(1);
