//! The sockets that advertisements are sent and received by.

use super::clock;
use super::error::{Error, Operation};
use super::ipv4;
use super::links::Interface;
use crate::vrrp::{Family, Time};
use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, SockaddrIn, SockaddrIn6, SockaddrStorage,
    recvmsg, sendmsg, setsockopt, sockopt,
};
use nix::sys::time::TimeSpec;
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, Socket, Type};
use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};
use std::num::NonZeroU32;
use std::ops::Range;
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
    packet: Vec<u8>,
    control: Vec<u8>,
    /// What is received next came after this.
    earliest: Time,
}

/// What was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received<'a> {
    /// A packet of protocol 112, whole.
    Advertisement(Advertisement<'a>),
    /// Nothing is queued.
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

const GROUP_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);
const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12);

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

    fn open(interface: &Interface, family: Family, joins: bool) -> Result<Self, Error> {
        let earliest = clock::now();
        let operation = Operation::OpenAdverts { family };
        let socket = open(interface, family, joins)
            .map_err(|error| Error::new(operation, Some(interface.name), error))?;
        let control = cmsg_space!(libc::in6_pktinfo, libc::c_int, libc::timespec);
        let packet = vec![0; LONGEST];
        Ok(Self { socket, interface: *interface, family, packet, control, earliest })
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
        let failed =
            |errno: Errno| Error::new(Operation::Receive, Some(self.interface.name), errno);
        let found = loop {
            let before = clock::now();
            let read = read(&self.socket, self.family, &mut self.packet, &mut self.control);
            match read {
                // One of another interface, from before the socket was bound to this.
                Ok(Read { interface: Some(index), .. }) if index != self.interface.index => {}
                Ok(read) => break read,
                Err(Errno::EAGAIN) => {
                    self.earliest = before;
                    return Ok(Received::Empty);
                }
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(failed(errno)),
            }
        };
        Ok(found
            .advertisement(&self.packet, self.earliest)
            .map_or(Received::Unreadable, Received::Advertisement))
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
const VRRP: i32 = 112;
const HOPS: u32 = 255;
/// CS6.
const CLASS: u32 = 0xc0;
/// `TC_PRIO_INTERACTIVE`, before everything else in the interface's queue.
const PRIORITY: u32 = 6;

fn open(interface: &Interface, family: Family, joins: bool) -> io::Result<Socket> {
    let domain = match family {
        Family::V4 => Domain::IPV4,
        Family::V6 => Domain::IPV6,
    };
    let socket = Socket::new(domain, Type::RAW, Some(Protocol::from(VRRP)))?;
    socket.set_nonblocking(true)?;
    setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
    let index = NonZeroU32::new(interface.index);
    match family {
        Family::V4 => {
            socket.bind_device_by_index_v4(index)?;
            setsockopt(&socket, sockopt::Ipv4PacketInfo, &true)?;
            socket.set_ttl_v4(HOPS)?;
            socket.set_tos_v4(CLASS)?;
            socket.set_multicast_ttl_v4(HOPS)?;
            socket.set_multicast_loop_v4(false)?;
            // Not what other sockets of this host have joined.
            socket.set_multicast_all_v4(false)?;
            if joins {
                let interface = InterfaceIndexOrAddress::Index(interface.index);
                socket.join_multicast_v4_n(&GROUP_V4, &interface)?;
            }
        }
        Family::V6 => {
            socket.bind_device_by_index_v6(index)?;
            setsockopt(&socket, sockopt::Ipv6RecvPacketInfo, &true)?;
            socket.set_recv_hoplimit_v6(true)?;
            socket.set_unicast_hops_v6(HOPS)?;
            socket.set_tclass_v6(CLASS)?;
            socket.set_multicast_hops_v6(HOPS)?;
            socket.set_multicast_loop_v6(false)?;
            socket.set_multicast_all_v6(false)?;
            socket.set_freebind_v6(true)?;
            if joins {
                socket.join_multicast_v6(&GROUP_V6, interface.index)?;
            }
        }
    }
    // After the class, which sets it too.
    socket.set_priority(PRIORITY)?;
    Ok(socket)
}

/// What the kernel says of a packet.
struct Read {
    length: usize,
    family: Family,
    is_truncated: bool,
    stamp: Option<TimeSpec>,
    interface: Option<u32>,
    /// Of IPv6, where the header is not delivered.
    source: Option<Ipv6Addr>,
    destination: Option<Ipv6Addr>,
    hop_limit: Option<u8>,
}

fn read(
    socket: &Socket,
    family: Family,
    packet: &mut [u8],
    control: &mut [u8],
) -> nix::Result<Read> {
    let mut packet = [IoSliceMut::new(packet)];
    let flags = MsgFlags::empty();
    let message =
        recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut packet, Some(control), flags)?;
    let source = message.address.as_ref().and_then(SockaddrStorage::as_sockaddr_in6);
    let mut read = Read {
        length: message.bytes,
        family,
        is_truncated: message.flags.contains(MsgFlags::MSG_TRUNC),
        stamp: None,
        interface: None,
        source: source.map(SockaddrIn6::ip),
        destination: None,
        hop_limit: None,
    };
    for control in message.cmsgs()? {
        match control {
            ControlMessageOwned::ScmTimestampns(stamp) => read.stamp = Some(stamp),
            ControlMessageOwned::Ipv4PacketInfo(info) => {
                read.interface = u32::try_from(info.ipi_ifindex).ok();
            }
            ControlMessageOwned::Ipv6PacketInfo(info) => {
                read.interface = Some(info.ipi6_ifindex);
                read.destination = Some(info.ipi6_addr.s6_addr.into());
            }
            ControlMessageOwned::Ipv6HopLimit(limit) => read.hop_limit = u8::try_from(limit).ok(),
            _ => {}
        }
    }
    Ok(read)
}

impl Read {
    fn advertisement(self, packet: &[u8], earliest: Time) -> Option<Advertisement<'_>> {
        if self.is_truncated {
            return None;
        }
        let packet = packet.get(..self.length)?;
        let arrival = self.stamp.map_or_else(clock::now, |stamp| clock::arrival(stamp, earliest));
        let (source, destination, hop_limit, payload): (IpAddr, IpAddr, u8, Range<usize>) =
            match self.family {
                Family::V4 => {
                    let header = ipv4::Header::read(packet)?;
                    (header.source.into(), header.destination.into(), header.ttl, header.payload)
                }
                Family::V6 => {
                    let all = 0..packet.len();
                    (self.source?.into(), self.destination?.into(), self.hop_limit?, all)
                }
            };
        let payload = packet.get(payload)?;
        Some(Advertisement { source, destination, hop_limit, arrival, payload })
    }
}

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
