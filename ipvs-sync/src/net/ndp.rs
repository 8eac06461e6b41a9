//! Unsolicited neighbour advertisements: which MAC address an IPv6 address is at from now
//! on.

use super::frame::assemble;
use crate::checksum::Sum;
use std::net::Ipv6Addr;

/// The length of the frame in bytes.
pub const LENGTH: usize = 86;

/// An Ethernet frame to all nodes that says that `address` is at `mac` (RFC 4861 §7.2.6,
/// RFC 9568 §6.4.1). Nodes that took `is_router` back from a router forget it as one.
pub fn announcement(mac: [u8; 6], address: Ipv6Addr, is_router: bool) -> [u8; LENGTH] {
    let ip = address.octets();
    let to = ALL_NODES.octets();
    let flags = [OVERRIDE | if is_router { ROUTER } else { 0 }, 0, 0, 0];
    // RFC 8200 §8.1.
    let pseudo: [&[u8]; 4] = [&ip, &to, &[0, 0, 0, ICMP_LENGTH], &[0, 0, 0, ICMPV6]];
    let sum = Sum::of(&[pseudo.concat().as_slice(), &ADVERTISEMENT, &flags, &ip, &OPTION, &mac]);
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

const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const ALL_NODES_MAC: [u8; 6] = [0x33, 0x33, 0, 0, 0, 1];
const ETHERTYPE: [u8; 2] = [0x86, 0xdd];
const ICMPV6: u8 = 58;
const ICMP_LENGTH: u8 = 32;
/// Receivers discard any other (RFC 4861 §7.1.2).
const HOP_LIMIT: u8 = 255;
/// Type and code.
const ADVERTISEMENT: [u8; 2] = [136, 0];
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
}
