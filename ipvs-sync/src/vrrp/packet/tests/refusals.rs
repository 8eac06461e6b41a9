//! One broken rule each.

use super::super::{Difference, Packet, Password, Reason, receive};
use super::*;
use std::net::Ipv6Addr;

/// The checksum of version 3 without a pseudo-header, or of version 2, made right.
fn right(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes[6..8].fill(0);
    let words = bytes.chunks(2).map(|word| u32::from(word[0]) << 8 | u32::from(word[1]));
    let sum = words.fold(0, |sum, word| (sum + word) % 0xffff);
    let checksum = !u16::try_from(sum).unwrap();
    bytes[6..8].copy_from_slice(&checksum.to_be_bytes());
    bytes
}

/// A packet of version 3 with some bytes changed and its checksum right.
fn v3(changes: &[(usize, u8)]) -> Vec<u8> {
    let mut bytes = vec![0x31, 7, 100, 1, 0, 100, 0, 0, 192, 0, 2, 100];
    changes.iter().for_each(|(at, byte)| bytes[*at] = *byte);
    right(bytes)
}

/// The same of version 2.
fn v2(changes: &[(usize, u8)]) -> Vec<u8> {
    let mut bytes = vec![0x21, 7, 100, 1, 0, 1, 0, 0, 192, 0, 2, 100, 0, 0, 0, 0, 0, 0, 0, 0];
    changes.iter().for_each(|(at, byte)| bytes[*at] = *byte);
    right(bytes)
}

// shows: 9568-5.2.2-1, 9568-5.2.5-1, 9568-5.2.6-2, 9568-7.1-2, 9568-7.1-3, 9568-7.1-4
// shows: 9568-7.1-6, 9568-7.1-7, 9568-7.1-9, 3768-5.3.6-1, 3768-5.3.10-2, 3768-7.1-1
// shows: 3768-7.1-2, 3768-7.1-4, 3768-7.1-5, 3768-7.1-6
#[test]
fn each_broken_rule_is_named_with_its_value() {
    let addresses = addresses(&["192.0.2.100"]);
    let own3 = expected(terms(V3, &addresses));
    let own2 = expected(terms(V2, &addresses));
    let with_password =
        terms(V2, &addresses).with_password(Password::new(b"secret").unwrap()).unwrap();
    let secret = expected(with_password);
    assert_eq!(received(&v3(&[]), &own3), Ok(()));
    assert_eq!(received(&v2(&[]), &own2), Ok(()));
    let address = [192, 0, 2, 100].into();
    let seconds = |number| Seconds::new(number).unwrap();
    let cases = [
        (vec![], own3, Rejected::Length { have: 0, need: 8 }),
        (vec![0x31; 7], own3, Rejected::Length { have: 7, need: 8 }),
        (v3(&[(0, 0x21)]), own3, Rejected::Version { version: 2, expected: Some(3) }),
        (v3(&[(0, 0x41)]), own3, Rejected::Version { version: 4, expected: Some(3) }),
        (v2(&[(0, 0x31)]), own2, Rejected::Version { version: 3, expected: Some(2) }),
        (v3(&[(0, 0x32)]), own3, Rejected::Kind { kind: 2 }),
        (v3(&[])[..11].to_vec(), own3, Rejected::Length { have: 11, need: 12 }),
        (v3(&[(3, 255)]), own3, Rejected::Length { have: 12, need: 1_028 }),
        (v2(&[])[..19].to_vec(), own2, Rejected::Length { have: 19, need: 20 }),
        (v3(&[(3, 0)]), own3, Rejected::NoAddresses),
        (v2(&[(3, 0)]), own2, Rejected::NoAddresses),
        (v3(&[(1, 8)]), own3, Rejected::Vrid { vrid: 8 }),
        (v3(&[(1, 0)]), own3, Rejected::Vrid { vrid: 0 }),
        (v3(&[(4, 0xf0), (5, 0)]), own3, Rejected::NoInterval),
        (v2(&[(5, 0)]), own2, Rejected::NoInterval),
        (v2(&[(5, 2)]), own2, Rejected::Interval { interval: seconds(2), own: seconds(1) }),
        (v2(&[(4, 1)]), own2, Rejected::Authentication { kind: 1, own: 0 }),
        (v2(&[(4, 2)]), own2, Rejected::Authentication { kind: 2, own: 0 }),
        (v2(&[]), secret, Rejected::Authentication { kind: 0, own: 1 }),
        (v2(&[(4, 1), (12, b's')]), secret, Rejected::Password),
        (v2(&[(11, 99)]), own2, Rejected::Addresses(Difference::Missing { address })),
    ];
    for (bytes, expected, reason) in cases {
        assert_eq!(received(&bytes, &expected), Err(reason), "{bytes:02x?}");
        assert!(!reason.to_string().is_empty());
    }
    assert_eq!(received(&v3(&[(4, 0xf0)]), &own3), Ok(()), "the reserved bits are ignored");
    assert_eq!(received(&v3(&[(11, 99)]), &own3), Ok(()), "version 3 may differ");
    assert_eq!(received(&v2(&[(2, 255), (11, 99)]), &own2), Ok(()), "the owner may differ");
    assert_eq!(received(&v2(&[(12, 1)]), &own2), Ok(()), "nothing there means anything");
}

// shows: 3768-7.1-5
#[test]
fn another_number_of_addresses_is_a_difference_too() {
    let addresses = addresses(&["192.0.2.100", "192.0.2.101"]);
    let own = expected(terms(V2, &addresses));
    let count = Rejected::Addresses(Difference::Count { count: 1, own: 2 });
    assert_eq!(received(&v2(&[]), &own), Err(count));
    let twice = [&v2(&[])[..12], &[192, 0, 2, 100], &[0; 8]].concat();
    let twice = right([&twice[..3], &[2], &twice[4..]].concat());
    let missing = Difference::Missing { address: [192, 0, 2, 101].into() };
    assert_eq!(received(&twice, &own), Err(Rejected::Addresses(missing)));
}

// shows: 9568-5.1.1.3-2, 9568-7.1-1
#[test]
fn a_packet_that_was_forwarded_is_dropped_first() {
    let addresses = addresses(&["192.0.2.100"]);
    let own = expected(terms(V3, &addresses));
    let at = |hop_limit, min_hop_limit| {
        let expected = Expected { min_hop_limit, ..own };
        receive(&[0x71], &Carrier { ends: FROM_V4, hop_limit }, Some(&expected)).map(drop)
    };
    let length = Rejected::Length { have: 1, need: 8 };
    assert_eq!(at(254, 255), Err(Rejected::HopLimit { hop_limit: 254, min: 255 }));
    assert_eq!(at(255, 255), Err(length));
    assert_eq!(at(64, 64), Err(length));
    assert_eq!(at(63, 64), Err(Rejected::HopLimit { hop_limit: 63, min: 64 }));
    assert_eq!(at(0, 0), Err(length));
}

/// Each line mends what the one above it was dropped for, and nothing else.
#[test]
fn of_several_broken_rules_the_first_is_named() {
    let addresses = addresses(&["192.0.2.100"]);
    let password = Password::new(b"s").unwrap();
    let own = expected(terms(V2, &addresses).with_password(password).unwrap());
    let from_hop_limit = |hop_limit, bytes: &[u8]| {
        let carrier = Carrier { ends: FROM_V4, hop_limit };
        receive(bytes, &carrier, Some(&own)).map(drop).map_err(Rejected::reason)
    };
    let nothing_right = [0x12, 8, 100, 0, 2, 0, 0xff, 0xff];
    let header = |first| [&[first], &nothing_right[1..]].concat();
    let longer = [&header(0x21)[..], &[0; 8]].concat();
    let message = |changes: &[(usize, u8)]| v2(&[&[(4, 2), (5, 0), (11, 99)], changes].concat());
    let mut other_checksum = message(&[(1, 8)]);
    other_checksum[2] += 1;
    let cases = [
        (254, nothing_right[..7].to_vec(), Err(Reason::HopLimit)),
        (255, nothing_right[..7].to_vec(), Err(Reason::Length)),
        (255, header(0x12), Err(Reason::Version)),
        (255, header(0x22), Err(Reason::Kind)),
        (255, header(0x21), Err(Reason::Length)),
        (255, longer, Err(Reason::NoAddresses)),
        (255, other_checksum, Err(Reason::Checksum)),
        (255, message(&[(1, 8)]), Err(Reason::Vrid)),
        (255, message(&[]), Err(Reason::NoInterval)),
        (255, message(&[(5, 2)]), Err(Reason::Interval)),
        (255, message(&[(5, 1)]), Err(Reason::Authentication)),
        (255, message(&[(5, 1), (4, 1)]), Err(Reason::Password)),
        (255, message(&[(5, 1), (4, 1), (12, b's')]), Err(Reason::Addresses)),
        (255, message(&[(5, 1), (4, 1), (12, b's'), (11, 100)]), Ok(())),
    ];
    for (hop_limit, bytes, told) in cases {
        assert_eq!(from_hop_limit(hop_limit, &bytes), told, "{hop_limit} {bytes:02x?}");
    }
}

/// As above, of what IPv6 alone has.
#[test]
fn of_several_broken_rules_of_ipv6_the_first_is_named() {
    let addresses = addresses(&["fe80::7", "2001:db8::7"]);
    let own = expected(terms(V3, &addresses));
    let mut right = encoded(&Advertisement::new(own.terms, 100), FROM_V6, Coverage::Message);
    assert_eq!(received(&right, &own), Ok(()));
    right[8..].rotate_left(16);
    // What these bytes have more than the right ones the last one has less, or the checksum
    // is wrong.
    let message = |vrid, centis, last| {
        let mut bytes = right.clone();
        [bytes[1], bytes[5], bytes[39]] = [vrid, centis, last];
        received(&bytes, &own).map_err(Rejected::reason)
    };
    let cases = [
        (message(8, 0, 7), Reason::Checksum),
        (message(8, 0, 106), Reason::Vrid),
        (message(7, 0, 107), Reason::NoInterval),
        (message(7, 100, 7), Reason::FirstLinkLocal),
    ];
    for (told, reason) in cases {
        assert_eq!(told, Err(reason));
    }
}

// shows: 9568-7.1-6
#[test]
fn a_packet_of_nobodys_identifier_is_dropped_for_what_else_is_wrong_first() {
    let nobody = |bytes: &[u8], ends| {
        receive(bytes, &Carrier { ends, hop_limit: HOP_LIMIT }, None).unwrap_err()
    };
    assert_eq!(nobody(&v3(&[]), FROM_V4), Rejected::Vrid { vrid: 7 });
    assert_eq!(nobody(&v2(&[]), FROM_V4), Rejected::Vrid { vrid: 7 });
    let version = Rejected::Version { version: 1, expected: None };
    assert_eq!(nobody(&v3(&[(0, 0x11)]), FROM_V4), version);
    let version = Rejected::Version { version: 2, expected: Some(3) };
    assert_eq!(nobody(&v2(&[]), FROM_V6), version);
    assert_eq!(nobody(&v3(&[(3, 0)]), FROM_V4), Rejected::NoAddresses);
    let mut bytes = v3(&[]);
    bytes[2] += 1;
    assert!(matches!(nobody(&bytes, FROM_V4), Rejected::Checksum { covers: None, .. }));
}

#[test]
fn the_virtual_router_of_the_other_family_is_another() {
    let addresses = addresses(&["fe80::7"]);
    let own = expected(terms(V3, &addresses));
    let carrier = Carrier { ends: FROM_V4, hop_limit: HOP_LIMIT };
    let told = receive(&v3(&[]), &carrier, Some(&own)).map(drop);
    assert_eq!(told, Err(Rejected::Vrid { vrid: 7 }));
}

// shows: 9568-7.1-5
#[test]
fn a_checksum_that_is_not_configured_is_named() {
    let addresses = addresses(&["192.0.2.100"]);
    let terms = terms(V3, &addresses);
    let advertisement = Advertisement::new(terms, 100);
    let own = |checksum| Expected { checksum, ..expected(terms) };
    let plain = encoded(&advertisement, FROM_V4, Coverage::Message);
    let pseudo = encoded(&advertisement, FROM_V4, Coverage::PseudoHeader);
    assert_eq!(received(&plain, &own(Checksum::Message)), Ok(()));
    assert_eq!(received(&pseudo, &own(Checksum::PseudoHeader)), Ok(()));
    let of = |bytes| Packet::new(bytes, Family::V4).unwrap().checksum();
    for (bytes, policy, expected, covers) in [
        (&plain, Checksum::PseudoHeader, of(&pseudo), Coverage::Message),
        (&pseudo, Checksum::Message, of(&plain), Coverage::PseudoHeader),
    ] {
        let wrong = Rejected::Checksum { checksum: of(bytes), expected, covers: Some(covers) };
        assert_eq!(received(bytes, &own(policy)), Err(wrong));
    }
    let mut broken = plain.clone();
    broken[11] ^= 1;
    let expected = of(&plain) - 1;
    let wrong = Rejected::Checksum { checksum: of(&plain), expected, covers: None };
    assert_eq!(received(&broken, &own(Checksum::Auto)), Err(wrong));
}

// shows: 9568-5.2.9-1, 9568-7.1-8
#[test]
fn the_first_address_of_ipv6_is_link_local() {
    let addresses = addresses(&["fe80::7", "2001:db8::7"]);
    let own = expected(terms(V3, &addresses));
    let mut bytes = encoded(&Advertisement::new(own.terms, 100), FROM_V6, Coverage::Message);
    assert_eq!(received(&bytes, &own), Ok(()));
    // Where an address stands makes no difference to the sum.
    bytes[8..].rotate_left(16);
    let address: Ipv6Addr = "2001:db8::7".parse().unwrap();
    assert_eq!(received(&bytes, &own), Err(Rejected::FirstLinkLocal { address }));
}

#[test]
fn reasons_read_as_sentences_with_rule_value_and_source() {
    let texts = [
        Rejected::HopLimit { hop_limit: 64, min: 255 }.to_string(),
        Rejected::Vrid { vrid: 9 }.to_string(),
        Rejected::Checksum { checksum: 0x12, expected: 0xabcd, covers: Some(Coverage::Message) }
            .to_string(),
        Rejected::Addresses(Difference::Count { count: 3, own: 2 }).to_string(),
    ];
    assert_eq!(
        texts,
        [
            "hop limit 64: at least 255 (RFC 9568 §5.1.1.3, §5.1.2.3)",
            "virtual router id 9 is not configured here (RFC 9568 §7.1)",
            "checksum 0x0012 instead of 0xabcd: it covers the message only (RFC 9568), which \
             is not what was configured",
            "3 addresses, this router has 2 (RFC 3768 §7.1)",
        ]
    );
}
