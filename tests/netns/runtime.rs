//! Virtual routers of ours, alone and with each other.

use crate::router::{
    INTERVAL, becomes, config, has_virtual, ip, rank, settings, start, state, wait_until,
};
use crate::wire::{PORT, Sniffer, Wire, port, run};
use ipvs_sync::net::{AdvertSocket, group, now};
use ipvs_sync::runtime::{Event, WhenDeleted};
use ipvs_sync::vrrp::Family;
use ipvs_sync::vrrp::packet::Reason;
use ipvs_sync::vrrp::router::{Cause, State};
use std::thread::sleep;
use std::time::Duration;

const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

#[test]
fn one_alone_is_elected_holds_and_leaves_nothing_behind() {
    let wire = Wire::new();
    for family in FAMILIES {
        let mut sniffer = wire.there(Sniffer::new);
        let before = now();
        let router = start(settings(config(family, 1, 200)));
        let (at, cause) = becomes(&router, State::Active);
        assert!(matches!(cause, Cause::Silence { last_heard: None, .. }), "{cause}");
        // Three intervals and a skew of 56/256 of one.
        assert!(at - before >= INTERVAL * 3 + INTERVAL * 56 / 256, "{:?}", at - before);
        // What is told comes after what was done.
        assert!(has_virtual(family));
        sleep(INTERVAL * 5);
        assert_eq!(state(&router), State::Active);
        let told = router.stop();
        let is_end = |event: &Event| matches!(event, Event::State { to: State::Stopped, .. });
        assert!(told.iter().any(|record| is_end(&record.event)), "{told:?}");
        assert!(!has_virtual(family));
        let (kind, at) = match family {
            Family::V4 => ([8, 0], 34),
            Family::V6 => ([0x86, 0xdd], 54),
        };
        let mut priorities = Vec::new();
        let is_vrrp = |frame: &[u8]| frame[12..14] == kind && frame.get(at) == Some(&0x31);
        while let Some(frame) = sniffer.next(is_vrrp) {
            priorities.push(frame[at + 2]);
        }
        let last = priorities.pop();
        assert_eq!(last, Some(0));
        assert!(priorities.len() >= 5, "{priorities:?}");
        assert!(priorities.iter().all(|priority| *priority == 200), "{priorities:?}");
    }
}

#[test]
fn of_two_the_better_one_is_active_and_hands_over_faster_than_it_is_missed() {
    let wire = Wire::new();
    for family in FAMILIES {
        let low = start(settings(config(family, 1, 100)));
        becomes(&low, State::Active);
        let high = wire.there(|| start(settings(config(family, 2, 200))));
        let (_, cause) = becomes(&high, State::Active);
        assert!(matches!(cause, Cause::Preempts { priority: 100, own: 200, .. }), "{cause}");
        let (_, cause) = becomes(&low, State::Backup);
        assert!(matches!(cause, Cause::Outranked { priority: 200, .. }), "{cause}");
        wait_until("removal", || !has_virtual(family));
        assert!(wire.there(|| has_virtual(family)));
        let before = now();
        drop(high);
        let (at, cause) = becomes(&low, State::Active);
        assert!(matches!(cause, Cause::Resigned { .. }), "{cause}");
        assert!(at - before < INTERVAL * 3, "{:?}", at - before);
        assert!(!wire.there(|| has_virtual(family)));
        assert!(has_virtual(family));
    }
}

#[test]
fn a_lost_link_is_a_fault_and_a_link_that_is_back_none() {
    let wire = Wire::new();
    for family in FAMILIES {
        let router = start(settings(config(family, 1, 100)));
        becomes(&router, State::Active);
        wire.there(|| run(&format!("ip link set {PORT} down")));
        let (_, cause) = becomes(&router, State::Fault);
        assert_eq!(cause, Cause::LinkDown);
        wait_until("removal", || !has_virtual(family));
        wire.there(|| run(&format!("ip link set {PORT} up")));
        becomes(&router, State::Active);
        assert!(has_virtual(family));
    }
}

#[test]
fn an_interface_that_is_created_anew_is_used_again() {
    let _wire = Wire::new();
    let router = start(settings(config(Family::V4, 1, 100)));
    becomes(&router, State::Active);
    run(&format!("ip link del {PORT}"));
    becomes(&router, State::Fault);
    run(&format!("ip link add {PORT} type veth peer name other0"));
    run("ip link set other0 up");
    run(&format!("ip addr add 10.0.0.1/24 dev {PORT}"));
    run(&format!("ip link set {PORT} up"));
    becomes(&router, State::Active);
    assert!(has_virtual(Family::V4));
    drop(router);
    assert!(!has_virtual(Family::V4));
}

#[test]
fn addresses_that_somebody_deletes_are_put_back_or_cause_a_release() {
    let wire = Wire::new();
    let base = || settings(config(Family::V4, 1, 100));
    let router = start(base());
    becomes(&router, State::Active);
    let mut sniffer = wire.there(Sniffer::new);
    run(&format!("ip addr del 10.0.0.7/32 dev {PORT}"));
    wait_until("address", || has_virtual(Family::V4));
    // A gratuitous ARP for it.
    sniffer.frame(|frame| frame[12..14] == [8, 6] && frame[28..32] == [10, 0, 0, 7]);
    assert_eq!(state(&router), State::Active);
    drop(router);

    let router = start(base().with_when_deleted(WhenDeleted::Release));
    becomes(&router, State::Active);
    run(&format!("ip addr del 10.0.0.7/32 dev {PORT}"));
    let (_, cause) = becomes(&router, State::Backup);
    assert_eq!(cause, Cause::HandedOver);
}

#[test]
fn what_a_crash_left_is_taken_over() {
    let _wire = Wire::new();
    run(&format!("ip addr add 10.0.0.7/32 dev {PORT}"));
    let router = start(settings(config(Family::V4, 1, 100)));
    becomes(&router, State::Backup);
    assert!(!has_virtual(Family::V4));
    becomes(&router, State::Active);
    // Somebody else's by now, as it were.
    assert!(has_virtual(Family::V4));
    drop(router);
    assert!(!has_virtual(Family::V4));
}

#[test]
fn what_is_dropped_is_counted_by_its_reason() {
    let wire = Wire::new();
    let router = start(settings(config(Family::V4, 1, 100)));
    becomes(&router, State::Active);
    let peer = wire.there(|| AdvertSocket::multicast(&port(), Family::V4).unwrap());
    let send = |packet: &[u8]| peer.send(ip("10.0.0.2"), group(Family::V4), packet).unwrap();
    // Without addresses, too short, with a wrong checksum; and of another router.
    send(&[0x31, 7, 200, 0, 0, 20, 0, 0]);
    send(&[0x31, 7, 200]);
    send(&[0x31, 7, 200, 1, 0, 20, 0, 0, 10, 0, 0, 7]);
    send(&[0x31, 9, 200, 1, 0, 100, 0x44, 0x2c, 192, 0, 2, 100]);
    wait_until("four packets", || {
        let status = router.status(0).unwrap();
        let own = [Reason::NoAddresses, Reason::Checksum];
        own.map(|reason| status.counters.of(reason)) == [1, 1]
            && status.unclaimed.iter().map(|(_, count)| count).sum::<u64>() == 2
    });
    assert_eq!(router.status(0).unwrap().accepted, 0);
    assert_eq!(state(&router), State::Active);
}

#[test]
fn a_live_change_makes_no_take_over() {
    let wire = Wire::new();
    let low = wire.there(|| start(settings(config(Family::V4, 2, 100))));
    let high = start(settings(config(Family::V4, 1, 200)));
    becomes(&high, State::Active);
    becomes(&low, State::Backup);
    for priority in [150, 250, 101, 200] {
        let status = high.set_rank(0, rank(priority)).unwrap();
        assert_eq!((status.state, status.rank.number()), (State::Active, priority));
        sleep(Duration::from_millis(50));
    }
    sleep(INTERVAL * 4);
    assert_eq!((state(&high), state(&low)), (State::Active, State::Backup));
    high.resign(0).unwrap();
    becomes(&low, State::Active);
    let error = high.status(1).unwrap_err();
    assert_eq!(error.to_string(), "no virtual router 1");
}
