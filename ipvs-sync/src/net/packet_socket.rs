//! Sockets of an interface's whole frames.

use super::links::Interface;
use nix::errno::Errno;
use socket2::{Domain, SockAddr, SockAddrStorage, SockFilter, Socket, Type, socklen_t};
use std::io;

/// A socket that only sends: nothing is queued for it.
pub(super) fn sending(interface: &Interface) -> io::Result<Socket> {
    open(interface, &[], 0)
}

/// A socket that hears what others send to this host of this type, and the filter lets
/// through. Nothing else has ever been queued.
pub(super) fn hearing(
    interface: &Interface,
    ethertype: u16,
    filter: &[SockFilter],
) -> io::Result<Socket> {
    open(interface, filter, ethertype)
}

fn open(interface: &Interface, filter: &[SockFilter], ethertype: u16) -> io::Result<Socket> {
    // Of no type until it is bound, so that it is not of all interfaces before.
    let socket = Socket::new(Domain::PACKET, Type::RAW, None)?;
    socket.set_nonblocking(true)?;
    if !filter.is_empty() {
        socket.attach_filter(filter)?;
    }
    socket.bind(&address(interface.index, ethertype)?)?;
    Ok(socket)
}

#[expect(unsafe_code, reason = "neither socket2 nor nix makes an address of a packet socket")]
fn address(index: u32, ethertype: u16) -> io::Result<SockAddr> {
    let family = u16::try_from(libc::AF_PACKET).map_err(|_| Errno::EAFNOSUPPORT)?;
    let length = socklen_t::try_from(size_of::<libc::sockaddr_ll>()).map_err(|_| Errno::EINVAL)?;
    let mut storage = SockAddrStorage::zeroed();
    // SAFETY: `sockaddr_ll` is one of the system's socket addresses, and not larger than
    // the storage, which is zero; zero is valid for each of its fields.
    let address = unsafe { storage.view_as::<libc::sockaddr_ll>() };
    address.sll_family = family;
    address.sll_protocol = ethertype.to_be();
    address.sll_ifindex = i32::try_from(index).map_err(|_| Errno::ENODEV)?;
    // SAFETY: the storage holds a `sockaddr_ll` with its family, and the length is its.
    Ok(unsafe { SockAddr::new(storage, length) })
}
