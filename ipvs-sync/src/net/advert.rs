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
    is_member: bool,
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

    fn open(interface: &Interface, family: Family, is_member: bool) -> Result<Self, Error> {
        let earliest = clock::now();
        let operation = Operation::OpenAdverts { family };
        let socket = open(interface, family, is_member)
            .map_err(|error| Error::new(operation, Some(interface.name), error))?;
        let control = cmsg_space!(libc::in6_pktinfo, libc::c_int, libc::timespec);
        let packet = vec![0; LONGEST];
        Ok(Self { socket, interface: *interface, family, is_member, packet, control, earliest })
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
        loop {
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
const VRRP: i32 = 112;
const HOPS: u32 = 255;
/// CS6.
const CLASS: u32 = 0xc0;
/// `TC_PRIO_INTERACTIVE`, before everything else in the interface's queue.
const PRIORITY: u32 = 6;

fn open(interface: &Interface, family: Family, is_member: bool) -> io::Result<Socket> {
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
            if is_member {
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
            socket.set_freebind_v6(true)?;
            if is_member {
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
    interface: Option<u32>,
    stamp: Option<TimeSpec>,
    /// `None` if it cannot be read.
    header: Option<Header>,
    payload: Range<usize>,
}

struct Header {
    source: IpAddr,
    destination: IpAddr,
    hop_limit: u8,
}

fn read(
    socket: &Socket,
    family: Family,
    packet: &mut [u8],
    control: &mut [u8],
) -> nix::Result<Read> {
    let mut slices = [IoSliceMut::new(packet)];
    let flags = MsgFlags::empty();
    let message =
        recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut slices, Some(control), flags)?;
    let (mut stamp, mut interface, mut destination, mut hop_limit) = (None, None, None, None);
    for control in message.cmsgs()? {
        match control {
            ControlMessageOwned::ScmTimestampns(at) => stamp = Some(at),
            ControlMessageOwned::Ipv4PacketInfo(info) => {
                interface = u32::try_from(info.ipi_ifindex).ok();
            }
            ControlMessageOwned::Ipv6PacketInfo(info) => {
                interface = Some(info.ipi6_ifindex);
                destination = Some(Ipv6Addr::from(info.ipi6_addr.s6_addr));
            }
            ControlMessageOwned::Ipv6HopLimit(limit) => hop_limit = u8::try_from(limit).ok(),
            _ => {}
        }
    }
    let is_whole = !message.flags.contains(MsgFlags::MSG_TRUNC);
    let length = message.bytes;
    let source = message.address.as_ref().and_then(SockaddrStorage::as_sockaddr_in6);
    let source = source.map(SockaddrIn6::ip);
    let read = match family {
        // The header is delivered with the packet.
        Family::V4 => ipv4::Header::read(packet.get(..length).unwrap_or_default()).map(|header| {
            let ipv4::Header { source, destination, ttl, payload } = header;
            let (source, destination) = (source.into(), destination.into());
            (Header { source, destination, hop_limit: ttl }, payload)
        }),
        Family::V6 => {
            source.zip(destination).zip(hop_limit).map(|((source, destination), hops)| {
                let (source, destination) = (source.into(), destination.into());
                (Header { source, destination, hop_limit: hops }, 0..length)
            })
        }
    };
    let (header, payload) = read.filter(|_| is_whole).unzip();
    Ok(Read { interface, stamp, header, payload: payload.unwrap_or_default() })
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
