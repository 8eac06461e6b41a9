//! Reading a packet and what the kernel says of it.

use super::ipv4;
use crate::vrrp::Family;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrIn6, SockaddrStorage, recvmsg};
use nix::sys::time::TimeSpec;
use socket2::Socket;
use std::io::IoSliceMut;
use std::net::{IpAddr, Ipv6Addr};
use std::ops::Range;
use std::os::fd::AsRawFd as _;

/// What the kernel says of a packet.
pub(super) struct Read {
    pub(super) interface: Option<u32>,
    pub(super) stamp: Option<TimeSpec>,
    /// How many were dropped before it since the socket was opened.
    pub(super) overruns: u32,
    /// `None` if it cannot be read.
    pub(super) header: Option<Header>,
    pub(super) payload: Range<usize>,
}

pub(super) struct Header {
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    pub(super) hop_limit: u8,
}

pub(super) fn read(
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
    // It is said only where there were any (`socket.c: sock_recv_drops`).
    let mut overruns = 0;
    for control in message.cmsgs()? {
        match control {
            ControlMessageOwned::ScmTimestampns(at) => stamp = Some(at),
            ControlMessageOwned::RxqOvfl(count) => overruns = count,
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
    Ok(Read { interface, stamp, overruns, header, payload: payload.unwrap_or_default() })
}
