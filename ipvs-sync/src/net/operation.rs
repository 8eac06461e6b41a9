//! What was to be done, when it failed.

use super::InterfaceAddress;
use crate::vrrp::Family;
use ipvs::InterfaceName;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// What was to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// Opening the socket for the advertisements of a family.
    OpenAdverts {
        /// The family.
        family: Family,
    },
    /// Sending an advertisement.
    Send {
        /// Where to.
        to: IpAddr,
    },
    /// Receiving advertisements.
    Receive,
    /// Opening a socket for sync messages.
    OpenSync {
        /// The group.
        group: IpAddr,
    },
    /// Sending a sync message.
    SendSync {
        /// Where to.
        to: SocketAddr,
    },
    /// Receiving sync messages.
    ReceiveSync,
    /// Opening the socket for announcements.
    OpenAnnouncer,
    /// Announcing an address to the neighbours.
    Announce {
        /// The address.
        address: IpAddr,
    },
    /// Opening the socket for questions who has an address.
    OpenProber,
    /// Asking the neighbours who has an address.
    Probe {
        /// The address.
        address: IpAddr,
    },
    /// Receiving what they say.
    ReceiveAnswers,
    /// Opening a socket for interfaces and addresses.
    OpenRtnetlink,
    /// Seeing whether addresses may be changed.
    CheckPrivilege,
    /// Finding the interface with this name.
    FindInterface {
        /// The name.
        name: InterfaceName,
    },
    /// Finding the interface with this number.
    FindIndex {
        /// The number.
        index: u32,
    },
    /// Listing the interfaces.
    ListInterfaces,
    /// Listing an interface's addresses.
    ListAddresses,
    /// Sending changes of an interface's addresses.
    ChangeAddresses,
    /// Adding an address to an interface.
    AddAddress {
        /// The address.
        address: InterfaceAddress,
    },
    /// Removing an address from an interface.
    RemoveAddress {
        /// The address.
        address: InterfaceAddress,
    },
    /// Creating an interface with the virtual router's MAC address.
    CreateInterface,
    /// Setting up the interface that was created.
    BringUp,
    /// Removing the interface that was created.
    RemoveInterface,
    /// Setting a sysctl of an interface.
    Set {
        /// The directory of `/proc/sys/net`.
        family: Family,
        /// The sysctl.
        name: &'static str,
    },
    /// Receiving what changes.
    Watch,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OpenAdverts { family } => {
                return write!(f, "open the socket for {family} advertisements");
            }
            Self::Send { to } => return write!(f, "send an advertisement to {to}"),
            Self::Receive => "receive advertisements",
            Self::OpenSync { group } => {
                return write!(f, "open the socket for sync messages to {group}");
            }
            Self::SendSync { to } => return write!(f, "send a sync message to {to}"),
            Self::ReceiveSync => "receive sync messages",
            Self::OpenAnnouncer => "open the socket for announcements",
            Self::Announce { address } => return write!(f, "announce {address}"),
            Self::OpenProber => "open the socket for questions who has an address",
            Self::Probe { address } => return write!(f, "ask who has {address}"),
            Self::ReceiveAnswers => "receive who has an address",
            Self::OpenRtnetlink => "open a socket of rtnetlink",
            Self::CheckPrivilege => "change addresses",
            Self::FindInterface { name } => return write!(f, "find the interface {name}"),
            Self::FindIndex { index } => return write!(f, "find the interface number {index}"),
            Self::ListInterfaces => "list the interfaces",
            Self::ListAddresses => "list the addresses",
            Self::ChangeAddresses => "change the addresses",
            Self::AddAddress { address } => return write!(f, "add {address}"),
            Self::RemoveAddress { address } => return write!(f, "remove {address}"),
            Self::CreateInterface => "create the interface",
            Self::BringUp => "set up the interface",
            Self::RemoveInterface => "remove the interface",
            Self::Set { family, name } => return write!(f, "set the {family} sysctl {name}"),
            Self::Watch => "watch interfaces and addresses",
        })
    }
}

impl Operation {
    /// What stands between the operation and the interface.
    pub(super) fn joined(self) -> &'static str {
        match self {
            Self::AddAddress { .. } => " to ",
            Self::RemoveAddress { .. } => " from ",
            Self::ListAddresses | Self::ChangeAddresses | Self::Set { .. } => " of ",
            Self::CreateInterface | Self::BringUp | Self::RemoveInterface => " ",
            _ => " on ",
        }
    }
}
