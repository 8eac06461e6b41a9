//! What wakes the thread of the advertisements when it is time.

use crate::vrrp::Time;
use nix::errno::Errno;
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use std::os::fd::{AsFd, BorrowedFd};

/// A descriptor that can be polled once it is time.
///
/// A wait with a timeout would do but for the kernel, which lets it last a thousandth
/// longer to save power, whatever the thread's timer slack (`select.c:
/// select_estimate_accuracy`): a millisecond in each second.
#[derive(Debug)]
pub(super) struct Alarm(TimerFd);

impl Alarm {
    pub(super) fn new() -> Result<Self, Errno> {
        let flags = TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK;
        TimerFd::new(ClockId::CLOCK_BOOTTIME, flags).map(Self)
    }

    /// It rings from this time on, or never, whatever it was set to before.
    pub(super) fn set(&self, time: Option<Time>) {
        // Neither can fail with a time that is one.
        let _ = match time {
            Some(time) => self.0.set(
                Expiration::OneShot(TimeSpec::from(time - Time::ZERO)),
                TimerSetTimeFlags::TFD_TIMER_ABSTIME,
            ),
            None => self.0.unset(),
        };
    }
}

impl AsFd for Alarm {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::now;
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use std::time::Duration;

    fn rings(alarm: &Alarm, timeout: PollTimeout) -> bool {
        let mut polled = [PollFd::new(alarm.as_fd(), PollFlags::POLLIN)];
        poll(&mut polled, timeout).unwrap() == 1
    }

    #[test]
    fn it_is_not_later_after_a_long_wait() {
        let alarm = Alarm::new().unwrap();
        let late = || {
            let time = now() + Duration::from_secs(1);
            alarm.set(Some(time));
            assert!(rings(&alarm, PollTimeout::NONE));
            now() - time
        };
        // The machine may be busy at one time or another.
        assert!((0..40).any(|_| late() < Duration::from_micros(300)));
    }

    #[test]
    fn it_rings_until_it_is_set_to_another_time_or_none() {
        let alarm = Alarm::new().unwrap();
        assert!(!rings(&alarm, PollTimeout::ZERO));
        alarm.set(Some(now()));
        assert!(rings(&alarm, PollTimeout::ZERO));
        assert!(rings(&alarm, PollTimeout::ZERO));
        alarm.set(Some(now() + Duration::from_secs(3_600)));
        assert!(!rings(&alarm, PollTimeout::ZERO));
        alarm.set(Some(Time::from_micros(1)));
        assert!(rings(&alarm, PollTimeout::ZERO));
        alarm.set(None);
        assert!(!rings(&alarm, PollTimeout::ZERO));
    }
}
