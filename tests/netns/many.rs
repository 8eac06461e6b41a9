//! 200 addresses, with the real keepalived.

use crate::host::port;
use crate::interop::{GARPS_SOON, v3_over};
use crate::keepalived::Keepalived;
use crate::lan::Lan;
use crate::router::{INTERVAL, addresses, becomes, config, ip, settings, start, state, wait_until};
use ipvs_sync::net::{AdvertSocket, Received};
use ipvs_sync::vrrp::router::{Cause, State};
use ipvs_sync::vrrp::{Family, Seconds, Time, Version, VirtualAddresses};
use std::net::IpAddr;
use std::thread::sleep;
use std::time::Duration;

#[test]
fn two_hundred_addresses_move_to_keepalived_and_back() {
    let all: Vec<IpAddr> = (1..=200).map(|host| [10, 1, 0, host].into()).collect();
    move_to_keepalived_and_back(Family::V4, &all);
}

/// keepalived puts no more into a packet on an Ethernet, receives no longer one, and drops
/// one with another number of addresses.
#[test]
fn eighty_nine_addresses_of_ipv6_move_to_keepalived_and_back() {
    let hosts = (1..89).map(|host| IpAddr::from([0xfd00_u16, 0, 0, 0, 0, 0, 0, host]));
    let all: Vec<IpAddr> = [ip("fe80::7")].into_iter().chain(hosts).collect();
    move_to_keepalived_and_back(Family::V6, &all);
}

/// With others ours would drop what keepalived sends (RFC 3768 §7.1).
#[test]
fn thirty_addresses_of_version_2_are_the_same_in_another_order() {
    let lan = Lan::new(2);
    let all: Vec<IpAddr> = (1..=30).map(|host| [10, 1, 0, host].into()).collect();
    let count = || addresses(Family::V4).iter().filter(|address| all.contains(address)).count();
    let listed: Vec<String> = all.iter().rev().map(|address| format!("{address}/32")).collect();
    let lines = format!("version 2\nadvert_int 1\npriority 150\n{GARPS_SOON}");
    let mut theirs = lan.at(2, || Keepalived::start(&lines, &listed));
    wait_until("keepalived", || lan.at(2, count) == 30);
    let ours = |priority| {
        let virtuals = VirtualAddresses::new(all.iter().copied()).unwrap();
        let config = config(Family::V4, 1, priority).with_addresses(virtuals).unwrap();
        lan.at(1, || start(settings(config.with_version(Version::V2(Seconds::DEFAULT)).unwrap())))
    };
    let low = ours(100);
    wait_until("advertisements", || low.status(0).unwrap().accepted >= 3);
    let status = low.status(0).unwrap();
    assert_eq!(status.state, State::Backup);
    assert!(status.counters.iter().all(|(_, count)| count == 0), "{status:?}");
    drop(low);
    let high = ours(200);
    becomes(&high, State::Active);
    wait_until("release", || lan.at(2, count) == 0);
    assert_eq!(lan.at(1, count), 30);
    theirs.stop();
}

fn move_to_keepalived_and_back(family: Family, all: &[IpAddr]) {
    let kind = v3_over(family);
    let lan = Lan::new(3);
    // Hears all that is advertised, and takes no part.
    let mut witness = lan.at(3, || AdvertSocket::multicast(&port(), family).unwrap());
    let count = || addresses(family).iter().filter(|address| all.contains(address)).count();
    let lines =
        format!("version 3\nadvert_int {}\npriority 100\n{GARPS_SOON}", INTERVAL.as_secs_f32());
    let length = if family == Family::V4 { 32 } else { 128 };
    let listed: Vec<String> = all.iter().map(|address| format!("{address}/{length}")).collect();
    let mut theirs = lan.at(2, || Keepalived::start(&lines, &listed));
    wait_until("keepalived", || lan.at(2, count) == all.len());
    let virtuals = VirtualAddresses::new(all.iter().copied()).unwrap();
    let config = config(family, 1, 200).with_addresses(virtuals).unwrap();
    for _ in 0..2 {
        let ours = lan.at(1, || start(settings(config.clone())));
        let (since, _) = becomes(&ours, State::Backup);
        let (at, cause) = becomes(&ours, State::Active);
        check_cause(&cause, last_heard(&mut witness, kind.address(2), since, at), at - since);
        assert_eq!(lan.at(1, count), all.len());
        wait_until("release", || lan.at(2, count) == 0);
        sleep(INTERVAL * 4);
        // keepalived may miss what it is too busy to receive, but ours stays.
        assert_eq!(state(&ours), State::Active);
        wait_until("release", || (lan.at(1, count), lan.at(2, count)) == (all.len(), 0));
        ours.stop();
        assert_eq!(lan.at(1, count), 0);
        wait_until("take-over", || lan.at(2, count) == all.len());
    }
    theirs.stop();
}

/// keepalived advertises and then adds and announces its addresses, which takes it about a
/// second here, in which it advertises no more. So ours may find nobody active where it is.
/// It must have heard all that was to be heard.
fn check_cause(cause: &Cause, on_the_wire: Option<Duration>, listened: Duration) {
    let nearly = |one: Duration, other: Duration| one.abs_diff(other) < INTERVAL / 10;
    let is_right = match (cause, on_the_wire) {
        (Cause::Preempts { priority: 100, own: 200, .. }, Some(ago)) => ago < INTERVAL * 2,
        (Cause::Silence { last_heard: Some(heard), .. }, Some(ago)) => {
            ago >= INTERVAL * 2 && nearly(*heard, ago)
        }
        // It came between the opening of the socket and the start.
        (Cause::Silence { last_heard: Some(heard), .. }, None) => nearly(*heard, listened),
        (Cause::Silence { last_heard: None, .. }, None) => true,
        _ => false,
    };
    assert!(is_right, "{cause}; on the wire {on_the_wire:?} before, listened for {listened:?}");
}

/// How long before `at` the last advertisement of a host came, if one did since then.
fn last_heard(witness: &mut AdvertSocket, of: IpAddr, since: Time, at: Time) -> Option<Duration> {
    let mut last = None;
    loop {
        match witness.receive().unwrap() {
            Received::Advertisement(heard) => {
                let is_meant = heard.source == of && (since..at).contains(&heard.arrival);
                last = Some(heard.arrival).filter(|_| is_meant).or(last);
            }
            Received::Empty => return last.map(|last| at - last),
            Received::Unreadable => {}
        }
    }
}
