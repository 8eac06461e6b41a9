//! The addresses of interfaces.

use super::error::{Cause, Error};
use super::links::Interface;
use super::operation::Operation;
use super::rtnetlink::Rtnetlink;
use crate::vrrp::Family;
use ipvs::ipvs_sys::{Attr, Attrs};
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::AddressFamily;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::address::{
    AddressAttribute, AddressFlags, AddressHeader, AddressMessage,
};
use nix::errno::Errno;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address of an interface, with the length of the prefix that it shares with its
/// neighbours. It displays as `10.0.0.7/32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(into = "(IpAddr, u8)", try_from = "(IpAddr, u8)"))]
pub struct InterfaceAddress {
    address: IpAddr,
    prefix: u8,
}

/// A prefix is longer than the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrefixTooLong {
    /// The address.
    pub address: IpAddr,
    /// The length of the prefix in bits.
    pub prefix: u8,
}

/// An address that an interface has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AddressEntry {
    /// The number of the interface.
    pub interface: u32,
    /// The address.
    pub address: InterfaceAddress,
    /// Whether it can be used: not while duplicates of it are looked for, nor after one was
    /// found.
    pub is_usable: bool,
}

/// What became of an address that was to be added or removed.
#[derive(Debug)]
pub enum Outcome {
    /// It was added or removed.
    Done,
    /// It was there before it was to be added, or gone before it was to be removed.
    WasSo,
    /// It was not, and why.
    Failed(Error),
}

impl InterfaceAddress {
    /// An address that shares its prefix with no neighbour: /32 or /128. It does not make
    /// the interface a way to any other address.
    pub const fn host(address: IpAddr) -> Self {
        Self { address, prefix: longest(address) }
    }

    /// An address with a prefix of so many bits.
    ///
    /// # Errors
    /// [`PrefixTooLong`].
    pub const fn new(address: IpAddr, prefix: u8) -> Result<Self, PrefixTooLong> {
        if prefix > longest(address) {
            return Err(PrefixTooLong { address, prefix });
        }
        Ok(Self { address, prefix })
    }

    /// The address.
    pub const fn address(self) -> IpAddr {
        self.address
    }

    /// The length of the prefix in bits.
    pub const fn prefix(self) -> u8 {
        self.prefix
    }

    /// Whether both are of one network: the other is in what this one shares with its
    /// neighbours.
    pub fn is_neighbour(self, other: Self) -> bool {
        match (self.address, other.address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let differ = own.to_bits() ^ other.to_bits();
                differ.leading_zeros() >= u32::from(self.prefix)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let differ = own.to_bits() ^ other.to_bits();
                differ.leading_zeros() >= u32::from(self.prefix)
            }
            _ => false,
        }
    }
}

const fn longest(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

impl Rtnetlink {
    /// The addresses that an interface has of a family, in the kernel's order.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchInterface`](super::ErrorKind::NoSuchInterface),
    /// [`ErrorKind::Incomplete`](super::ErrorKind::Incomplete), or what the system says.
    pub fn addresses(
        &mut self,
        interface: &Interface,
        family: Family,
    ) -> Result<Vec<AddressEntry>, Error> {
        let listed = self.list_addresses(interface.index, family);
        listed.map_err(|cause| Error::new(Operation::ListAddresses, Some(interface.name), cause))
    }

    /// The addresses of a family that all interfaces have.
    pub(crate) fn all_addresses(&mut self, family: Family) -> Result<Vec<AddressEntry>, Error> {
        let listed = self.list_addresses(0, family);
        listed.map_err(|cause| Error::new(Operation::ListAddresses, None, cause))
    }

    fn list_addresses(&mut self, index: u32, family: Family) -> Result<Vec<AddressEntry>, Cause> {
        let mut request = AddressMessage::default();
        request.header.family = address_family(family);
        request.header.index = index;
        self.list(&RouteNetlinkMessage::GetAddress(request), read)
    }

    /// Adds addresses, all of them at once. IPv6 does not look for duplicates of them: they
    /// are meant to be another router's a moment before.
    ///
    /// # Errors
    /// Of the whole; it is not known then which were added. What the kernel says of each is
    /// in its [`Outcome`], in the order of the addresses.
    pub fn add_addresses(
        &mut self,
        interface: &Interface,
        addresses: &[InterfaceAddress],
    ) -> Result<Vec<Outcome>, Error> {
        let requests = addresses
            .iter()
            .map(|&address| RouteNetlinkMessage::NewAddress(message(interface, address)));
        let results = self.changes(requests, NLM_F_CREATE | NLM_F_EXCL);
        let operation = |address| Operation::AddAddress { address };
        outcomes(interface, addresses, results, operation, |errno| errno == Errno::EEXIST)
    }

    /// Removes addresses, all of them at once, the last first: of those that share a
    /// prefix the kernel removes the later ones with the first.
    ///
    /// # Errors
    /// As [`Rtnetlink::add_addresses`]. That the interface is gone is none: its addresses
    /// are gone with it.
    pub fn remove_addresses(
        &mut self,
        interface: &Interface,
        addresses: &[InterfaceAddress],
    ) -> Result<Vec<Outcome>, Error> {
        let requests = addresses
            .iter()
            .rev()
            .map(|&address| RouteNetlinkMessage::DelAddress(message(interface, address)));
        let results = self.changes(requests, 0).map(|mut results| {
            results.reverse();
            results
        });
        let operation = |address| Operation::RemoveAddress { address };
        outcomes(interface, addresses, results, operation, |errno| {
            matches!(errno, Errno::EADDRNOTAVAIL | Errno::ENODEV | Errno::ENXIO)
        })
    }

    /// Which of these addresses the interface has already, with the same prefix and
    /// usable: what an earlier process left behind.
    ///
    /// # Errors
    /// As [`Rtnetlink::addresses`].
    pub fn held_addresses(
        &mut self,
        interface: &Interface,
        family: Family,
        wanted: &[InterfaceAddress],
    ) -> Result<Vec<InterfaceAddress>, Error> {
        let entries = self.addresses(interface, family)?;
        let held = entries.into_iter().filter(|entry| entry.is_usable).map(|entry| entry.address);
        Ok(held.filter(|address| wanted.contains(address)).collect())
    }
}

fn outcomes(
    interface: &Interface,
    addresses: &[InterfaceAddress],
    results: Result<Vec<Result<(), Cause>>, Cause>,
    operation: impl Fn(InterfaceAddress) -> Operation,
    was_so: impl Fn(Errno) -> bool,
) -> Result<Vec<Outcome>, Error> {
    let failed = |operation, cause| Error::new(operation, Some(interface.name), cause);
    let results = results.map_err(|cause| failed(Operation::ChangeAddresses, cause))?;
    let outcome = |(result, &address): (Result<(), Cause>, &InterfaceAddress)| match result {
        Ok(()) => Outcome::Done,
        Err(Cause::Refused { errno, .. }) if was_so(errno) => Outcome::WasSo,
        Err(cause) => Outcome::Failed(failed(operation(address), cause)),
    };
    Ok(results.into_iter().zip(addresses).map(outcome).collect())
}

fn message(interface: &Interface, address: InterfaceAddress) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.family = address_family(Family::of(address.address));
    message.header.prefix_len = address.prefix;
    message.header.index = interface.index;
    message.attributes.push(AddressAttribute::Local(address.address));
    message.attributes.push(AddressAttribute::Address(address.address));
    if address.address.is_ipv6() {
        message.attributes.push(AddressAttribute::Flags(AddressFlags::Nodad));
    }
    message
}

const fn address_family(family: Family) -> AddressFamily {
    match family {
        Family::V4 => AddressFamily::Inet,
        Family::V6 => AddressFamily::Inet6,
    }
}

/// Reads `RTM_NEWADDR` and `RTM_DELADDR`; `None` if it is not of IPv4 or IPv6.
pub(super) fn read(body: &[u8]) -> Option<AddressEntry> {
    let header = AddressHeader::parse(body).ok()?;
    let (mut local, mut address) = (None, None);
    let mut flags = u32::from(header.flags.bits());
    for attr in Attrs::new(body.get(HEADER..)?, "address").flatten() {
        match attr.kind {
            libc::IFA_LOCAL => local = ip(attr),
            libc::IFA_ADDRESS => address = ip(attr),
            libc::IFA_FLAGS => flags = attr.u32_ne("address/flags").unwrap_or(flags),
            _ => {}
        }
    }
    // Of a point-to-point interface the second is the peer's.
    let address = InterfaceAddress::new(local.or(address)?, header.prefix_len).ok()?;
    let unusable = libc::IFA_F_TENTATIVE | libc::IFA_F_DADFAILED;
    Some(AddressEntry { interface: header.index, address, is_usable: flags & unusable == 0 })
}

/// The length of `ifaddrmsg`.
const HEADER: usize = 8;

fn ip(attr: Attr<'_>) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(attr.value).map(|octets| Ipv4Addr::from(octets).into());
    let v6 = || <[u8; 16]>::try_from(attr.value).map(|octets| Ipv6Addr::from(octets).into());
    v4.or_else(|_| v6()).ok()
}

impl TryFrom<(IpAddr, u8)> for InterfaceAddress {
    type Error = PrefixTooLong;

    fn try_from((address, prefix): (IpAddr, u8)) -> Result<Self, PrefixTooLong> {
        Self::new(address, prefix)
    }
}

impl From<InterfaceAddress> for (IpAddr, u8) {
    fn from(address: InterfaceAddress) -> Self {
        (address.address, address.prefix)
    }
}

impl fmt::Display for InterfaceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl fmt::Display for PrefixTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, prefix } = self;
        write!(f, "prefix of {prefix} bits for {address}: at most {}", longest(*address))
    }
}

impl std::error::Error for PrefixTooLong {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::datagram::{Message, messages};

    const V4: &[u8] = include_bytes!("testdata/addresses_v4.bin");
    const V6: &[u8] = include_bytes!("testdata/addresses_v6.bin");

    fn bodies(datagram: &[u8]) -> Vec<&[u8]> {
        let data = messages(datagram).filter_map(|message| match message.ok().unwrap().1 {
            Message::Data { body, .. } => Some(body),
            _ => None,
        });
        data.collect()
    }

    #[test]
    fn addresses_are_read_as_the_kernel_tells_them() {
        let read_all = |datagram| bodies(datagram).into_iter().map(read).collect::<Vec<_>>();
        let entry = |address: &str, prefix, is_usable| {
            let address = InterfaceAddress::new(address.parse().unwrap(), prefix).unwrap();
            Some(AddressEntry { interface: 3, address, is_usable })
        };
        assert_eq!(read_all(V4), [entry("10.0.0.7", 32, true)]);
        assert_eq!(
            read_all(V6),
            [entry("fd00::7", 128, true), entry("fe80::a02a:90ff:fec6:af5d", 64, true)]
        );
    }

    #[test]
    fn an_address_that_duplicates_are_looked_for_is_not_usable() {
        let mut tentative = bodies(V6)[0].to_vec();
        // The last attribute, the flags.
        let at = tentative.len() - 4;
        assert_eq!(tentative[at], 0x82);
        for flag in [0x40, 0x08] {
            tentative[at] = flag;
            assert!(!read(&tentative).unwrap().is_usable);
        }
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let body = bodies(V6)[0];
        for at in 0..body.len() {
            read(&body[..at]);
            for byte in [0, 1, 3, 0x7f, 0xff] {
                let mut changed = body.to_vec();
                changed[at] = byte;
                read(&changed);
            }
        }
    }

    #[test]
    fn neighbours_share_the_prefix() {
        let is_neighbour = |own: &str, prefix, other: &str| {
            let address =
                |text: &str, prefix| InterfaceAddress::new(text.parse().unwrap(), prefix).unwrap();
            address(own, prefix).is_neighbour(address(other, 8))
        };
        assert!(is_neighbour("10.5.0.1", 24, "10.5.0.254"));
        assert!(!is_neighbour("10.5.0.1", 24, "10.5.1.1"));
        assert!(is_neighbour("10.5.0.1", 0, "192.0.2.1"));
        assert!(is_neighbour("10.5.0.1", 32, "10.5.0.1"));
        assert!(is_neighbour("fe80::1", 64, "fe80::ffff:2"));
        assert!(!is_neighbour("fe80::1", 128, "fe80::2"));
        assert!(!is_neighbour("::", 0, "10.5.0.1"));
    }

    #[test]
    fn a_prefix_is_not_longer_than_the_address() {
        let address: IpAddr = "10.0.0.7".parse().unwrap();
        let error = InterfaceAddress::new(address, 33).unwrap_err();
        assert_eq!(error.to_string(), "prefix of 33 bits for 10.0.0.7: at most 32");
        assert_eq!(InterfaceAddress::host(address).to_string(), "10.0.0.7/32");
        assert!(InterfaceAddress::new("fe80::1".parse().unwrap(), 128).is_ok());
    }
}
