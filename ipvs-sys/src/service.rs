//! The SERVICE nest: a virtual service, or the key of one.

use crate::attr::Attrs;
use crate::error::DecodeError;
use crate::put::{self, Put, attr};
use crate::stats::Stats;
use netlink_packet_core::{NlaBuffer, Parseable};

const AF: u16 = 1;
const PROTOCOL: u16 = 2;
const ADDR: u16 = 3;
const PORT: u16 = 4;
const FWMARK: u16 = 5;
const SCHED_NAME: u16 = 6;
const FLAGS: u16 = 7;
const TIMEOUT: u16 = 8;
const NETMASK: u16 = 9;
const STATS: u16 = 10;
const PE_NAME: u16 = 11;
const STATS64: u16 = 12;

/// The attributes of a SERVICE nest, borrowed from a message or to be written.
///
/// A view judges nothing: any value that fits its type is kept. As a key it has
/// `af` and either `fwmark` or `protocol`, `addr` and `port`; to add or edit a
/// service, `scheduler`, `flags`, `timeout` and `netmask` are required as well
/// (`ip_vs_ctl.c: ip_vs_genl_parse_service`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServiceAttrs<'a> {
    /// `AF_INET` (2) or `AF_INET6` (10).
    pub af: Option<u16>,
    /// The IP protocol number.
    pub protocol: Option<u16>,
    /// The address in network byte order: up to 16 bytes, of which IPv4 uses
    /// the first four.
    pub addr: Option<&'a [u8]>,
    /// The port; big-endian on the wire.
    pub port: Option<u16>,
    /// The firewall mark. Present with value 0, the kernel ignores protocol,
    /// address and port and takes the service for TCP 0.0.0.0:0.
    pub fwmark: Option<u32>,
    /// The scheduler's name without its NUL; `none` where there is none.
    pub scheduler: Option<&'a [u8]>,
    /// Flags and which of them to change.
    pub flags: Option<ServiceFlags>,
    /// The persistence timeout in seconds.
    pub timeout: Option<u32>,
    /// The persistence granularity: IPv4, the mask in network byte order;
    /// IPv6, the prefix length as a 32-bit number in host byte order.
    pub netmask: Option<[u8; 4]>,
    /// The persistence engine's name without its NUL. Absent when a service is
    /// edited, the kernel takes the engine away.
    pub persistence_engine: Option<&'a [u8]>,
    /// Counters cut to 32 bits; see [`ServiceAttrs::counters`]. Replies only.
    pub stats: Option<Attrs<'a>>,
    /// Counters in full. Replies only.
    pub stats64: Option<Attrs<'a>>,
}

/// The flags of a service with the mask of those that a request changes:
/// new = (old & !mask) | (flags & mask). Replies have all bits in the mask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ServiceFlags {
    /// The flags.
    pub flags: u32,
    /// The bits that a request sets or clears.
    pub mask: u32,
}

impl ServiceFlags {
    /// Connections of one client go to one destination.
    pub const PERSISTENT: u32 = 0x1;
    /// The service is in the kernel's table. Set by the kernel only.
    pub const HASHED: u32 = 0x2;
    /// Every packet is scheduled anew; honoured for UDP only.
    pub const ONE_PACKET: u32 = 0x4;
    /// The scheduler's first flag; `sh-fallback` and `mh-fallback`.
    pub const SCHED1: u32 = 0x8;
    /// The scheduler's second flag; `sh-port` and `mh-port`.
    pub const SCHED2: u32 = 0x10;
    /// The scheduler's third flag.
    pub const SCHED3: u32 = 0x20;

    fn parse(value: &[u8]) -> Self {
        // `nla_memcpy` into a zeroed struct: what is absent is 0.
        let word = |at: usize| {
            let bytes = value.get(at..).unwrap_or_default();
            let mut word = [0; 4];
            word.iter_mut().zip(bytes).for_each(|(slot, byte)| *slot = *byte);
            u32::from_ne_bytes(word)
        };
        Self { flags: word(0), mask: word(4) }
    }

    fn to_bytes(self) -> [u8; 8] {
        let ([a, b, c, d], [e, f, g, h]) = (self.flags.to_ne_bytes(), self.mask.to_ne_bytes());
        [a, b, c, d, e, f, g, h]
    }
}

impl<'a> ServiceAttrs<'a> {
    /// The key of a service by protocol, address and port. `addr` is in network
    /// byte order, 4 or 16 bytes.
    #[inline(always)]
    pub fn by_address(af: u16, protocol: u16, addr: &'a [u8], port: u16) -> Self {
        Self {
            af: Some(af),
            protocol: Some(protocol),
            addr: Some(addr),
            port: Some(port),
            ..Self::default()
        }
    }

    /// The key of a service by firewall mark.
    #[inline(always)]
    pub fn by_fwmark(af: u16, fwmark: u32) -> Self {
        Self { af: Some(af), fwmark: Some(fwmark), ..Self::default() }
    }

    /// Reads the contents of a nest. Unknown attributes are skipped; of several
    /// with the same type the last counts, as in the kernel.
    #[inline]
    pub fn parse(attrs: Attrs<'a>) -> Result<Self, DecodeError> {
        let mut service = Self::default();
        for attr in attrs {
            let attr = attr?;
            match attr.kind {
                AF => service.af = Some(attr.u16_ne("service/af")?),
                PROTOCOL => service.protocol = Some(attr.u16_ne("service/protocol")?),
                ADDR => service.addr = Some(attr.value),
                PORT => service.port = Some(attr.u16_be("service/port")?),
                FWMARK => service.fwmark = Some(attr.u32_ne("service/fwmark")?),
                SCHED_NAME => service.scheduler = Some(attr.string()),
                FLAGS => service.flags = Some(ServiceFlags::parse(attr.value)),
                TIMEOUT => service.timeout = Some(attr.u32_ne("service/timeout")?),
                NETMASK => service.netmask = Some(attr.first("service/netmask")?),
                PE_NAME => service.persistence_engine = Some(attr.string()),
                STATS => service.stats = Some(attr.nested("service/stats")),
                STATS64 => service.stats64 = Some(attr.nested("service/stats64")),
                _ => {}
            }
        }
        Ok(service)
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
    /// `ip_vs_ctl.c: ip_vs_genl_fill_service`.
    #[inline(always)]
    pub(crate) fn write<P: Put>(&self, kind: u16, out: &mut P) {
        let start = put::open(out, kind);
        if let Some(af) = self.af {
            attr(out, AF, &af.to_ne_bytes());
        }
        if let Some(fwmark) = self.fwmark {
            attr(out, FWMARK, &fwmark.to_ne_bytes());
        }
        if let Some(protocol) = self.protocol {
            attr(out, PROTOCOL, &protocol.to_ne_bytes());
        }
        if let Some(addr) = self.addr {
            attr(out, ADDR, addr);
        }
        if let Some(port) = self.port {
            attr(out, PORT, &port.to_be_bytes());
        }
        if let Some(scheduler) = self.scheduler {
            put::string(out, SCHED_NAME, scheduler);
        }
        if let Some(engine) = self.persistence_engine {
            put::string(out, PE_NAME, engine);
        }
        if let Some(flags) = self.flags {
            attr(out, FLAGS, &flags.to_bytes());
        }
        if let Some(timeout) = self.timeout {
            attr(out, TIMEOUT, &timeout.to_ne_bytes());
        }
        if let Some(netmask) = self.netmask {
            attr(out, NETMASK, &netmask);
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

impl<'a> Parseable<NlaBuffer<&'a [u8]>> for ServiceAttrs<'a> {
    fn parse(nla: &NlaBuffer<&'a [u8]>) -> Result<Self, netlink_packet_core::DecodeError> {
        Ok(Self::parse(Attrs::of_nla(nla, "service"))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_of_four_bytes_have_an_empty_mask() {
        let flags = ServiceFlags::parse(&ServiceFlags::PERSISTENT.to_ne_bytes());
        assert_eq!(flags, ServiceFlags { flags: 1, mask: 0 });
        // What is cut off is 0, as for the kernel.
        let whole = ServiceFlags { flags: 0x0403_0201, mask: 0x0807_0605 }.to_bytes();
        for len in 0..8 {
            let mut padded = [0; 8];
            padded[..len].copy_from_slice(&whole[..len]);
            assert_eq!(ServiceFlags::parse(&whole[..len]).to_bytes(), padded);
        }
    }

    #[test]
    fn the_last_of_two_attributes_counts_and_unknown_ones_are_skipped() {
        let mut bytes = Vec::new();
        attr(&mut bytes, TIMEOUT, &1u32.to_ne_bytes());
        attr(&mut bytes, 99, b"from a later kernel");
        attr(&mut bytes, TIMEOUT, &2u32.to_ne_bytes());
        let service = ServiceAttrs::parse(Attrs::new(&bytes, "service"));
        assert_eq!(service, Ok(ServiceAttrs { timeout: Some(2), ..Default::default() }));
    }

    #[test]
    fn an_error_names_the_attribute_and_the_lengths() {
        let mut bytes = Vec::new();
        attr(&mut bytes, PORT, &[1]);
        let error = ServiceAttrs::parse(Attrs::new(&bytes, "service")).unwrap_err();
        assert_eq!(error.to_string(), "service/port: value of 1 bytes where its type takes 2");
    }
}
