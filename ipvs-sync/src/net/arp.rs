//! Gratuitous ARP: which MAC address an IPv4 address is at from now on.

use super::frame::assemble;
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
        &[0, 1],
        &[8, 0],
        &[6, 4], // Ethernet and IPv4 addresses
        &REQUEST,
        &mac,
        &ip, // from
        &ALL,
        &ip, // to
    ])
}

const ALL: [u8; 6] = [0xff; 6];
const ETHERTYPE: [u8; 2] = [0x08, 0x06];
const REQUEST: [u8; 2] = [0, 1];

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
}
