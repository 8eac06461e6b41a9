//! Listing works with anything in the table: what other tools and raw messages put there.

use crate::netns::Netns;
use ipvs::transport::{Netlink, Received, Transport as _};
use ipvs::{Destination, Endpoint, Forwarding, Scheduler, ServiceKey, Weight};
use ipvs_sys::family::{GetFamily, NLCTRL, NewFamily};
use ipvs_sys::{
    Command, DestinationAttrs, Messages, NewDestination, NewService, Payload, ServiceAttrs,
    ServiceFlags, encode,
};
use std::collections::BTreeSet;

/// Sends raw messages, which nobody checks.
struct Raw {
    netlink: Netlink,
    family: u16,
    sequence: u32,
    pending: Vec<u8>,
}

impl Raw {
    fn open() -> Self {
        let mut raw = Self {
            netlink: Netlink::open().unwrap(),
            family: NLCTRL,
            sequence: 0,
            pending: vec![],
        };
        raw.put(&GetFamily { name: b"IPVS" }, 0);
        raw.netlink.send(&raw.pending).unwrap();
        raw.pending.clear();
        let mut buffer = [0; 8192];
        let Received::Datagram(len) = raw.netlink.receive(&mut buffer).unwrap() else {
            panic!("no answer");
        };
        let message = Messages::new(buffer.get(..len).unwrap()).next().unwrap().unwrap();
        let Payload::Data { attrs, .. } = message.payload else { panic!("no family") };
        raw.family = NewFamily::parse(attrs).unwrap().id;
        raw
    }

    fn put<C: Command>(&mut self, command: &C, flags: u16) {
        self.sequence += 1;
        encode(command, self.family, 1 | flags, self.sequence, &mut self.pending).unwrap();
    }

    /// Puts a command that must succeed, 500 to a send.
    fn add<C: Command>(&mut self, command: &C) {
        self.put(command, 0);
        if self.sequence % 500 == 0 {
            self.send();
        }
    }

    /// Only errors are answered, and there must be none.
    fn send(&mut self) {
        self.netlink.send(&self.pending).unwrap();
        self.pending.clear();
        assert_eq!(self.netlink.receive(&mut [0; 256]).unwrap(), Received::Empty);
    }
}

fn service<'a>(key: ServiceAttrs<'a>, scheduler: &'a [u8], flags: u32) -> NewService<'a> {
    NewService(ServiceAttrs {
        scheduler: Some(scheduler),
        flags: Some(ServiceFlags { flags, mask: u32::MAX }),
        timeout: Some(0),
        netmask: Some(if key.af == Some(10) { 128u32.to_ne_bytes() } else { [255; 4] }),
        ..key
    })
}

fn destination<'a>(key: ServiceAttrs<'a>, addr: &'a [u8], port: u16) -> NewDestination<'a> {
    let destination = DestinationAttrs {
        forwarding: Some(0),
        weight: Some(1),
        upper_threshold: Some(0),
        lower_threshold: Some(0),
        ..DestinationAttrs::by_address(2, addr, port)
    };
    NewDestination { service: Some(key), destination }
}

#[test]
fn what_no_tool_should_make_is_listed_and_survives_an_edit() {
    let netns = Netns::new();
    let mut raw = Raw::open();
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

    let mut client = netns.client();
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

#[test]
fn ten_thousand_services_are_listed_each_once() {
    const COUNT: u32 = 10_000;
    let netns = Netns::new();
    let mut raw = Raw::open();
    let mut expected = BTreeSet::new();
    for n in 0..COUNT {
        let addr = (0x0a00_0000 + n).to_be_bytes();
        raw.add(&service(ServiceAttrs::by_address(2, 6, &addr, 80), b"wlc", 0));
        expected.insert(ServiceKey::tcp(Endpoint::new(addr, 80)));
    }
    raw.send();
    let mut client = netns.client();
    let listed = client.services().unwrap();
    assert_eq!(listed.len(), expected.len());
    let listed: BTreeSet<ServiceKey> = listed.iter().map(|entry| entry.service.key()).collect();
    assert_eq!(listed, expected);
    client.flush().unwrap();
}

#[test]
fn a_service_with_two_thousand_destinations_is_listed_each_once() {
    let netns = Netns::new();
    let mut raw = Raw::open();
    let key = ServiceAttrs::by_address(2, 6, &[10, 0, 0, 1], 80);
    raw.add(&service(key, b"wlc", 0));
    let mut expected = BTreeSet::new();
    for n in 0..2_000u32 {
        let addr = (0x7f00_0001 + n).to_be_bytes();
        raw.add(&destination(key, &addr, 80));
        expected.insert(Destination::new(Endpoint::new(addr, 80)));
    }
    raw.send();
    let mut client = netns.client();
    let listed = client.destinations(&"tcp 10.0.0.1:80".parse().unwrap()).unwrap();
    assert_eq!(listed.len(), expected.len());
    let listed: BTreeSet<Destination> = listed.iter().map(|entry| entry.destination).collect();
    assert_eq!(listed, expected);
    client.flush().unwrap();
}

/// 4-byte IPv4 addresses, and 16-byte ones with junk behind, are one service.
#[test]
fn addresses_may_be_sent_short_or_padded() {
    let netns = Netns::new();
    let mut raw = Raw::open();
    let padded = [10, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    raw.add(&service(ServiceAttrs::by_address(2, 6, &padded, 80), b"wlc", 0));
    raw.send();
    let key = "tcp 10.0.0.2:80".parse().unwrap();
    assert!(netns.client().service(&key).unwrap().is_some());
}
