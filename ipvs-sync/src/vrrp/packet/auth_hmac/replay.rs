//! What was heard before is not heard again.

use std::net::IpAddr;
use std::time::Duration;

/// When an advertisement was signed, and the how manieth then. It grows as serial numbers
/// do (RFC 1982), so that the end of 32 bits of seconds is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sequence(u64);

impl Sequence {
    /// The first of this time.
    pub(super) fn at(now: Duration) -> Self {
        let fraction = (u64::from(now.subsec_nanos()) << 16) / 1_000_000_000;
        Self(now.as_secs() << 32 | fraction << 16)
    }

    /// What to sign with after `last`: the time, or the next number if the clock has not
    /// grown. If it was put back by more than the window, those who hear this would drop
    /// the next number; then it is the time.
    pub(super) fn after(last: Option<Self>, now: Self, window: u32) -> Self {
        match last {
            Some(last) if !now.is_after(last) && !last.is_outside(now, window) => {
                Self(last.0.wrapping_add(1))
            }
            _ => now,
        }
    }

    pub(super) const fn from_be_bytes(bytes: [u8; 8]) -> Self {
        Self(u64::from_be_bytes(bytes))
    }

    pub(super) const fn to_be_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }

    /// How many seconds after the other this is.
    pub(super) fn seconds_since(self, other: Self) -> i32 {
        let [s0, s1, s2, s3, ..] = self.seconds().wrapping_sub(other.seconds()).to_be_bytes();
        i32::from_be_bytes([s0, s1, s2, s3])
    }

    fn seconds(self) -> u32 {
        let [s0, s1, s2, s3, ..] = self.0.to_be_bytes();
        u32::from_be_bytes([s0, s1, s2, s3])
    }

    fn is_after(self, other: Self) -> bool {
        (1..1 << 63).contains(&self.0.wrapping_sub(other.0))
    }

    fn is_outside(self, now: Self, window: u32) -> bool {
        now.seconds_since(self).unsigned_abs() > window
    }
}

/// The last advertisement of each of the senders heard last, which come first.
///
/// More than two senders are active only while they contend, and only who has a key gets
/// in here.
#[derive(Clone, Debug, Default)]
pub(super) struct Senders([Option<(IpAddr, Sequence)>; 4]);

impl Senders {
    /// Remembers what was proven; `false` if it was heard before.
    pub(super) fn hear(
        &mut self,
        source: IpAddr,
        sequence: Sequence,
        now: Sequence,
        window: u32,
    ) -> bool {
        let of = |sender: &Option<(IpAddr, Sequence)>| sender.is_some_and(|(of, _)| of == source);
        let known = self.0.iter().position(of);
        let last = known.and_then(|place| *self.0.get(place)?);
        // What is outside the window is dropped for that. So this is from before a clock
        // was put right, and would keep its sender out.
        let last = last.filter(|(_, last)| !last.is_outside(now, window));
        if last.is_some_and(|(_, last)| !sequence.is_after(last)) {
            return false;
        }
        let place = known.unwrap_or(self.0.len() - 1);
        if let Some(others) = self.0.get_mut(..=place) {
            others.rotate_right(1);
        }
        self.0[0] = Some((source, sequence));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Sequence {
        Sequence(seconds << 32)
    }

    #[test]
    fn a_sequence_is_the_time_and_grows_even_if_that_does_not() {
        let now = Duration::new(0x1_6800_0000, 500_000_000);
        let first = Sequence::after(None, Sequence::at(now), 5);
        assert_eq!(first.to_be_bytes(), [0x68, 0, 0, 0, 0x80, 0, 0, 0]);
        let second = Sequence::after(Some(first), Sequence::at(now), 5);
        assert_eq!(second.to_be_bytes(), [0x68, 0, 0, 0, 0x80, 0, 0, 1]);
        let back = Sequence::at(now - Duration::from_secs(5));
        assert_eq!(Sequence::after(Some(second), back, 5), Sequence(second.0 + 1));
        let far = Sequence::at(now - Duration::from_secs(6));
        assert_eq!(Sequence::after(Some(second), far, 5), far);
        let full = Sequence(u64::from(u32::MAX));
        assert_eq!(Sequence::after(Some(full), Sequence(0), 5), at(1));
    }

    #[test]
    fn the_end_of_the_seconds_is_none() {
        let (last, first) = (at(0xffff_ffff), at(0));
        assert!(first.is_after(last) && !last.is_after(first));
        assert_eq!((first.seconds_since(last), last.seconds_since(first)), (1, -1));
        assert!(!first.is_after(first));
        assert!(!at(1 << 31).is_after(first) && !first.is_after(at(1 << 31)));
    }

    #[test]
    fn each_sender_grows_for_itself() {
        let mut senders = Senders::default();
        let [a, b] = [[10, 0, 0, 1], [10, 0, 0, 2]].map(IpAddr::from);
        assert!(senders.hear(a, at(7), at(7), 5));
        assert!(!senders.hear(a, at(7), at(7), 5));
        assert!(!senders.hear(a, at(6), at(7), 5));
        assert!(senders.hear(b, at(6), at(7), 5));
        assert!(senders.hear(a, at(8), at(7), 5));
    }

    #[test]
    fn the_sender_that_was_silent_for_longest_is_forgotten() {
        let mut senders = Senders::default();
        let source = |number| IpAddr::from([10, 0, 0, number]);
        assert!((1..=4).all(|number| senders.hear(source(number), at(7), at(7), 5)));
        assert!(senders.hear(source(1), at(8), at(8), 5));
        assert!(senders.hear(source(5), at(8), at(8), 5));
        assert!(!senders.hear(source(1), at(8), at(8), 5));
        assert!(!senders.hear(source(3), at(7), at(8), 5));
        assert!(senders.hear(source(2), at(7), at(8), 5), "forgotten for the fifth");
    }

    #[test]
    fn a_sender_whose_clock_was_put_right_is_heard_again() {
        let mut senders = Senders::default();
        let source = IpAddr::from([10, 0, 0, 1]);
        assert!(senders.hear(source, at(1_000), at(1_000), 5));
        assert!(!senders.hear(source, at(995), at(995), 5));
        assert!(senders.hear(source, at(994), at(994), 5));
        assert!(!senders.hear(source, at(994), at(994), 5));
    }
}
