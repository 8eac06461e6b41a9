//! Reading attributes. Never panics and never allocates, whatever the bytes.
//!
//! The rules are the kernel's (`lib/nlattr.c`): an unpadded last attribute and
//! up to three trailing bytes are accepted, the flag bits of the type are
//! ignored, a value longer than its type is read from its start, one that is
//! shorter is refused.

use crate::error::DecodeError;
use crate::put;
use netlink_packet_core::{NLA_HEADER_SIZE, NLA_TYPE_MASK, NlaBuffer};

/// One attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attr<'a> {
    /// The type, without the flag bits `NLA_F_NESTED` and `NLA_F_NET_BYTEORDER`.
    pub kind: u16,
    /// The value, without padding.
    pub value: &'a [u8],
}

/// The attributes in a run of bytes, in order.
///
/// After an error the iteration ends: where the next attribute would start is
/// not known. Two are equal if their bytes are.
#[derive(Clone, Copy, Debug)]
pub struct Attrs<'a> {
    bytes: &'a [u8],
    at: &'static str,
}

impl<'a> Attr<'a> {
    /// The first byte.
    #[inline]
    pub fn u8(self, at: &'static str) -> Result<u8, DecodeError> {
        self.value.first().copied().ok_or_else(|| self.short(at, 1))
    }

    /// A 16-bit number in host byte order.
    #[inline]
    pub fn u16_ne(self, at: &'static str) -> Result<u16, DecodeError> {
        let bytes = self.value.first_chunk();
        bytes.map(|bytes| u16::from_ne_bytes(*bytes)).ok_or_else(|| self.short(at, 2))
    }

    /// A 16-bit number in network byte order.
    #[inline]
    pub fn u16_be(self, at: &'static str) -> Result<u16, DecodeError> {
        self.u16_ne(at).map(u16::from_be)
    }

    /// A 32-bit number in host byte order.
    #[inline]
    pub fn u32_ne(self, at: &'static str) -> Result<u32, DecodeError> {
        let bytes = self.value.first_chunk();
        bytes.map(|bytes| u32::from_ne_bytes(*bytes)).ok_or_else(|| self.short(at, 4))
    }

    /// A 64-bit number in host byte order. Its bytes may be aligned to four only.
    #[inline]
    pub fn u64_ne(self, at: &'static str) -> Result<u64, DecodeError> {
        let bytes = self.value.first_chunk();
        bytes.map(|bytes| u64::from_ne_bytes(*bytes)).ok_or_else(|| self.short(at, 8))
    }

    /// The first `N` bytes of the value.
    #[inline]
    pub fn first<const N: usize>(self, at: &'static str) -> Result<[u8; N], DecodeError> {
        self.value.first_chunk().copied().ok_or_else(|| self.short(at, N))
    }

    #[cold]
    fn short(self, at: &'static str, want: usize) -> DecodeError {
        DecodeError::Length { at, want, have: self.value.len() }
    }

    /// A string: the bytes before the first NUL, or all of them.
    pub fn string(self) -> &'a [u8] {
        let end = self.value.iter().position(|&byte| byte == 0);
        self.value.get(..end.unwrap_or(self.value.len())).unwrap_or_default()
    }

    /// The attributes inside this one; `at` names it in errors.
    #[inline]
    pub fn nested(self, at: &'static str) -> Attrs<'a> {
        Attrs::new(self.value, at)
    }
}

impl<'a> Attrs<'a> {
    /// The attributes in `bytes`; `at` names the place in errors.
    pub const fn new(bytes: &'a [u8], at: &'static str) -> Self {
        Self { bytes, at }
    }

    /// The value of an attribute that `netlink-packet-core` found.
    pub(crate) fn of_nla(nla: &NlaBuffer<&'a [u8]>, at: &'static str) -> Self {
        // `NlaBuffer::value` borrows from the `NlaBuffer`, this from its bytes.
        let bytes: &'a [u8] = (*nla).into_inner();
        let end = NLA_HEADER_SIZE + nla.value_length();
        Self::new(bytes.get(NLA_HEADER_SIZE..end).unwrap_or_default(), at)
    }

    /// The bytes that have not been read yet.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

impl PartialEq for Attrs<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Attrs<'_> {}

impl<'a> Iterator for Attrs<'a> {
    type Item = Result<Attr<'a>, DecodeError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        // Taken, so that an error and the end both leave nothing behind.
        let bytes = std::mem::take(&mut self.bytes);
        let (len, rest) = bytes.split_first_chunk()?;
        let len = usize::from(u16::from_ne_bytes(*len));
        let kind = u16::from_ne_bytes(*rest.first_chunk()?) & NLA_TYPE_MASK;
        let Some(value) = bytes.get(NLA_HEADER_SIZE..len) else {
            return Some(Err(DecodeError::Truncated {
                at: self.at,
                need: len.max(NLA_HEADER_SIZE),
                have: bytes.len(),
            }));
        };
        self.bytes = bytes.get(len.next_multiple_of(4)..).unwrap_or_default();
        Some(Ok(Attr { kind, value }))
    }
}

/// Attributes in one known order and without flags, as the kernel writes them:
/// read without looking for each.
///
/// Nothing is decided here: whoever finds other bytes reads them as [`Attrs`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usual<'a>(&'a [u8]);

impl<'a> Usual<'a> {
    #[inline]
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The value of the next attribute, if it is of this type and length.
    #[inline]
    pub(crate) fn next<const N: usize>(&mut self, kind: u16) -> Option<&'a [u8; N]> {
        let (header, rest) = self.0.split_first_chunk()?;
        let (value, rest) = rest.split_first_chunk()?;
        self.0 = rest.get(N.next_multiple_of(4) - N..)?;
        (*header == put::header(NLA_HEADER_SIZE + N, kind)).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Vec<Result<Attr<'_>, DecodeError>> {
        Attrs::new(bytes, "test").collect()
    }

    fn attr(kind: u16, value: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        put::attr(&mut out, kind, value);
        out
    }

    #[test]
    fn an_attribute_shorter_than_its_header_is_an_error() {
        let mut bytes = attr(1, b"");
        bytes[..2].copy_from_slice(&3u16.to_ne_bytes());
        assert_eq!(read(&bytes), [Err(DecodeError::Truncated { at: "test", need: 4, have: 4 })]);
    }

    #[test]
    fn an_attribute_longer_than_the_bytes_is_an_error_and_ends_the_iteration() {
        let mut bytes = attr(1, b"abcd");
        bytes.pop();
        assert_eq!(read(&bytes), [Err(DecodeError::Truncated { at: "test", need: 8, have: 7 })]);
    }

    #[test]
    fn the_last_attribute_needs_no_padding() {
        let mut bytes = attr(7, b"a");
        bytes.truncate(5);
        assert_eq!(read(&bytes), [Ok(Attr { kind: 7, value: b"a" })]);
    }

    #[test]
    fn up_to_three_trailing_bytes_are_ignored() {
        for extra in 1..4 {
            let mut bytes = attr(7, b"abcd");
            bytes.resize(8 + extra, 0xa5);
            assert_eq!(read(&bytes), [Ok(Attr { kind: 7, value: b"abcd" })]);
        }
    }

    #[test]
    fn flag_bits_of_the_type_are_ignored() {
        for flags in [0x8000, 0x4000, 0xc000] {
            assert_eq!(read(&attr(9 | flags, b"")), [Ok(Attr { kind: 9, value: b"" })]);
        }
    }

    #[test]
    fn a_value_longer_than_its_type_is_read_from_its_start() {
        let value = [1, 2, 3, 4, 5];
        let attr = Attr { kind: 1, value: &value };
        assert_eq!(attr.u16_be("x"), Ok(0x0102));
        assert_eq!(attr.u8("x"), Ok(1));
        assert_eq!(attr.u64_ne("x"), Err(DecodeError::Length { at: "x", want: 8, have: 5 }));
    }

    #[test]
    fn a_string_ends_at_its_nul_or_at_its_end() {
        assert_eq!(Attr { kind: 1, value: b"wrr\0junk" }.string(), b"wrr");
        assert_eq!(Attr { kind: 1, value: b"wrr" }.string(), b"wrr");
        assert_eq!(Attr { kind: 1, value: b"" }.string(), b"");
    }
}
