//! Any bytes, and any advertisement.

use super::super::{Password, receive};
use super::*;
use proptest::collection::{hash_set, vec};
use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

fn any_version() -> impl Strategy<Value = Version> {
    prop_oneof![
        (1u8..).prop_map(|number| Version::V2(Seconds::new(number).unwrap())),
        (1u16..=4_095).prop_map(|centis| Version::V3(Interval::from_centis(centis).unwrap())),
    ]
}

fn any_addresses() -> impl Strategy<Value = VirtualAddresses> {
    let v4 = |number: u32| Ipv4Addr::from(0x0a00_0000 | number >> 8).into();
    let v6 = |number: u128| Ipv6Addr::from(0x2001 << 112 | number >> 16).into();
    let link_local = |rest: Vec<IpAddr>| [vec!["fe80::7".parse().unwrap()], rest].concat();
    prop_oneof![
        hash_set(any::<u32>().prop_map(v4), 1..=255).prop_map(Vec::from_iter),
        hash_set(any::<u128>().prop_map(v6), 0..=254).prop_map(Vec::from_iter).prop_map(link_local),
    ]
    .prop_map(|list| VirtualAddresses::new(list).unwrap())
}

fn any_coverage() -> impl Strategy<Value = Coverage> {
    prop::sample::select(Coverage::EACH.to_vec())
}

proptest! {
    #[test]
    fn any_bytes_are_judged(
        bytes in vec(any::<u8>(), 0..64),
        head in prop::sample::select(vec![0x21, 0x31, 0]),
        hop_limit in 254u8..,
        is_known in any::<bool>(),
        over_ipv6 in any::<bool>(),
    ) {
        let mut bytes = bytes;
        if let (Some(first), 1..) = (bytes.first_mut(), head) {
            *first = head;
        }
        let addresses = addresses(&[if over_ipv6 { "fe80::1" } else { "10.0.0.1" }]);
        let ends = ends(addresses.family());
        let own = expected(terms(V3, &addresses));
        let carrier = Carrier { ends, hop_limit };
        if let Err(reason) = receive(&bytes, &carrier, is_known.then_some(&own)) {
            prop_assert!(!reason.to_string().is_empty());
        }
    }

    #[test]
    fn any_advertisement_is_received_as_it_was_sent(
        addresses in any_addresses(),
        version in any_version(),
        priority in any::<u8>(),
        vrid in 1u8..,
        password in prop::option::of(vec(any::<u8>(), 1..=8)),
        trailer in vec(any::<u8>(), 0..40),
        coverage in any_coverage(),
        source in any::<(Ipv4Addr, Ipv6Addr)>(),
        destination in any::<(Ipv4Addr, Ipv6Addr)>(),
    ) {
        let made = Terms::new(Vrid::new(vrid).unwrap(), version, &addresses);
        prop_assume!(made.is_ok());
        let mut terms = made.unwrap();
        if let (Version::V2(_), Some(password)) = (version, password) {
            terms = terms.with_password(Password::new(&password).unwrap()).unwrap();
        }
        let ends = match addresses.family() {
            Family::V4 => Ends::V4 { source: source.0, destination: destination.0 },
            Family::V6 => Ends::V6 { source: source.1, destination: destination.1 },
        };
        let advertisement = Advertisement { trailer: &trailer, ..Advertisement::new(terms, priority) };
        let bytes = encoded(&advertisement, ends, coverage);
        prop_assert_eq!(bytes.len(), advertisement.length());

        let carrier = Carrier { ends, hop_limit: HOP_LIMIT };
        let accepted = receive(&bytes, &carrier, Some(&expected(terms)));
        prop_assert!(accepted.is_ok(), "{:?}", accepted);
        let accepted = accepted.unwrap();
        prop_assert_eq!(accepted.priority, priority);
        prop_assert_eq!(accepted.version, version);
        prop_assert_eq!(accepted.findings, [None; 3]);
        prop_assert_eq!(accepted.source, ends.source());
        prop_assert_eq!(accepted.packet.vrid(), vrid);
        prop_assert!(accepted.packet.addresses().eq(addresses.iter()));
        prop_assert_eq!(accepted.packet.trailing(), &trailer[..]);
        // Two coverages may come to the same checksum.
        if let Some(found) = accepted.coverage {
            prop_assert_eq!(encoded(&advertisement, ends, found), bytes);
        }
    }
}
