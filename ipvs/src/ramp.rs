//! Slow start: a destination's weight rises to its target. Pure: the clock and
//! what was read come in as arguments, and the weight to set comes out.

use crate::pace::{Pace, later};
use crate::{DestinationEntry, Weight};
use std::time::{Duration, Instant};

/// Raises the weight of a destination that comes (back) into service, from a
/// first share to its target over a period.
///
/// Without it a server with cold caches has its full share at once, and with `wlc`
/// and `sed`, which look at the connections too, all new ones until it has as many
/// as the others. The schedulers `rr`, `lc` and `dh` look at a weight only for
/// whether it is 0: with them there is no slow start.
///
/// The weight rises in ten steps of the same length, or fewer if there are not as
/// many numbers in between: each step costs the scheduler what an edit does, with
/// `mh` a new table (`ip_vs_mh.c: ip_vs_mh_dest_changed`). It never falls, is
/// never 0 and ends on the target. When the clock stands still or calls come
/// late, steps are left out.
///
/// It is driven as [`Drain`](crate::Drain) is, by [`Tasks`](crate::Tasks) or by
/// hand. There is nothing to undo when it is given up: the destination keeps the
/// weight that it has.
///
/// # Who else sets the weight
///
/// A weight that is found at the first look is not lowered to the first share: it
/// stays until the ramp has risen to it, so that a ramp that was cut short by a
/// restart can be begun anew; one above the target is set to the target. A weight
/// found later that is not the one set last is another's wish: the ramp ends with
/// [`RampOutcome::TakenBack`] and leaves the destination alone.
#[derive(Clone, Debug)]
pub struct Ramp {
    first: Weight,
    target: Weight,
    start: Instant,
    period: Duration,
    /// The weight that the destination has, once that is known.
    known: Option<Weight>,
    /// The weight that was set last, for certain or not.
    set: Option<Weight>,
    /// Whether setting it has no result yet.
    sent: bool,
    pace: Pace,
    outcome: Option<RampOutcome>,
}

/// How a ramp ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RampOutcome {
    /// The destination has its target.
    Reached,
    /// Another deleted the destination or its service.
    Gone,
    /// Another gave the destination this weight, and it was left alone.
    TakenBack {
        /// The weight that was found.
        weight: Weight,
    },
    /// Looks or commands failed to the end of the period and after it.
    Failed,
}

impl Ramp {
    /// From `first` at `start` to `target` at the end of `period`.
    ///
    /// A first weight of 0 counts as 1, and one above the target as the target.
    pub fn new(first: Weight, target: Weight, start: Instant, period: Duration) -> Self {
        Self {
            first: first.max(Weight::ONE).min(target),
            target,
            start,
            period,
            known: None,
            set: None,
            sent: false,
            pace: Pace::new(start),
            outcome: None,
        }
    }

    /// The destination as it was read at `now`, or `None` if a listing lacked it.
    /// Returns the weight to give it; all else stays as it was read.
    ///
    /// It may be called at any time. It changes nothing while a weight was
    /// returned and has no result yet, before the start, and while a failure is
    /// waited out. Of listings without the destination two in a row are believed.
    #[must_use]
    pub fn observe(&mut self, now: Instant, found: Option<&DestinationEntry>) -> Option<Weight> {
        if self.outcome.is_some() || self.sent || self.pace.is_early(now) {
            return None;
        }
        let Some(entry) = found else {
            if self.pace.missed() {
                self.gone();
            }
            return None;
        };
        self.pace.found();
        let weight = entry.destination.weight();
        // A weight that was set can be what the answer to it was lost for.
        let expected = [self.known, self.set].contains(&Some(weight));
        if self.known.is_some() && !expected {
            self.end(RampOutcome::TakenBack { weight });
            return None;
        }
        let due = self.weight_at(now).max(weight).min(self.target);
        if due == weight {
            self.reached(weight);
            return None;
        }
        self.known = Some(weight);
        self.set = Some(due);
        self.sent = true;
        Some(due)
    }

    /// The weight was set.
    pub fn done(&mut self) {
        if let (true, Some(weight)) = (std::mem::take(&mut self.sent), self.set) {
            self.reached(weight);
        }
    }

    /// Setting the weight, or reading the destination, failed. It is tried again:
    /// after one second, then two, up to 32, and at the end of the period. After
    /// that the ramp ends with the third failure in a row.
    pub fn failed(&mut self, now: Instant) {
        self.sent = false;
        if self.outcome.is_none() && self.pace.failed(now, later(self.start, self.period)) {
            self.end(RampOutcome::Failed);
        }
    }

    /// The kernel said for certain that the destination or its service does not
    /// exist: a command was answered by ENOENT or ESRCH.
    pub fn gone(&mut self) {
        self.end(RampOutcome::Gone);
    }

    /// The weight that the plan has for `now`.
    pub fn weight_at(&self, now: Instant) -> Weight {
        let passed = now.saturating_duration_since(self.start);
        let due = (1..=self.steps()).take_while(|step| self.delay(*step) <= passed).last();
        self.weight_of(due.unwrap_or(0))
    }

    /// When to look next; `None` while a weight that was returned has no result,
    /// and at the end.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let waits = self.outcome.is_none() && !self.sent;
        waits.then(|| self.pace.next())
    }

    /// How it ended, once it has.
    pub fn outcome(&self) -> Option<RampOutcome> {
        self.outcome
    }

    fn reached(&mut self, weight: Weight) {
        (self.known, self.set) = (Some(weight), None);
        let step = (0..=self.steps()).find(|step| self.weight_of(*step) > weight);
        match step {
            Some(step) => self.pace.look_at(later(self.start, self.delay(step))),
            None => self.end(RampOutcome::Reached),
        }
    }

    fn steps(&self) -> u32 {
        self.rise().min(MAX_STEPS)
    }

    fn rise(&self) -> u32 {
        self.target.value() - self.first.value()
    }

    /// The weight after so many steps.
    fn weight_of(&self, step: u32) -> Weight {
        let steps = u64::from(self.steps().max(1));
        let risen = u64::from(self.rise()) * u64::from(step) / steps;
        let risen = u32::try_from(risen).unwrap_or(u32::MAX);
        Weight::new(self.first.value().saturating_add(risen)).unwrap_or(self.target)
    }

    /// From the start to the step.
    fn delay(&self, step: u32) -> Duration {
        if step == self.steps() { self.period } else { self.period / self.steps() * step }
    }

    fn end(&mut self, outcome: RampOutcome) {
        self.sent = false;
        self.outcome = self.outcome.or(Some(outcome));
    }
}

const MAX_STEPS: u32 = 10;
