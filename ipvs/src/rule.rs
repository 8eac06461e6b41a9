//! The rules that a value must keep before it is sent.
//!
//! For each the kernel would answer a bare EINVAL or ERANGE, or, worse, accept
//! the nonsense (`ip_vs_ctl.c`; what it accepts was tried on Linux 5.10 to 7.3).

use crate::{Family, Netmask, Protocol};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

/// A rule that a value breaks, with the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rule {
    /// A weight is 0 to 2,147,483,647; the kernel reads it as a signed number.
    WeightRange {
        /// The weight.
        weight: u32,
    },
    /// A lower threshold is at most the upper one.
    ThresholdOrder {
        /// The upper threshold.
        upper: u32,
        /// The lower threshold.
        lower: u32,
    },
    /// An upper threshold is at most 2,147,483,647.
    ThresholdRange {
        /// The upper threshold.
        upper: u32,
    },
    /// The kernel schedules TCP, UDP and SCTP; it accepts a service of another
    /// protocol and never schedules for it.
    ProtocolScheduled {
        /// The protocol.
        protocol: Protocol,
    },
    /// A service on port 0 (all ports) is persistent; the kernel drops packets
    /// to one that is not.
    PortZeroPersistent,
    /// One-packet scheduling is for UDP; the kernel ignores it elsewhere.
    OnePacketUdp {
        /// The protocol.
        protocol: Protocol,
    },
    /// A persistence timeout is 1 to 4,294,967 seconds: 0 is none, and more
    /// overflows the kernel's 32-bit clock ticks.
    PersistenceTimeout {
        /// The timeout in seconds.
        seconds: u32,
    },
    /// A netmask is of the service's address family.
    NetmaskFamily {
        /// The netmask.
        netmask: Netmask,
        /// The service's family.
        service: Family,
    },
    /// The ones of a netmask come before its zeros.
    NetmaskContiguous {
        /// The netmask.
        netmask: Ipv4Addr,
    },
    /// A prefix is at most as long as an address; for IPv6 it is at least 1.
    PrefixRange {
        /// The prefix length.
        prefix: u8,
        /// The family.
        family: Family,
    },
    /// The SIP persistence engine reads UDP only.
    SipUdp {
        /// The protocol.
        protocol: Protocol,
    },
    /// A destination of another family than its service is reached by a tunnel.
    MixedFamilyTunnel {
        /// The service's family.
        service: Family,
    },
    /// A destination's address is one host's.
    AddressUnicast {
        /// The address.
        address: IpAddr,
    },
    /// Where the packet is not rewritten (direct routing, tunnels, local), the
    /// destination's port is the service's.
    PortKept {
        /// The destination's port.
        destination: u16,
        /// The service's port.
        service: u16,
    },
    /// A GUE tunnel has a UDP port.
    GuePort,
    /// A name has 1 to `max` bytes.
    NameLength {
        /// What is named.
        what: &'static str,
        /// Its length in bytes.
        len: usize,
        /// The most that the kernel takes.
        max: usize,
    },
    /// A name has no NUL byte and no white space.
    NameCharacters {
        /// What is named.
        what: &'static str,
    },
    /// A sync id is 0 to 255: messages carry eight bits of it.
    SyncId {
        /// The id.
        id: u32,
    },
    /// A sync group is a multicast address.
    SyncGroupMulticast {
        /// The group.
        group: IpAddr,
    },
    /// The longest sync message is `min` to `max` bytes; the kernel would take
    /// the nearest of these instead.
    SyncMaxLen {
        /// The length in bytes.
        len: u16,
        /// 1 for a master, 1,024 for a backup.
        min: u16,
        /// What a UDP datagram of the group's family holds.
        max: u16,
    },
    /// A parameter of a sync daemon is at least 1; to have the kernel's default,
    /// leave it out.
    SyncParameterZero {
        /// The parameter.
        what: &'static str,
    },
    /// A timeout is 1 to 21,474,836 seconds: 0 means "keep", for which it is left
    /// out, and more overflows the ticks of the slowest clock. A kernel with a
    /// faster one has a lower limit, 8,589,934 at Debian's 250 ticks a second.
    TimeoutRange {
        /// Which one.
        what: &'static str,
        /// The timeout in seconds.
        seconds: u32,
    },
    /// An edit keeps the key of what it edits.
    KeyKept,
}

/// Fails with `rule` if it is `broken`, unless it is `excused`.
#[inline]
pub(crate) fn refuse(
    broken: bool,
    rule: Rule,
    excused: impl Fn(&Rule) -> bool,
) -> Result<(), Rule> {
    if broken && !excused(&rule) { Err(rule) } else { Ok(()) }
}

/// The longest persistence timeout in seconds that no clock tick overflows:
/// 2^32 ticks at 1,000 a second.
pub(crate) const MAX_PERSISTENCE: u32 = 4_294_967;
/// The longest connection timeout that any kernel takes: `INT_MAX` ticks at 100
/// a second (`ip_vs_ctl.c: ip_vs_set_timeout`).
pub(crate) const MAX_TIMEOUT: u32 = 21_474_836;

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WeightRange { weight } => {
                write!(f, "weight {weight} out of range: a weight is 0 to {}", i32::MAX)
            }
            Self::ThresholdOrder { upper: 0, lower } => {
                write!(f, "lower threshold {lower} without an upper threshold")
            }
            Self::ThresholdOrder { upper, lower } => {
                write!(f, "lower threshold {lower} above upper threshold {upper}")
            }
            Self::ThresholdRange { upper } => {
                write!(f, "upper threshold {upper} out of range: at most {}", i32::MAX)
            }
            Self::ProtocolScheduled { protocol } => write!(
                f,
                "protocol {protocol} cannot be balanced: the kernel schedules tcp, udp and sctp only"
            ),
            Self::PortZeroPersistent => {
                f.write_str("port 0 (all ports) needs persistence: packets would be dropped")
            }
            Self::OnePacketUdp { protocol } => {
                write!(f, "one-packet scheduling is for udp, not for {protocol}")
            }
            Self::PersistenceTimeout { seconds } => write!(
                f,
                "persistence timeout of {seconds} s out of range: 1 to {MAX_PERSISTENCE} s"
            ),
            Self::NetmaskFamily { netmask, service } => write!(
                f,
                "netmask {netmask} is not of the {service} service's family (IPv4 netmasks are \
                 written 255.255.255.0, IPv6 prefix lengths 64)"
            ),
            Self::NetmaskContiguous { netmask } => {
                write!(f, "netmask {netmask} has zeros before ones")
            }
            Self::PrefixRange { prefix, family: Family::V4 } => {
                write!(f, "prefix length {prefix} out of range: 0 to 32 for IPv4")
            }
            Self::PrefixRange { prefix, family: Family::V6 } => {
                write!(f, "prefix length {prefix} out of range: 1 to 128 for IPv6")
            }
            Self::SipUdp { protocol } => {
                write!(f, "persistence engine sip reads udp only, not {protocol}")
            }
            Self::MixedFamilyTunnel { service } => write!(
                f,
                "destination of another address family than its {service} service needs a tunnel"
            ),
            Self::AddressUnicast { address } => {
                write!(f, "{address} is not the address of one host")
            }
            Self::PortKept { destination, service } => write!(
                f,
                "port {destination} differs from the service's port {service}, and this \
                 forwarding method does not rewrite ports"
            ),
            Self::GuePort => f.write_str("a gue tunnel needs a UDP port other than 0"),
            Self::NameLength { what, len, max } => {
                write!(f, "{what} of {len} bytes: the kernel takes 1 to {max}")
            }
            Self::NameCharacters { what } => write!(f, "{what} with a NUL byte or white space"),
            Self::SyncId { id } => write!(f, "sync id {id} out of range: 0 to 255"),
            Self::SyncGroupMulticast { group } => {
                write!(f, "sync group {group} is not a multicast address")
            }
            Self::SyncMaxLen { len, min, max } => {
                write!(f, "maximum length of {len} bytes out of range: {min} to {max}")
            }
            Self::SyncParameterZero { what } => {
                write!(f, "{what} 0: leave it out to have the kernel's default")
            }
            Self::TimeoutRange { what, seconds: 0 } => {
                write!(f, "{what} timeout of 0 s: leave it out to keep the present one")
            }
            Self::TimeoutRange { what, seconds } => {
                write!(f, "{what} timeout of {seconds} s out of range: 1 to {MAX_TIMEOUT} s")
            }
            Self::KeyKept => f.write_str("an edit cannot change the key of what it edits"),
        }
    }
}

impl std::error::Error for Rule {}

/// A text that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    input: String,
    problem: Problem,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Problem {
    Expected(&'static str),
    Rule(Rule),
}

impl ParseError {
    pub(crate) fn expected(what: &'static str, input: &str) -> Self {
        Self { input: input.to_owned(), problem: Problem::Expected(what) }
    }

    pub(crate) fn rule(rule: Rule, input: &str) -> Self {
        Self { input: input.to_owned(), problem: Problem::Rule(rule) }
    }

    /// The text that was to be read.
    pub fn input(&self) -> &str {
        &self.input
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.problem {
            Problem::Expected(what) => write!(f, "`{}` is not {what}", self.input),
            Problem::Rule(rule) => write!(f, "`{}`: {rule}", self.input),
        }
    }
}

impl std::error::Error for ParseError {}
