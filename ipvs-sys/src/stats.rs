//! The STATS and STATS64 nests: counters and rates. Replies only.

use crate::attr::{Attrs, Usual};
use crate::error::DecodeError;
use crate::put::{Slice, attr};

const CONNECTIONS: u16 = 1;
const PACKETS_IN: u16 = 2;
const PACKETS_OUT: u16 = 3;
const BYTES_IN: u16 = 4;
const BYTES_OUT: u16 = 5;
const CONNECTIONS_PER_SECOND: u16 = 6;
const PACKETS_IN_PER_SECOND: u16 = 7;
const PACKETS_OUT_PER_SECOND: u16 = 8;
const BYTES_IN_PER_SECOND: u16 = 9;
const BYTES_OUT_PER_SECOND: u16 = 10;

/// Ten numbers of 64 bits.
pub(crate) const STATS64_LEN: usize = 10 * 12;
/// Eight numbers of 32 bits and two of 64.
pub(crate) const STATS_LEN: usize = 8 * 8 + 2 * 12;

/// Counters and rates of a service or destination.
///
/// The kernel refreshes them every two seconds (`ip_vs_est.c`); the rates are
/// exponentially weighted means. In the STATS nest all but the two byte
/// counters are cut to 32 bits, in STATS64 none is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub struct Stats {
    /// Connections scheduled.
    pub connections: u64,
    /// Packets from clients.
    pub packets_in: u64,
    /// Packets to clients, as far as they pass the director.
    pub packets_out: u64,
    /// Bytes from clients.
    pub bytes_in: u64,
    /// Bytes to clients, as far as they pass the director.
    pub bytes_out: u64,
    /// Connections a second.
    pub connections_per_second: u64,
    /// Packets from clients a second.
    pub packets_in_per_second: u64,
    /// Packets to clients a second.
    pub packets_out_per_second: u64,
    /// Bytes from clients a second.
    pub bytes_in_per_second: u64,
    /// Bytes to clients a second.
    pub bytes_out_per_second: u64,
}

impl Stats {
    /// Reads either nest: a value of eight bytes or more is a 64-bit number, a
    /// shorter one a 32-bit number.
    #[inline(always)]
    pub fn parse(nest: Attrs<'_>) -> Result<Self, DecodeError> {
        match Self::parse_usual(nest.as_bytes()) {
            Some(stats) => Ok(stats),
            None => Self::parse_any(nest),
        }
    }

    /// Reads the full counters where there are any, or else the cut ones.
    #[inline(always)]
    pub(crate) fn parse_best(
        stats64: Option<Attrs<'_>>,
        stats: Option<Attrs<'_>>,
    ) -> Result<Option<Self>, DecodeError> {
        stats64.or(stats).map(Self::parse).transpose()
    }

    /// The STATS64 nest as kernels write it: all ten in order, and no padding
    /// where numbers need not be aligned. It is a good part of what a listing consists of.
    #[inline(always)]
    fn parse_usual(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; STATS64_LEN] = bytes.try_into().ok()?;
        let mut attrs = Usual::new(bytes);
        let mut number = |kind| attrs.next(kind).map(|value| u64::from_ne_bytes(*value));
        Some(Self {
            connections: number(CONNECTIONS)?,
            packets_in: number(PACKETS_IN)?,
            packets_out: number(PACKETS_OUT)?,
            bytes_in: number(BYTES_IN)?,
            bytes_out: number(BYTES_OUT)?,
            connections_per_second: number(CONNECTIONS_PER_SECOND)?,
            packets_in_per_second: number(PACKETS_IN_PER_SECOND)?,
            packets_out_per_second: number(PACKETS_OUT_PER_SECOND)?,
            bytes_in_per_second: number(BYTES_IN_PER_SECOND)?,
            bytes_out_per_second: number(BYTES_OUT_PER_SECOND)?,
        })
    }

    #[cold]
    fn parse_any(attrs: Attrs<'_>) -> Result<Self, DecodeError> {
        let mut stats = Self::default();
        for attr in attrs {
            let attr = attr?;
            let field = stats.fields_mut().into_iter().find(|(kind, _)| *kind == attr.kind);
            let Some((_, field)) = field else { continue };
            *field = if attr.value.len() >= 8 {
                attr.u64_ne("stats")?
            } else {
                u64::from(attr.u32_ne("stats")?)
            };
        }
        Ok(stats)
    }

    /// The contents of a STATS64 nest, in the kernel's order, for [`Attrs::new`] to
    /// borrow.
    pub fn to_stats64(&self) -> [u8; STATS64_LEN] {
        let mut bytes = [0; STATS64_LEN];
        let mut out = Slice::new(&mut bytes);
        for (kind, value) in self.fields() {
            attr(&mut out, kind, &value.to_ne_bytes());
        }
        bytes
    }

    /// The contents of a STATS nest, in the kernel's order and with its loss: all
    /// but the byte counters are cut to their low 32 bits.
    pub fn to_stats(&self) -> [u8; STATS_LEN] {
        let mut bytes = [0; STATS_LEN];
        let mut out = Slice::new(&mut bytes);
        for (kind, value) in self.fields() {
            match kind {
                BYTES_IN | BYTES_OUT => attr(&mut out, kind, &value.to_ne_bytes()),
                _ => attr(&mut out, kind, &low_half(value).to_ne_bytes()),
            }
        }
        bytes
    }

    fn fields(&self) -> [(u16, u64); 10] {
        [
            (CONNECTIONS, self.connections),
            (PACKETS_IN, self.packets_in),
            (PACKETS_OUT, self.packets_out),
            (BYTES_IN, self.bytes_in),
            (BYTES_OUT, self.bytes_out),
            (CONNECTIONS_PER_SECOND, self.connections_per_second),
            (PACKETS_IN_PER_SECOND, self.packets_in_per_second),
            (PACKETS_OUT_PER_SECOND, self.packets_out_per_second),
            (BYTES_IN_PER_SECOND, self.bytes_in_per_second),
            (BYTES_OUT_PER_SECOND, self.bytes_out_per_second),
        ]
    }

    #[inline]
    fn fields_mut(&mut self) -> [(u16, &mut u64); 10] {
        [
            (CONNECTIONS, &mut self.connections),
            (PACKETS_IN, &mut self.packets_in),
            (PACKETS_OUT, &mut self.packets_out),
            (BYTES_IN, &mut self.bytes_in),
            (BYTES_OUT, &mut self.bytes_out),
            (CONNECTIONS_PER_SECOND, &mut self.connections_per_second),
            (PACKETS_IN_PER_SECOND, &mut self.packets_in_per_second),
            (PACKETS_OUT_PER_SECOND, &mut self.packets_out_per_second),
            (BYTES_IN_PER_SECOND, &mut self.bytes_in_per_second),
            (BYTES_OUT_PER_SECOND, &mut self.bytes_out_per_second),
        ]
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the kernel cuts here too")]
fn low_half(value: u64) -> u32 {
    value as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: Stats = Stats {
        connections: 0x1_0000_0001,
        packets_in: 2,
        packets_out: 3,
        bytes_in: 0x4_0000_0004,
        bytes_out: 5,
        connections_per_second: 6,
        packets_in_per_second: 7,
        packets_out_per_second: 8,
        bytes_in_per_second: 9,
        bytes_out_per_second: 10,
    };

    #[test]
    fn sixty_four_bits_come_back_whole() {
        assert_eq!(Stats::parse(Attrs::new(&SAMPLE.to_stats64(), "stats")), Ok(SAMPLE));
    }

    #[test]
    fn the_old_nest_cuts_all_but_the_byte_counters() {
        let cut = Stats { connections: 1, ..SAMPLE };
        assert_eq!(Stats::parse(Attrs::new(&SAMPLE.to_stats(), "stats")), Ok(cut));
    }

    /// By the way for the usual and by the one for any, each time with a part that
    /// is not as usual.
    #[test]
    fn both_ways_read_the_same() {
        let bytes = SAMPLE.to_stats64();
        assert_eq!(Stats::parse_usual(&bytes), Some(SAMPLE));
        assert_eq!(Stats::parse_any(Attrs::new(&bytes, "stats")), Ok(SAMPLE));
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut odd = bytes;
                odd[at] ^= 1 << bit;
                if let Some(usual) = Stats::parse_usual(&odd) {
                    let any = Stats::parse_any(Attrs::new(&odd, "stats"));
                    assert_eq!(Ok(usual), any, "bit {bit} of byte {at}");
                }
            }
        }
    }

    #[test]
    fn padding_attributes_are_skipped() {
        let mut bytes = Vec::new();
        attr(&mut bytes, 11, b"");
        bytes.extend(SAMPLE.to_stats64());
        assert_eq!(Stats::parse(Attrs::new(&bytes, "stats")), Ok(SAMPLE));
    }
}
