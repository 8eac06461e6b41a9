//! A packet as it is. Never panics and never allocates, whatever the bytes.

use crate::vrrp::Family;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The header that both versions begin with, in bytes.
pub(super) const HEADER_LEN: usize = 8;

/// What ends a message of version 2, in bytes.
pub(super) const AUTHENTICATION_LEN: usize = 8;

/// A packet of VRRP, which borrows its bytes and judges nothing: [`receive`] does.
///
/// ```text
///  0      version (4 bits), type (4 bits)
///  1      virtual router identifier
///  2      priority
///  3      number of addresses
///  4      version 2: type of authentication    version 3: 4 bits reserved,
///  5                 interval in seconds                  12 bits interval in centiseconds
///  6, 7   checksum
///  8 ...  addresses of 4 or 16 bytes; then in version 2: 8 bytes for authentication
/// ```
///
/// Numbers are in network byte order.
///
/// [`receive`]: super::receive
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    header: &'a [u8; HEADER_LEN],
    bytes: &'a [u8],
    family: Family,
}

impl<'a> Packet<'a> {
    /// What follows an IP header of this family, as long as that header says, without the
    /// padding of an Ethernet frame. `None` if it is shorter than the header of VRRP.
    pub fn new(bytes: &'a [u8], family: Family) -> Option<Self> {
        Some(Self { header: bytes.first_chunk()?, bytes, family })
    }

    /// All of its bytes.
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The family of what carried it.
    pub const fn family(&self) -> Family {
        self.family
    }

    /// The version: 2 or 3 are known.
    pub const fn version(&self) -> u8 {
        self.header[0] >> 4
    }

    /// The type: 1, an advertisement, is known.
    pub const fn kind(&self) -> u8 {
        self.header[0] & 0x0f
    }

    /// The virtual router's identifier. 0 is none.
    pub const fn vrid(&self) -> u8 {
        self.header[1]
    }

    /// The sender's priority: 0 if it resigns, 255 if it owns the addresses.
    pub const fn priority(&self) -> u8 {
        self.header[2]
    }

    /// How many addresses it says that it has.
    pub const fn count(&self) -> u8 {
        self.header[3]
    }

    /// In version 2, how it is authenticated: 0 not at all, 1 by a password in plain text,
    /// 2 by an IP authentication header (RFC 2338 §5.3.6).
    pub const fn authentication(&self) -> u8 {
        self.header[4]
    }

    /// In version 2, the interval in seconds.
    pub const fn seconds(&self) -> u8 {
        self.header[5]
    }

    /// In version 3, the interval in centiseconds, without the reserved bits.
    pub const fn centis(&self) -> u16 {
        u16::from_be_bytes([self.header[4], self.header[5]]) & 0x0fff
    }

    /// The checksum.
    pub const fn checksum(&self) -> u16 {
        u16::from_be_bytes([self.header[6], self.header[7]])
    }

    /// How many bytes the message takes by its version and count.
    pub fn length(&self) -> usize {
        let after = if self.version() == 2 { AUTHENTICATION_LEN } else { 0 };
        self.end_of_addresses() + after
    }

    /// The message, or what is there of it.
    pub fn message(&self) -> &'a [u8] {
        self.bytes.get(..self.length()).unwrap_or(self.bytes)
    }

    /// What follows the message: nothing, or what another extension put there, as
    /// keepalived's `auth_hmac`.
    pub fn trailing(&self) -> &'a [u8] {
        self.bytes.get(self.length()..).unwrap_or_default()
    }

    /// The addresses, as many as it counts or as are there if these are fewer.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> + Clone + use<'a> {
        self.address_bytes().chunks_exact(address_len(self.family)).filter_map(address)
    }

    /// Whether an address is among them.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (address, self.family) {
            (IpAddr::V4(address), Family::V4) => is_among(address.octets(), self.address_bytes()),
            (IpAddr::V6(address), Family::V6) => is_among(address.octets(), self.address_bytes()),
            _ => false,
        }
    }

    /// In version 2, the bytes for authentication: the password, or nothing that means
    /// anything. `None` if they are not all there.
    pub fn authentication_data(&self) -> Option<&'a [u8; AUTHENTICATION_LEN]> {
        self.bytes.get(self.end_of_addresses()..)?.first_chunk()
    }

    fn address_bytes(&self) -> &'a [u8] {
        let end = self.end_of_addresses().min(self.bytes.len());
        self.bytes.get(HEADER_LEN..end).unwrap_or_default()
    }

    fn end_of_addresses(&self) -> usize {
        HEADER_LEN + usize::from(self.count()) * address_len(self.family)
    }
}

/// The length of an address in bytes.
const fn address_len(family: Family) -> usize {
    match family {
        Family::V4 => 4,
        Family::V6 => 16,
    }
}

fn is_among<const N: usize>(octets: [u8; N], bytes: &[u8]) -> bool {
    bytes.chunks_exact(N).any(|other| other.first_chunk() == Some(&octets))
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    match <[u8; 4]>::try_from(bytes) {
        Ok(octets) => Some(Ipv4Addr::from(octets).into()),
        Err(_) => <[u8; 16]>::try_from(bytes).ok().map(|octets| Ipv6Addr::from(octets).into()),
    }
}
