//! What went wrong: the operation, the interface, the cause, and what it means.

use super::capability::{Capability, Permission};
use super::operation::Operation;
use ipvs::InterfaceName;
use nix::errno::Errno;
use std::fmt;
use std::io;

/// An operation that failed, on which interface, and why.
///
/// It displays as one sentence: `send an advertisement to 224.0.0.18 on eth0: the
/// interface is down (ENETDOWN)`. Nothing is formatted before it is displayed.
#[derive(Debug)]
pub struct Error {
    operation: Operation,
    interface: Option<InterfaceName>,
    cause: Cause,
}

/// The sort of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The capability is missing, or does not count in the network namespace.
    Permission(Capability),
    /// There is no such interface, or no longer.
    NoSuchInterface,
    /// The interface is down.
    InterfaceDown,
    /// The interface is not an Ethernet.
    NotEthernet,
    /// The address to send from is not one of this host's.
    NoSuchAddress,
    /// There is no way to the destination. Kernels answer so too if the interface is down
    /// or gone, and some if the address to send from is not one of this host's.
    Unreachable,
    /// The packet is longer than can be sent.
    TooLong,
    /// A queue is full. Nothing was sent; it can be tried again.
    Busy,
    /// What was to be created is there, as something else.
    AlreadyExists,
    /// Answers were lost or did not come, so it is not known what was carried out.
    Uncertain,
    /// A listing changed underneath each time that it was read.
    Incomplete,
    /// Something else; see [`Error::raw_os_error`].
    Other,
}

/// Why it failed, as far as the place that noticed knows.
#[derive(Debug)]
pub(super) enum Cause {
    /// The system call's error.
    Errno(Errno),
    /// The kernel's answer, and its text if it has one.
    Refused {
        errno: Errno,
        text: Option<Box<str>>,
    },
    /// The answers did not fit the queue.
    Overrun,
    /// The queue was empty where an answer should have been.
    NoAnswer,
    /// An answer was longer than the buffer, or is not as rtnetlink has them.
    Malformed,
    /// A listing that changed underneath.
    Interrupted,
    NotEthernet,
    /// An interface of this name is there, and not one that was left behind.
    OtherInterface,
}

impl Error {
    pub(super) fn new(
        operation: Operation,
        interface: Option<InterfaceName>,
        cause: impl Into<Cause>,
    ) -> Self {
        Self { operation, interface, cause: cause.into() }
    }

    /// What was to be done.
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// On which interface, if on one.
    pub fn interface(&self) -> Option<InterfaceName> {
        self.interface
    }

    /// The sort of error.
    pub fn kind(&self) -> ErrorKind {
        let errno = match &self.cause {
            Cause::Errno(errno) | Cause::Refused { errno, .. } => *errno,
            Cause::Overrun | Cause::NoAnswer | Cause::Malformed => return ErrorKind::Uncertain,
            Cause::Interrupted => return ErrorKind::Incomplete,
            Cause::NotEthernet => return ErrorKind::NotEthernet,
            Cause::OtherInterface => return ErrorKind::AlreadyExists,
        };
        match errno {
            Errno::EPERM | Errno::EACCES => match self.needs(errno) {
                Some(capability) => ErrorKind::Permission(capability),
                None => ErrorKind::Other,
            },
            Errno::ENODEV | Errno::ENXIO => ErrorKind::NoSuchInterface,
            Errno::ENOENT if matches!(self.operation, Operation::Set { .. }) => {
                ErrorKind::NoSuchInterface
            }
            Errno::ENETDOWN => ErrorKind::InterfaceDown,
            Errno::EADDRNOTAVAIL => ErrorKind::NoSuchAddress,
            // `route.c: ip_route_output_key_hash_rcu` of earlier kernels.
            Errno::EINVAL if matches!(self.operation, Operation::Send { .. }) => {
                ErrorKind::NoSuchAddress
            }
            Errno::ENETUNREACH | Errno::EHOSTUNREACH => ErrorKind::Unreachable,
            Errno::EMSGSIZE => ErrorKind::TooLong,
            Errno::EAGAIN => ErrorKind::Busy,
            Errno::ENOBUFS if self.sends() => ErrorKind::Busy,
            Errno::EEXIST => ErrorKind::AlreadyExists,
            _ => ErrorKind::Other,
        }
    }

    /// Whether a privilege is missing.
    pub fn is_permission(&self) -> bool {
        matches!(self.kind(), ErrorKind::Permission(_))
    }

    /// The system's error number, positive, if there is one.
    pub fn raw_os_error(&self) -> Option<i32> {
        match &self.cause {
            Cause::Errno(errno) | Cause::Refused { errno, .. } => Some(*errno as i32),
            Cause::Overrun => Some(Errno::ENOBUFS as i32),
            _ => None,
        }
    }

    /// Which capability the operation needs, if that is why it may be refused so.
    fn needs(&self, errno: Errno) -> Option<Capability> {
        match self.operation {
            Operation::OpenAdverts { .. } | Operation::OpenAnnouncer | Operation::OpenProber => {
                Some(Capability::NetRaw)
            }
            Operation::Set { .. } => Some(Capability::NetAdmin),
            // IPv6 that is switched off answers EACCES.
            Operation::CheckPrivilege
            | Operation::AddAddress { .. }
            | Operation::RemoveAddress { .. }
            | Operation::CreateInterface
            | Operation::BringUp
            | Operation::RemoveInterface => (errno == Errno::EPERM).then_some(Capability::NetAdmin),
            _ => None,
        }
    }

    fn sends(&self) -> bool {
        matches!(
            self.operation,
            Operation::Send { .. }
                | Operation::SendSync { .. }
                | Operation::Announce { .. }
                | Operation::Probe { .. }
        )
    }

    /// What an error number means, in words.
    fn meaning(&self, errno: Errno) -> Option<&'static str> {
        use Operation::{AddAddress, Announce, OpenAdverts, OpenSync, Send, SendSync, Set};
        let text = match (self.kind(), errno, self.operation) {
            (ErrorKind::NoSuchInterface, ..) => "there is no such interface, or no longer",
            (ErrorKind::InterfaceDown, ..) => "the interface is down",
            (ErrorKind::NoSuchAddress, _, Send { .. }) => {
                "the address to send from is not one of this host's"
            }
            (ErrorKind::NoSuchAddress, ..) => "it is not there",
            (ErrorKind::Unreachable, ..) => {
                "there is no way to it: the interface is down or gone, or the address to send from \
                 is not one of this host's, or there is no route"
            }
            (ErrorKind::TooLong, ..) => "the packet is longer than can be sent",
            (ErrorKind::Busy, ..) => "a queue is full",
            (ErrorKind::AlreadyExists, ..) => "it is there already",
            (_, Errno::EPERM, Send { .. } | SendSync { .. } | Announce { .. }) => {
                "a firewall rule refuses it"
            }
            (_, Errno::EACCES, AddAddress { .. }) => "IPv6 is switched off on this interface",
            (_, Errno::ENOBUFS, AddAddress { .. }) => {
                "the interface takes no addresses of this family (its MTU is too small)"
            }
            (_, Errno::EINVAL, OpenSync { .. }) => "the group is not a multicast address",
            (_, Errno::EAFNOSUPPORT, OpenAdverts { .. } | OpenSync { .. }) => {
                "this kernel has no such family"
            }
            (_, Errno::EOPNOTSUPP, Operation::CreateInterface) => "this kernel has no macvlan",
            (_, Errno::EROFS, Set { .. }) => "/proc/sys is mounted read-only here",
            (_, Errno::ENOMEM, _) => "the kernel is out of memory",
            _ => return None,
        };
        Some(text)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.operation.fmt(f)?;
        if let Some(interface) = self.interface {
            write!(f, "{}{interface}", self.operation.joined())?;
        }
        f.write_str(": ")?;
        match &self.cause {
            Cause::Errno(errno) | Cause::Refused { errno, text: None } => self.refused(*errno, f),
            Cause::Refused { errno, text: Some(text) } => {
                self.refused(*errno, f)?;
                write!(f, "; the kernel says: {text}")
            }
            Cause::Overrun => f.write_str(
                "answers were lost because the receive queue was full (ENOBUFS); read back what \
                 was carried out",
            ),
            Cause::NoAnswer => {
                f.write_str("the kernel gave no answer; read back whether it was carried out")
            }
            Cause::Malformed => f.write_str("the kernel's answer cannot be read"),
            Cause::Interrupted => f.write_str("it changed under every reading"),
            Cause::NotEthernet => f.write_str("the interface is not an Ethernet"),
            Cause::OtherInterface => f.write_str(
                "an interface of this name is there, and is not a macvlan with this MAC address \
                 on this interface",
            ),
        }
    }
}

impl Error {
    fn refused(&self, errno: Errno, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.needs(errno), self.meaning(errno)) {
            (Some(capability), _) if matches!(errno, Errno::EPERM | Errno::EACCES) => {
                write!(f, "{}", Permission::find(capability))?;
            }
            (_, Some(meaning)) => f.write_str(meaning)?,
            (_, None) => f.write_str(errno.desc())?,
        }
        write!(f, " ({errno:?})")
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.cause {
            Cause::Errno(errno) | Cause::Refused { errno, .. } => Some(errno),
            _ => None,
        }
    }
}

impl From<Errno> for Cause {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

impl From<io::Error> for Cause {
    fn from(error: io::Error) -> Self {
        // Every error here is a system call's.
        Self::Errno(error.raw_os_error().map_or(Errno::UnknownErrno, Errno::from_raw))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::InterfaceAddress;
    use crate::vrrp::Family;

    fn said(operation: Operation, errno: Errno) -> String {
        Error::new(operation, "eth0".parse().ok(), errno).to_string()
    }

    #[test]
    fn an_error_says_operation_interface_and_meaning() {
        let to = "224.0.0.18".parse().unwrap();
        assert_eq!(
            said(Operation::Send { to }, Errno::ENETDOWN),
            "send an advertisement to 224.0.0.18 on eth0: the interface is down (ENETDOWN)"
        );
        let address = InterfaceAddress::host("fe80::1".parse().unwrap());
        assert_eq!(
            said(Operation::AddAddress { address }, Errno::EACCES),
            "add fe80::1/128 to eth0: IPv6 is switched off on this interface (EACCES)"
        );
        assert_eq!(
            said(Operation::Set { family: Family::V4, name: "arp_ignore" }, Errno::EROFS),
            "set the IPv4 sysctl arp_ignore of eth0: /proc/sys is mounted read-only here (EROFS)"
        );
        assert_eq!(
            said(Operation::ListAddresses, Errno::EIO),
            "list the addresses of eth0: I/O error (EIO)"
        );
    }

    #[test]
    fn one_number_means_different_things() {
        let kind = |operation, errno: Errno| Error::new(operation, None, errno).kind();
        let to = "10.0.0.1".parse().unwrap();
        assert_eq!(kind(Operation::Send { to }, Errno::EPERM), ErrorKind::Other);
        let raw = ErrorKind::Permission(Capability::NetRaw);
        assert_eq!(kind(Operation::OpenAnnouncer, Errno::EPERM), raw);
        let admin = ErrorKind::Permission(Capability::NetAdmin);
        assert_eq!(kind(Operation::CreateInterface, Errno::EPERM), admin);
        assert_eq!(kind(Operation::Send { to }, Errno::EINVAL), ErrorKind::NoSuchAddress);
        assert_eq!(kind(Operation::Send { to }, Errno::ENOBUFS), ErrorKind::Busy);
    }

    #[test]
    fn what_the_kernel_adds_is_said() {
        let cause = Cause::Refused { errno: Errno::EINVAL, text: Some("Invalid scope".into()) };
        let error = Error::new(Operation::CreateInterface, "vrrp7".parse().ok(), cause);
        assert_eq!(
            error.to_string(),
            "create the interface vrrp7: Invalid argument (EINVAL); the kernel says: Invalid scope"
        );
    }
}
