//! How often something is said.

use crate::vrrp::Time;
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
}
