//! Packets made by hand from the figures of the RFCs, broken packets, and random ones.

mod golden;
mod random;
mod refusals;

use super::{Advertisement, Carrier, Checksum, Coverage, Ends, Expected, GROUP_V4, GROUP_V6};
use super::{HOP_LIMIT, Rejected, Terms};
use crate::vrrp::{Family, Interval, Seconds, Version, VirtualAddresses, Vrid};

const V2: Version = Version::V2(Seconds::DEFAULT);
const V3: Version = Version::V3(Interval::DEFAULT);

/// To the group, from 192.0.2.1 or fe80::1.
const FROM_V4: Ends =
    Ends::V4 { source: std::net::Ipv4Addr::new(192, 0, 2, 1), destination: GROUP_V4 };
const FROM_V6: Ends = Ends::V6 {
    source: std::net::Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1),
    destination: GROUP_V6,
};

pub(super) fn addresses(texts: &[&str]) -> VirtualAddresses {
    VirtualAddresses::new(texts.iter().map(|text| text.parse().unwrap())).unwrap()
}

fn terms(version: Version, addresses: &VirtualAddresses) -> Terms<'_> {
    Terms::new(Vrid::new(7).unwrap(), version, addresses).unwrap()
}

/// A backup that takes any checksum.
fn expected(terms: Terms<'_>) -> Expected<'_> {
    Expected { terms, is_owner: false, checksum: Checksum::Auto, min_hop_limit: HOP_LIMIT }
}

fn encoded(advertisement: &Advertisement<'_>, ends: Ends, coverage: Coverage) -> Vec<u8> {
    let mut bytes = Vec::new();
    advertisement.encode(ends, coverage, &mut bytes).unwrap();
    bytes
}

fn ends(family: Family) -> Ends {
    match family {
        Family::V4 => FROM_V4,
        Family::V6 => FROM_V6,
    }
}

/// What becomes of bytes that arrive from the own network.
fn received(bytes: &[u8], expected: &Expected<'_>) -> Result<(), Rejected> {
    let ends = ends(expected.terms.addresses().family());
    let carrier = Carrier { ends, hop_limit: HOP_LIMIT };
    super::receive(bytes, &carrier, Some(expected)).map(drop)
}
