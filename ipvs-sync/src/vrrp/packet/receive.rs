//! The checks of receipt (RFC 9568 §7.1 with its errata, RFC 3768 §7.1). Never panics and
//! never allocates, whatever the bytes.

use super::advertisement::ADVERTISEMENT;
use super::carrier::{Carrier, Ends, HOP_LIMIT};
use super::checksum::{Checksum, Coverage, pseudo_header};
use super::rejected::{Difference, Finding, Rejected};
use super::terms::{Password, Terms};
use super::view::{HEADER_LEN, Packet};
use crate::checksum::Sum;
use crate::vrrp::{Family, Interval, Seconds, Version};
use std::net::IpAddr;

/// What a virtual router expects of the packets that it receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Expected<'a> {
    /// What it has agreed on with the others.
    pub terms: Terms<'a>,
    /// Whether this router owns the addresses.
    pub is_owner: bool,
    /// Which checksums of version 3 over IPv4 are right.
    pub checksum: Checksum,
    /// The least TTL or hop limit on arrival: [`HOP_LIMIT`], or less for unicast peers
    /// behind routers.
    pub min_hop_limit: u8,
}

/// An advertisement that passed all checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted<'a> {
    /// The packet.
    pub packet: Packet<'a>,
    /// The sender.
    pub source: IpAddr,
    /// The sender's priority: 0 if it resigns, 255 if it owns the addresses.
    pub priority: u8,
    /// Its version and interval.
    pub version: Version,
    /// What its checksum covers, where that can differ: of version 3 over IPv4.
    pub coverage: Option<Coverage>,
    /// What is odd about it, each kind at most once.
    pub findings: [Option<Finding>; 3],
}

/// Checks a packet.
///
/// `bytes` are what follows the IP header, as long as that header says. `expected` is
/// that of the virtual router with the packet's [identifier](Packet::vrid), interface and
/// family; without one, the packet is dropped for what else is wrong with it and for
/// that at last.
///
/// The checks, in this order: hop limit; length of the header; version; type; length;
/// number of addresses; checksum; identifier; interval; then of version 2 authentication
/// and addresses, of IPv6 that the first address is link-local. What follows the message
/// is not looked at: [`Packet::trailing`] has it.
///
/// An advertisement for addresses that this router owns is accepted, with a
/// [`Finding::Owned`]: of two owners neither would ever notice the other (RFC 9568,
/// erratum 8298). RFC 3768 §7.1 has it dropped.
///
/// ```
/// use ipvs_sync::vrrp::packet::{
///     Carrier, Checksum, Ends, Expected, GROUP_V4, HOP_LIMIT, Packet, Terms, receive,
/// };
/// use ipvs_sync::vrrp::{Family, Interval, Version, VirtualAddresses, Vrid};
///
/// let addresses = VirtualAddresses::new([[192, 0, 2, 100].into()])?;
/// let version = Version::V3(Interval::DEFAULT);
/// let expected = Expected {
///     terms: Terms::new(Vrid::new(51)?, version, &addresses)?,
///     is_owner: false,
///     checksum: Checksum::Auto,
///     min_hop_limit: HOP_LIMIT,
/// };
/// let bytes = [0x31, 51, 200, 1, 0, 100, 0x44, 0x02, 192, 0, 2, 100];
/// let ends = Ends::V4 { source: [192, 0, 2, 1].into(), destination: GROUP_V4 };
///
/// // With several virtual routers on an interface, this finds the one.
/// assert_eq!(Packet::new(&bytes, Family::V4).map(|packet| packet.vrid()), Some(51));
/// let accepted = receive(&bytes, &Carrier { ends, hop_limit: 255 }, Some(&expected))?;
/// assert_eq!((accepted.priority, accepted.version), (200, version));
/// let told = receive(&bytes, &Carrier { ends, hop_limit: 254 }, Some(&expected)).unwrap_err();
/// assert!(told.to_string().starts_with("hop limit 254: at least 255"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The first check that fails.
pub fn receive<'a>(
    bytes: &'a [u8],
    carrier: &Carrier,
    expected: Option<&Expected<'_>>,
) -> Result<Accepted<'a>, Rejected> {
    let family = carrier.ends.family();
    let packet = Packet::new(bytes, family);
    let expected = expected.filter(|expected| packet.is_none_or(|packet| expected.is_of(&packet)));

    hop_limit(carrier.hop_limit, expected)?;
    let packet = packet.ok_or(Rejected::Length { have: bytes.len(), need: HEADER_LEN })?;
    version(&packet, expected)?;
    if packet.kind() != ADVERTISEMENT {
        return Err(Rejected::Kind { kind: packet.kind() });
    }
    if bytes.len() < packet.length() {
        return Err(Rejected::Length { have: bytes.len(), need: packet.length() });
    }
    if packet.count() == 0 {
        return Err(Rejected::NoAddresses);
    }
    let policy = expected.map_or(Checksum::Auto, |expected| expected.checksum);
    let coverage = checksum(&packet, carrier.ends, policy)?;
    let expected = expected.ok_or_else(|| Rejected::Vrid { vrid: packet.vrid() })?;
    let (version, other_interval) = interval(&packet, expected.terms.version())?;
    if let Version::V2(_) = version {
        authentication(&packet, expected.terms.password())?;
    }
    first_link_local(&packet)?;
    let other_addresses = addresses(&packet, expected)?;

    let priority = packet.priority();
    let owned = expected.is_owner.then_some(Finding::Owned { priority });
    let findings = [owned, other_interval, other_addresses];
    let source = carrier.ends.source();
    Ok(Accepted { packet, source, priority, version, coverage, findings })
}

impl Expected<'_> {
    fn is_of(&self, packet: &Packet<'_>) -> bool {
        self.terms.vrid().number() == packet.vrid()
            && self.terms.addresses().family() == packet.family()
    }
}

fn hop_limit(hop_limit: u8, expected: Option<&Expected<'_>>) -> Result<(), Rejected> {
    let min = expected.map_or(HOP_LIMIT, |expected| expected.min_hop_limit);
    if hop_limit < min { Err(Rejected::HopLimit { hop_limit, min }) } else { Ok(()) }
}

fn version(packet: &Packet<'_>, expected: Option<&Expected<'_>>) -> Result<(), Rejected> {
    let version = packet.version();
    let expected = match packet.family() {
        Family::V4 => expected.map(|expected| expected.terms.version().number()),
        Family::V6 => Some(3),
    };
    let is_right = expected.map_or(matches!(version, 2 | 3), |expected| version == expected);
    if is_right { Ok(()) } else { Err(Rejected::Version { version, expected }) }
}

fn checksum(
    packet: &Packet<'_>,
    ends: Ends,
    policy: Checksum,
) -> Result<Option<Coverage>, Rejected> {
    let mut sum = Sum::default();
    let before = match (packet.version(), ends) {
        (3, Ends::V4 { .. }) => {
            sum.add(packet.message());
            return covered(packet, ends, policy, sum).map(Some);
        }
        (3, Ends::V6 { .. }) => {
            sum.add(packet.bytes());
            pseudo_header(ends, packet.bytes().len())
        }
        _ => {
            sum.add(packet.message());
            Sum::default()
        }
    };
    let total = sum.plus(before);
    if total.is_right() { Ok(None) } else { Err(wrong(packet, total, None)) }
}

/// What the checksum of version 3 over IPv4 covers, given the sum of the message.
fn covered(
    packet: &Packet<'_>,
    ends: Ends,
    policy: Checksum,
    message: Sum,
) -> Result<Coverage, Rejected> {
    let total = |coverage: Coverage| message.plus(coverage.before(ends, packet.length()));
    let mut right = Coverage::EACH.into_iter().filter(|coverage| total(*coverage).is_right());
    let accepted = right.clone().find(|coverage| policy.accepts(*coverage));
    accepted.ok_or_else(|| wrong(packet, total(policy.sends(None)), right.next()))
}

fn wrong(packet: &Packet<'_>, total: Sum, covers: Option<Coverage>) -> Rejected {
    let checksum = packet.checksum();
    Rejected::Checksum { checksum, expected: total.without(checksum), covers }
}

/// The interval of the packet, and whether it is another than that of this router.
fn interval(packet: &Packet<'_>, own: Version) -> Result<(Version, Option<Finding>), Rejected> {
    match own {
        Version::V2(own) => {
            let interval = Seconds::new(packet.seconds()).map_err(|_| Rejected::NoInterval)?;
            if interval != own {
                return Err(Rejected::Interval { interval, own });
            }
            Ok((Version::V2(interval), None))
        }
        Version::V3(own) => {
            let interval =
                Interval::from_centis(packet.centis()).map_err(|_| Rejected::NoInterval)?;
            let other = (interval != own).then_some(Finding::Interval { interval, own });
            Ok((Version::V3(interval), other))
        }
    }
}

fn authentication(packet: &Packet<'_>, password: Option<Password>) -> Result<(), Rejected> {
    let (kind, own) = (packet.authentication(), u8::from(password.is_some()));
    if kind != own {
        return Err(Rejected::Authentication { kind, own });
    }
    let is_wrong = password.is_some_and(|own| packet.authentication_data() != Some(&own.padded()));
    if is_wrong { Err(Rejected::Password) } else { Ok(()) }
}

fn first_link_local(packet: &Packet<'_>) -> Result<(), Rejected> {
    match packet.addresses().next() {
        Some(IpAddr::V6(address)) if !address.is_unicast_link_local() => {
            Err(Rejected::FirstLinkLocal { address })
        }
        _ => Ok(()),
    }
}

fn addresses(packet: &Packet<'_>, expected: &Expected<'_>) -> Result<Option<Finding>, Rejected> {
    let difference = Difference::between(packet, expected.terms.addresses());
    match (difference, expected.terms.version(), packet.priority()) {
        (Some(difference), Version::V2(_), ..=254) => Err(Rejected::Addresses(difference)),
        _ => Ok(difference.map(Finding::Addresses)),
    }
}
