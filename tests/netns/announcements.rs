//! Announcements, as they arrive and as the neighbours take them.

use crate::host::{PORT, interface, port, run, wait_for};
use crate::wire::{Sniffer, Wire};
use ipvs_sync::net::{Announcer, ErrorKind, arp, ndp};
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const V4: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 7);
const V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 7);
const FORMER: &str = "02:00:00:00:00:99";

fn is_arp(frame: &[u8]) -> bool {
    frame[12..14] == [8, 6]
}

fn is_advertisement(frame: &[u8]) -> bool {
    frame[12..14] == [0x86, 0xdd] && frame[20] == 58 && frame[54] == 136
}

fn text(mac: [u8; 6]) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}

#[test]
fn an_arp_announcement_moves_the_neighbours_entry() {
    let wire = Wire::new();
    let mac = port().mac.unwrap();
    let mut sniffer = wire.there(|| {
        run(&format!("ip neigh add {V4} lladdr {FORMER} dev {PORT} nud stale"));
        Sniffer::new()
    });
    let announcer = Announcer::open(&port()).unwrap();
    announcer.announce(V4.into()).unwrap();
    assert_eq!(sniffer.frame(is_arp), arp::announcement(mac, V4));
    let entry = wire.there(|| run(&format!("ip neigh show {V4}")));
    assert!(entry.contains(&text(mac)), "{entry}");
}

#[test]
fn a_neighbour_advertisement_moves_the_neighbours_entry_and_says_whether_it_is_a_router() {
    let wire = Wire::new();
    let mac = port().mac.unwrap();
    let mut sniffer = wire.there(|| {
        run(&format!("ip neigh add {V6} lladdr {FORMER} dev {PORT} nud stale"));
        Sniffer::new()
    });
    let entry = || wire.there(|| run(&format!("ip neigh show {V6}")));
    let announcer = Announcer::open(&port()).unwrap();
    announcer.announce(V6.into()).unwrap();
    assert_eq!(sniffer.frame(is_advertisement), ndp::announcement(mac, V6, false));
    wait_for("entry", || entry().contains(&text(mac)).then_some(()));
    assert!(!entry().contains("router"), "{}", entry());
    // The same announcer sees that the host has become a router.
    fs::write(format!("/proc/sys/net/ipv6/conf/{PORT}/forwarding"), "1").unwrap();
    announcer.announce(V6.into()).unwrap();
    // Linux itself announces its addresses when forwarding is switched on.
    let is_ours = |frame: &[u8]| is_advertisement(frame) && frame[62..78] == V6.octets();
    assert_eq!(sniffer.frame(is_ours), ndp::announcement(mac, V6, true));
    wait_for("router", || entry().contains("router").then_some(()));
}

#[test]
fn five_rounds_for_200_addresses_leave_whole_and_in_order() {
    let wire = Wire::new();
    let mac = port().mac.unwrap();
    let mut sniffer = wire.there(Sniffer::new);
    let announcer = Announcer::open(&port()).unwrap();
    for _ in 0..5 {
        for host in 1..=200 {
            announcer.announce(Ipv4Addr::new(10, 0, 1, host).into()).unwrap();
        }
        for host in 1..=200 {
            let frame = sniffer.frame(is_arp);
            assert_eq!(frame, arp::announcement(mac, Ipv4Addr::new(10, 0, 1, host)));
        }
    }
}

#[test]
fn where_neighbours_are_not_asked_for_nothing_is_announced() {
    let wire = Wire::new();
    run(&format!("ip link set {PORT} arp off"));
    let mut sniffer = wire.there(Sniffer::new);
    let announcer = Announcer::open(&port()).unwrap();
    announcer.announce(V4.into()).unwrap();
    run(&format!("ip link set {PORT} arp on"));
    // After this one, so the first never came.
    Announcer::open(&port()).unwrap().announce(Ipv4Addr::new(10, 0, 0, 8).into()).unwrap();
    assert_eq!(sniffer.frame(is_arp)[28..32], [10, 0, 0, 8]);
}

#[test]
fn what_cannot_be_announced_says_why() {
    let _wire = Wire::new();
    let error = Announcer::open(&interface("lo")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "open the socket for announcements on lo: the interface is not an Ethernet"
    );
    let announcer = Announcer::open(&port()).unwrap();
    run(&format!("ip link set {PORT} down"));
    let error = announcer.announce(IpAddr::from(V4)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InterfaceDown);
    assert_eq!(error.to_string(), "announce 10.0.0.7 on vrrp0: the interface is down (ENETDOWN)");
    run(&format!("ip link del {PORT}"));
    let error = announcer.announce(IpAddr::from(V4)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoSuchInterface, "{error}");
}
