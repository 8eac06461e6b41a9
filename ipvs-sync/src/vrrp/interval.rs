//! How often the active router advertises.

use super::Rule;
use std::fmt;
use std::time::Duration;

/// An interval of version 3: 1 to 4,095 centiseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval(u16);

/// An interval of version 2: 1 to 255 seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seconds(u8);

impl Interval {
    /// The shortest, 10 ms.
    pub const MIN: Self = Self(1);
    /// The longest, 40.95 s: the field has 12 bits.
    pub const MAX: Self = Self(4_095);
    /// The default of RFC 9568 §6.1, one second.
    pub const DEFAULT: Self = Self(100);

    /// An interval of so many centiseconds.
    ///
    /// # Errors
    /// [`Rule::Interval`] for 0 and above 4,095.
    pub const fn from_centis(centis: u16) -> Result<Self, Rule> {
        match centis {
            1..=4_095 => Ok(Self(centis)),
            _ => Err(Rule::Interval { micros: centis as u128 * 10_000 }),
        }
    }

    /// In centiseconds, as in the packet.
    pub const fn centis(self) -> u16 {
        self.0
    }

    /// As a duration.
    pub const fn duration(self) -> Duration {
        Duration::from_millis(self.0 as u64 * 10)
    }
}

impl TryFrom<Duration> for Interval {
    type Error = Rule;

    /// # Errors
    /// [`Rule::Interval`] for what is not 10 ms to 40.95 s in steps of 10 ms.
    fn try_from(duration: Duration) -> Result<Self, Rule> {
        let micros = duration.as_micros();
        let whole = duration.subsec_nanos() % 10_000_000 == 0;
        let centis = u16::try_from(micros / 10_000).ok().filter(|_| whole);
        centis.and_then(|centis| Self::from_centis(centis).ok()).ok_or(Rule::Interval { micros })
    }
}

impl Default for Interval {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.duration())
    }
}

impl Seconds {
    /// The shortest, one second.
    pub const MIN: Self = Self(1);
    /// The longest, 255 seconds.
    pub const MAX: Self = Self(255);
    /// The default of RFC 3768 §6.1, one second.
    pub const DEFAULT: Self = Self(1);

    /// So many seconds.
    ///
    /// # Errors
    /// [`Rule::Seconds`] for 0.
    pub const fn new(seconds: u8) -> Result<Self, Rule> {
        match seconds {
            0 => Err(Rule::Seconds { micros: 0 }),
            _ => Ok(Self(seconds)),
        }
    }

    /// The number, as in the packet.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// As a duration.
    pub const fn duration(self) -> Duration {
        Duration::from_secs(self.0 as u64)
    }
}

impl TryFrom<Duration> for Seconds {
    type Error = Rule;

    /// # Errors
    /// [`Rule::Seconds`] for what is not 1 to 255 whole seconds.
    fn try_from(duration: Duration) -> Result<Self, Rule> {
        let whole = duration.subsec_nanos() == 0;
        let seconds = u8::try_from(duration.as_secs()).ok().filter(|_| whole);
        let micros = duration.as_micros();
        seconds.and_then(|seconds| Self::new(seconds).ok()).ok_or(Rule::Seconds { micros })
    }
}

impl Default for Seconds {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.duration())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // shows: 9568-5.2.7-1
    #[test]
    fn an_interval_of_version_3_is_whole_centiseconds_within_twelve_bits() {
        assert_eq!(Interval::try_from(Duration::from_millis(10)), Ok(Interval::MIN));
        assert_eq!(Interval::try_from(Duration::from_millis(40_950)), Ok(Interval::MAX));
        for micros in [0, 9_999, 10_001, 15_000, 40_960_000, 655_370_000] {
            let told = Interval::try_from(Duration::from_micros(micros));
            assert_eq!(told, Err(Rule::Interval { micros: micros.into() }), "{micros}");
        }
        assert!(Interval::try_from(Duration::from_nanos(10_000_001)).is_err());
        assert!(Interval::from_centis(4_096).is_err());
    }

    // shows: 3768-5.3.7-1
    #[test]
    fn an_interval_of_version_2_is_whole_seconds_within_a_byte() {
        assert_eq!(Seconds::try_from(Duration::from_secs(255)), Ok(Seconds::MAX));
        for millis in [0, 400, 1_500, 256_000] {
            let told = Seconds::try_from(Duration::from_millis(millis));
            assert_eq!(told, Err(Rule::Seconds { micros: u128::from(millis) * 1_000 }));
        }
    }

    #[test]
    fn intervals_read_as_durations() {
        assert_eq!(Interval::from_centis(2).unwrap().to_string(), "20ms");
        assert_eq!(Seconds::DEFAULT.to_string(), "1s");
    }
}
