//! What carries an advertisement: the fields of the IP header that count.

use crate::vrrp::Family;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The number of the protocol in the IP header.
pub const PROTOCOL: u8 = 112;

/// The group that routers of IPv4 advertise to (RFC 9568 §5.1.1.2).
pub const GROUP_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);

/// The group that routers of IPv6 advertise to (RFC 9568 §5.1.2.2).
pub const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12);

/// The TTL or hop limit of an advertisement when it is sent. Whatever has it on arrival
/// was forwarded by no router (RFC 9568 §5.1.1.3, §5.1.2.3).
pub const HOP_LIMIT: u8 = 255;

/// Where a packet comes from and goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ends {
    /// Over IPv4.
    V4 {
        /// The primary address of the sender's interface.
        source: Ipv4Addr,
        /// [`GROUP_V4`] or a unicast peer.
        destination: Ipv4Addr,
    },
    /// Over IPv6.
    V6 {
        /// The link-local address of the sender's interface.
        source: Ipv6Addr,
        /// [`GROUP_V6`] or a unicast peer.
        destination: Ipv6Addr,
    },
}

/// How a packet arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Carrier {
    /// Where it came from and went to.
    pub ends: Ends,
    /// The TTL or hop limit that it had on arrival.
    pub hop_limit: u8,
}

impl Ends {
    /// The family of both.
    pub const fn family(self) -> Family {
        match self {
            Self::V4 { .. } => Family::V4,
            Self::V6 { .. } => Family::V6,
        }
    }

    /// The sender.
    pub const fn source(self) -> IpAddr {
        match self {
            Self::V4 { source, .. } => IpAddr::V4(source),
            Self::V6 { source, .. } => IpAddr::V6(source),
        }
    }

    /// The receiver.
    pub const fn destination(self) -> IpAddr {
        match self {
            Self::V4 { destination, .. } => IpAddr::V4(destination),
            Self::V6 { destination, .. } => IpAddr::V6(destination),
        }
    }
}

impl fmt::Display for Ends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.source(), self.destination())
    }
}
