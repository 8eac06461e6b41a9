//! Judging packets and sync messages allocates nothing, whatever is wrong with them;
//! writing them allocates nothing once the buffer has grown.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

#[path = "../../ipvs-sys/tests/common/counting.rs"]
mod counting;

use counting::allocations;
use ipvs_sync::net::{arp, ndp};
use ipvs_sync::proto::{self, Connection, Datagram, Flags, Loss, Sequences};
use ipvs_sync::vrrp::packet::{
    Advertisement, Carrier, Checksum, Counters, Coverage, Ends, Expected, GROUP_V4, GROUP_V6,
    HOP_LIMIT, Password, Terms, receive,
};
use ipvs_sync::vrrp::{Interval, Seconds, Version, VirtualAddresses, Vrid};
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Two addresses of IPv4, or 255 of IPv6.
fn addresses(over_ipv6: bool) -> VirtualAddresses {
    let v4 = |number: u8| IpAddr::from([192, 0, 2, number]);
    let v6 = |number| IpAddr::from(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, number));
    match over_ipv6 {
        true => VirtualAddresses::new((1..256).map(v6)).unwrap(),
        false => VirtualAddresses::new((1..3).map(v4)).unwrap(),
    }
}

const V4: Ends = Ends::V4 { source: Ipv4Addr::new(192, 0, 2, 9), destination: GROUP_V4 };
const V6: Ends = Ends::V6 { source: Ipv6Addr::LOCALHOST, destination: GROUP_V6 };
const V3: Version = Version::V3(Interval::DEFAULT);

/// Calls `with` for an advertisement of each kind.
fn each(mut with: impl FnMut(&Advertisement<'_>, Ends)) {
    let (few, many) = (addresses(false), addresses(true));
    let vrid = Vrid::new(7).unwrap();
    let v2 = Terms::new(vrid, Version::V2(Seconds::DEFAULT), &few).unwrap();
    let secret = v2.with_password(Password::new(b"secret").unwrap()).unwrap();
    let v3 = Terms::new(vrid, V3, &few).unwrap();
    let v6 = Terms::new(vrid, V3, &many).unwrap();
    for (terms, ends) in [(v2, V4), (secret, V4), (v3, V4), (v6, V6)] {
        with(&Advertisement::new(terms, 100), ends);
    }
}

#[test]
fn reading_what_neighbours_say_allocates_nothing() {
    let (mac, v4, v6) = ([2; 6], Ipv4Addr::LOCALHOST, Ipv6Addr::LOCALHOST);
    let (arp, ndp) = (arp::announcement(mac, v4), ndp::announcement(mac, v6, true));
    let mut said = 0;
    let read = || {
        for length in 0..=ndp.len() {
            said += usize::from(arp::sender(arp.get(..length).unwrap_or(&arp)).is_some());
            said += usize::from(ndp::sender(ndp.get(..length).unwrap_or_default()).is_some());
        }
    };
    assert_eq!(allocations(read), 0);
    assert_eq!(said, ndp.len() - arp.len() + 2);
}

#[test]
fn an_allocation_is_counted() {
    assert_eq!(allocations(|| Vec::<u8>::with_capacity(black_box(9))), 1);
}

#[test]
fn judging_allocates_nothing_whatever_is_wrong() {
    let mut rejected = Counters::default();
    let mut accepted = 0;
    each(|advertisement, ends| {
        let terms = advertisement.terms;
        let expected =
            Expected { terms, is_owner: true, checksum: Checksum::Auto, min_hop_limit: HOP_LIMIT };
        let carrier = Carrier { ends, hop_limit: HOP_LIMIT };
        let mut bytes = Vec::new();
        advertisement.encode(ends, Coverage::PseudoHeader, &mut bytes).unwrap();
        let mut judge = |bytes: &[u8]| match receive(bytes, &carrier, Some(&expected)) {
            Ok(packet) => accepted += packet.packet.addresses().count(),
            Err(reason) => rejected.count(reason.reason()),
        };
        assert_eq!(allocations(|| judge(&bytes)), 0);
        for at in 0..bytes.len().min(64) {
            bytes[at] ^= 0xff;
            assert_eq!(allocations(|| judge(&bytes)), 0, "byte {at}");
            bytes[at] ^= 0xff;
            assert_eq!(allocations(|| judge(&bytes[..at])), 0, "cut at {at}");
        }
    });
    assert_eq!(accepted, 2 + 2 + 2 + 255);
    assert!(rejected.iter().filter(|(_, count)| *count > 0).count() >= 4, "{rejected:?}");
}

#[test]
fn writing_into_a_grown_buffer_allocates_nothing() {
    let mut bytes = Vec::with_capacity(5_000);
    each(|advertisement, ends| {
        bytes.clear();
        let work = || advertisement.encode(ends, Coverage::Message, &mut bytes).unwrap();
        assert_eq!(allocations(work), 0);
        assert_eq!(bytes.len(), advertisement.length());
    });
}

/// A datagram of each version, with 255 connections; those of version 1 have every option.
fn sync_messages() -> [Datagram; 2] {
    let ends = |client: &str, service: &str, destination: &str| {
        let [client, service, destination] =
            [client, service, destination].map(|text| text.parse().unwrap());
        Connection::new(6, client, service, destination)
    };
    let v4 = Connection {
        flags: Flags::IN_SEQUENCE,
        sequences: Some(Sequences::default()),
        ..ends("192.0.2.9:50000", "10.0.0.1:80", "192.168.0.1:8080")
    };
    let v6 = Connection {
        engine_name: b"sip",
        engine_data: &[7; 20],
        ..ends("[2001:db8::9]:50000", "[2001:db8::1]:80", "[fd00::1]:8080")
    };
    let v6 = Connection { sequences: v4.sequences, ..v6 };
    [(proto::Version::V0, v4), (proto::Version::V1, v6)].map(|(version, connection)| {
        let mut datagram = Datagram::new(version, 7, u16::MAX);
        while datagram.push(&connection).unwrap() {}
        datagram
    })
}

#[test]
fn reading_sync_messages_allocates_nothing_whatever_is_wrong() {
    let (mut taken, mut lost) = (0, [0; 3]);
    for datagram in sync_messages() {
        let mut bytes = datagram.as_bytes().to_vec();
        let mut judge = |bytes: &[u8]| {
            let Ok(message) = proto::receive(bytes, 7) else { return lost[0] += 1 };
            for connection in message.connections() {
                match connection.and_then(|connection| {
                    connection.check().map(|()| connection.others.iter().count())
                }) {
                    Ok(_) => taken += 1,
                    Err(rejected) if rejected.loss() == Loss::Rest => lost[1] += 1,
                    Err(_) => lost[2] += 1,
                }
            }
        };
        assert_eq!(allocations(|| judge(&bytes)), 0);
        for at in 0..128 {
            bytes[at] ^= 0xff;
            assert_eq!(allocations(|| judge(&bytes)), 0, "byte {at}");
            bytes[at] ^= 0xff;
            assert_eq!(allocations(|| judge(&bytes[..at])), 0, "cut at {at}");
        }
    }
    assert!(taken > 2 * 255 && lost.iter().all(|lost| *lost > 0), "{taken} {lost:?}");
}

#[test]
fn a_cleared_datagram_is_filled_again_without_an_allocation() {
    for mut datagram in sync_messages() {
        let full = datagram.as_bytes().to_vec();
        let message = proto::receive(&full, 7).unwrap();
        let work = || {
            datagram.clear();
            message.connections().filter(|read| datagram.push(&read.unwrap()).unwrap()).count()
        };
        assert_eq!(allocations(work), 0);
        assert_eq!(datagram.as_bytes(), full);
    }
}

#[cfg(feature = "hmac")]
#[test]
fn signing_and_verifying_allocate_nothing() {
    use ipvs_sync::vrrp::packet::auth_hmac::{Authenticator, Key, Mode, Settings};
    use std::time::Duration;

    let now = Duration::from_secs(1_700_000_000);
    let settings = Settings::new(Mode::Enforce, Key::new(1, &[7; 32]).unwrap(), now);
    each(|plain, ends| {
        let mut authenticator = Authenticator::new(settings.clone());
        let source = ends.source();
        let mut trailer = None;
        let work = || trailer = authenticator.sign(plain, source, now);
        assert_eq!(allocations(work), 0);

        let signed = Advertisement { trailer: &trailer.unwrap(), ..*plain };
        let mut bytes = Vec::new();
        signed.encode(ends, Coverage::Message, &mut bytes).unwrap();
        let (terms, hop_limit) = (signed.terms, HOP_LIMIT);
        let expected =
            Expected { terms, is_owner: true, checksum: Checksum::Auto, min_hop_limit: HOP_LIMIT };
        let carrier = Carrier { ends, hop_limit };
        let accepted = receive(&bytes, &carrier, Some(&expected)).unwrap();
        let mut told = Vec::with_capacity(2);
        let mut work = || told.push(authenticator.verify(&accepted, now));
        assert_eq!(allocations(&mut work), 0);
        assert_eq!(allocations(&mut work), 0);
        assert!(told[0].is_ok() && told[1].is_err(), "{told:?}");
    });
}
