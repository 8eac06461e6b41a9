//! The DAEMON nest: a connection-sync daemon of the kernel.

use crate::attr::Attrs;
use crate::error::DecodeError;
use crate::put::{self, Put, attr, nest};
use netlink_packet_core::{NlaBuffer, Parseable};

const STATE: u16 = 1;
const MCAST_IFN: u16 = 2;
const SYNC_ID: u16 = 3;
const SYNC_MAXLEN: u16 = 4;
const MCAST_GROUP: u16 = 5;
const MCAST_GROUP6: u16 = 6;
const MCAST_PORT: u16 = 7;
const MCAST_TTL: u16 = 8;

/// The attributes of a DAEMON nest, borrowed from a message or to be written.
///
/// A view judges nothing. To start a daemon, `state`, `interface` and `sync_id`
/// are required, to stop one, `state` (`ip_vs_ctl.c: ip_vs_genl_new_daemon`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DaemonAttrs<'a> {
    /// 1 master, 2 backup.
    pub state: Option<u32>,
    /// The interface's name without its NUL.
    pub interface: Option<&'a [u8]>,
    /// The sync id; sync messages carry its low eight bits only.
    pub sync_id: Option<u32>,
    /// The longest sync message in bytes; 0: by the interface's MTU.
    pub max_len: Option<u16>,
    /// The IPv4 multicast group; counts where both groups are present.
    pub group4: Option<[u8; 4]>,
    /// The IPv6 multicast group.
    pub group6: Option<[u8; 16]>,
    /// The UDP port, in host byte order on the wire, unlike all other ports;
    /// 0: 8848.
    pub port: Option<u16>,
    /// The multicast TTL or hop limit; 0: 1.
    pub ttl: Option<u8>,
}

impl<'a> DaemonAttrs<'a> {
    /// Sends connections.
    pub const MASTER: u32 = 1;
    /// Receives connections.
    pub const BACKUP: u32 = 2;

    /// Reads the contents of a nest. Unknown attributes are skipped; of several
    /// with the same type the last counts, as in the kernel.
    pub fn parse(attrs: Attrs<'a>) -> Result<Self, DecodeError> {
        let mut daemon = Self::default();
        for attr in attrs {
            let attr = attr?;
            match attr.kind {
                STATE => daemon.state = Some(attr.u32_ne("daemon/state")?),
                MCAST_IFN => daemon.interface = Some(attr.string()),
                SYNC_ID => daemon.sync_id = Some(attr.u32_ne("daemon/sync id")?),
                SYNC_MAXLEN => daemon.max_len = Some(attr.u16_ne("daemon/max len")?),
                MCAST_GROUP => daemon.group4 = Some(attr.first("daemon/group")?),
                MCAST_GROUP6 => daemon.group6 = Some(attr.first("daemon/group6")?),
                MCAST_PORT => daemon.port = Some(attr.u16_ne("daemon/port")?),
                MCAST_TTL => daemon.ttl = Some(attr.u8("daemon/ttl")?),
                _ => {}
            }
        }
        Ok(daemon)
    }

    /// Writes the nest as top-level attribute `kind`, in the order of
    /// `ip_vs_ctl.c: ip_vs_genl_fill_daemon`.
    pub(crate) fn write<P: Put>(&self, kind: u16, out: &mut P) {
        nest(out, kind, |out| {
            if let Some(state) = self.state {
                attr(out, STATE, &state.to_ne_bytes());
            }
            if let Some(interface) = self.interface {
                put::string(out, MCAST_IFN, interface);
            }
            if let Some(sync_id) = self.sync_id {
                attr(out, SYNC_ID, &sync_id.to_ne_bytes());
            }
            if let Some(max_len) = self.max_len {
                attr(out, SYNC_MAXLEN, &max_len.to_ne_bytes());
            }
            if let Some(port) = self.port {
                attr(out, MCAST_PORT, &port.to_ne_bytes());
            }
            if let Some(ttl) = self.ttl {
                attr(out, MCAST_TTL, &[ttl]);
            }
            if let Some(group) = self.group4 {
                attr(out, MCAST_GROUP, &group);
            }
            if let Some(group) = self.group6 {
                attr(out, MCAST_GROUP6, &group);
            }
        });
    }
}

impl<'a> Parseable<NlaBuffer<&'a [u8]>> for DaemonAttrs<'a> {
    fn parse(nla: &NlaBuffer<&'a [u8]>) -> Result<Self, netlink_packet_core::DecodeError> {
        Ok(Self::parse(Attrs::of_nla(nla, "daemon"))?)
    }
}
