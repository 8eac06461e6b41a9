//! ARP: which MAC address an IPv4 address is at from now on, and whether it is at one.
//! Reading a frame never panics and never allocates.

use super::frame::{assemble, take};
use std::net::Ipv4Addr;

/// The length of the frame in bytes, without the padding that the interface adds.
pub const LENGTH: usize = 42;

/// An Ethernet frame to all that says that `address` is at `mac`: a request for the
/// address by itself (RFC 5227 §3, RFC 9568 §6.4.1 with errata 7947 and 7949).
pub fn announcement(mac: [u8; 6], address: Ipv4Addr) -> [u8; LENGTH] {
    let ip = address.octets();
    assemble(&[
        &ALL,
        &mac,
        &ETHERTYPE, // Ethernet: to, from, type
        &ETHERNET_IPV4,
        &REQUEST,
        &mac,
        &ip, // from
        &ALL,
        &ip, // to
    ])
}

/// An Ethernet frame to all that asks who has `address`, from one that has it not: no
/// neighbour takes the address to be at `mac` (RFC 5227 §2.1.1).
pub fn probe(mac: [u8; 6], address: Ipv4Addr) -> [u8; LENGTH] {
    assemble(&[
        &ALL,
        &mac,
        &ETHERTYPE,
        &ETHERNET_IPV4,
        &REQUEST,
        &mac,
        &Ipv4Addr::UNSPECIFIED.octets(),
        &[0; 6],
        &address.octets(),
    ])
}

/// The address that the sender of a frame says it has, and where: of a request as of an
/// answer (RFC 5227 §2.1.1). A probe says that of none.
pub fn sender(frame: &[u8]) -> Option<(Ipv4Addr, [u8; 6])> {
    let is_arp = take(frame, 12)? == ETHERTYPE && take(frame, 14)? == ETHERNET_IPV4;
    let is_known = is_arp && [REQUEST, REPLY].contains(&take(frame, 20)?);
    let address = Ipv4Addr::from(take::<4>(frame, 28)?);
    let mac = take(frame, 22).filter(|_| is_known && frame.len() >= LENGTH)?;
    (!address.is_unspecified()).then_some((address, mac))
}

const ALL: [u8; 6] = [0xff; 6];
const ETHERTYPE: [u8; 2] = [0x08, 0x06];
/// The kinds of both addresses, and their lengths.
const ETHERNET_IPV4: [u8; 6] = [0, 1, 8, 0, 6, 4];
const REQUEST: [u8; 2] = [0, 1];
const REPLY: [u8; 2] = [0, 2];

#[cfg(test)]
mod tests {
    use super::*;

    // shows: 9568-6.4.1-2, 9568-6.4.2-8
    #[test]
    fn an_announcement_is_a_request_for_the_address_by_itself() {
        let frame = announcement([0, 0, 0x5e, 0, 1, 7], Ipv4Addr::new(192, 0, 2, 10));
        let expected = [
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x5e, 0x00, 0x01, 0x07, 0x08, 0x06,
            0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x01, //
            0x00, 0x00, 0x5e, 0x00, 0x01, 0x07, 192, 0, 2, 10, //
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 192, 0, 2, 10,
        ];
        assert_eq!(frame, expected);
    }

    const MAC: [u8; 6] = [0, 0, 0x5e, 0, 1, 7];
    const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 10);

    #[test]
    fn a_probe_asks_for_the_address_without_having_one() {
        let expected = [
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x5e, 0x00, 0x01, 0x07, 0x08, 0x06,
            0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x01, //
            0x00, 0x00, 0x5e, 0x00, 0x01, 0x07, 0, 0, 0, 0, //
            0, 0, 0, 0, 0, 0, 192, 0, 2, 10,
        ];
        assert_eq!(probe(MAC, ADDRESS), expected);
        assert_eq!(sender(&expected), None);
    }

    #[test]
    fn who_announces_or_answers_has_the_address() {
        let mut frame = announcement(MAC, ADDRESS);
        assert_eq!(sender(&frame), Some((ADDRESS, MAC)));
        frame[21] = 2;
        assert_eq!(sender(&frame), Some((ADDRESS, MAC)));
        // Padding to the least length of Ethernet.
        assert_eq!(sender(&[&frame[..], &[0; 18]].concat()), Some((ADDRESS, MAC)));
        // Another type, address kind or length, or operation.
        for at in [13, 15, 17, 18, 19, 21] {
            let mut other = frame;
            other[at] += 2;
            assert_eq!(sender(&other), None, "{at}");
        }
        for length in 0..LENGTH {
            assert_eq!(sender(&frame[..length]), None, "{length}");
        }
    }
}
