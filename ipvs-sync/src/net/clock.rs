//! The time of the virtual routers, and of the kernel's stamps in it.

use crate::vrrp::Time;
use nix::sys::time::TimeSpec;
use nix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// The time now: microseconds since the machine started, suspension included
/// (`CLOCK_BOOTTIME`).
pub fn now() -> Time {
    let time = read(ClockId::CLOCK_BOOTTIME);
    Time::ZERO + time
}

/// When a packet arrived that the kernel stamped so; it came after `earliest`, when
/// nothing was queued.
///
/// The stamp is of the wall clock (`SO_TIMESTAMPNS`), which may be set between arrival and
/// now. So it is only read as an age, and believed only within what is possible.
pub(super) fn arrival(stamp: TimeSpec, earliest: Time) -> Time {
    // In this order, so that what passes in between makes a packet look younger: that
    // another is active is believed for longer then, not for shorter.
    let wall = read(ClockId::CLOCK_REALTIME);
    arrived(stamp.into(), wall, now(), earliest)
}

fn arrived(stamp: Duration, wall: Duration, now: Time, earliest: Time) -> Time {
    let age = wall.saturating_sub(stamp);
    let age = u64::try_from(age.as_micros()).unwrap_or(u64::MAX);
    Time::from_micros(now.micros().saturating_sub(age)).max(earliest).min(now)
}

fn read(clock: ClockId) -> Duration {
    // Both clocks are in every kernel, and the call has no other way to fail.
    clock_gettime(clock).map_or(Duration::ZERO, Duration::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_micros(50_000_000);
    const EMPTY: Time = Time::from_micros(49_000_000);

    fn at(stamp_millis: u64) -> Time {
        let wall = Duration::from_secs(1_000_000);
        arrived(Duration::from_millis(stamp_millis), wall, NOW, EMPTY)
    }

    #[test]
    fn a_stamp_is_an_age() {
        assert_eq!(at(1_000_000_000), NOW);
        assert_eq!(at(999_999_750), Time::from_micros(49_750_000));
    }

    #[test]
    fn a_wall_clock_that_was_set_moves_no_arrival_beyond_what_is_possible() {
        // Back by an hour after the arrival, forward by a day, and forward from 1970.
        assert_eq!(at(1_003_600_000), NOW);
        assert_eq!(at(913_600_000), EMPTY);
        assert_eq!(at(0), EMPTY);
    }

    #[test]
    fn time_goes_on() {
        let before = now();
        assert!(before > Time::ZERO);
        assert!(now() >= before);
        let stamp = clock_gettime(ClockId::CLOCK_REALTIME).unwrap();
        let arrival = arrival(stamp, before);
        assert!((before..=now()).contains(&arrival));
    }
}
