//! Why virtual routers were not started, or a command was refused.

use crate::net;
use crate::vrrp::router::TrackError;
use crate::vrrp::{Family, Rule, Vrid};
use ipvs::{InterfaceName, NamespaceError};
use std::fmt;
use std::io;
use std::net::IpAddr;

/// Why virtual routers were not started, or a command was refused.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A socket could not be opened, or an interface not found:
    /// [`net::Error::is_permission`] without the capabilities.
    Net(net::Error),
    /// The network namespace could not be entered.
    Namespace(NamespaceError),
    /// A value breaks a rule of the protocol.
    Rule(Rule),
    /// There is no such condition.
    Track(TrackError),
    /// A unicast peer is not of the family of the virtual addresses, or is this router.
    Peer {
        /// The peer.
        peer: IpAddr,
    },
    /// What was sent to the group must have a TTL or hop limit of 255 (RFC 9568 §5.1.1.3,
    /// §5.1.2.3).
    HopLimit {
        /// The least that was to be taken.
        min: u8,
    },
    /// The prefix of the virtual addresses is longer than they are.
    Prefix(net::PrefixTooLong),
    /// Two virtual routers have one identifier, interface and family.
    Twice {
        /// The interface.
        interface: InterfaceName,
        /// The identifier.
        vrid: Vrid,
        /// The family.
        family: Family,
    },
    /// Not to accept packets for the virtual addresses takes a packet filter, which is not
    /// set up here.
    Accepts,
    /// An owner's interface does not have one of the addresses that it is to own.
    NotOwned {
        /// The address.
        address: IpAddr,
        /// The interface.
        interface: InterfaceName,
    },
    /// What a router owns is its interface's own and answers from there, not from an
    /// interface with the virtual MAC address.
    OwnerVirtualMac {
        /// The interface that was to have the virtual MAC address.
        virtual_mac: InterfaceName,
    },
    /// That is as it was at the start as long as a virtual router runs.
    Fixed {
        /// What was to be another.
        what: &'static str,
    },
    /// There are so many virtual routers, counted from 0.
    NoSuchRouter {
        /// The number that was named.
        router: usize,
    },
    /// Real-time priorities are 1 to 99.
    RealTime {
        /// The priority.
        priority: u8,
    },
    /// The system did not give the real-time priority.
    Scheduling(io::Error),
    /// The system gave no thread, or no descriptor.
    System(io::Error),
    /// The threads have ended.
    Ended,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Net(error) => error.fmt(f),
            Self::Namespace(error) => error.fmt(f),
            Self::Rule(error) => error.fmt(f),
            Self::Track(error) => error.fmt(f),
            Self::Peer { peer } => write!(
                f,
                "unicast peer {peer} is this router, or not of the family of the virtual addresses"
            ),
            Self::HopLimit { min } => write!(
                f,
                "hop limit {min} without unicast peers: what was sent to the group must have 255 \
                 (RFC 9568 §5.1.1.3, §5.1.2.3)"
            ),
            Self::Prefix(error) => error.fmt(f),
            Self::Twice { interface, vrid, family } => {
                write!(f, "virtual router {vrid} of {family} on {interface} is there twice")
            }
            Self::Accepts => f.pad(
                "accept mode false: not to accept packets for the virtual addresses takes a packet \
                 filter, which is not set up here",
            ),
            Self::NotOwned { address, interface } => {
                write!(f, "{interface} does not have {address}, which its owner must have there")
            }
            Self::OwnerVirtualMac { virtual_mac } => write!(
                f,
                "virtual MAC address on {virtual_mac} for an owner: what it owns is at its \
                 interface's own MAC address"
            ),
            Self::Fixed { what } => {
                write!(f, "another {what}: not while the virtual router runs")
            }
            Self::NoSuchRouter { router } => write!(f, "no virtual router {router}"),
            Self::RealTime { priority } => {
                write!(f, "real-time priority {priority} out of range: 1 to 99")
            }
            Self::Scheduling(error) => write!(
                f,
                "run at real-time priority: {error}; it needs the capability CAP_SYS_NICE or \
                 RLIMIT_RTPRIO"
            ),
            Self::System(error) => error.fmt(f),
            Self::Ended => f.pad("the virtual routers have ended"),
        }
    }
}

impl std::error::Error for Error {}

impl From<net::Error> for Error {
    fn from(error: net::Error) -> Self {
        Self::Net(error)
    }
}

impl From<Rule> for Error {
    fn from(rule: Rule) -> Self {
        Self::Rule(rule)
    }
}
