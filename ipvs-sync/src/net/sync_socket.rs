//! The sockets that sync messages are sent and received by.

use super::error::Error;
use super::links::Interface;
use super::operation::Operation;
use super::retry::retry;
use nix::errno::Errno;
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, Socket, Type};
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::num::NonZeroU32;
use std::os::fd::{AsFd, BorrowedFd};

/// A socket that hears the sync messages to a group on one interface. It never waits: poll
/// its descriptor to know when something has come.
///
/// It shares the port with the kernel's backup daemon and others of its kind: each of them
/// gets every datagram (`SO_REUSEADDR`, as `ip_vs_sync.c: make_receive_sock` has it). There
/// are as many ports as the sysctl `sync_ports` says, and a socket is of one.
pub struct SyncListener {
    socket: UdpSocket,
    interface: Interface,
    datagram: Vec<u8>,
}

/// A socket that sends sync messages to a group from one interface. It never waits.
///
/// Datagrams that are longer than the interface's MTU are sent in fragments, as the
/// kernel's master does (`ip_vs_sync.c: make_send_sock`).
pub struct SyncSender {
    socket: UdpSocket,
    interface: Interface,
    to: SocketAddr,
}

/// How far sync messages go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reach {
    /// To this host and no other, which gives connections to its own backup daemon.
    ThisHost,
    /// To others and not to this host, as the kernel's master sends them.
    Others {
        /// The TTL or hop limit; 1 is the interface's own network.
        ttl: u8,
    },
}

impl SyncListener {
    /// Opens a socket that hears what comes to this group and port.
    ///
    /// # Errors
    /// What the system says: as ENODEV if the interface is gone, or EADDRINUSE if a socket
    /// without `SO_REUSEADDR` has the port.
    pub fn open(interface: &Interface, group: IpAddr, port: u16) -> Result<Self, Error> {
        let socket = listen(interface, SocketAddr::new(group, port)).map_err(|error| {
            Error::new(Operation::OpenSync { group }, Some(interface.name), error)
        })?;
        Ok(Self { socket, interface: *interface, datagram: vec![0; LONGEST] })
    }

    /// Receives the next datagram that is queued, whole, and the address that it came
    /// from; `None` if none is.
    ///
    /// # Errors
    /// What the system says.
    pub fn receive(&mut self) -> Result<Option<(IpAddr, &[u8])>, Error> {
        match retry(|| self.socket.recv_from(&mut self.datagram)) {
            Ok((length, source)) => {
                let datagram = self.datagram.get(..length);
                Ok(datagram.map(|datagram| (source.ip(), datagram)))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(Error::new(Operation::ReceiveSync, Some(self.interface.name), error)),
        }
    }
}

impl SyncSender {
    /// Opens a socket that sends to this group and port.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(
        interface: &Interface,
        group: IpAddr,
        port: u16,
        reach: Reach,
    ) -> Result<Self, Error> {
        let socket = send_from(interface, group, reach).map_err(|error| {
            Error::new(Operation::OpenSync { group }, Some(interface.name), error)
        })?;
        Ok(Self { socket, interface: *interface, to: SocketAddr::new(group, port) })
    }

    /// Sends a datagram.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`](super::ErrorKind::Busy),
    /// [`ErrorKind::Unreachable`](super::ErrorKind::Unreachable) and others. It was not
    /// sent then, and is not kept. That it was sent does not say that it arrived.
    pub fn send(&self, datagram: &[u8]) -> Result<(), Error> {
        // A datagram is sent whole or not at all.
        let sent = retry(|| self.socket.send_to(datagram, self.to)).map(drop);
        let operation = Operation::SendSync { to: self.to };
        sent.map_err(|error| Error::new(operation, Some(self.interface.name), error))
    }
}

/// The longest that UDP has.
const LONGEST: usize = 65_535;

fn listen(interface: &Interface, to: SocketAddr) -> io::Result<UdpSocket> {
    let socket = bound(interface, to.ip())?;
    socket.set_reuse_address(true)?;
    socket.bind(&to.into())?;
    match to.ip() {
        IpAddr::V4(group) => {
            let interface = InterfaceIndexOrAddress::Index(interface.index);
            socket.join_multicast_v4_n(&group, &interface)?;
        }
        IpAddr::V6(group) => socket.join_multicast_v6(&group, interface.index)?,
    }
    Ok(socket.into())
}

fn send_from(interface: &Interface, group: IpAddr, reach: Reach) -> io::Result<UdpSocket> {
    let socket = bound(interface, group)?;
    // What is not to leave the host has a TTL of 0 (`ip_output.c: ip_mc_output`).
    let (is_looped, ttl) = match reach {
        Reach::ThisHost => (true, 0),
        Reach::Others { ttl } => (false, u32::from(ttl)),
    };
    match group {
        IpAddr::V4(_) => {
            socket.set_multicast_loop_v4(is_looped)?;
            socket.set_multicast_ttl_v4(ttl)?;
        }
        IpAddr::V6(_) => {
            socket.set_multicast_loop_v6(is_looped)?;
            socket.set_multicast_hops_v6(ttl)?;
        }
    }
    Ok(socket.into())
}

/// A socket of the interface, by which packets to a group leave and come.
fn bound(interface: &Interface, group: IpAddr) -> io::Result<Socket> {
    if !group.is_multicast() {
        return Err(Errno::EINVAL.into());
    }
    let index = NonZeroU32::new(interface.index);
    let domain = Domain::for_address((group, 0).into());
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    match group {
        IpAddr::V4(_) => socket.bind_device_by_index_v4(index)?,
        IpAddr::V6(_) => socket.bind_device_by_index_v6(index)?,
    }
    Ok(socket)
}

impl AsFd for SyncListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsFd for SyncSender {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl fmt::Debug for SyncListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SyncListener({})", self.interface.name)
    }
}

impl fmt::Debug for SyncSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SyncSender({} on {})", self.to, self.interface.name)
    }
}
