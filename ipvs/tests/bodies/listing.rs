//! Listing works with anything in the table: what other tools and raw messages put there.

use super::Bench;
use super::raw::{Answer, Raw, destination, family, service};
use ipvs::{Destination, Endpoint, Forwarding, Scheduler, ServiceKey, Weight};
use ipvs_sys::{
    DelDestination, DestinationAttrs, GetDestination, GetInfo, GetService, ServiceAttrs,
};
use std::collections::BTreeSet;

const REQUEST: u16 = 1;
const LIST: u16 = REQUEST | 0x300;
const ADDRESS: [u8; 4] = [10, 0, 0, 1];

pub(crate) fn what_no_tool_should_make_is_listed_and_survives_an_edit<B: Bench>() {
    let bench = B::fresh();
    let mut raw = Raw::open(bench.socket());
    let vip = [10, 0, 0, 1];
    for protocol in [0, 1, 51, 255, 300, 65_535] {
        raw.add(&service(ServiceAttrs::by_address(2, protocol, &vip, 80), b"wlc", 0));
    }
    raw.add(&service(ServiceAttrs::by_fwmark(2, 7), b"rr", 0));
    raw.add(&service(ServiceAttrs::by_fwmark(10, 7), b"none", 0));
    // Flags of no kernel, one-packet for TCP, persistence without a timeout.
    let odd = ServiceAttrs::by_address(2, 6, &vip, 80);
    raw.add(&service(odd, b"wlc", 0x4000_0005));
    for (forwarding, host) in [(4, 4), (5, 5), (6, 6), (7, 7)] {
        let addr = [127, 0, 0, host];
        let mut command = destination(odd, &addr, 8080);
        command.destination.forwarding = Some(forwarding);
        raw.add(&command);
    }
    let addr = [127, 0, 0, 9];
    let mut command = destination(odd, &addr, 8080);
    command.destination.forwarding = Some(2);
    command.destination.tunnel_kind = Some(9);
    command.destination.tunnel_flags = Some(0x0f);
    raw.add(&command);
    raw.send();

    let mut client = bench.client();
    let keys: BTreeSet<String> =
        client.services().unwrap().iter().map(|entry| entry.service.key().to_string()).collect();
    let expected = [
        "protocol-0 10.0.0.1:80",
        "protocol-1 10.0.0.1:80",
        "protocol-51 10.0.0.1:80",
        "protocol-255 10.0.0.1:80",
        "protocol-300 10.0.0.1:80",
        "protocol-65535 10.0.0.1:80",
        "fwmark 7",
        "fwmark 7 ipv6",
        "tcp 10.0.0.1:80",
    ];
    assert_eq!(keys, expected.map(str::to_owned).into());
    let unscheduled = client.service(&"fwmark 7 ipv6".parse().unwrap()).unwrap().unwrap();
    assert_eq!(unscheduled.service.scheduler(), Scheduler::Unscheduled);

    let key: ServiceKey = "tcp 10.0.0.1:80".parse().unwrap();
    let before = client.service(&key).unwrap().unwrap().service;
    let edited = client.update_service(&key, |found| found.with_scheduler(Scheduler::Wrr)).unwrap();
    assert_eq!(edited, before.with_scheduler(Scheduler::Wrr));
    assert_eq!(client.service(&key).unwrap().unwrap().service, edited);

    for entry in client.destinations(&key).unwrap() {
        let before = entry.destination;
        let known = matches!(before.forwarding(), Forwarding::Bypass);
        assert!(known || matches!(before.forwarding(), Forwarding::Other(_)), "{before}");
        client.set_weight(&key, before.endpoint(), Weight::ZERO).unwrap();
        let after = client.destination(&key, before.endpoint()).unwrap().unwrap().destination;
        assert_eq!(after, before.with_weight(Weight::ZERO));
    }
}

pub(crate) fn ten_thousand_services_are_listed_each_once<B: Bench>() {
    const COUNT: u32 = 10_000;
    let bench = B::fresh();
    let mut raw = Raw::open(bench.socket());
    let mut expected = BTreeSet::new();
    for n in 0..COUNT {
        let addr = (0x0a00_0000 + n).to_be_bytes();
        raw.add(&service(ServiceAttrs::by_address(2, 6, &addr, 80), b"wlc", 0));
        expected.insert(ServiceKey::tcp(Endpoint::new(addr, 80)));
    }
    raw.send();
    let mut client = bench.client();
    let listed = client.services().unwrap();
    assert_eq!(listed.len(), expected.len());
    let listed: BTreeSet<ServiceKey> = listed.iter().map(|entry| entry.service.key()).collect();
    assert_eq!(listed, expected);
    client.flush().unwrap();
}

pub(crate) fn a_service_with_two_thousand_destinations_is_listed_each_once<B: Bench>() {
    let bench = B::fresh();
    let mut raw = Raw::open(bench.socket());
    let key = ServiceAttrs::by_address(2, 6, &[10, 0, 0, 1], 80);
    raw.add(&service(key, b"wlc", 0));
    let mut expected = BTreeSet::new();
    for n in 0..2_000u32 {
        let addr = (0x7f00_0001 + n).to_be_bytes();
        raw.add(&destination(key, &addr, 80));
        expected.insert(Destination::new(Endpoint::new(addr, 80)));
    }
    raw.send();
    let mut client = bench.client();
    let listed = client.destinations(&"tcp 10.0.0.1:80".parse().unwrap()).unwrap();
    assert_eq!(listed.len(), expected.len());
    let listed: BTreeSet<Destination> = listed.iter().map(|entry| entry.destination).collect();
    assert_eq!(listed, expected);
    client.flush().unwrap();
}

/// 4-byte IPv4 addresses, and 16-byte ones with junk behind, are one service.
pub(crate) fn addresses_may_be_sent_short_or_padded<B: Bench>() {
    let bench = B::fresh();
    let mut raw = Raw::open(bench.socket());
    let padded = [10, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    raw.add(&service(ServiceAttrs::by_address(2, 6, &padded, 80), b"wlc", 0));
    raw.send();
    let key = "tcp 10.0.0.2:80".parse().unwrap();
    assert!(bench.client().service(&key).unwrap().is_some());
}

pub(crate) fn a_listing_begins_as_long_as_a_page_and_goes_on_as_long_as_the_buffer<B: Bench>() {
    let bench = B::fresh();
    let mut raw = Raw::open(bench.socket());
    for port in 0..30 {
        raw.add(&service(ServiceAttrs::by_address(2, 6, &ADDRESS, port), b"rr", 0));
    }
    raw.send();
    let mut reader = unread(&bench);
    reader.put(&GetService(None), LIST);
    reader.begin();
    assert_eq!(reader.rest(), [Answer::Data(11 * 320), Answer::Data(19 * 320), Answer::Done]);
    // From now on it has had a buffer of 8192 bytes.
    reader.put(&GetService(None), LIST);
    reader.begin();
    assert_eq!(reader.rest(), [Answer::Data(25 * 320), Answer::Data(5 * 320), Answer::Done]);
}

pub(crate) fn what_goes_before_a_listings_place_hides_as_many_others<B: Bench>() {
    let (mut raw, mut reader) = forty::<B>();
    for host in 36..=40 {
        let addr = [10, 0, 0, host];
        let destination = DestinationAttrs::by_address(2, &addr, 80);
        raw.add(&DelDestination { service: key(), destination });
    }
    raw.send();
    let expected: Vec<u8> = (31..=40).rev().chain((1..=25).rev()).collect();
    assert_eq!(reader.hosts(), expected);
}

pub(crate) fn what_comes_before_a_listings_place_shows_as_many_twice<B: Bench>() {
    let (mut raw, mut reader) = forty::<B>();
    for host in 41..=43 {
        raw.add(&destination(key(), &[10, 0, 0, host], 80));
    }
    raw.send();
    let expected: Vec<u8> = (31..=40).rev().chain((1..=33).rev()).collect();
    assert_eq!(reader.hosts(), expected);
}

pub(crate) fn a_socket_has_one_listing_at_a_time<B: Bench>() {
    let (_raw, mut reader) = forty::<B>();
    reader.put(&GetInfo, REQUEST);
    reader.put(&GetService(None), LIST);
    reader.begin();
    let expected = [
        Answer::Data(10 * 356),
        Answer::Data(36),
        Answer::Code(-16),
        // Each part is made when something is received, whatever that is.
        Answer::Data(23 * 356),
        Answer::Data(7 * 356),
        Answer::Done,
    ];
    assert_eq!(reader.rest(), expected);
}

fn key() -> ServiceAttrs<'static> {
    ServiceAttrs::by_address(2, 6, &ADDRESS, 80)
}

/// A socket that can change the destinations 10.0.0.1 to 10.0.0.40 of a
/// service, and one that has begun to list them, ten so far.
fn forty<B: Bench>() -> (Raw<B::Socket>, Raw<B::Socket>) {
    let bench = B::fresh();
    let mut raw = Raw::open(bench.socket());
    raw.add(&service(key(), b"rr", 0));
    for host in 1..=40 {
        raw.add(&destination(key(), &[10, 0, 0, host], 80));
    }
    raw.send();
    let mut reader = unread(&bench);
    reader.put(&GetDestination(key()), LIST);
    reader.begin();
    (raw, reader)
}

fn unread<B: Bench>(bench: &B) -> Raw<B::Socket> {
    Raw::unread(bench.socket(), family(&mut bench.socket()))
}
