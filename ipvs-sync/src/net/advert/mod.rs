//! The sockets that advertisements are sent and received by.

mod ipv4;
mod open;
mod read;

use super::clock;
use super::error::Error;
use super::links::Interface;
use super::operation::Operation;
use crate::vrrp::packet::{GROUP_V4, GROUP_V6};
use crate::vrrp::{Family, Time};
use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::{ControlMessage, MsgFlags, SockaddrIn, SockaddrIn6, sendmsg};
use open::open;
use read::{Header, Read, read};
use socket2::Socket;
use std::fmt;
use std::io::IoSlice;
use std::mem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd};

/// A socket for the advertisements of a family on one interface, of all virtual routers
/// there. It never waits: poll its descriptor to know when something has come.
///
/// Packets go out with a TTL or hop limit of 255 and in class CS6, and do not come back to
/// this host.
pub struct AdvertSocket {
    socket: Socket,
    interface: Interface,
    family: Family,
    is_member: bool,
    packet: Vec<u8>,
    control: Vec<u8>,
    /// What is received next came after this.
    earliest: Time,
    /// Packets that were dropped since it was opened, as the kernel counts them.
    overruns: u32,
    /// Those of them that nobody took notice of.
    new_overruns: u64,
}

/// What was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received<'a> {
    /// A packet of protocol 112, whole.
    Advertisement(Advertisement<'a>),
    /// Nothing is queued, or so much that is for others that it is to be polled again.
    Empty,
    /// A packet that is longer than any advertisement, or not one of its family.
    Unreadable,
}

/// A packet of protocol 112, of which nothing is known to be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advertisement<'a> {
    /// Where it came from.
    pub source: IpAddr,
    /// Where it was sent to: the group, or an address of this host.
    pub destination: IpAddr,
    /// Its TTL or hop limit.
    pub hop_limit: u8,
    /// When the interface gave it to the kernel.
    pub arrival: Time,
    /// What it carries, without the IP header.
    pub payload: &'a [u8],
}

/// The group that advertisements of a family go to, unless they go to each peer.
pub const fn group(family: Family) -> IpAddr {
    match family {
        Family::V4 => IpAddr::V4(GROUP_V4),
        Family::V6 => IpAddr::V6(GROUP_V6),
    }
}

impl AdvertSocket {
    /// Opens a socket that hears what is sent to the group on this interface, and to
    /// this host.
    ///
    /// # Errors
    /// [`Error::is_permission`] without CAP_NET_RAW, or what the system says.
    pub fn multicast(interface: &Interface, family: Family) -> Result<Self, Error> {
        Self::open(interface, family, true)
    }

    /// Opens a socket that hears only what is sent to this host, for peers that are
    /// listed.
    ///
    /// # Errors
    /// As [`AdvertSocket::multicast`].
    pub fn unicast(interface: &Interface, family: Family) -> Result<Self, Error> {
        Self::open(interface, family, false)
    }

    fn open(interface: &Interface, family: Family, is_member: bool) -> Result<Self, Error> {
        let earliest = clock::now();
        let operation = Operation::OpenAdverts { family };
        let socket = open(interface, family, is_member)
            .map_err(|error| Error::new(operation, Some(interface.name), error))?;
        let control = cmsg_space!(libc::in6_pktinfo, libc::c_int, libc::timespec, u32);
        let packet = vec![0; LONGEST];
        Ok(Self {
            socket,
            interface: *interface,
            family,
            is_member,
            packet,
            control,
            earliest,
            overruns: 0,
            new_overruns: 0,
        })
    }

    /// The interface, as it was when the socket was opened.
    pub fn interface(&self) -> &Interface {
        &self.interface
    }

    /// The family.
    pub fn family(&self) -> Family {
        self.family
    }

    /// Receives the next packet that is queued.
    ///
    /// # Errors
    /// What the system says.
    pub fn receive(&mut self) -> Result<Received<'_>, Error> {
        for _ in 0..MOST_UNMEANT {
            let before = clock::now();
            let read = match read(&self.socket, self.family, &mut self.packet, &mut self.control) {
                Ok(read) => read,
                Err(Errno::EAGAIN) => {
                    self.earliest = before;
                    return Ok(Received::Empty);
                }
                Err(Errno::EINTR) => continue,
                Err(errno) => {
                    let interface = Some(self.interface.name);
                    return Err(Error::new(Operation::Receive, interface, errno));
                }
            };
            self.new_overruns += u64::from(read.overruns.wrapping_sub(self.overruns));
            self.overruns = read.overruns;
            if !self.is_meant(&read) {
                continue;
            }
            let arrival = read.stamp.map_or_else(clock::now, |s| clock::arrival(s, self.earliest));
            return Ok(match (read.header, self.packet.get(read.payload)) {
                (Some(Header { source, destination, hop_limit }), Some(payload)) => {
                    let advertisement =
                        Advertisement { source, destination, hop_limit, arrival, payload };
                    Received::Advertisement(advertisement)
                }
                _ => Received::Unreadable,
            });
        }
        Ok(Received::Empty)
    }

    /// How many packets the kernel dropped because the queue was full, as far as those show
    /// that were received after them, and since this was asked last.
    pub fn take_overruns(&mut self) -> u64 {
        mem::take(&mut self.new_overruns)
    }

    /// Not one of another interface, from before the socket was bound to its own, nor one
    /// to a group that another socket of this host has joined.
    fn is_meant(&self, read: &Read) -> bool {
        let groups = read.header.as_ref().map(|header| header.destination);
        let mut groups = groups.into_iter().filter(IpAddr::is_multicast);
        read.interface == Some(self.interface.index)
            && groups.all(|to| self.is_member && to == group(self.family))
    }

    /// Sends a packet from an address of this host: to the group, or to a peer.
    ///
    /// The source of IPv6 may be an address of another interface than this, as the
    /// link-local one below a virtual MAC address is.
    ///
    /// # Errors
    /// [`ErrorKind::InterfaceDown`](super::ErrorKind::InterfaceDown),
    /// [`ErrorKind::NoSuchAddress`](super::ErrorKind::NoSuchAddress),
    /// [`ErrorKind::Busy`](super::ErrorKind::Busy) and others. It was not sent then, and
    /// is not kept.
    pub fn send(&self, source: IpAddr, to: IpAddr, packet: &[u8]) -> Result<(), Error> {
        let failed =
            |errno: Errno| Error::new(Operation::Send { to }, Some(self.interface.name), errno);
        loop {
            let sent = match (source, to) {
                (IpAddr::V4(source), IpAddr::V4(to)) => self.send_v4(source, to, packet),
                (IpAddr::V6(source), IpAddr::V6(to)) => self.send_v6(source, to, packet),
                _ => Err(Errno::EAFNOSUPPORT),
            };
            match sent {
                Err(Errno::EINTR) => {}
                // A packet is sent whole or not at all.
                result => return result.map(drop).map_err(failed),
            }
        }
    }

    fn send_v4(&self, source: Ipv4Addr, to: Ipv4Addr, packet: &[u8]) -> nix::Result<usize> {
        let info = libc::in_pktinfo {
            ipi_ifindex: i32::try_from(self.interface.index).unwrap_or_default(),
            ipi_spec_dst: libc::in_addr { s_addr: u32::from_ne_bytes(source.octets()) },
            ipi_addr: libc::in_addr { s_addr: 0 },
        };
        let to = SockaddrIn::from(SocketAddrV4::new(to, 0));
        let control = [ControlMessage::Ipv4PacketInfo(&info)];
        let packet = [IoSlice::new(packet)];
        sendmsg(self.socket.as_raw_fd(), &packet, &control, MsgFlags::empty(), Some(&to))
    }

    fn send_v6(&self, source: Ipv6Addr, to: Ipv6Addr, packet: &[u8]) -> nix::Result<usize> {
        let info = libc::in6_pktinfo {
            ipi6_ifindex: self.interface.index,
            ipi6_addr: libc::in6_addr { s6_addr: source.octets() },
        };
        let to = SockaddrIn6::from(SocketAddrV6::new(to, 0, 0, self.interface.index));
        let control = [ControlMessage::Ipv6PacketInfo(&info)];
        let packet = [IoSlice::new(packet)];
        sendmsg(self.socket.as_raw_fd(), &packet, &control, MsgFlags::empty(), Some(&to))
    }
}

/// The longest advertisement: an IPv4 header, 255 addresses of IPv6 and a trailer of 28
/// bytes.
const LONGEST: usize = 60 + 8 + 255 * 16 + 28;

/// More than are queued from before a socket was bound.
const MOST_UNMEANT: u32 = 10_000;

impl AsFd for AdvertSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl fmt::Debug for AdvertSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { interface, family, .. } = self;
        write!(f, "AdvertSocket({family} on {})", interface.name)
    }
}
