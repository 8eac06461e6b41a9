//! The two versions of the protocol.

use super::{Interval, Seconds};
use std::time::Duration;

/// The version of the protocol, with the interval between advertisements in its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// Version 2, RFC 3768: all routers must have the same interval.
    V2(Seconds),
    /// Version 3, RFC 9568: a backup takes the interval of the active router.
    V3(Interval),
}

impl Version {
    /// The number, 2 or 3.
    pub const fn number(self) -> u8 {
        match self {
            Self::V2(_) => 2,
            Self::V3(_) => 3,
        }
    }

    /// The interval between advertisements.
    pub const fn interval(self) -> Duration {
        match self {
            Self::V2(seconds) => seconds.duration(),
            Self::V3(interval) => interval.duration(),
        }
    }
}
