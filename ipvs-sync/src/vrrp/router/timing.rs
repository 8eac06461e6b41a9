//! How long a backup waits.

use super::Version;
use std::time::Duration;

/// Skew_Time: less for a higher priority, so that the highest takes over first. Of
/// version 2 it is (256 - priority) / 256 seconds whatever the interval (RFC 3768 §6.1),
/// of version 3 that part of the active router's interval (RFC 9568 §6.1).
///
/// It is kept in nanoseconds: in centiseconds, as packets have it, neighbouring
/// priorities would wait equally long.
pub(super) fn skew(version: Version, active_interval: Duration, priority: u8) -> Duration {
    let whole = match version {
        Version::V2(_) => Duration::from_secs(1),
        Version::V3(_) => active_interval,
    };
    whole * (256 - u32::from(priority)) / 256
}

/// How many advertisements must be missed: the 3 of Active_Down_Interval.
pub(super) const MISSED: u8 = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vrrp::{Interval, Seconds};

    const V2: Version = Version::V2(Seconds::DEFAULT);
    const V3: Version = Version::V3(Interval::DEFAULT);

    // shows: 3768-6.1-1
    #[test]
    fn version_2_skews_by_parts_of_a_second_whatever_the_interval() {
        for interval in [1, 10, 255] {
            let interval = Duration::from_secs(interval);
            assert_eq!(skew(V2, interval, 100), Duration::from_nanos(609_375_000));
            assert_eq!(skew(V2, interval, 255), Duration::from_nanos(3_906_250));
            assert_eq!(skew(V2, interval, 1), Duration::from_nanos(996_093_750));
        }
    }

    // shows: 9568-6.1-5
    #[test]
    fn version_3_skews_by_parts_of_the_active_routers_interval() {
        assert_eq!(skew(V3, Duration::from_secs(1), 100), Duration::from_nanos(609_375_000));
        assert_eq!(skew(V3, Duration::from_millis(100), 100), Duration::from_nanos(60_937_500));
        assert_eq!(
            skew(V3, Duration::from_millis(40_950), 1),
            Duration::from_nanos(40_790_039_062)
        );
    }

    #[test]
    fn a_higher_priority_waits_less_at_the_shortest_interval_too() {
        let shortest = Interval::MIN.duration();
        for priority in 1..=254 {
            let (lower, higher) = (skew(V3, shortest, priority), skew(V3, shortest, priority + 1));
            assert!(lower.as_micros() > higher.as_micros(), "{priority}");
        }
    }
}
