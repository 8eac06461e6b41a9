//! What is told of changes.

use crate::host::{PORT, interface, port, run, wait_for};
use crate::wire::Wire;
use ipvs_sync::net::{Event, Events, InterfaceAddress, Rtnetlink};
use ipvs_sync::vrrp::Family;
use std::net::{IpAddr, Ipv4Addr};

fn address(text: &str) -> InterfaceAddress {
    InterfaceAddress::host(text.parse().unwrap())
}

/// The next event that `wanted` reads; others are passed over.
fn next<R>(events: &mut Events, wanted: impl Fn(Event) -> Option<R>) -> R {
    wait_for("event", || {
        while let Some(event) = events.poll().unwrap() {
            if let Some(found) = wanted(event) {
                return Some(found);
            }
        }
        None
    })
}

#[test]
fn a_link_that_goes_down_and_comes_up_is_told() {
    let wire = Wire::new();
    let mut events = Events::open().unwrap();
    let port = port();
    let link = |event| match event {
        Event::Link(link) if link.index == port.index => Some(link),
        _ => None,
    };
    assert_eq!(events.poll().unwrap(), None);
    // The cable, as it were.
    wire.there(|| run(&format!("ip link set {PORT} down")));
    next(&mut events, |event| link(event).filter(|link| link.is_up && !link.is_running));
    wire.there(|| run(&format!("ip link set {PORT} up")));
    next(&mut events, |event| link(event).filter(|link| link.is_running));
    run(&format!("ip link set {PORT} down"));
    next(&mut events, |event| link(event).filter(|link| !link.is_up && !link.is_running));
    run(&format!("ip link set {PORT} name renamed0"));
    let renamed =
        next(&mut events, |event| link(event).filter(|link| link.name.to_string() == "renamed0"));
    run("ip link del renamed0");
    let gone = next(&mut events, |event| match event {
        Event::LinkGone(link) => Some(link),
        _ => None,
    });
    assert_eq!((gone.index, gone.name), (port.index, renamed.name));
}

#[test]
fn addresses_that_others_add_and_remove_are_told() {
    let _wire = Wire::new();
    let mut events = Events::open().unwrap();
    for text in ["10.0.0.7", "fd00::7"] {
        let (wanted, index) = (address(text), port().index);
        run(&format!("ip addr add {wanted} dev {PORT} noprefixroute"));
        let added = next(&mut events, |event| match event {
            Event::Address(entry) => Some(entry),
            _ => None,
        });
        assert_eq!((added.interface, added.address), (index, wanted));
        run(&format!("ip addr del {wanted} dev {PORT}"));
        let gone = next(&mut events, |event| match event {
            Event::AddressGone(entry) => Some(entry),
            _ => None,
        });
        assert_eq!((gone.interface, gone.address), (index, wanted));
    }
}

#[test]
fn a_port_that_leaves_its_bridge_is_not_gone() {
    let _wire = Wire::new();
    run("ip link add bridge0 type bridge");
    run(&format!("ip link set {PORT} master bridge0"));
    let mut events = Events::open().unwrap();
    run(&format!("ip link set {PORT} nomaster"));
    run("ip link add last0 type veth peer name last1");
    loop {
        let event = next(&mut events, Some);
        assert!(!matches!(event, Event::LinkGone(_)), "{event:?}");
        if matches!(event, Event::Link(link) if link == interface("last0")) {
            return;
        }
    }
}

#[test]
fn when_too_much_came_that_is_told_first_and_nothing_older_after_it() {
    let _wire = Wire::new();
    let (mut netlink, port) = (Rtnetlink::open().unwrap(), port());
    let mut events = Events::open().unwrap();
    let many: Vec<InterfaceAddress> = (0..250)
        .map(|host| InterfaceAddress::host(IpAddr::from(Ipv4Addr::new(10, 1, 0, host))))
        .collect();
    for _ in 0..4 {
        netlink.add_addresses(&port, &many).unwrap();
        netlink.remove_addresses(&port, &many).unwrap();
    }
    assert_eq!(events.poll().unwrap(), Some(Event::Lost));
    assert_eq!(events.poll().unwrap(), None);
    // Now a listing is right, and stays right by what is told.
    assert_eq!(netlink.addresses(&port, Family::V4).unwrap().len(), 1);
    netlink.add_addresses(&port, &[address("10.0.0.7")]).unwrap();
    let added = next(&mut events, |event| match event {
        Event::Address(entry) => Some(entry.address),
        other => panic!("{other:?}"),
    });
    assert_eq!(added, address("10.0.0.7"));
}
