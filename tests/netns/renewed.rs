//! Interfaces that somebody deletes under a router, and changes that it was not told of.

use crate::host::{PORT, interface, name, port, run, wait_for};
use crate::router::{
    INTERVAL, addresses, becomes, config, ip, rank, settings, start, state, v3, wait_until,
};
use crate::wire::{Sniffer, Wire};
use ipvs::Namespace;
use ipvs_sync::net::{Event as Change, Events, InterfaceAddress, Operation, Outcome, Rtnetlink};
use ipvs_sync::runtime::{Event, Options, WhenDeleted, spawn};
use ipvs_sync::vrrp::router::{Cause, Config, State};
use ipvs_sync::vrrp::{Family, VirtualAddresses, Vrid};
use std::net::IpAddr;

const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

/// Whether the interface with the virtual MAC address is there, with the address.
fn is_whole() -> bool {
    let shown = run("ip -o addr show");
    let has = |address: &str| {
        shown.lines().any(|line| line.contains(": vmac7 ") && line.contains(address))
    };
    has(" 10.0.0.7/32 ") || has(" fe80::7/128 ")
}

fn is_there() -> bool {
    Rtnetlink::open().unwrap().interface(name("vmac7")).is_ok()
}

#[test]
fn an_interface_with_the_virtual_mac_address_that_somebody_deletes_is_created_again() {
    let wire = Wire::new();
    for (family, own) in [(Family::V4, 1), (Family::V6, 2)] {
        let router = start(settings(config(family, 1, 100)).with_virtual_mac(name("vmac7")));
        becomes(&router, State::Active);
        assert!(is_whole());
        run("ip link del vmac7");
        wait_until("interface", is_whole);
        // Advertisements and announcements come from it.
        let mac = [0, 0, 0x5e, 0, own, 7];
        let mut sniffer = wire.there(Sniffer::new);
        let is_advertisement = |frame: &[u8]| frame[23] == 112 || frame[20] == 112;
        sniffer.frame(|frame| frame[6..12] == mac && is_advertisement(frame));
        run(&match family {
            Family::V4 => "ip addr del 10.0.0.7/32 dev vmac7".to_owned(),
            Family::V6 => "ip addr del fe80::7/128 dev vmac7".to_owned(),
        });
        let is_announcement = |frame: &[u8]| match family {
            Family::V4 => frame[12..14] == [8, 6] && frame[28..32] == [10, 0, 0, 7],
            Family::V6 => frame[12..14] == [0x86, 0xdd] && frame[20] == 58 && frame[54] == 136,
        };
        sniffer.frame(|frame| frame[6..12] == mac && is_announcement(frame));
        assert_eq!(state(&router), State::Active);
        drop(router);
        assert!(!is_there());
    }
}

#[test]
fn an_interface_with_the_virtual_mac_address_that_is_set_down_is_set_up_again() {
    let _wire = Wire::new();
    for family in FAMILIES {
        let router = start(settings(config(family, 1, 100)).with_virtual_mac(name("vmac7")));
        becomes(&router, State::Active);
        run("ip link set vmac7 down");
        wait_until("interface", || interface("vmac7").is_up && is_whole());
        assert_eq!(state(&router), State::Active);
    }
}

#[test]
fn that_of_a_backup_is_created_again_too() {
    let wire = Wire::new();
    let peer = wire.there(|| start(settings(config(Family::V4, 2, 200))));
    becomes(&peer, State::Active);
    let router = start(settings(config(Family::V4, 1, 100)).with_virtual_mac(name("vmac7")));
    becomes(&router, State::Backup);
    run("ip link del vmac7");
    wait_until("interface", is_there);
    assert!(!is_whole());
    drop(peer);
    becomes(&router, State::Active);
    assert!(is_whole());
}

#[test]
fn in_a_namespace_that_is_given_it_is_created_again_there() {
    let namespace = Wire::new().peer();
    let inside = |work: fn() -> bool| namespace.run(work).unwrap();
    let copy = namespace.run(|| Namespace::open("/proc/thread-self/ns/net").unwrap()).unwrap();
    let settings = settings(config(Family::V4, 2, 100)).with_virtual_mac(name("vmac7"));
    let options = Options { namespace: Some(copy), real_time: None };
    let router = spawn([settings], options).unwrap();
    becomes(&router, State::Active);
    namespace.run(|| run("ip link del vmac7")).unwrap();
    wait_until("interface", || inside(is_whole));
    assert!(!is_there());
    drop(router);
    assert!(!inside(is_there));
}

#[test]
fn if_it_is_to_hand_over_then_it_does_and_the_interface_is_created_all_the_same() {
    let _wire = Wire::new();
    let settings = settings(config(Family::V4, 1, 100)).with_virtual_mac(name("vmac7"));
    let router = start(settings.with_when_deleted(WhenDeleted::Release));
    becomes(&router, State::Active);
    run("ip link del vmac7");
    let (_, cause) = becomes(&router, State::Backup);
    assert_eq!(cause, Cause::HandedOver);
    becomes(&router, State::Active);
    assert!(is_whole());
}

#[test]
fn if_it_cannot_be_created_again_the_router_hands_over_and_tries_later() {
    let _wire = Wire::new();
    let router = start(settings(config(Family::V4, 1, 100)).with_virtual_mac(name("vmac7")));
    becomes(&router, State::Active);
    // In one step, so that the name is taken before the router can.
    run("ip link add other0 type veth peer name other1");
    run("ip link set vmac7 down");
    let batch = std::env::temp_dir().join(format!("ipvs-batch-{}", std::process::id()));
    std::fs::write(
        &batch,
        "link set vmac7 name away0\nlink set other0 name vmac7\nlink del away0\n",
    )
    .unwrap();
    run(&format!("ip -batch {}", batch.display()));
    std::fs::remove_file(&batch).unwrap();
    let mut said = Vec::new();
    wait_until("handover", || match router.next(INTERVAL).map(|record| record.event) {
        Some(Event::State { cause, .. }) => cause == Cause::NotInstalled,
        Some(Event::Failed(error)) => {
            said.push(error.operation());
            false
        }
        _ => false,
    });
    assert!(said.contains(&Operation::CreateInterface), "{said:?}");
    run("ip link del vmac7");
    wait_until("interface", is_whole);
    assert_eq!(state(&router), State::Active);
}

#[test]
fn the_interface_below_that_is_created_anew_gets_one_above_it_again() {
    let _wire = Wire::new();
    for family in FAMILIES {
        let router = start(settings(config(family, 1, 100)).with_virtual_mac(name("vmac7")));
        becomes(&router, State::Active);
        run(&format!("ip link del {PORT}"));
        becomes(&router, State::Fault);
        assert!(!is_there());
        run(&format!("ip link add {PORT} type veth peer name other0"));
        run("ip link set other0 up");
        run(&format!("ip addr add 10.0.0.1/24 dev {PORT}"));
        run(&format!("ip link set {PORT} up"));
        run(&format!("ip addr add fe80::1/64 dev {PORT} nodad"));
        becomes(&router, State::Active);
        assert!(is_whole());
        drop(router);
        assert!(!is_there());
    }
}

/// Two routers with 255 addresses each become active together: these are more changes at
/// once than the kernel keeps for a socket. An address that is deleted among them is missed
/// all the same.
#[test]
fn what_is_deleted_among_more_changes_than_can_be_told_is_put_back() {
    let _wire = Wire::new();
    let router = |vrid: u8| {
        let addresses = (0..255).map(|host| IpAddr::from([10, 1, vrid, host]));
        let addresses = VirtualAddresses::new(addresses).unwrap();
        let vrid = Vrid::new(vrid).unwrap();
        let config = Config::new(vrid, rank(100), addresses, v3(), ip("10.0.0.1"));
        settings(config.unwrap()).with_group("both")
    };
    let routers = spawn([router(7), router(8)], Options::default()).unwrap();
    becomes(&routers, State::Backup);
    let mut unread = Events::open().unwrap();
    let victim = [InterfaceAddress::host(ip("10.1.7.0"))];
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut netlink = Rtnetlink::open().unwrap();
            let port = port();
            wait_until("deletion", || {
                matches!(netlink.remove_addresses(&port, &victim).unwrap()[..], [Outcome::Done])
            });
        });
        routers.promote(0).unwrap();
    });
    assert_eq!(unread.poll().unwrap(), Some(Change::Lost));
    wait_for("deletion", || match routers.next(INTERVAL)?.event {
        Event::Deleted { addresses } => {
            assert_eq!(addresses, victim);
            Some(())
        }
        _ => None,
    });
    wait_until("address", || addresses(Family::V4).contains(&ip("10.1.7.0")));
    assert_eq!(state(&routers), State::Active);
}
