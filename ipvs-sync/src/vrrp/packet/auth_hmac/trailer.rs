//! The bytes of a trailer, and those that are signed with them.

use super::super::rejected::Rejected;
use super::super::view::Packet;
use super::key::HMAC_LEN;
use super::replay::Sequence;
use std::net::IpAddr;

/// The length of a trailer in bytes.
pub const LENGTH: usize = HEAD_LEN + HMAC_LEN;

const HEAD_LEN: usize = 12;

/// The only type that there is.
const HMAC_SHA_256: u8 = 1;

/// A trailer as it came, whatever it proves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trailer<'a> {
    pub(super) head: &'a [u8; HEAD_LEN],
    pub(super) hmac: &'a [u8; HMAC_LEN],
    pub(super) key: u8,
    pub(super) sequence: Sequence,
}

impl<'a> Trailer<'a> {
    /// What follows a message; `None` if nothing does.
    ///
    /// # Errors
    /// [`Rejected::TrailerLength`], [`Rejected::TrailerKind`] and
    /// [`Rejected::TrailerReserved`].
    pub(super) fn new(bytes: &'a [u8]) -> Result<Option<Self>, Rejected> {
        if bytes.is_empty() {
            return Ok(None);
        }
        let length = Rejected::TrailerLength { length: bytes.len() };
        let bytes: &[u8; LENGTH] = bytes.try_into().map_err(|_| length)?;
        let (Some(head), Some(hmac)) = (bytes.first_chunk(), bytes.last_chunk()) else {
            return Err(length);
        };
        let &[kind, key, r0, r1, s0, s1, s2, s3, f0, f1, c0, c1] = head;
        let reserved = u16::from_be_bytes([r0, r1]);
        match (kind, reserved) {
            (HMAC_SHA_256, 0) => {}
            (HMAC_SHA_256, _) => return Err(Rejected::TrailerReserved { reserved }),
            _ => return Err(Rejected::TrailerKind { kind }),
        }
        let sequence = Sequence::from_be_bytes([s0, s1, s2, s3, f0, f1, c0, c1]);
        Ok(Some(Self { head, hmac, key, sequence }))
    }
}

/// A trailer up to its HMAC.
pub(super) fn head(key: u8, sequence: Sequence) -> [u8; HEAD_LEN] {
    let [s0, s1, s2, s3, f0, f1, c0, c1] = sequence.to_be_bytes();
    [HMAC_SHA_256, key, 0, 0, s0, s1, s2, s3, f0, f1, c0, c1]
}

pub(super) fn whole(head: [u8; HEAD_LEN], hmac: [u8; HMAC_LEN]) -> [u8; LENGTH] {
    let mut whole = [0; LENGTH];
    whole.iter_mut().zip(head.into_iter().chain(hmac)).for_each(|(to, from)| *to = from);
    whole
}

/// What is signed before the message, so that it proves nothing for another virtual router
/// or sender.
pub(super) fn sender(version: u8, vrid: u8, source: IpAddr, put: &mut dyn FnMut(&[u8])) {
    let (family, address) = match source {
        IpAddr::V4(address) => (4, u128::from(address.to_bits()) << 96),
        IpAddr::V6(address) => (6, address.to_bits()),
    };
    put(&[family, version, vrid, 0]);
    put(&address.to_be_bytes());
}

/// The message as it was signed: on IPv6 the kernel writes the checksum after that.
pub(super) fn message_without_checksum(packet: &Packet<'_>, put: &mut dyn FnMut(&[u8])) {
    if let Some((before, rest)) = packet.message().split_at_checked(6) {
        put(before);
        put(&[0; 2]);
        put(rest.get(2..).unwrap_or_default());
    }
}
