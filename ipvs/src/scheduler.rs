//! How a service chooses a destination.

use crate::ParseError;
use crate::name::Name;
use ipvs_sys::ServiceFlags;
use std::fmt;
use std::ops::BitOr;
use std::str::FromStr;

/// A scheduler. Parses from and displays as the kernel's name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Scheduler {
    /// `rr`: round robin.
    Rr,
    /// `wrr`: weighted round robin.
    Wrr,
    /// `lc`: least connections.
    Lc,
    /// `wlc`: weighted least connections, the default.
    #[default]
    Wlc,
    /// `lblc`: locality-based least connections.
    Lblc,
    /// `lblcr`: locality-based least connections with replication.
    Lblcr,
    /// `dh`: by a hash of the destination address.
    Dh,
    /// `sh`: by a hash of the source address.
    Sh,
    /// `mh`: by a Maglev hash of the source address. Every change of a
    /// destination rebuilds its table of 4,093 entries.
    Mh,
    /// `sed`: shortest expected delay.
    Sed,
    /// `nq`: never queue.
    Nq,
    /// `fo`: the destination of the highest weight.
    Fo,
    /// `ovf`: the destination of the highest weight until it is full.
    Ovf,
    /// `twos`: the better of two at random. From Linux 6.12 in Debian.
    Twos,
    /// `none`: no new connection is scheduled.
    Unscheduled,
    /// A scheduler by a name that is none of the above.
    Other(SchedulerName),
}

/// The name of a scheduler that has no variant of its own in [`Scheduler`];
/// made by parsing one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SchedulerName(Name<15>);

const NAMES: [(&str, Scheduler); 15] = [
    ("rr", Scheduler::Rr),
    ("wrr", Scheduler::Wrr),
    ("lc", Scheduler::Lc),
    ("wlc", Scheduler::Wlc),
    ("lblc", Scheduler::Lblc),
    ("lblcr", Scheduler::Lblcr),
    ("dh", Scheduler::Dh),
    ("sh", Scheduler::Sh),
    ("mh", Scheduler::Mh),
    ("sed", Scheduler::Sed),
    ("nq", Scheduler::Nq),
    ("fo", Scheduler::Fo),
    ("ovf", Scheduler::Ovf),
    ("twos", Scheduler::Twos),
    ("none", Scheduler::Unscheduled),
];

impl Scheduler {
    /// The kernel's name in bytes; a name from the kernel need not be UTF-8.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Other(name) => name.0.as_bytes(),
            known => NAMES
                .iter()
                .find(|(_, scheduler)| scheduler == known)
                .map_or(&[], |(name, _)| name.as_bytes()),
        }
    }

    pub(crate) fn from_wire(name: &[u8]) -> Self {
        NAMES.iter().find(|(known, _)| known.as_bytes() == name).map_or_else(
            || Self::Other(SchedulerName(Name::from_wire(name))),
            |(_, scheduler)| *scheduler,
        )
    }
}

impl fmt::Display for SchedulerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for SchedulerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&String::from_utf8_lossy(self.as_bytes()))
    }
}

impl FromStr for Scheduler {
    type Err = ParseError;

    fn from_str(name: &str) -> Result<Self, ParseError> {
        match Name::<15>::checked("scheduler name", name) {
            Ok(checked) => Ok(Self::from_wire(checked.as_bytes())),
            Err(rule) => Err(ParseError::rule(rule, name)),
        }
    }
}

/// The three flags that a service hands to its scheduler; only `sh` and `mh`
/// read two of them.
///
/// Parses from comma-separated `flag-1`, `sh-fallback` and so on or `none`, and
/// displays as `flag-1,flag-2` or `none`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SchedulerFlags(u32);

impl SchedulerFlags {
    /// No flag.
    pub const NONE: Self = Self(0);
    /// The first flag.
    pub const FLAG_1: Self = Self(ServiceFlags::SCHED1);
    /// The second flag.
    pub const FLAG_2: Self = Self(ServiceFlags::SCHED2);
    /// The third flag.
    pub const FLAG_3: Self = Self(ServiceFlags::SCHED3);
    /// `sh`: take another destination where the hashed one is unavailable.
    pub const SH_FALLBACK: Self = Self::FLAG_1;
    /// `sh`: hash the source port too.
    pub const SH_PORT: Self = Self::FLAG_2;
    /// `mh`: take another destination where the hashed one is unavailable.
    pub const MH_FALLBACK: Self = Self::FLAG_1;
    /// `mh`: hash the source port too.
    pub const MH_PORT: Self = Self::FLAG_2;

    const ALL: u32 = Self::FLAG_1.0 | Self::FLAG_2.0 | Self::FLAG_3.0;

    /// Whether all flags of `other` are set.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The bits of the service's flags.
    pub(crate) fn bits(self) -> u32 {
        self.0
    }

    pub(crate) fn from_bits(flags: u32) -> Self {
        Self(flags & Self::ALL)
    }
}

const FLAG_NAMES: [(&str, SchedulerFlags); 7] = [
    ("flag-1", SchedulerFlags::FLAG_1),
    ("flag-2", SchedulerFlags::FLAG_2),
    ("flag-3", SchedulerFlags::FLAG_3),
    ("sh-fallback", SchedulerFlags::SH_FALLBACK),
    ("sh-port", SchedulerFlags::SH_PORT),
    ("mh-fallback", SchedulerFlags::MH_FALLBACK),
    ("mh-port", SchedulerFlags::MH_PORT),
];

impl BitOr for SchedulerFlags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Display for SchedulerFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::NONE {
            return f.pad("none");
        }
        let set = FLAG_NAMES.iter().take(3).filter(|(_, flag)| self.contains(*flag));
        let names: Vec<&str> = set.map(|(name, _)| *name).collect();
        f.pad(&names.join(","))
    }
}

impl FromStr for SchedulerFlags {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let mut flags = Self::NONE;
        if text == "none" {
            return Ok(flags);
        }
        for word in text.split(',') {
            let known = FLAG_NAMES.iter().find(|(name, _)| *name == word);
            let (_, flag) = known.ok_or_else(|| {
                ParseError::expected("a scheduler flag (flag-1, sh-port, …)", word)
            })?;
            flags = flags | *flag;
        }
        Ok(flags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_comes_back() {
        for (name, scheduler) in NAMES {
            assert_eq!(name.parse(), Ok(scheduler));
            assert_eq!(scheduler.to_string(), name);
            assert_eq!(Scheduler::from_wire(name.as_bytes()), scheduler);
        }
        assert_eq!("my-own".parse::<Scheduler>().unwrap().to_string(), "my-own");
    }

    #[test]
    fn a_known_name_is_never_other() {
        assert!(!matches!("rr".parse(), Ok(Scheduler::Other(_))));
        assert!("a-name-of-16-chr".parse::<Scheduler>().is_err());
    }

    #[test]
    fn flags_parse_by_number_and_by_scheduler() {
        let both = SchedulerFlags::FLAG_1 | SchedulerFlags::FLAG_2;
        assert_eq!("mh-fallback,mh-port".parse(), Ok(both));
        assert_eq!(both.to_string(), "flag-1,flag-2");
        assert_eq!("none".parse(), Ok(SchedulerFlags::NONE));
        assert_eq!(SchedulerFlags::NONE.to_string(), "none");
        assert!("sh-fall".parse::<SchedulerFlags>().is_err());
    }
}
