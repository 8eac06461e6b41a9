//! The DEST nest: a real server, or the key of one.

use crate::attr::{Attrs, Usual};
use crate::error::DecodeError;
use crate::put::{self, Put, attr};
use crate::stats::{STATS_LEN, STATS64_LEN, Stats};
use netlink_packet_core::{NlaBuffer, Parseable};

const ADDR: u16 = 1;
const PORT: u16 = 2;
const FWD_METHOD: u16 = 3;
const WEIGHT: u16 = 4;
const U_THRESH: u16 = 5;
const L_THRESH: u16 = 6;
const ACTIVE_CONNS: u16 = 7;
const INACT_CONNS: u16 = 8;
const PERSIST_CONNS: u16 = 9;
const STATS: u16 = 10;
const ADDR_FAMILY: u16 = 11;
const STATS64: u16 = 12;
const TUN_TYPE: u16 = 13;
const TUN_PORT: u16 = 14;
const TUN_FLAGS: u16 = 15;

/// An address, twelve numbers, and both kinds of counters.
const USUAL: usize = 20 + 12 * 8 + (4 + STATS_LEN) + (4 + STATS64_LEN);

const IN_STATS: &str = "destination/stats";
const IN_STATS64: &str = "destination/stats64";

/// The attributes of a DEST nest, borrowed from a message or to be written.
///
/// A view judges nothing: any value that fits its type is kept. As a key it has
/// `addr` and `port`; to add or edit a destination, `forwarding`, `weight` and
/// both thresholds are required as well. Absent tunnel attributes mean 0, also
/// when a destination is edited (`ip_vs_ctl.c: ip_vs_genl_parse_dest`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DestinationAttrs<'a> {
    /// `AF_INET` (2) or `AF_INET6` (10); absent or 0, the service's.
    pub af: Option<u16>,
    /// The address in network byte order: up to 16 bytes, of which IPv4 uses
    /// the first four.
    pub addr: Option<&'a [u8]>,
    /// The port; big-endian on the wire. 0: the service's.
    pub port: Option<u16>,
    /// The forwarding method; the kernel uses the low three bits.
    pub forwarding: Option<u32>,
    /// The weight; the kernel reads it as a signed number and refuses negative ones.
    pub weight: Option<u32>,
    /// Connections at which the destination takes no more; 0: no limit.
    pub upper_threshold: Option<u32>,
    /// Connections below which it takes new ones again; 0: three quarters of
    /// the upper threshold.
    pub lower_threshold: Option<u32>,
    /// 0 IPIP, 1 GUE, 2 GRE.
    pub tunnel_kind: Option<u8>,
    /// The UDP port of a GUE tunnel; big-endian on the wire.
    pub tunnel_port: Option<u16>,
    /// Checksum mode: 1 checksum, 2 remote checksum offload.
    pub tunnel_flags: Option<u16>,
    /// Connections that are being established or are. Replies only.
    pub active_connections: Option<u32>,
    /// Connections that are being closed, and all without states. Replies only.
    pub inactive_connections: Option<u32>,
    /// Persistence templates. Replies only.
    pub persistent_connections: Option<u32>,
    /// Counters cut to 32 bits; see [`DestinationAttrs::counters`]. Replies only.
    pub stats: Option<Attrs<'a>>,
    /// Counters in full. Replies only.
    pub stats64: Option<Attrs<'a>>,
}

impl<'a> DestinationAttrs<'a> {
    /// Network address translation.
    pub const MASQUERADE: u32 = 0;
    /// A socket of the director itself.
    pub const LOCAL: u32 = 1;
    /// Tunnelling.
    pub const TUNNEL: u32 = 2;
    /// Direct routing: the packet goes out unchanged to the server's link address.
    pub const DIRECT_ROUTE: u32 = 3;
    /// The director's own cache bypass; used by the kernel internally.
    pub const BYPASS: u32 = 4;

    /// IP in IP.
    pub const TUNNEL_IPIP: u8 = 0;
    /// Generic UDP encapsulation.
    pub const TUNNEL_GUE: u8 = 1;
    /// Generic routing encapsulation.
    pub const TUNNEL_GRE: u8 = 2;

    /// Tunnel packets carry a checksum.
    pub const TUNNEL_CHECKSUM: u16 = 1;
    /// Tunnel packets carry a checksum by remote checksum offload.
    pub const TUNNEL_REMOTE_CHECKSUM: u16 = 2;

    /// The key of a destination. `addr` is in network byte order, 4 or 16 bytes.
    #[inline(always)]
    pub fn by_address(af: u16, addr: &'a [u8], port: u16) -> Self {
        Self { af: Some(af), addr: Some(addr), port: Some(port), ..Self::default() }
    }

    /// Reads the contents of a nest. Unknown attributes are skipped; of several
    /// with the same type the last counts, as in the kernel.
    #[inline(always)]
    pub fn parse(attrs: Attrs<'a>) -> Result<Self, DecodeError> {
        match Self::parse_usual(attrs.as_bytes()) {
            Some(destination) => Ok(destination),
            None => Self::parse_any(attrs),
        }
    }

    /// The nest as kernels from 5.3 on write it (`ip_vs_ctl.c:
    /// ip_vs_genl_fill_dest`). Most of what a listing consists of.
    #[inline(always)]
    fn parse_usual(bytes: &'a [u8]) -> Option<Self> {
        let bytes: &[u8; USUAL] = bytes.try_into().ok()?;
        let attrs = &mut Usual::new(bytes);
        let long =
            |attrs: &mut Usual<'a>, kind| attrs.next(kind).map(|value| u32::from_ne_bytes(*value));
        Some(Self {
            addr: Some(attrs.next::<16>(ADDR)?),
            port: Some(u16::from_be_bytes(*attrs.next(PORT)?)),
            forwarding: Some(long(attrs, FWD_METHOD)?),
            weight: Some(long(attrs, WEIGHT)?),
            tunnel_kind: Some(u8::from_ne_bytes(*attrs.next(TUN_TYPE)?)),
            tunnel_port: Some(u16::from_be_bytes(*attrs.next(TUN_PORT)?)),
            tunnel_flags: Some(u16::from_ne_bytes(*attrs.next(TUN_FLAGS)?)),
            upper_threshold: Some(long(attrs, U_THRESH)?),
            lower_threshold: Some(long(attrs, L_THRESH)?),
            active_connections: Some(long(attrs, ACTIVE_CONNS)?),
            inactive_connections: Some(long(attrs, INACT_CONNS)?),
            persistent_connections: Some(long(attrs, PERSIST_CONNS)?),
            af: Some(u16::from_ne_bytes(*attrs.next(ADDR_FAMILY)?)),
            stats: Some(Attrs::new(attrs.next::<STATS_LEN>(STATS)?, IN_STATS)),
            stats64: Some(Attrs::new(attrs.next::<STATS64_LEN>(STATS64)?, IN_STATS64)),
        })
    }

    #[cold]
    fn parse_any(attrs: Attrs<'a>) -> Result<Self, DecodeError> {
        let mut dest = Self::default();
        for attr in attrs {
            let attr = attr?;
            match attr.kind {
                ADDR => dest.addr = Some(attr.value),
                PORT => dest.port = Some(attr.u16_be("destination/port")?),
                FWD_METHOD => dest.forwarding = Some(attr.u32_ne("destination/forwarding")?),
                WEIGHT => dest.weight = Some(attr.u32_ne("destination/weight")?),
                U_THRESH => {
                    dest.upper_threshold = Some(attr.u32_ne("destination/upper threshold")?)
                }
                L_THRESH => {
                    dest.lower_threshold = Some(attr.u32_ne("destination/lower threshold")?)
                }
                ACTIVE_CONNS => {
                    dest.active_connections = Some(attr.u32_ne("destination/active connections")?);
                }
                INACT_CONNS => {
                    dest.inactive_connections =
                        Some(attr.u32_ne("destination/inactive connections")?);
                }
                PERSIST_CONNS => {
                    dest.persistent_connections =
                        Some(attr.u32_ne("destination/persistent connections")?);
                }
                STATS => dest.stats = Some(attr.nested(IN_STATS)),
                ADDR_FAMILY => dest.af = Some(attr.u16_ne("destination/address family")?),
                STATS64 => dest.stats64 = Some(attr.nested(IN_STATS64)),
                TUN_TYPE => dest.tunnel_kind = Some(attr.u8("destination/tunnel type")?),
                TUN_PORT => dest.tunnel_port = Some(attr.u16_be("destination/tunnel port")?),
                TUN_FLAGS => dest.tunnel_flags = Some(attr.u16_ne("destination/tunnel flags")?),
                _ => {}
            }
        }
        Ok(dest)
    }

    /// The counters: the full ones, or else those that older kernels cut to 32 bits.
    ///
    /// # Errors
    ///
    /// The nest is malformed.
    #[inline(always)]
    pub fn counters(&self) -> Result<Option<Stats>, DecodeError> {
        Stats::parse_best(self.stats64, self.stats)
    }

    /// Writes the nest as top-level attribute `kind`, in the order of
    /// `ip_vs_ctl.c: ip_vs_genl_fill_dest`.
    #[inline(always)]
    pub(crate) fn write<P: Put>(&self, kind: u16, out: &mut P) {
        let start = put::open(out, kind);
        if let Some(addr) = self.addr {
            attr(out, ADDR, addr);
        }
        if let Some(port) = self.port {
            attr(out, PORT, &port.to_be_bytes());
        }
        u32_ne(out, FWD_METHOD, self.forwarding);
        u32_ne(out, WEIGHT, self.weight);
        if let Some(kind) = self.tunnel_kind {
            attr(out, TUN_TYPE, &[kind]);
        }
        if let Some(port) = self.tunnel_port {
            attr(out, TUN_PORT, &port.to_be_bytes());
        }
        if let Some(flags) = self.tunnel_flags {
            attr(out, TUN_FLAGS, &flags.to_ne_bytes());
        }
        u32_ne(out, U_THRESH, self.upper_threshold);
        u32_ne(out, L_THRESH, self.lower_threshold);
        u32_ne(out, ACTIVE_CONNS, self.active_connections);
        u32_ne(out, INACT_CONNS, self.inactive_connections);
        u32_ne(out, PERSIST_CONNS, self.persistent_connections);
        if let Some(af) = self.af {
            attr(out, ADDR_FAMILY, &af.to_ne_bytes());
        }
        if let Some(stats) = self.stats {
            attr(out, STATS, stats.as_bytes());
        }
        if let Some(stats) = self.stats64 {
            attr(out, STATS64, stats.as_bytes());
        }
        put::close(out, start);
    }
}

impl<'a> Parseable<NlaBuffer<&'a [u8]>> for DestinationAttrs<'a> {
    fn parse(nla: &NlaBuffer<&'a [u8]>) -> Result<Self, netlink_packet_core::DecodeError> {
        Ok(Self::parse(Attrs::of_nla(nla, "destination"))?)
    }
}

#[inline(always)]
fn u32_ne<P: Put>(out: &mut P, kind: u16, value: Option<u32>) {
    if let Some(value) = value {
        attr(out, kind, &value.to_ne_bytes());
    }
}
