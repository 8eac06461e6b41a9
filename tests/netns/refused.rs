//! Routers whose addresses the kernel refuses.

use crate::host::{PORT, run, wait_for};
use crate::router::{INTERVAL, becomes, config, has_virtual, ip, settings, start, state};
use crate::wire::Wire;
use ipvs_sync::net::{Operation, now};
use ipvs_sync::runtime::{Event, Handle};
use ipvs_sync::vrrp::Family;
use ipvs_sync::vrrp::router::{Cause, State};
use std::net::IpAddr;
use std::thread::sleep;
use std::time::Duration;

/// The port takes no addresses of IPv6 any more, and loses those that it has; or it is as
/// before.
fn without_ipv6(is_off: bool) {
    let path = format!("/proc/sys/net/ipv6/conf/{PORT}/disable_ipv6");
    std::fs::write(path, u8::from(is_off).to_string()).unwrap();
    if !is_off {
        run(&format!("ip addr add fe80::1/64 dev {PORT} nodad"));
    }
}

/// The states that a router was in until it is in this, and the addresses that were
/// refused meanwhile.
fn until(handle: &Handle, wanted: &Cause) -> (Vec<State>, Vec<IpAddr>) {
    let (mut states, mut refused) = (Vec::new(), Vec::new());
    wait_for("change", || {
        match handle.next(Duration::from_millis(10))?.event {
            Event::State { to, cause, .. } => {
                states.push(to);
                return (cause == *wanted).then_some(());
            }
            Event::Failed(error) => match error.operation() {
                Operation::AddAddress { address } => refused.push(address.address()),
                // Without IPv6 nothing can be sent either.
                Operation::Send { .. } => {}
                _ => panic!("{error}"),
            },
            _ => {}
        }
        None
    });
    (states, refused)
}

#[test]
fn one_whose_addresses_are_refused_hands_over() {
    let wire = Wire::new();
    let router = start(settings(config(Family::V6, 1, 200)));
    becomes(&router, State::Active);
    let peer = wire.there(|| start(settings(config(Family::V6, 2, 100))));
    becomes(&peer, State::Backup);
    // It is deleted, and cannot be put back.
    without_ipv6(true);
    let (states, refused) = until(&router, &Cause::NotInstalled);
    assert_eq!((states, refused), (vec![State::Backup], vec![ip("fe80::7")]));
    becomes(&peer, State::Active);
    // The successor keeps it.
    without_ipv6(false);
    sleep(INTERVAL * 10);
    assert_eq!((state(&router), state(&peer)), (State::Backup, State::Active));
    assert!(!has_virtual(Family::V6));
    drop(peer);
    becomes(&router, State::Active);
    assert!(has_virtual(Family::V6));
}

#[test]
fn one_whose_addresses_are_refused_tries_again_if_nobody_takes_them() {
    let _wire = Wire::new();
    let router = start(settings(config(Family::V6, 1, 200)));
    becomes(&router, State::Backup);
    without_ipv6(true);
    let before = now();
    for _ in 0..3 {
        let (states, refused) = until(&router, &Cause::NotInstalled);
        assert_eq!((states, refused), (vec![State::Active, State::Backup], vec![ip("fe80::7")]));
    }
    assert!(now() - before >= Duration::from_secs(2), "{:?}", now() - before);
    without_ipv6(false);
    becomes(&router, State::Active);
    assert!(has_virtual(Family::V6));
}
