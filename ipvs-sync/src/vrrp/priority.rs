//! Who is to be active.

use super::Rule;
use std::fmt;

/// The priority of a router that does not own the addresses: 1 to 254, 100 by
/// default. The highest becomes active.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Priority(u8);

/// Whether a router owns the virtual addresses, and its priority if not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rank {
    /// It backs up, with this priority.
    Backup(Priority),
    /// The virtual addresses are its own interface's: it is active whenever it runs.
    Owner,
}

impl Priority {
    /// The lowest, 1.
    pub const MIN: Self = Self(1);
    /// The highest, 254.
    pub const MAX: Self = Self(254);
    /// What RFC 9568 §5.2.4 gives as the default, 100.
    pub const DEFAULT: Self = Self(100);

    /// The priority with this number.
    ///
    /// # Errors
    /// [`Rule::Priority`] for 0 and 255, which have other meanings.
    pub const fn new(priority: u8) -> Result<Self, Rule> {
        match priority {
            1..=254 => Ok(Self(priority)),
            _ => Err(Rule::Priority { priority: priority as u32 }),
        }
    }

    /// The number.
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl Default for Priority {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Rank {
    /// The priority as advertisements carry it: 255 for the owner.
    pub const fn number(self) -> u8 {
        match self {
            Self::Backup(priority) => priority.number(),
            Self::Owner => 255,
        }
    }
}

impl fmt::Display for Rank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Backup(priority) => priority.fmt(f),
            Self::Owner => f.pad("owner"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // shows: 9568-5.2.4-2
    #[test]
    fn what_has_another_meaning_is_no_priority() {
        for number in [0, 255] {
            assert_eq!(Priority::new(number), Err(Rule::Priority { priority: number.into() }));
        }
        assert_eq!(Priority::new(1), Ok(Priority::MIN));
        assert_eq!(Priority::new(254), Ok(Priority::MAX));
    }

    #[test]
    fn the_owner_is_above_every_backup() {
        assert!(Rank::Owner > Rank::Backup(Priority::MAX));
        assert_eq!(Rank::Owner.number(), 255);
    }
}
