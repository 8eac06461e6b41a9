//! The rules that a virtual router's configuration must keep.

use super::{Interval, Priority, Seconds, VirtualAddresses};
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

/// A rule that a value breaks, with the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rule {
    /// A virtual router's identifier is 1 to 255 (RFC 9568 §5.2.3).
    Vrid {
        /// The number.
        id: u32,
    },
    /// The priority of a backup is 1 to 254: 0 says that the active router resigns,
    /// 255 that it owns the addresses (RFC 9568 §5.2.4).
    Priority {
        /// The number.
        priority: u32,
    },
    /// The interval of version 3 is 10 ms to 40.95 s, in steps of 10 ms (RFC 9568
    /// §5.2.7; erratum 8301: never 0).
    Interval {
        /// The interval in microseconds.
        micros: u128,
    },
    /// The interval of version 2 is 1 to 255 whole seconds (RFC 3768 §5.3.7).
    Seconds {
        /// The interval in microseconds.
        micros: u128,
    },
    /// A virtual router has 1 to 255 addresses: the packet counts them in a byte
    /// (RFC 9568 §5.2.5; erratum 8299: never 0).
    AddressCount {
        /// How many there are.
        count: usize,
    },
    /// The addresses of a virtual router are of one family (RFC 9568 §5.2.9).
    MixedFamilies {
        /// The first that differs from those before it.
        address: IpAddr,
    },
    /// The first address of a virtual router of IPv6 is link-local (RFC 9568 §5.2.9,
    /// erratum 8300).
    FirstLinkLocal {
        /// The first address.
        address: Ipv6Addr,
    },
    /// A virtual address is one that a host can have: not unspecified, multicast,
    /// loopback or broadcast.
    HostAddress {
        /// The address.
        address: IpAddr,
    },
    /// No address is there twice.
    DuplicateAddress {
        /// The address.
        address: IpAddr,
    },
    /// Version 2 is of IPv4 only (RFC 3768 §5.3.8).
    Version2Family,
    /// A password has 1 to 8 bytes (RFC 2338 §5.3.10).
    Password {
        /// How many it has.
        length: usize,
    },
    /// Only version 2 has a password.
    PasswordVersion,
    /// The identifier of a key is 1 to 255.
    KeyId,
    /// A key has 32 to 64 bytes.
    KeyLength {
        /// How many it has.
        length: usize,
    },
    /// No two keys have one identifier.
    DuplicateKey {
        /// The identifier.
        id: u8,
    },
    /// Signed packets are fresh for 1 to 300 seconds.
    Window {
        /// For how many they should be.
        seconds: u32,
    },
    /// A router's own address is one that a host can have, and of the family of the
    /// virtual addresses.
    Source {
        /// The own address.
        source: IpAddr,
    },
    /// A router whose own address is a virtual one owns it (RFC 9568 §1.7).
    SourceIsVirtual {
        /// The own address.
        source: IpAddr,
    },
    /// Virtual addresses are announced in 1 to 10 rounds, and again 1 to 3,600 seconds
    /// later.
    Announcements {
        /// How many rounds.
        rounds: u8,
        /// How much later they are repeated.
        delay: Duration,
    },
    /// A virtual router keeps its identifier and its family while it runs: with others
    /// it is another.
    OtherRouter,
    /// A group has so many routers, counted from 0.
    Member {
        /// The number that was named.
        index: usize,
        /// How many there are.
        count: usize,
    },
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vrid { id } => write!(f, "virtual router id {id} out of range: 1 to 255"),
            Self::Priority { priority } => write!(
                f,
                "priority {priority} out of range: {} to {} for a backup; 255 is the owner's",
                Priority::MIN,
                Priority::MAX,
            ),
            Self::Interval { micros } => write!(
                f,
                "interval of {micros} µs: version 3 has {} to {} in steps of 10 ms",
                Interval::MIN,
                Interval::MAX,
            ),
            Self::Seconds { micros } => write!(
                f,
                "interval of {micros} µs: version 2 has {} to {} in whole seconds",
                Seconds::MIN,
                Seconds::MAX,
            ),
            Self::AddressCount { count } => {
                write!(
                    f,
                    "{count} virtual addresses: a virtual router has 1 to {}",
                    VirtualAddresses::MAX
                )
            }
            Self::MixedFamilies { address } => {
                write!(f, "virtual address {address} is of another family than those before it")
            }
            Self::FirstLinkLocal { address } => {
                write!(f, "virtual address {address} is first and not link-local (fe80::/10)")
            }
            Self::HostAddress { address } => {
                write!(f, "virtual address {address} is none that a host can have")
            }
            Self::DuplicateAddress { address } => {
                write!(f, "virtual address {address} is there twice")
            }
            Self::Version2Family => f.pad("version 2 is of IPv4 only: IPv6 needs version 3"),
            Self::Password { length } => {
                write!(f, "password of {length} bytes: version 2 has 1 to 8")
            }
            Self::PasswordVersion => f.pad("version 3 has no password: version 2 has"),
            Self::KeyId => f.pad("key id 0 out of range: 1 to 255"),
            Self::KeyLength { length } => write!(f, "key of {length} bytes: 32 to 64"),
            Self::DuplicateKey { id } => write!(f, "key id {id} is there twice"),
            Self::Window { seconds } => write!(f, "window of {seconds} s out of range: 1 to 300"),
            Self::Source { source } => write!(
                f,
                "own address {source} is none of a host in the family of the virtual addresses"
            ),
            Self::SourceIsVirtual { source } => {
                write!(f, "own address {source} is a virtual address: then the router owns it")
            }
            Self::Announcements { rounds, delay } => write!(
                f,
                "{rounds} rounds of announcements, again after {delay:?}: \
                 1 to 10 rounds, again after 1s to 3600s"
            ),
            Self::OtherRouter => {
                f.pad("another identifier or family is another virtual router: start that one")
            }
            Self::Member { index, count } => {
                write!(f, "no router {index} in a group of {count}, counted from 0")
            }
        }
    }
}

impl std::error::Error for Rule {}
