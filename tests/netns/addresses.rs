//! Many addresses at a time, and what became of each.

use crate::host::{PORT, interface, name, port, run};
use crate::wire::Wire;
use ipvs_sync::net::{ErrorKind, Interface, InterfaceAddress, Outcome, Rtnetlink, now};
use ipvs_sync::vrrp::Family;
use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

fn many(family: Family, count: u16) -> Vec<InterfaceAddress> {
    let address = |host: u16| match family {
        Family::V4 => Ipv4Addr::from(0x0a01_0000 + u32::from(host)).into(),
        Family::V6 => Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, host).into(),
    };
    (1..=count).map(|host| InterfaceAddress::host(address(host))).collect()
}

fn address(text: &str, prefix: u8) -> InterfaceAddress {
    InterfaceAddress::new(text.parse().unwrap(), prefix).unwrap()
}

/// How many were done, were so before, and failed.
fn count(outcomes: &[Outcome]) -> (usize, usize, usize) {
    let count = |is: fn(&Outcome) -> bool| outcomes.iter().filter(|outcome| is(outcome)).count();
    (
        count(|outcome| matches!(outcome, Outcome::Done)),
        count(|outcome| matches!(outcome, Outcome::WasSo)),
        count(|outcome| matches!(outcome, Outcome::Failed(_))),
    )
}

fn set(addresses: &[InterfaceAddress]) -> BTreeSet<InterfaceAddress> {
    addresses.iter().copied().collect()
}

fn has(
    netlink: &mut Rtnetlink,
    interface: &Interface,
    family: Family,
) -> BTreeSet<InterfaceAddress> {
    let entries = netlink.addresses(interface, family).unwrap();
    entries.into_iter().map(|entry| entry.address).collect()
}

#[test]
fn two_hundred_addresses_come_and_go_at_once() {
    let _wire = Wire::new();
    // Where duplicates are looked for, an address is of no use for a second.
    fs::write(format!("/proc/sys/net/ipv6/conf/{PORT}/accept_dad"), "1").unwrap();
    let (mut netlink, port) = (Rtnetlink::open().unwrap(), port());
    let mut took = |family| {
        let before = has(&mut netlink, &port, family);
        let wanted = many(family, 200);
        let start = now();
        assert_eq!(count(&netlink.add_addresses(&port, &wanted).unwrap()), (200, 0, 0));
        let mut entries = netlink.addresses(&port, family).unwrap();
        // The kernel's own link-local address may still be looked for.
        entries.retain(|entry| wanted.contains(&entry.address));
        assert!(entries.iter().all(|entry| entry.is_usable && entry.interface == port.index));
        assert_eq!(has(&mut netlink, &port, family), &before | &set(&wanted));
        assert_eq!(count(&netlink.remove_addresses(&port, &wanted).unwrap()), (200, 0, 0));
        let took = now() - start;
        assert_eq!(has(&mut netlink, &port, family), before);
        took
    };
    for family in [Family::V4, Family::V6] {
        // Here it is about 10 ms; one by one, with a program for each, it is seconds. The
        // kernel takes down namespaces of others with the lock that this needs.
        assert!((0..5).any(|_| took(family) < Duration::from_secs(1)), "{family}");
    }
}

#[test]
fn more_than_a_queue_holds_answers_to_are_known_one_by_one() {
    let _wire = Wire::new();
    let (mut netlink, port) = (Rtnetlink::open().unwrap(), port());
    let wanted = many(Family::V4, 1_000);
    // Every third is there before.
    let third: Vec<InterfaceAddress> = wanted.iter().copied().step_by(3).collect();
    netlink.add_addresses(&port, &third).unwrap();
    let outcomes = netlink.add_addresses(&port, &wanted).unwrap();
    assert_eq!(count(&outcomes), (666, 334, 0));
    for (at, outcome) in outcomes.iter().enumerate() {
        assert_eq!(matches!(outcome, Outcome::WasSo), at % 3 == 0, "{at}");
    }
    assert_eq!(count(&netlink.add_addresses(&port, &wanted).unwrap()), (0, 1_000, 0));
    netlink.remove_addresses(&port, &third).unwrap();
    let outcomes = netlink.remove_addresses(&port, &wanted).unwrap();
    assert_eq!(count(&outcomes), (666, 334, 0));
    for (at, outcome) in outcomes.iter().enumerate() {
        assert_eq!(matches!(outcome, Outcome::WasSo), at % 3 == 0, "{at}");
    }
    // The socket is as good as before.
    assert_eq!(netlink.interface(name(PORT)).unwrap(), port);
}

#[test]
fn what_was_left_behind_is_found() {
    let _wire = Wire::new();
    let (mut netlink, port) = (Rtnetlink::open().unwrap(), port());
    run(&format!("ip addr add 10.1.0.1/32 dev {PORT}"));
    // Of another prefix, and on another interface.
    run(&format!("ip addr add 10.1.0.2/24 dev {PORT}"));
    run("ip addr add 10.1.0.3/32 dev lo");
    let wanted = many(Family::V4, 3);
    let held = netlink.held_addresses(&port, Family::V4, &wanted).unwrap();
    assert_eq!(held, wanted[..1]);
    assert_eq!(netlink.held_addresses(&port, Family::V6, &many(Family::V6, 3)).unwrap(), []);
}

#[test]
fn a_duplicate_that_was_found_is_no_address_to_keep() {
    let wire = Wire::new();
    wire.there(|| run(&format!("ip addr add fd00::1/64 dev {PORT} nodad")));
    fs::write(format!("/proc/sys/net/ipv6/conf/{PORT}/accept_dad"), "1").unwrap();
    run(&format!("ip addr add fd00::1/128 dev {PORT}"));
    let (mut netlink, port) = (Rtnetlink::open().unwrap(), port());
    let wanted = many(Family::V6, 1);
    crate::host::wait_for("duplicate", || {
        run(&format!("ip addr show dev {PORT}")).contains("dadfailed").then_some(())
    });
    assert_eq!(netlink.held_addresses(&port, Family::V6, &wanted).unwrap(), []);
}

#[test]
fn a_prefix_is_as_it_was_asked_for() {
    let _wire = Wire::new();
    let (mut netlink, port) = (Rtnetlink::open().unwrap(), port());
    let wanted = [address("10.2.0.1", 24), address("10.2.0.2", 24), address("fd02::1", 64)];
    assert_eq!(count(&netlink.add_addresses(&port, &wanted).unwrap()), (3, 0, 0));
    let shown = run(&format!("ip -o addr show dev {PORT}"));
    for address in wanted {
        assert!(shown.contains(&format!(" {address} ")), "{address}: {shown}");
    }
    // The first of the prefix would take the second with it, were it removed first.
    assert_eq!(count(&netlink.remove_addresses(&port, &wanted).unwrap()), (3, 0, 0));
    assert!(InterfaceAddress::new("10.0.0.1".parse().unwrap(), 33).is_err());
}

#[test]
fn addresses_of_an_interface_that_is_gone_are_gone_and_cannot_be_added() {
    let _wire = Wire::new();
    let (mut netlink, port) = (Rtnetlink::open().unwrap(), port());
    run(&format!("ip link del {PORT}"));
    for family in [Family::V4, Family::V6] {
        let wanted = many(family, 2);
        assert_eq!(count(&netlink.remove_addresses(&port, &wanted).unwrap()), (0, 2, 0));
        let outcomes = netlink.add_addresses(&port, &wanted).unwrap();
        let Some(Outcome::Failed(error)) = outcomes.first() else { panic!("{outcomes:?}") };
        assert_eq!(error.kind(), ErrorKind::NoSuchInterface, "{error}");
        let error = netlink.addresses(&port, family).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoSuchInterface, "{error}");
    }
}

#[test]
fn where_ipv6_is_switched_off_that_is_said() {
    let _wire = Wire::new();
    fs::write(format!("/proc/sys/net/ipv6/conf/{PORT}/disable_ipv6"), "1").unwrap();
    let mut netlink = Rtnetlink::open().unwrap();
    let outcomes = netlink.add_addresses(&port(), &many(Family::V6, 1)).unwrap();
    let [Outcome::Failed(error)] = &outcomes[..] else { panic!("{outcomes:?}") };
    let text = error.to_string();
    let meaning = "add fd00::1/128 to vrrp0: IPv6 is switched off on this interface (EACCES)";
    assert!(text.starts_with(meaning), "{text}");
    assert!(!error.is_permission());
}

#[test]
fn an_interface_is_found_by_name_and_number_and_among_all() {
    let _wire = Wire::new();
    let mut netlink = Rtnetlink::open().unwrap();
    let port = port();
    assert!(port.is_up && port.is_running && port.has_arp && port.mtu == 1_500);
    assert_eq!(port.name.to_string(), PORT);
    let mac = fs::read_to_string(format!("/sys/class/net/{PORT}/address"));
    // The sysfs that is mounted here is of the first namespace.
    assert!(mac.is_err());
    let shown = run(&format!("ip link show {PORT}"));
    let mac = port.mac.unwrap().map(|byte| format!("{byte:02x}")).join(":");
    assert!(shown.contains(&mac), "{shown}");
    assert_eq!(netlink.interface_at(port.index).unwrap(), port);
    assert_eq!(netlink.interfaces().unwrap(), [interface("lo"), port]);
    assert_eq!(interface("lo").mac, None);
    let error = netlink.interface(name("none0")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoSuchInterface);
    assert_eq!(
        error.to_string(),
        "find the interface none0: there is no such interface, or no longer (ENODEV)"
    );
    assert_eq!(netlink.interface_at(4_711).unwrap_err().kind(), ErrorKind::NoSuchInterface);
    assert_eq!(
        netlink.interface_at(0).unwrap_err().operation().to_string(),
        "find the interface number 0"
    );
}
