//! Writing attributes: one layout over three sinks.
//!
//! Every message has one `write`, generic over [`Put`]: with [`Count`] it gives
//! the length, with [`Slice`] it fills a given buffer, with `Vec<u8>` it appends.
//! Length and bytes therefore cannot disagree. Allocates only by growing a `Vec`.

use netlink_packet_core::NLA_HEADER_SIZE;

/// Where bytes go.
pub trait Put {
    /// Appends `bytes`.
    fn put(&mut self, bytes: &[u8]);

    /// The number of bytes put so far.
    fn position(&self) -> usize;

    /// Overwrites what was put at `at`; nothing if that is beyond the end.
    fn patch(&mut self, at: usize, bytes: &[u8]);
}

/// Counts bytes and keeps none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count(usize);

/// Fills a slice, leaves out pieces that do not fit and counts all of them.
#[derive(Debug)]
pub struct Slice<'b> {
    bytes: &'b mut [u8],
    position: usize,
}

impl<'b> Slice<'b> {
    /// A sink that fills `bytes` from their start.
    pub fn new(bytes: &'b mut [u8]) -> Self {
        Self { bytes, position: 0 }
    }
}

impl Put for Count {
    #[inline(always)]
    fn put(&mut self, bytes: &[u8]) {
        self.0 += bytes.len();
    }

    #[inline(always)]
    fn position(&self) -> usize {
        self.0
    }

    #[inline(always)]
    fn patch(&mut self, _: usize, _: &[u8]) {}
}

impl Put for Slice<'_> {
    #[inline(always)]
    fn put(&mut self, bytes: &[u8]) {
        self.patch(self.position, bytes);
        self.position += bytes.len();
    }

    #[inline(always)]
    fn position(&self) -> usize {
        self.position
    }

    #[inline(always)]
    fn patch(&mut self, at: usize, bytes: &[u8]) {
        overwrite(self.bytes, at, bytes);
    }
}

impl Put for Vec<u8> {
    #[inline(always)]
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    #[inline(always)]
    fn position(&self) -> usize {
        self.len()
    }

    #[inline(always)]
    fn patch(&mut self, at: usize, bytes: &[u8]) {
        overwrite(self, at, bytes);
    }
}

/// Puts an attribute with its padding.
///
/// A length above 65,535 is written as 65,535; [`crate::encode`] refuses the message.
#[inline(always)]
pub fn attr<P: Put>(out: &mut P, kind: u16, value: &[u8]) {
    let header = header(NLA_HEADER_SIZE + value.len(), kind);
    // In one piece where that is short: each put asks a `Vec` for room.
    let short = match (value, value.first_chunk()) {
        ([a], _) => [*a, 0, 0, 0],
        ([a, b], _) => [*a, *b, 0, 0],
        ([_, _, _, _], Some(word)) => *word,
        _ => {
            out.put(&header);
            out.put(value);
            return pad(out, value.len());
        }
    };
    out.put([header, short].as_flattened());
}

/// Puts a string attribute: `value`, a NUL, and the padding.
#[inline(always)]
pub fn string<P: Put>(out: &mut P, kind: u16, value: &[u8]) {
    let header = header(NLA_HEADER_SIZE + value.len() + 1, kind);
    // In one piece where that is short, as `wrr` and `wlc` are.
    if let [a, b, c] = *value {
        return out.put([header, [a, b, c, 0]].as_flattened());
    }
    out.put(&header);
    out.put(value);
    match value.len() % 4 {
        0 => out.put(&[0; 4]),
        1 => out.put(&[0; 3]),
        2 => out.put(&[0; 2]),
        _ => out.put(&[0; 1]),
    }
}

/// Puts an attribute whose value is what `body` puts.
///
/// `NLA_F_NESTED` is not set: the kernel's own IPVS messages never have it
/// (`ip_vs_ctl.c` opens its nests with `nla_nest_start_noflag`) and it does not
/// ask for it in requests, so one layout serves both directions.
#[inline(always)]
pub fn nest<P: Put>(out: &mut P, kind: u16, body: impl FnOnce(&mut P)) {
    let start = open(out, kind);
    body(out);
    close(out, start);
}

/// Begins a nest, which [`close`] ends. A closure, as [`nest`] takes it, is not
/// always inlined.
#[inline(always)]
pub(crate) fn open<P: Put>(out: &mut P, kind: u16) -> usize {
    let start = out.position();
    out.put(&header(0, kind));
    start
}

#[inline(always)]
pub(crate) fn close<P: Put>(out: &mut P, start: usize) {
    out.patch(start, &length(out.position() - start));
}

#[inline(always)]
fn pad<P: Put>(out: &mut P, len: usize) {
    match len % 4 {
        1 => out.put(&[0; 3]),
        2 => out.put(&[0; 2]),
        3 => out.put(&[0; 1]),
        _ => {}
    }
}

#[inline(always)]
pub(crate) fn header(len: usize, kind: u16) -> [u8; NLA_HEADER_SIZE] {
    let ([l0, l1], [k0, k1]) = (length(len), kind.to_ne_bytes());
    [l0, l1, k0, k1]
}

#[inline(always)]
fn length(len: usize) -> [u8; 2] {
    u16::try_from(len).unwrap_or(u16::MAX).to_ne_bytes()
}

#[inline(always)]
fn overwrite(target: &mut [u8], at: usize, bytes: &[u8]) {
    // An end that wraps is before the start: no range either.
    if let Some(room) = target.get_mut(at..at.wrapping_add(bytes.len())) {
        room.copy_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample<P: Put>(out: &mut P) {
        nest(out, 1, |out| {
            attr(out, 2, &[0xaa]);
            string(out, 3, b"wrr");
        });
    }

    #[test]
    fn three_sinks_agree() {
        let mut vec = Vec::new();
        sample(&mut vec);
        let mut count = Count::default();
        sample(&mut count);
        let mut filled = [0xa5; 64];
        let mut slice = Slice::new(&mut filled);
        sample(&mut slice);
        assert_eq!(slice.position(), vec.len());
        assert_eq!(count.position(), vec.len());
        assert_eq!(&filled[..vec.len()], vec);
        assert_eq!(filled[vec.len()..], [0xa5; 64][vec.len()..]);
    }

    #[test]
    fn a_slice_that_is_too_short_keeps_what_fits_and_the_need_is_counted() {
        let mut short = [0; 5];
        let mut slice = Slice::new(&mut short);
        sample(&mut slice);
        assert_eq!(slice.position(), 20);
        // The nest's header; its length is patched in, the attributes have no room.
        assert_eq!(short, [20, 0, 1, 0, 0]);
    }

    #[test]
    fn a_length_beyond_16_bits_is_written_as_the_longest() {
        let mut out = Vec::new();
        nest(&mut out, 1, |out| attr(out, 2, &[0; 70_000]));
        assert_eq!(out[..2], u16::MAX.to_ne_bytes());
        assert_eq!(out[4..6], u16::MAX.to_ne_bytes());
    }

    #[test]
    fn padding_is_zero_and_not_in_the_length() {
        let mut out = Vec::new();
        attr(&mut out, 2, &[0xaa]);
        let mut expected = 5u16.to_ne_bytes().to_vec();
        expected.extend(2u16.to_ne_bytes());
        expected.extend([0xaa, 0, 0, 0]);
        assert_eq!(out, expected);
    }
}
