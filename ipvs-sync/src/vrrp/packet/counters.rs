//! How often packets were dropped, or odd, and why.

/// What is counted: a [`Rejected`](super::Rejected) or a [`Finding`](super::Finding)
/// without its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// [`Rejected::HopLimit`](super::Rejected::HopLimit).
    HopLimit,
    /// [`Rejected::Length`](super::Rejected::Length).
    Length,
    /// [`Rejected::Version`](super::Rejected::Version).
    Version,
    /// [`Rejected::Kind`](super::Rejected::Kind).
    Kind,
    /// [`Rejected::NoAddresses`](super::Rejected::NoAddresses).
    NoAddresses,
    /// [`Rejected::Checksum`](super::Rejected::Checksum).
    Checksum,
    /// [`Rejected::Vrid`](super::Rejected::Vrid).
    Vrid,
    /// [`Rejected::NoInterval`](super::Rejected::NoInterval).
    NoInterval,
    /// [`Rejected::Interval`](super::Rejected::Interval).
    Interval,
    /// [`Rejected::Authentication`](super::Rejected::Authentication).
    Authentication,
    /// [`Rejected::Password`](super::Rejected::Password).
    Password,
    /// [`Rejected::FirstLinkLocal`](super::Rejected::FirstLinkLocal).
    FirstLinkLocal,
    /// [`Rejected::Addresses`](super::Rejected::Addresses).
    Addresses,
    /// [`Rejected::Unsigned`](super::Rejected::Unsigned).
    Unsigned,
    /// [`Rejected::TrailerLength`](super::Rejected::TrailerLength),
    /// [`Rejected::TrailerKind`](super::Rejected::TrailerKind) and
    /// [`Rejected::TrailerReserved`](super::Rejected::TrailerReserved).
    Trailer,
    /// [`Rejected::Stale`](super::Rejected::Stale).
    Stale,
    /// [`Rejected::UnknownKey`](super::Rejected::UnknownKey).
    UnknownKey,
    /// [`Rejected::Forged`](super::Rejected::Forged).
    Forged,
    /// [`Rejected::Replayed`](super::Rejected::Replayed).
    Replayed,
    /// [`Finding::Owned`](super::Finding::Owned).
    Owned,
    /// [`Finding::Interval`](super::Finding::Interval).
    OtherInterval,
    /// [`Finding::Addresses`](super::Finding::Addresses).
    OtherAddresses,
    /// What is longer than any advertisement, or not of its family.
    Unreadable,
    /// What the kernel dropped because nobody had taken what came before it. Whose it was
    /// is not known: each virtual router that hears by that queue counts it.
    QueueFull,
}

/// A count of each reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters([u64; Reason::EACH.len()]);

impl Reason {
    /// Each.
    pub const EACH: [Self; 24] = [
        Self::HopLimit,
        Self::Length,
        Self::Version,
        Self::Kind,
        Self::NoAddresses,
        Self::Checksum,
        Self::Vrid,
        Self::NoInterval,
        Self::Interval,
        Self::Authentication,
        Self::Password,
        Self::FirstLinkLocal,
        Self::Addresses,
        Self::Unsigned,
        Self::Trailer,
        Self::Stale,
        Self::UnknownKey,
        Self::Forged,
        Self::Replayed,
        Self::Owned,
        Self::OtherInterval,
        Self::OtherAddresses,
        Self::Unreadable,
        Self::QueueFull,
    ];

    /// Its name in metrics, such as `hop_limit`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::HopLimit => "hop_limit",
            Self::Length => "length",
            Self::Version => "version",
            Self::Kind => "type",
            Self::NoAddresses => "no_addresses",
            Self::Checksum => "checksum",
            Self::Vrid => "vrid",
            Self::NoInterval => "no_interval",
            Self::Interval => "interval",
            Self::Authentication => "authentication",
            Self::Password => "password",
            Self::FirstLinkLocal => "first_link_local",
            Self::Addresses => "addresses",
            Self::Unsigned => "unsigned",
            Self::Trailer => "trailer",
            Self::Stale => "stale",
            Self::UnknownKey => "unknown_key",
            Self::Forged => "forged",
            Self::Replayed => "replayed",
            Self::Owned => "owned",
            Self::OtherInterval => "other_interval",
            Self::OtherAddresses => "other_addresses",
            Self::Unreadable => "unreadable",
            Self::QueueFull => "queue_full",
        }
    }
}

impl Counters {
    /// Counts one more.
    pub fn count(&mut self, reason: Reason) {
        self.add(reason, 1);
    }

    /// Counts so many more.
    pub fn add(&mut self, reason: Reason, more: u64) {
        if let Some(count) = self.0.get_mut(reason as usize) {
            *count = count.wrapping_add(more);
        }
    }

    /// How often it was counted.
    pub fn of(&self, reason: Reason) -> u64 {
        self.0.get(reason as usize).copied().unwrap_or_default()
    }

    /// Each reason with its count.
    pub fn iter(&self) -> impl Iterator<Item = (Reason, u64)> {
        Reason::EACH.into_iter().zip(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn each_reason_has_its_own_count_and_name() {
        let mut counters = Counters::default();
        for (number, reason) in Reason::EACH.into_iter().enumerate() {
            assert_eq!(reason as usize, number);
            (0..=number).for_each(|_| counters.count(reason));
        }
        for (number, (reason, count)) in (1..).zip(counters.iter()) {
            assert_eq!((count, counters.of(reason)), (number, number), "{reason:?}");
        }
        let names: HashSet<&str> = Reason::EACH.into_iter().map(Reason::name).collect();
        assert_eq!(names.len(), Reason::EACH.len());
    }
}
