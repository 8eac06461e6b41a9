//! A backup: listens to the active router, and takes over when it is heard no more.

use super::timing::{MISSED, skew};
use super::{Action, Answers, Cause, Heard, Own, Preempt, Report, Version};
use crate::vrrp::{Interval, Time};
use std::time::Duration;

/// What a backup knows of the active router.
///
/// Active_Down_Interval is counted in its three advertisements, each of which is missed
/// one interval and the own skew after the last one came or should have come. The third
/// ends it: 3 × Active_Adver_Interval + Skew_Time. Counting them shows a pause wherever in
/// that time it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Backup {
    /// When it began to listen.
    since: Time,
    /// It does not take over before.
    not_before: Time,
    /// When the last advertisement came or should have come.
    expected: Time,
    /// How many have been missed.
    missed: u8,
    /// How often it was told the time too late since it heard the active router.
    excused: u8,
    /// It was, and waits longer for the next advertisement.
    doubts: bool,
    /// Active_Adver_Interval of version 3, unless it is the own interval.
    learned: Option<Interval>,
    /// What it heard last of a router that it leaves active.
    active: Option<Heard>,
    /// What it heard last of an active router that it takes over from.
    lower: Option<Heard>,
    /// The active router has resigned, and only the skew is waited.
    resigned: Option<Heard>,
    /// When a preemption is no longer delayed.
    preempts_from: Option<Time>,
    /// It has reported that the gate keeps this router from taking over.
    tells_held: bool,
    /// It would be active, and waits for the others of its group.
    ready: Option<Cause>,
    /// Who has the addresses, as far as it asked.
    pub(super) answers: Answers,
}

/// What becomes of a time at which an advertisement should have come.
pub(super) enum Turn {
    /// It goes on listening.
    Listens(Option<Report>),
    /// It is to be active.
    Claims(Cause),
}

impl Backup {
    /// One that begins to listen.
    pub(super) fn listening(now: Time, not_before: Time) -> Self {
        Self {
            since: now,
            not_before,
            expected: now,
            missed: 0,
            excused: 0,
            doubts: false,
            learned: None,
            active: None,
            lower: None,
            resigned: None,
            preempts_from: None,
            tells_held: false,
            ready: None,
            answers: Answers::default(),
        }
    }

    /// One that has nothing to wait for but its group.
    pub(super) fn ready(now: Time, cause: Cause) -> Self {
        Self { ready: Some(cause), ..Self::listening(now, now) }
    }

    /// One that was active and cannot know whether another is now: it listens for one
    /// advertisement only.
    pub(super) fn doubting(now: Time) -> Self {
        Self { missed: MISSED - 1, doubts: true, ..Self::listening(now, now) }
    }

    /// One that was active and heard a better one. It is not active again for an interval,
    /// whatever that one says next: the other could make it move the addresses to and fro
    /// with every packet.
    pub(super) fn of(active: Heard, own: Own) -> (Self, Option<Report>) {
        let not_before = active.arrival + own.version.interval();
        let mut backup = Self::listening(active.arrival, not_before);
        let report = backup.accept(own, active);
        (backup, report)
    }

    /// An advertisement of another (RFC 9568 §6.4.2).
    pub(super) fn heard(&mut self, own: Own, heard: Heard) -> Option<Report> {
        if heard.priority == 0 {
            self.resigns(heard);
            return None;
        }
        let takes_over = self.takes_over_from(own, heard);
        self.tells_held &= takes_over && own.is_held;
        if takes_over {
            if own.is_held {
                let Heard { source: peer, priority, .. } = heard;
                let other = self.accept(own, heard);
                if other.is_some() || std::mem::replace(&mut self.tells_held, true) {
                    return other;
                }
                return Some(Report::Held { peer, priority });
            }
            self.lower = Some(heard);
            if let Some(cause) = &mut self.ready {
                *cause = preemption(own, heard);
            }
            return None;
        }
        self.accept(own, heard)
    }

    /// Whether it takes over from the router that it heard last, or would if its gate were
    /// open.
    pub(super) fn preempts(&self, own: Own) -> bool {
        let would_from = |active: Heard| {
            let may = match own.preempt {
                Preempt::Never => false,
                Preempt::AtOnce => true,
                Preempt::After(_) => self.preempts_from.is_some_and(|from| active.arrival >= from),
            };
            may && active.priority < own.rank.number()
        };
        self.lower.or(self.active).is_some_and(would_from)
    }

    /// The time may have come to count a missed advertisement. If it was the last the
    /// router is to be active.
    pub(super) fn tick(&mut self, own: Own, now: Time) -> Option<Turn> {
        if let Some(lower) = self.lower.filter(|lower| !self.has_resigned_since(lower)) {
            // It may be as good by now, or the gate closed.
            if own.is_held || !self.takes_over_from(own, lower) {
                self.accept(own, lower);
            }
        }
        let due = self.next(own)?;
        if now < due {
            return None;
        }
        let late = now - due;
        let interval = self.interval(own);
        self.doubts = late > interval / 2;
        self.expected = if self.doubts { now } else { self.expected + interval };
        if self.doubts && self.excused < EXCUSES {
            self.excused += 1;
            if self.resigned.is_some() {
                self.waits_for_one_more();
            }
            return Some(Turn::Listens(None));
        }
        if self.resigned.is_none() {
            self.missed += 1;
            if self.missed < MISSED {
                return Some(Turn::Listens(None));
            }
        }
        if now < self.not_before {
            self.waits_for_one_more();
            return Some(Turn::Listens(None));
        }
        let cause = self.cause(own, now, late);
        let is_silence = matches!(cause, Cause::Silence { .. });
        match self.answers.holder().filter(|_| own.probes && is_silence) {
            Some(holder) => {
                self.waits_for_one_more();
                self.ready = None;
                Some(Turn::Listens(self.answers.report(holder)))
            }
            None => Some(Turn::Claims(cause)),
        }
    }

    /// It asks who has the addresses, if that is wanted.
    pub(super) fn asks(&mut self, own: Own) -> Option<Action> {
        if !own.probes {
            return None;
        }
        self.answers.ask();
        Some(Action::Probe)
    }

    /// When the next advertisement is missed, or another's resignation was long enough
    /// ago.
    pub(super) fn next(&self, own: Own) -> Option<Time> {
        if self.ready.is_some() && !own.probes {
            return None;
        }
        let interval = self.interval(own);
        let skew = skew(own.version, interval, own.rank.number());
        Some(match self.resigned {
            Some(_) => (self.expected + skew).max(self.not_before),
            // What is late may be as late as this router was.
            None if self.doubts => self.expected + interval + skew.max(interval / 2),
            None => self.expected + interval + skew,
        })
    }

    /// Why it would be active, from now on until it hears the active router again, or of it
    /// by an answer: it goes on asking.
    pub(super) fn waits_for_group(&mut self, now: Time, cause: Cause) {
        self.waits_for_one_more();
        // A resignation may have been long before it was the time to follow it.
        self.expected = now;
        self.ready = Some(cause);
    }

    /// Why it would be active if its group were.
    pub(super) fn is_ready(&self) -> Option<&Cause> {
        self.ready.as_ref()
    }

    /// Other times, and nothing that only words need.
    #[cfg(test)]
    pub(super) fn forget(&mut self, time: impl Fn(&mut Time)) {
        [&mut self.since, &mut self.not_before, &mut self.expected].into_iter().for_each(&time);
        self.preempts_from.iter_mut().for_each(&time);
        for heard in [&mut self.lower, &mut self.resigned].into_iter().flatten() {
            time(&mut heard.arrival);
        }
        if let Some(active) = &mut self.active {
            active.arrival = Time::ZERO;
        }
    }

    fn interval(&self, own: Own) -> Duration {
        match (own.version, self.learned) {
            (Version::V3(_), Some(learned)) => learned.duration(),
            (own, _) => own.interval(),
        }
    }

    /// Active_Down_Timer := Skew_Time. A second resignation does not prolong it.
    ///
    /// RFC 9568 §6.4.2 does not ask who resigns. One that is not active does so when it
    /// finds that it was replaced. If its packet is overtaken by the active router's answer
    /// to it, this one would take over from a router that is well.
    fn resigns(&mut self, heard: Heard) {
        let is_from = |other: &Heard| other.source == heard.source;
        let is_active = self.active.is_none() || self.active.iter().chain(&self.lower).any(is_from);
        if is_active && self.resigned.is_none() && self.ready.is_none() {
            self.resigned = Some(heard);
            self.expected = heard.arrival.max(self.since);
            self.answers = Answers::default();
        }
    }

    fn has_resigned_since(&self, heard: &Heard) -> bool {
        self.resigned.is_some_and(|resigned| {
            resigned.source == heard.source && resigned.arrival >= heard.arrival
        })
    }

    fn takes_over_from(&mut self, own: Own, heard: Heard) -> bool {
        if heard.priority >= own.rank.number() {
            self.preempts_from = None;
            return false;
        }
        match own.preempt {
            Preempt::Never => false,
            Preempt::AtOnce => true,
            Preempt::After(delay) => {
                let from = heard.arrival + delay;
                heard.arrival >= *self.preempts_from.get_or_insert(from)
            }
        }
    }

    fn accept(&mut self, own: Own, heard: Heard) -> Option<Report> {
        let before = self.interval(own);
        if let Version::V3(interval) = heard.version {
            self.learned = Some(interval);
        }
        self.expected = heard.arrival.max(self.since);
        self.missed = 0;
        self.excused = 0;
        self.doubts = false;
        self.active = Some(heard);
        self.lower = None;
        self.resigned = None;
        self.ready = None;
        self.answers = Answers::default();
        let interval = self.interval(own);
        (interval != before && interval != own.version.interval())
            .then_some(Report::OtherInterval { peer: heard.source, version: heard.version })
    }

    /// What it was to do now it does only if another advertisement is missed.
    fn waits_for_one_more(&mut self) {
        self.resigned = None;
        self.missed = MISSED - 1;
    }

    fn cause(&self, own: Own, now: Time, late: Duration) -> Cause {
        if let Some(Heard { source: peer, arrival, .. }) = self.resigned {
            return Cause::Resigned { peer, ago: now - arrival, late };
        }
        let recently = self.interval(own) * 2;
        match self.lower.filter(|lower| now - lower.arrival < recently) {
            Some(lower) => preemption(own, lower),
            None => {
                let heard = self.active.iter().chain(&self.lower);
                let last_heard = heard.map(|heard| now - heard.arrival).min();
                Cause::Silence { missed: self.missed, last_heard, late }
            }
        }
    }
}

fn preemption(own: Own, lower: Heard) -> Cause {
    let Heard { source: peer, priority, .. } = lower;
    Cause::Preempts { peer, priority, own: own.rank.number() }
}

/// How often in one silence it forgives itself that it was told the time late. There is
/// an end to it, so that a host that is always late takes over at last.
const EXCUSES: u8 = 3;
