//! Bytes made by hand; their checksums were computed by another program.

use super::super::{Difference, EncodeError, Finding, Packet, Password, receive};
use super::*;
use std::net::IpAddr;

/// RFC 3768 §5.1: priority 100, two addresses, no authentication, 1 s.
const V2_BYTES: &[u8] =
    &[0x21, 7, 100, 2, 0, 1, 0xf6, 0x2a, 192, 0, 2, 100, 192, 0, 2, 101, 0, 0, 0, 0, 0, 0, 0, 0];

/// The same layout: resigns, one address, password, 3 s.
const V2_PASSWORD: &[u8] =
    &[0x21, 7, 0, 1, 1, 3, 0xdf, 0x43, 192, 0, 2, 100, b's', b'e', b'c', b'r', b'e', b't', 0, 0];

/// RFC 9568 §5.2: priority 100, two addresses, 100 centiseconds. The checksum is a word
/// of its own: each coverage has another.
const V3_BYTES: &[u8] = &[0x31, 7, 100, 2, 0, 100, 0xe5, 0xc7, 192, 0, 2, 100, 192, 0, 2, 101];
const V3_CHECKSUMS: [(Coverage, [u8; 2]); 2] =
    [(Coverage::Message, [0xe5, 0xc7]), (Coverage::PseudoHeader, [0x43, 0x33])];

/// The same to 192.0.2.2, with a pseudo-header.
const V3_UNICAST: [u8; 2] = [0x61, 0x43];

/// RFC 9568 §5.2 over IPv6: from the owner, two addresses, 4,095 centiseconds.
const V6_BYTES: &[u8] = &[
    0x31, 7, 255, 2, 0x0f, 0xff, 0x95, 0x7f, 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7,
    0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7,
];

fn with_checksum(bytes: &[u8], checksum: [u8; 2]) -> Vec<u8> {
    [&bytes[..6], &checksum, &bytes[8..]].concat()
}

// shows: 3768-5.1-1, 3768-5.3.8-1, 3768-5.3.10-1
#[test]
fn a_message_of_version_2_is_read_and_written() {
    let addresses = addresses(&["192.0.2.100", "192.0.2.101"]);
    let terms = terms(V2, &addresses);
    let packet = Packet::new(V2_BYTES, Family::V4).unwrap();
    assert_eq!((packet.version(), packet.kind(), packet.vrid()), (2, 1, 7));
    assert_eq!((packet.priority(), packet.count(), packet.checksum()), (100, 2, 0xf62a));
    assert_eq!((packet.authentication(), packet.seconds()), (0, 1));
    assert_eq!(packet.authentication_data(), Some(&[0; 8]));
    assert!(packet.addresses().eq(addresses.iter()));
    assert_eq!(received(V2_BYTES, &expected(terms)), Ok(()));
    let written = encoded(&Advertisement::new(terms, 100), FROM_V4, Coverage::Message);
    assert_eq!(written, V2_BYTES);
    // It has never had a pseudo-header.
    let written = encoded(&Advertisement::new(terms, 100), FROM_V4, Coverage::PseudoHeader);
    assert_eq!(written, V2_BYTES);
}

#[test]
fn a_message_of_version_2_has_its_password_padded_with_zeros() {
    let addresses = addresses(&["192.0.2.100"]);
    let terms = terms(Version::V2(Seconds::new(3).unwrap()), &addresses);
    let terms = terms.with_password(Password::new(b"secret").unwrap()).unwrap();
    let packet = Packet::new(V2_PASSWORD, Family::V4).unwrap();
    assert_eq!((packet.authentication(), packet.seconds()), (1, 3));
    assert_eq!(packet.authentication_data(), Some(b"secret\0\0"));
    assert_eq!(received(V2_PASSWORD, &expected(terms)), Ok(()));
    let resigns = Advertisement::new(terms, 0);
    assert_eq!(encoded(&resigns, FROM_V4, Coverage::Message), V2_PASSWORD);
}

// shows: 9568-5.1-1, 9568-5.2.8-1, 9568-7.2-1, 9568-7.2-2
#[test]
fn a_message_of_version_3_over_ipv4_is_read_and_written_with_each_checksum() {
    let addresses = addresses(&["192.0.2.100", "192.0.2.101"]);
    let terms = terms(V3, &addresses);
    for (coverage, checksum) in V3_CHECKSUMS {
        let bytes = with_checksum(V3_BYTES, checksum);
        let packet = Packet::new(&bytes, Family::V4).unwrap();
        assert_eq!((packet.version(), packet.kind(), packet.vrid()), (3, 1, 7));
        assert_eq!((packet.priority(), packet.count(), packet.centis()), (100, 2, 100));
        assert!(packet.addresses().eq(addresses.iter()));
        let carrier = Carrier { ends: FROM_V4, hop_limit: HOP_LIMIT };
        let accepted = receive(&bytes, &carrier, Some(&expected(terms))).unwrap();
        assert_eq!(accepted.source, IpAddr::from([192, 0, 2, 1]));
        assert_eq!((accepted.priority, accepted.version), (100, V3));
        assert_eq!((accepted.coverage, accepted.findings), (Some(coverage), [None; 3]));
        assert_eq!(encoded(&Advertisement::new(terms, 100), FROM_V4, coverage), bytes);
    }
}

#[test]
fn the_pseudo_header_has_the_peer_or_what_old_peers_have_instead() {
    let addresses = addresses(&["192.0.2.100", "192.0.2.101"]);
    let terms = terms(V3, &addresses);
    let ends = Ends::V4 { source: [192, 0, 2, 1].into(), destination: [192, 0, 2, 2].into() };
    let old = V3_CHECKSUMS[1].1;
    for (coverage, checksum) in
        [(Coverage::PseudoHeader, V3_UNICAST), (Coverage::GroupPseudoHeader, old)]
    {
        let bytes = with_checksum(V3_BYTES, checksum);
        let carrier = Carrier { ends, hop_limit: HOP_LIMIT };
        let accepted = receive(&bytes, &carrier, Some(&expected(terms))).unwrap();
        assert_eq!(accepted.coverage, Some(coverage));
        assert_eq!(encoded(&Advertisement::new(terms, 100), ends, coverage), bytes);
    }
}

// shows: 9568-5.1-1, 9568-5.2.6-1, 9568-5.2.8-2, 9568-7.2-1, 9568-7.2-2
#[test]
fn a_message_of_version_3_over_ipv6_is_read_and_written() {
    let addresses = addresses(&["fe80::7", "2001:db8::7"]);
    let terms = terms(Version::V3(Interval::MAX), &addresses);
    let packet = Packet::new(V6_BYTES, Family::V6).unwrap();
    assert_eq!((packet.priority(), packet.count(), packet.centis()), (255, 2, 4_095));
    assert!(packet.addresses().eq(addresses.iter()));
    let carrier = Carrier { ends: FROM_V6, hop_limit: HOP_LIMIT };
    let accepted = receive(V6_BYTES, &carrier, Some(&expected(terms))).unwrap();
    assert_eq!((accepted.coverage, accepted.findings), (None, [None; 3]));
    for coverage in [Coverage::Message, Coverage::PseudoHeader, Coverage::GroupPseudoHeader] {
        assert_eq!(encoded(&Advertisement::new(terms, 255), FROM_V6, coverage), V6_BYTES);
    }
}

#[test]
fn what_follows_the_message_is_not_looked_at() {
    let addresses = addresses(&["192.0.2.100", "192.0.2.101"]);
    for (bytes, version) in [(V2_BYTES, V2), (V3_BYTES, V3)] {
        let longer = [bytes, &[0xa5; 28]].concat();
        assert_eq!(received(&longer, &expected(terms(version, &addresses))), Ok(()));
        let packet = Packet::new(&longer, Family::V4).unwrap();
        assert_eq!((packet.message(), packet.trailing()), (bytes, &[0xa5; 28][..]));
    }
}

#[test]
fn over_ipv6_the_checksum_covers_what_follows_the_message() {
    let addresses = addresses(&["fe80::7"]);
    let terms = terms(V3, &addresses);
    let signed = Advertisement { trailer: &[0xa5; 28], ..Advertisement::new(terms, 100) };
    let mut bytes = encoded(&signed, FROM_V6, Coverage::Message);
    assert_eq!(received(&bytes, &expected(terms)), Ok(()));
    bytes[40] ^= 1;
    assert!(matches!(
        received(&bytes, &expected(terms)),
        Err(Rejected::Checksum { covers: None, .. })
    ));
}

#[test]
fn a_slice_is_filled_from_its_start_or_left_alone() {
    let addresses = addresses(&["192.0.2.100", "192.0.2.101"]);
    let advertisement = Advertisement::new(terms(V3, &addresses), 100);
    let mut room = [0xa5; 20];
    assert_eq!(advertisement.encode_into(FROM_V4, Coverage::Message, &mut room), Ok(16));
    assert_eq!(room, *[V3_BYTES, &[0xa5; 4]].concat());
    let mut room = [0xa5; 15];
    let told = advertisement.encode_into(FROM_V4, Coverage::Message, &mut room);
    assert_eq!(told, Err(EncodeError::TooLong { length: 16, room: 15 }));
    assert_eq!(room, [0xa5; 15]);
}

// shows: 9568-5.2.9-2
#[test]
fn addresses_of_one_family_are_not_carried_by_the_other() {
    let addresses = addresses(&["192.0.2.100"]);
    let mut bytes = vec![1];
    let told =
        Advertisement::new(terms(V3, &addresses), 1).encode(FROM_V6, Coverage::Message, &mut bytes);
    let family = EncodeError::Family { addresses: Family::V4, ends: FROM_V6 };
    assert_eq!((told, bytes), (Err(family), vec![1]));
}

// shows: 9568-7.1-12, 9568-7.1-15
#[test]
fn a_packet_that_is_odd_is_accepted_and_told() {
    let ours = addresses(&["192.0.2.101", "192.0.2.100"]);
    let others = addresses(&["192.0.2.100", "192.0.2.102"]);
    let carrier = Carrier { ends: FROM_V4, hop_limit: HOP_LIMIT };
    let own = Interval::from_centis(10).unwrap();
    let terms_of = |addresses| terms(Version::V3(own), addresses);
    let mut expected = Expected { is_owner: true, ..expected(terms_of(&ours)) };
    let findings = receive(V3_BYTES, &carrier, Some(&expected)).unwrap().findings;
    let interval = Finding::Interval { interval: Interval::DEFAULT, own };
    let owned = Finding::Owned { priority: 100 };
    // Another order is no difference.
    assert_eq!(findings, [Some(owned), Some(interval), None]);
    expected.terms = terms_of(&others);
    let findings = receive(V3_BYTES, &carrier, Some(&expected)).unwrap().findings;
    let address = [192, 0, 2, 102].into();
    let missing = Finding::Addresses(Difference::Missing { address });
    assert_eq!(findings[2], Some(missing));
}
