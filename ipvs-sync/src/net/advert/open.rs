//! Opening the socket.

use crate::net::Interface;
use crate::vrrp::Family;
use crate::vrrp::packet::{GROUP_V4, GROUP_V6, HOP_LIMIT, PROTOCOL};
use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, Socket, Type};
use std::io;
use std::num::NonZeroU32;

pub(super) fn open(interface: &Interface, family: Family, is_member: bool) -> io::Result<Socket> {
    let domain = match family {
        Family::V4 => Domain::IPV4,
        Family::V6 => Domain::IPV6,
    };
    let socket = Socket::new(domain, Type::RAW, Some(Protocol::from(i32::from(PROTOCOL))))?;
    socket.set_nonblocking(true)?;
    setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
    setsockopt(&socket, sockopt::RxqOvfl, &1)?;
    // Beyond the host's limit where CAP_NET_ADMIN allows that. With less it still works.
    let _ = setsockopt(&socket, sockopt::RcvBufForce, &RECEIVE_BUFFER)
        .or_else(|_| setsockopt(&socket, sockopt::RcvBuf, &RECEIVE_BUFFER));
    let index = NonZeroU32::new(interface.index);
    match family {
        Family::V4 => {
            socket.bind_device_by_index_v4(index)?;
            setsockopt(&socket, sockopt::Ipv4PacketInfo, &true)?;
            socket.set_ttl_v4(HOPS)?;
            socket.set_tos_v4(CLASS)?;
            socket.set_multicast_ttl_v4(HOPS)?;
            socket.set_multicast_loop_v4(false)?;
            // Only its own group, not that of every socket of this host.
            socket.set_multicast_all_v4(false)?;
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
            socket.set_multicast_all_v6(false)?;
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

/// As the options have it.
const HOPS: u32 = HOP_LIMIT as u32;
/// So that a flood, or a moment without the processor, pushes out no advertisement.
const RECEIVE_BUFFER: usize = 1 << 20;
/// CS6.
const CLASS: u32 = 0xc0;
/// `TC_PRIO_INTERACTIVE`, before everything else in the interface's queue.
const PRIORITY: u32 = 6;
