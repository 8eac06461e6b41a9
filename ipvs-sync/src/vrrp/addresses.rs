//! The addresses of a virtual router.

use super::Rule;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// IPv4 or IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// What a virtual router is reached by: 1 to 255 different addresses of one family,
/// in the order in which packets have them. Of IPv6 the first is link-local.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VirtualAddresses(Addresses);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Addresses {
    V4(Vec<Ipv4Addr>),
    V6(Vec<Ipv6Addr>),
}

impl Family {
    /// The family of an address.
    pub const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

impl VirtualAddresses {
    /// The most that a packet counts.
    pub const MAX: usize = 255;

    /// These addresses.
    ///
    /// # Errors
    /// [`Rule::AddressCount`], [`Rule::MixedFamilies`], [`Rule::HostAddress`],
    /// [`Rule::DuplicateAddress`] and [`Rule::FirstLinkLocal`].
    pub fn new(addresses: impl IntoIterator<Item = IpAddr>) -> Result<Self, Rule> {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for address in addresses {
            if !can_be_a_hosts(address) {
                return Err(Rule::HostAddress { address });
            }
            let (mixed, twice) = match address {
                IpAddr::V4(address) => (!v6.is_empty(), add(&mut v4, address)),
                IpAddr::V6(address) => (!v4.is_empty(), add(&mut v6, address)),
            };
            if mixed {
                return Err(Rule::MixedFamilies { address });
            }
            if twice {
                return Err(Rule::DuplicateAddress { address });
            }
        }
        let count = v4.len() + v6.len();
        if !(1..=Self::MAX).contains(&count) {
            return Err(Rule::AddressCount { count });
        }
        match v6.first() {
            Some(&address) if !address.is_unicast_link_local() => {
                Err(Rule::FirstLinkLocal { address })
            }
            Some(_) => Ok(Self(Addresses::V6(v6))),
            None => Ok(Self(Addresses::V4(v4))),
        }
    }

    /// Their family.
    pub fn family(&self) -> Family {
        match &self.0 {
            Addresses::V4(_) => Family::V4,
            Addresses::V6(_) => Family::V6,
        }
    }

    /// How many there are, 1 to 255.
    pub fn count(&self) -> usize {
        match &self.0 {
            Addresses::V4(addresses) => addresses.len(),
            Addresses::V6(addresses) => addresses.len(),
        }
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = IpAddr> {
        let (v4, v6) = match &self.0 {
            Addresses::V4(addresses) => (addresses.as_slice(), &[][..]),
            Addresses::V6(addresses) => (&[][..], addresses.as_slice()),
        };
        v4.iter().copied().map(IpAddr::from).chain(v6.iter().copied().map(IpAddr::from))
    }
}

/// Adds an address; whether it was there.
fn add<T: PartialEq>(addresses: &mut Vec<T>, address: T) -> bool {
    let twice = addresses.contains(&address);
    addresses.push(address);
    twice
}

/// Whether a host can have it: not unspecified, multicast, loopback or broadcast.
pub(super) fn can_be_a_hosts(address: IpAddr) -> bool {
    let is_broadcast = address == IpAddr::V4(Ipv4Addr::BROADCAST);
    !(address.is_unspecified() || address.is_multicast() || address.is_loopback() || is_broadcast)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(addresses: &[&str]) -> Result<VirtualAddresses, Rule> {
        VirtualAddresses::new(addresses.iter().map(|address| address.parse().unwrap()))
    }

    #[test]
    fn addresses_keep_their_order() {
        let addresses = of(&["10.0.0.2", "10.0.0.1"]).unwrap();
        assert_eq!(addresses.family(), Family::V4);
        let read: Vec<String> = addresses.iter().map(|address| address.to_string()).collect();
        assert_eq!(read, ["10.0.0.2", "10.0.0.1"]);
        assert_eq!(of(&["fe80::1", "2001:db8::1"]).unwrap().count(), 2);
    }

    // shows: 9568-5.2.9-1, 9568-5.2.9-2
    #[test]
    fn what_a_packet_cannot_have_is_refused() {
        let parsed = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(of(&[]), Err(Rule::AddressCount { count: 0 }));
        let many = (0..256).map(|i| IpAddr::from(Ipv4Addr::from(0x0a00_0000 + i)));
        assert_eq!(VirtualAddresses::new(many), Err(Rule::AddressCount { count: 256 }));
        let address = parsed("fe80::1");
        assert_eq!(of(&["10.0.0.1", "fe80::1"]), Err(Rule::MixedFamilies { address }));
        let address = "2001:db8::1".parse().unwrap();
        assert_eq!(of(&["2001:db8::1", "fe80::1"]), Err(Rule::FirstLinkLocal { address }));
        let address = parsed("10.0.0.1");
        assert_eq!(of(&["10.0.0.1", "10.0.0.1"]), Err(Rule::DuplicateAddress { address }));
        for text in
            ["0.0.0.0", "224.0.0.18", "127.0.0.1", "255.255.255.255", "::", "ff02::12", "::1"]
        {
            assert_eq!(of(&[text]), Err(Rule::HostAddress { address: parsed(text) }));
        }
    }
}
