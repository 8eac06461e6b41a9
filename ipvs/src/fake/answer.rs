//! What the kernel sends: acknowledgements and errors, entries of listings,
//! the end of a listing.

use super::state::Virtual;
use crate::{DestinationEntry, Family, SyncDaemon, Timeouts};
use ipvs_sys::put::Put as _;
use ipvs_sys::{
    Attrs, Command, DestinationAttrs, Header, InfoAttrs, NewDaemon, NewDestination, NewService,
    ServiceAttrs, ServiceFlags, SetConfig, SetInfo, encode,
};
use std::net::IpAddr;

const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const MULTI: u16 = 0x2;
const CAPPED: u16 = 0x100;
const ACK_TLVS: u16 = 0x200;

/// Why a request was not carried out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The error number, positive.
    pub(super) errno: i32,
    /// The attributes of the extended acknowledgement.
    pub(super) note: Vec<u8>,
}

impl From<i32> for Refusal {
    fn from(errno: i32) -> Self {
        Self { errno, note: Vec::new() }
    }
}

/// Where answers to a request go.
#[derive(Clone, Copy)]
pub(super) struct Address {
    /// The family's number.
    pub(super) family: u16,
    /// The request's.
    pub(super) sequence: u32,
    /// The socket's.
    pub(super) port: u32,
}

impl Address {
    /// A message by itself.
    pub(super) fn reply<C: Command>(self, command: &C) -> Vec<u8> {
        let mut out = Vec::new();
        self.put(command, 0, &mut out);
        out
    }

    /// A part of a listing.
    pub(super) fn part<C: Command>(self, command: &C, out: &mut Vec<u8>) {
        self.put(command, MULTI, out);
    }

    fn put<C: Command>(self, command: &C, flags: u16, out: &mut Vec<u8>) {
        let start = out.len();
        // What is in the table has come in messages, and fits into one.
        if encode(command, self.family, flags, self.sequence, out).is_ok() {
            out.patch(start + 12, &self.port.to_ne_bytes());
        }
    }
}

/// `af_netlink.c: netlink_ack`, on a socket with NETLINK_CAP_ACK and
/// NETLINK_EXT_ACK: the request's header and no more of it.
pub(super) fn acknowledgement(
    request: &[u8; 16],
    header: Header,
    port: u32,
    errno: i32,
    note: &[u8],
) -> Vec<u8> {
    let flags = CAPPED | if note.is_empty() { 0 } else { ACK_TLVS };
    let code = errno.saturating_neg().to_ne_bytes();
    own(NLMSG_ERROR, flags, header.sequence, port, &[&code, request, note])
}

/// `af_netlink.c: netlink_dump_done`.
pub(super) fn done(request: Header, port: u32, errno: i32, note: &[u8]) -> Vec<u8> {
    let flags = MULTI | if note.is_empty() { 0 } else { ACK_TLVS };
    let code = errno.saturating_neg().to_ne_bytes();
    own(NLMSG_DONE, flags, request.sequence, port, &[&code, note])
}

fn own(kind: u16, flags: u16, sequence: u32, port: u32, body: &[&[u8]]) -> Vec<u8> {
    let mut out = vec![0; 4];
    out.put(&kind.to_ne_bytes());
    out.put(&flags.to_ne_bytes());
    out.put(&sequence.to_ne_bytes());
    out.put(&port.to_ne_bytes());
    body.iter().for_each(|part| out.put(part));
    let length = u32::try_from(out.len()).unwrap_or(u32::MAX);
    out.patch(0, &length.to_ne_bytes());
    out
}

/// `ip_vs_ctl.c: ip_vs_genl_fill_service`.
pub(super) fn service(found: &Virtual, with: impl FnOnce(&NewService<'_>)) {
    let service = &found.entry.service;
    let octets = service.key().octets();
    let attrs = service.attrs(&octets);
    let (stats, stats64) = (found.entry.stats.to_stats(), found.entry.stats.to_stats64());
    with(&NewService(ServiceAttrs {
        flags: attrs
            .flags
            .map(|word| ServiceFlags { flags: word.flags | ServiceFlags::HASHED, mask: u32::MAX }),
        stats: Some(Attrs::new(&stats, "stats")),
        stats64: Some(Attrs::new(&stats64, "stats64")),
        ..attrs
    }));
}

/// `ip_vs_ctl.c: ip_vs_genl_fill_dest`.
pub(super) fn destination(entry: &DestinationEntry, with: impl FnOnce(&NewDestination<'_>)) {
    let octets = entry.destination.endpoint().octets();
    let (stats, stats64) = (entry.stats.to_stats(), entry.stats.to_stats64());
    let attrs = entry.destination.attrs(&octets);
    let destination = DestinationAttrs {
        // Absent in a request means 0; an answer has them always.
        tunnel_kind: attrs.tunnel_kind.or(Some(0)),
        tunnel_port: attrs.tunnel_port.or(Some(0)),
        tunnel_flags: attrs.tunnel_flags.or(Some(0)),
        active_connections: Some(entry.connections.active),
        inactive_connections: Some(entry.connections.inactive),
        persistent_connections: Some(entry.connections.persistent),
        stats: Some(Attrs::new(&stats, "stats")),
        stats64: Some(Attrs::new(&stats64, "stats64")),
        ..attrs
    };
    with(&NewDestination { service: None, destination });
}

/// `ip_vs_ctl.c: ip_vs_genl_fill_daemon`.
pub(super) fn daemon(daemon: &SyncDaemon) -> NewDaemon<'_> {
    NewDaemon(daemon.attrs())
}

pub(super) fn timeouts(timeouts: Timeouts) -> SetConfig {
    SetConfig(timeouts.attrs())
}

pub(super) fn info() -> SetInfo {
    SetInfo(InfoAttrs {
        version: Some(0x01_02_01),
        connection_table_size: Some(super::CONNECTION_TABLE_SIZE),
    })
}

/// An address from the 16 bytes of a request.
pub(super) fn address(family: Family, bytes: [u8; 16]) -> IpAddr {
    match family {
        Family::V4 => {
            let [a, b, c, d, ..] = bytes;
            IpAddr::from([a, b, c, d])
        }
        Family::V6 => IpAddr::from(bytes),
    }
}
