//! Why a packet is dropped, and what is odd about one that is not.

use super::checksum::Coverage;
use super::counters::Reason;
use super::view::Packet;
use crate::vrrp::{Interval, Seconds, VirtualAddresses};
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// The rule of receipt that a packet breaks, with what it has instead.
///
/// Nothing is allocated to build or copy it; its sentence is made when it is displayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rejected {
    /// A router may have forwarded it (RFC 9568 §5.1.1.3, §5.1.2.3).
    HopLimit {
        /// The TTL or hop limit on arrival.
        hop_limit: u8,
        /// The least that is accepted.
        min: u8,
    },
    /// It is shorter than its message (RFC 9568 §7.1).
    Length {
        /// The number of bytes that are there.
        have: usize,
        /// The number of bytes that its count, or the header, takes.
        need: usize,
    },
    /// It is of another version, or of one that the IP header cannot carry (RFC 9568
    /// §5.2.1, §7.1).
    Version {
        /// Its version.
        version: u8,
        /// What it should be; 2 or 3 if nothing.
        expected: Option<u8>,
    },
    /// It is no advertisement (RFC 9568 §5.2.2).
    Kind {
        /// Its type.
        kind: u8,
    },
    /// It has no address (RFC 9568 §5.2.5, erratum 8299).
    NoAddresses,
    /// Its checksum is wrong, or covers what was ruled out (RFC 9568 §5.2.8).
    Checksum {
        /// Its checksum.
        checksum: u16,
        /// What it should be.
        expected: u16,
        /// What it covers, if it is right for that.
        covers: Option<Coverage>,
    },
    /// No virtual router with this identifier is configured for this interface and address
    /// family (RFC 9568 §7.1).
    Vrid {
        /// Its identifier.
        vrid: u8,
    },
    /// Its interval is 0, by which backups would flood the network (RFC 9568 §7.1, erratum
    /// 8301).
    NoInterval,
    /// Of version 2, it has another interval than this router (RFC 3768 §7.1).
    Interval {
        /// Its interval.
        interval: Seconds,
        /// That of this router.
        own: Seconds,
    },
    /// Of version 2, it is authenticated in another way than configured (RFC 3768 §7.1).
    Authentication {
        /// Its type of authentication.
        kind: u8,
        /// That of this router.
        own: u8,
    },
    /// Of version 2, it has another password (RFC 2338 §7.1).
    Password,
    /// Of IPv6, its first address is not link-local (RFC 9568 §5.2.9, erratum 8300).
    FirstLinkLocal {
        /// Its first address.
        address: Ipv6Addr,
    },
    /// Of version 2 and not from the owner of the addresses, it has others than this
    /// router (RFC 3768 §7.1).
    Addresses(Difference),
    /// It is not signed, though it has to be.
    Unsigned,
    /// What follows the message is of another length than the trailer of a signed packet.
    TrailerLength {
        /// How many bytes follow.
        length: usize,
    },
    /// It is signed in another way than by HMAC-SHA-256.
    TrailerKind {
        /// The type of its trailer.
        kind: u8,
    },
    /// Its trailer has something where 0 is reserved.
    TrailerReserved {
        /// What it has.
        reserved: u16,
    },
    /// It was signed too long ago, or its sender has another time.
    Stale {
        /// How many seconds ago it was signed.
        skew: i32,
        /// The most that counts as fresh, before and after.
        window: u32,
    },
    /// It is signed with a key that this router does not have.
    UnknownKey {
        /// The identifier of the key.
        id: u8,
    },
    /// Its sender does not have the key, or somebody has changed it on its way.
    Forged {
        /// The identifier of the key.
        id: u8,
    },
    /// It was received before, or one that was signed after it.
    Replayed,
}

/// Something about an accepted packet that the operator should know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Finding {
    /// This router owns the addresses that the other advertises (RFC 9568 §7.1, erratum
    /// 8298). If the other has priority 255, it says that it owns them too.
    Owned {
        /// The priority of the other.
        priority: u8,
    },
    /// The interval of the active router is another than that of this router, which takes
    /// it (RFC 9568 §7.1).
    Interval {
        /// That of the active router.
        interval: Interval,
        /// That of this router.
        own: Interval,
    },
    /// The addresses are others than those of this router (RFC 9568 §7.1).
    Addresses(Difference),
}

/// How the addresses of a packet differ from those of this router. Their order is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Difference {
    /// There are more or fewer.
    Count {
        /// How many the packet has.
        count: u8,
        /// How many this router has.
        own: usize,
    },
    /// There are as many, with others for this one.
    Missing {
        /// One of this router's that the packet does not have.
        address: IpAddr,
    },
}

impl Difference {
    /// The difference between the addresses of a packet and this router's.
    pub(super) fn between(packet: &Packet<'_>, own: &VirtualAddresses) -> Option<Self> {
        let count = packet.count();
        if usize::from(count) != own.count() {
            return Some(Self::Count { count, own: own.count() });
        }
        // This router has none twice: if each of its is there, nothing else is. Most have
        // them in its order.
        let mut others = packet.addresses();
        let address =
            own.iter().find(|own| others.next() != Some(*own) && !packet.contains(*own))?;
        Some(Self::Missing { address })
    }
}

impl Rejected {
    /// Without the values, to count it.
    pub const fn reason(self) -> Reason {
        match self {
            Self::HopLimit { .. } => Reason::HopLimit,
            Self::Length { .. } => Reason::Length,
            Self::Version { .. } => Reason::Version,
            Self::Kind { .. } => Reason::Kind,
            Self::NoAddresses => Reason::NoAddresses,
            Self::Checksum { .. } => Reason::Checksum,
            Self::Vrid { .. } => Reason::Vrid,
            Self::NoInterval => Reason::NoInterval,
            Self::Interval { .. } => Reason::Interval,
            Self::Authentication { .. } => Reason::Authentication,
            Self::Password => Reason::Password,
            Self::FirstLinkLocal { .. } => Reason::FirstLinkLocal,
            Self::Addresses(_) => Reason::Addresses,
            Self::Unsigned => Reason::Unsigned,
            Self::TrailerLength { .. }
            | Self::TrailerKind { .. }
            | Self::TrailerReserved { .. } => Reason::Trailer,
            Self::Stale { .. } => Reason::Stale,
            Self::UnknownKey { .. } => Reason::UnknownKey,
            Self::Forged { .. } => Reason::Forged,
            Self::Replayed => Reason::Replayed,
        }
    }
}

impl Finding {
    /// Without the values, to count it.
    pub const fn reason(self) -> Reason {
        match self {
            Self::Owned { .. } => Reason::Owned,
            Self::Interval { .. } => Reason::OtherInterval,
            Self::Addresses(_) => Reason::OtherAddresses,
        }
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HopLimit { hop_limit, min } => {
                write!(f, "hop limit {hop_limit}: at least {min} (RFC 9568 §5.1.1.3, §5.1.2.3)")
            }
            Self::Length { have, need } => {
                write!(f, "{have} bytes of a message of {need} (RFC 9568 §7.1)")
            }
            Self::Version { version, expected: Some(expected) } => {
                write!(f, "version {version} instead of {expected} (RFC 9568 §7.1)")
            }
            Self::Version { version, expected: None } => {
                write!(f, "version {version}: neither 2 nor 3 (RFC 9568 §7.1)")
            }
            Self::Kind { kind } => {
                write!(f, "type {kind}: 1 is an advertisement (RFC 9568 §5.2.2)")
            }
            Self::NoAddresses => f.write_str("no address (RFC 9568 §5.2.5, erratum 8299)"),
            Self::Checksum { checksum, expected, covers: None } => {
                write!(f, "checksum {checksum:#06x} instead of {expected:#06x} (RFC 9568 §5.2.8)")
            }
            Self::Checksum { checksum, expected, covers: Some(covers) } => write!(
                f,
                "checksum {checksum:#06x} instead of {expected:#06x}: it covers {covers}, \
                 which is not what was configured"
            ),
            Self::Vrid { vrid } => {
                write!(f, "virtual router id {vrid} is not configured here (RFC 9568 §7.1)")
            }
            Self::NoInterval => f.write_str("interval 0 (RFC 9568 §7.1, erratum 8301)"),
            Self::Interval { interval, own } => write!(
                f,
                "interval {interval} instead of {own}: version 2 has one for all (RFC 3768 §7.1)"
            ),
            Self::Authentication { kind, own } => {
                write!(f, "authentication type {kind} instead of {own} (RFC 3768 §7.1)")
            }
            Self::Password => f.write_str("another password (RFC 2338 §7.1)"),
            Self::FirstLinkLocal { address } => write!(
                f,
                "first address {address} is not link-local (RFC 9568 §5.2.9, erratum 8300)"
            ),
            Self::Addresses(difference) => write!(f, "{difference} (RFC 3768 §7.1)"),
            Self::Unsigned => f.write_str("not signed (auth_hmac)"),
            Self::TrailerLength { length } => {
                write!(f, "{length} bytes after the message: a trailer has 28 (auth_hmac)")
            }
            Self::TrailerKind { kind } => {
                write!(f, "trailer of type {kind}: 1 is known (auth_hmac)")
            }
            Self::TrailerReserved { reserved } => {
                write!(f, "trailer with {reserved:#06x} where 0 is reserved (auth_hmac)")
            }
            Self::Stale { skew, window } => {
                write!(f, "signed {skew} s ago: {window} s are fresh, before and after (auth_hmac)")
            }
            Self::UnknownKey { id } => write!(f, "signed with unknown key {id} (auth_hmac)"),
            Self::Forged { id } => write!(f, "not signed with our key {id} (auth_hmac)"),
            Self::Replayed => f.write_str("received before (auth_hmac)"),
        }
    }
}

impl std::error::Error for Rejected {}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Owned { priority: 255 } => {
                f.write_str("another router owns the addresses too (RFC 9568 §7.1, erratum 8298)")
            }
            Self::Owned { priority } => write!(
                f,
                "another router, of priority {priority}, is active for addresses that this one \
                 owns (RFC 9568 §7.1, erratum 8298)"
            ),
            Self::Interval { interval, own } => {
                write!(f, "interval {interval}, that of this router is {own} (RFC 9568 §7.1)")
            }
            Self::Addresses(difference) => write!(f, "{difference} (RFC 9568 §7.1)"),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count { count, own } => write!(f, "{count} addresses, this router has {own}"),
            Self::Missing { address } => {
                write!(f, "other addresses: this router has {address}, too")
            }
        }
    }
}
