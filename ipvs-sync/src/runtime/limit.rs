//! How often something is said, or done again.

use crate::vrrp::Time;
use crate::vrrp::router::Report;
use std::collections::VecDeque;
use std::mem::{Discriminant, discriminant};
use std::time::Duration;

/// Lets one through in every second, and counts the others.
#[derive(Debug, Default)]
pub(super) struct Limit {
    last: Option<Time>,
    withheld: u64,
}

impl Limit {
    /// Whether one may be said now, and how many were not since the last that was.
    pub(super) fn admits(&mut self, now: Time) -> Option<u64> {
        if self.last.is_some_and(|last| now - last < Duration::from_secs(1)) {
            self.withheld = self.withheld.saturating_add(1);
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.withheld))
    }
}

/// A limit for each kind of report. A packet can cause one, so that others choose how many
/// there are.
#[derive(Debug, Default)]
pub(super) struct Reports(Vec<(Discriminant<Report>, Limit)>);

impl Reports {
    /// As [`Limit::admits`], of this kind.
    pub(super) fn admits(&mut self, now: Time, report: &Report) -> Option<u64> {
        let kind = discriminant(report);
        match self.0.iter_mut().find(|(other, _)| *other == kind) {
            Some((_, limit)) => limit.admits(now),
            None => {
                let mut limit = Limit::default();
                let admitted = limit.admits(now);
                self.0.push((kind, limit));
                admitted
            }
        }
    }
}

/// When something was put back that others have deleted. They choose how often they do.
#[derive(Debug, Default)]
pub(super) struct PutBacks(VecDeque<Time>);

impl PutBacks {
    /// Whether it may be put back now once more, which is counted then.
    pub(super) fn admits(&mut self, now: Time) -> bool {
        self.0.retain(|&time| now - time < PUT_BACKS_WITHIN);
        let admits = self.0.len() < PUT_BACKS;
        if admits {
            self.0.push_back(now);
        }
        admits
    }
}

/// More is no accident but another program that wants them gone.
const PUT_BACKS: usize = 10;
const PUT_BACKS_WITHIN: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_a_second_is_said_and_the_others_are_counted() {
        let mut limit = Limit::default();
        let at = |millis| Time::ZERO + Duration::from_millis(millis);
        let said = [0, 1, 999, 1_000, 1_500, 2_500].map(|millis| limit.admits(at(millis)));
        assert_eq!(said, [Some(0), None, None, Some(2), None, Some(1)]);
    }

    #[test]
    fn in_no_ten_seconds_is_more_put_back_than_ten_times() {
        let mut put_backs = PutBacks::default();
        let at = |millis| Time::ZERO + Duration::from_millis(millis);
        // Two in a second, until there were ten.
        let times = (0..40).map(|half| at(half * 500));
        let admitted: Vec<Time> = times.filter(|&time| put_backs.admits(time)).collect();
        assert_eq!(admitted.len(), 20);
        assert_eq!((admitted[9], admitted[10]), (at(4_500), at(10_000)));
        // One in a second has no end.
        assert!((31..100).all(|second| put_backs.admits(at(second * 1_000))));
    }

    #[test]
    fn a_report_does_not_keep_one_of_another_kind_from_being_said() {
        let mut reports = Reports::default();
        let peer = [10, 0, 0, 2].into();
        let dual = |priority| Report::DualActive { peer, priority };
        let at = |millis| Time::ZERO + Duration::from_millis(millis);
        assert_eq!(reports.admits(at(0), &dual(1)), Some(0));
        assert_eq!(reports.admits(at(1), &dual(2)), None);
        assert_eq!(reports.admits(at(2), &Report::SecondOwner { peer }), Some(0));
        assert_eq!(reports.admits(at(1_000), &dual(3)), Some(1));
    }
}
