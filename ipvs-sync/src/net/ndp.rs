//! Neighbour discovery: which MAC address an IPv6 address is at from now on, and whether
//! it is at one. Reading a frame never panics and never allocates.

use super::frame::{assemble, take};
use crate::checksum::Sum;
use std::net::Ipv6Addr;

/// The length of an announcement in bytes.
pub const LENGTH: usize = 86;

/// The length of a probe in bytes.
pub const PROBE_LENGTH: usize = 78;

/// An Ethernet frame to all nodes that says that `address` is at `mac` (RFC 4861 §7.2.6,
/// RFC 9568 §6.4.1). Nodes that took `is_router` back from a router forget it as one.
pub fn announcement(mac: [u8; 6], address: Ipv6Addr, is_router: bool) -> [u8; LENGTH] {
    let ip = address.octets();
    let to = ALL_NODES.octets();
    let flags = [OVERRIDE | if is_router { ROUTER } else { 0 }, 0, 0, 0];
    let sum = pseudo_header(&ip, &to, ICMP_LENGTH.into());
    let sum = sum.plus(Sum::of(&[&ADVERTISEMENT, &flags, &ip, &OPTION, &mac]));
    let checksum = (!sum.folded()).to_be_bytes();
    assemble(&[
        &ALL_NODES_MAC,
        &mac,
        &ETHERTYPE, // Ethernet: to, from, type
        &[0x60, 0, 0, 0, 0, ICMP_LENGTH, ICMPV6, HOP_LIMIT],
        &ip,
        &to, // IPv6
        &ADVERTISEMENT,
        &checksum,
        &flags,
        &ip, // ICMPv6
        &OPTION,
        &mac,
    ])
}

/// An Ethernet frame that asks who has `address`, from one that has it not, as when a host
/// looks for duplicates of what it is about to have (RFC 4862 §5.4.2).
pub fn probe(mac: [u8; 6], address: Ipv6Addr) -> [u8; PROBE_LENGTH] {
    let ip = address.octets();
    let from = Ipv6Addr::UNSPECIFIED.octets();
    let [.., a, b, c] = ip;
    // The solicited-node group (RFC 4291 §2.7.1).
    let to = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, a, b, c];
    let sum = pseudo_header(&from, &to, PROBE_ICMP_LENGTH.into());
    let checksum = (!sum.plus(Sum::of(&[&SOLICITATION, &ip])).folded()).to_be_bytes();
    assemble(&[
        &[0x33, 0x33, 0xff, a, b, c],
        &mac,
        &ETHERTYPE,
        &[0x60, 0, 0, 0, 0, PROBE_ICMP_LENGTH, ICMPV6, HOP_LIMIT],
        &from,
        &to,
        &SOLICITATION,
        &checksum,
        &[0; 4],
        &ip,
    ])
}

/// The address that the sender of a frame says it has, and where: of an advertisement that
/// passes the checks of receipt (RFC 4861 §7.1.2). If it does not say where, that is where
/// the frame came from.
pub fn sender(frame: &[u8]) -> Option<(Ipv6Addr, [u8; 6])> {
    let [version, _, _, _, high, low, next, hops] = take::<8>(frame, 14)?;
    let length = usize::from(u16::from_be_bytes([high, low]));
    let message = frame.get(54..)?.get(..length)?;
    let is_advertisement = take(frame, 12)? == ETHERTYPE
        && (version >> 4, next, hops) == (6, ICMPV6, HOP_LIMIT)
        && take(message, 0)? == ADVERTISEMENT;
    let target = Ipv6Addr::from(take::<16>(message, 8)?);
    let sum = pseudo_header(&take::<16>(frame, 22)?, &take::<16>(frame, 38)?, length);
    if !is_advertisement || target.is_multicast() || !sum.plus(Sum::of(&[message])).is_right() {
        return None;
    }
    let mut mac = take(frame, 6)?;
    let mut options = message.get(24..)?;
    while !options.is_empty() {
        let head = take::<2>(options, 0).filter(|[_, units]| *units > 0)?;
        let (option, rest) = options.split_at_checked(usize::from(head[1]) * 8)?;
        if head == OPTION {
            mac = take(option, 2)?;
        }
        options = rest;
    }
    Some((target, mac))
}

/// RFC 8200 §8.1.
fn pseudo_header(from: &[u8; 16], to: &[u8; 16], length: usize) -> Sum {
    // What an IPv6 header has room for.
    let [.., high, low] = length.to_be_bytes();
    Sum::of(&[from, to, &[0, 0, high, low], &[0, 0, 0, ICMPV6]])
}

const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const ALL_NODES_MAC: [u8; 6] = [0x33, 0x33, 0, 0, 0, 1];
const ETHERTYPE: [u8; 2] = [0x86, 0xdd];
const ICMPV6: u8 = 58;
const ICMP_LENGTH: u8 = 32;
const PROBE_ICMP_LENGTH: u8 = 24;
/// Receivers discard any other (RFC 4861 §7.1.2).
const HOP_LIMIT: u8 = 255;
/// Type and code.
const ADVERTISEMENT: [u8; 2] = [136, 0];
const SOLICITATION: [u8; 2] = [135, 0];
const ROUTER: u8 = 0x80;
const OVERRIDE: u8 = 0x20;
/// The link-layer address of the target, in units of eight bytes.
const OPTION: [u8; 2] = [2, 1];

#[cfg(test)]
mod tests {
    use super::*;

    fn announced(is_router: bool) -> [u8; LENGTH] {
        let address = "2001:db8::7".parse().unwrap();
        announcement([0, 0, 0x5e, 0, 2, 7], address, is_router)
    }

    // shows: 9568-6.4.1-3, 9568-6.4.2-10
    #[test]
    fn an_announcement_goes_from_the_address_to_all_nodes() {
        let expected = [
            0x33, 0x33, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x5e, 0x00, 0x02, 0x07, 0x86, 0xdd,
            0x60, 0x00, 0x00, 0x00, 0x00, 0x20, 58, 255, //
            0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, //
            0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, //
            136, 0, 0, 0, 0xa0, 0, 0, 0, //
            0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, //
            2, 1, 0x00, 0x00, 0x5e, 0x00, 0x02, 0x07,
        ];
        let mut frame = announced(true);
        // The next test is of the checksum.
        frame[56..58].fill(0);
        assert_eq!(frame, expected);
        assert_eq!(announced(false)[58], 0x20);
    }

    #[test]
    fn the_checksum_makes_the_sum_of_everything_zero() {
        for is_router in [true, false] {
            let frame = announced(is_router);
            let length_and_type = [0, 0, 0, 32, 0, 0, 0, 58];
            let sum = Sum::of(&[&frame[22..54], &length_and_type, &frame[54..]]);
            assert_eq!(!sum.folded(), 0);
        }
    }

    const MAC: [u8; 6] = [0, 0, 0x5e, 0, 2, 7];
    const ADDRESS: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0x12, 0x3456);

    #[test]
    fn a_probe_asks_for_the_address_without_having_one() {
        let expected = [
            0x33, 0x33, 0xff, 0x12, 0x34, 0x56, 0x00, 0x00, 0x5e, 0x00, 0x02, 0x07, 0x86, 0xdd,
            0x60, 0x00, 0x00, 0x00, 0x00, 0x18, 58, 255, //
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, //
            0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0x12, 0x34, 0x56, //
            135, 0, 0xe4, 0x1e, 0, 0, 0, 0, //
            0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12, 0x34, 0x56,
        ];
        let address = "2001:db8::12:3456".parse().unwrap();
        let frame = probe(MAC, address);
        assert_eq!(frame, expected);
        let length_and_type = [0, 0, 0, 24, 0, 0, 0, 58];
        assert!(Sum::of(&[&frame[22..54], &length_and_type, &frame[54..]]).is_right());
        assert_eq!(sender(&frame), None);
    }

    #[test]
    fn who_announces_or_answers_has_the_address() {
        let frame = announcement(MAC, ADDRESS, true);
        assert_eq!(sender(&frame), Some((ADDRESS, MAC)));
        assert_eq!(sender(&[&frame[..], &[9; 5]].concat()), Some((ADDRESS, MAC)));
        for length in 0..LENGTH {
            assert_eq!(sender(&frame[..length]), None, "{length}");
        }
        // Whatever is changed from the payload's length on is found by the checksum, or is
        // of the header's own checks.
        for at in 18..LENGTH {
            let mut other = frame;
            other[at] ^= 1;
            assert_eq!(sender(&other), None, "{at}");
        }
    }

    #[test]
    fn options_say_where_the_address_is_and_what_has_none_is_where_it_came_from() {
        let with = |options: &[u8]| {
            let mut frame = announcement(MAC, ADDRESS, true)[..78].to_vec();
            frame[6..12].fill(2);
            frame[19] = u8::try_from(24 + options.len()).unwrap();
            frame.extend(options);
            frame[56..58].fill(0);
            let pseudo = [0, 0, 0, frame[19], 0, 0, 0, 58];
            let sum = Sum::of(&[&frame[22..54], &pseudo, &frame[54..]]);
            frame[56..58].copy_from_slice(&(!sum.folded()).to_be_bytes());
            sender(&frame)
        };
        assert_eq!(with(&[]), Some((ADDRESS, [2; 6])));
        assert_eq!(with(&[14, 1, 0, 0, 0, 0, 0, 0]), Some((ADDRESS, [2; 6])));
        assert_eq!(
            with(&[9, 1, 0, 0, 0, 0, 0, 0, 2, 1, 3, 3, 3, 3, 3, 3]),
            Some((ADDRESS, [3; 6]))
        );
        // Of no length, longer than the message, and half a head.
        assert_eq!(with(&[14, 0, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(with(&[14, 2, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(with(&[14]), None);
    }
}
