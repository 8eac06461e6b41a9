//! When a task looks at its destination next, and what failures do to that.

use std::time::{Duration, Instant};

/// The rhythm of one task.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    next: Instant,
    /// What is seen before this is of no use.
    earliest: Instant,
    /// Failures in a row.
    failures: u32,
    /// Whether the last listing lacked the destination.
    missed: bool,
}

impl Pace {
    /// The first look is due at `start`.
    pub(crate) fn new(start: Instant) -> Self {
        Self { next: start, earliest: start, failures: 0, missed: false }
    }

    /// The next look is due at `next`; an earlier one is welcome.
    pub(crate) fn look_at(&mut self, next: Instant) {
        self.next = next;
        self.failures = 0;
    }

    /// The next look is due at `next`, and none counts before.
    pub(crate) fn not_before(&mut self, next: Instant) {
        (self.next, self.earliest) = (next, next);
    }

    /// A command was carried out; none that came before it failed in a row.
    pub(crate) fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// A look or a command failed. The next try comes later each time, and one
    /// at `end`. Returns whether to give up: after `end`, from the third failure
    /// in a row.
    pub(crate) fn failed(&mut self, now: Instant, end: Instant) -> bool {
        self.failures = self.failures.saturating_add(1);
        let doublings = (self.failures - 1).min(MAX_DOUBLINGS);
        let next = later(now, FIRST_RETRY * (1 << doublings));
        self.not_before(if now < end { next.min(end) } else { next });
        now >= end && self.failures >= LAST_FAILURES
    }

    /// A listing lacked the destination. Returns whether it is gone: a listing
    /// during which another process deletes can lack one that is there
    /// (`ip_vs_ctl.c: ip_vs_genl_dump_dests` counts entries), so two in a row
    /// have to. The next look stays due when it was.
    pub(crate) fn missed(&mut self) -> bool {
        std::mem::replace(&mut self.missed, true)
    }

    /// A listing had the destination.
    pub(crate) fn found(&mut self) {
        self.missed = false;
    }

    /// When the next look is due.
    pub(crate) fn next(&self) -> Instant {
        self.next
    }

    /// Whether it is too early to look.
    pub(crate) fn is_early(&self, now: Instant) -> bool {
        now < self.earliest
    }
}

/// `by` after `now`, or a century if that is less: what the clock holds.
pub(crate) fn later(now: Instant, by: Duration) -> Instant {
    now + by.min(CENTURY)
}

const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// Between the first failure and the next try; twice as long after each.
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// To 32 seconds.
const MAX_DOUBLINGS: u32 = 5;

/// How many failures in a row end a task whose time is over.
const LAST_FAILURES: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_come_later_each_time_up_to_half_a_minute_and_one_at_the_end() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut pace = Pace::new(start);
        let (mut now, end) = (start, at(100));
        let mut tries = Vec::new();
        while !pace.failed(now, end) {
            assert!(pace.is_early(pace.next() - Duration::from_nanos(1)));
            now = pace.next();
            assert!(!pace.is_early(now));
            tries.push((now - start).as_secs());
        }
        assert_eq!(tries, [1, 3, 7, 15, 31, 63, 95, 100]);
    }

    #[test]
    fn after_the_end_two_failures_are_borne_and_a_success_forgets_them() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        for _ in 0..3 {
            assert!(!pace.failed(start, start));
            assert!(!pace.failed(start, start));
            pace.succeeded();
        }
        for _ in 0..2 {
            assert!(!pace.failed(start, start));
        }
        assert!(pace.failed(start, start));
    }

    #[test]
    fn one_missing_entry_is_nothing_and_two_in_a_row_are_an_absence() {
        let now = Instant::now();
        let mut pace = Pace::new(now);
        assert!(!pace.missed());
        pace.found();
        assert!(!pace.missed());
        assert!(pace.missed());
    }

    #[test]
    fn no_duration_is_too_long() {
        let now = Instant::now();
        assert!(later(now, Duration::MAX) > later(now, Duration::from_secs(1 << 31)));
    }
}
