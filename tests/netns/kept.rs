//! Other programs that delete what a router has set, again and again.

use crate::host::{PORT, name, port, run};
use crate::router::{becomes, config, has_virtual, ip, settings, start, state, wait_until};
use crate::wire::Wire;
use ipvs_sync::net::{InterfaceAddress, Rtnetlink};
use ipvs_sync::runtime::Event;
use ipvs_sync::vrrp::Family;
use ipvs_sync::vrrp::router::{Cause, State};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

/// Another program that deletes the virtual address whenever it is there, until this is
/// dropped.
struct Deleter {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Deleter {
    fn start() -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let is_told = Arc::clone(&is_over);
        let thread = spawn(move || {
            let mut netlink = Rtnetlink::open().unwrap();
            let (port, address) = (port(), [InterfaceAddress::host(ip("10.0.0.7"))]);
            while !is_told.load(Ordering::Relaxed) {
                netlink.remove_addresses(&port, &address).unwrap();
                sleep(Duration::from_millis(1));
            }
        });
        Self { is_over, thread: Some(thread) }
    }
}

impl Drop for Deleter {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(ended.is_none_or(|ended| ended.is_ok()));
    }
}

fn exists(interface: &str) -> bool {
    Rtnetlink::open().unwrap().interface(name(interface)).is_ok()
}

#[test]
fn addresses_that_somebody_deletes_again_and_again_are_left_to_whoever_takes_them() {
    let wire = Wire::new();
    let router = start(settings(config(Family::V4, 1, 200)));
    becomes(&router, State::Active);
    let peer = wire.there(|| start(settings(config(Family::V4, 2, 100))));
    becomes(&peer, State::Backup);
    let deleter = Deleter::start();
    let mut deletions = 0;
    wait_until("handover", || match router.next(Duration::ZERO).map(|record| record.event) {
        Some(Event::Deleted { .. }) => {
            deletions += 1;
            false
        }
        Some(Event::State { to: State::Backup, cause, .. }) => {
            assert_eq!(cause, Cause::NotKept);
            true
        }
        _ => false,
    });
    // The last one is not put back.
    assert_eq!(deletions, 11);
    becomes(&peer, State::Active);
    drop(deleter);
    // Its successor has no such neighbour.
    sleep(Duration::from_secs(2));
    assert_eq!((state(&router), state(&peer)), (State::Backup, State::Active));
    drop(peer);
    becomes(&router, State::Active);
    assert!(has_virtual(Family::V4));
}

#[test]
fn if_nobody_takes_them_it_tries_again_after_a_second() {
    let _wire = Wire::new();
    let router = start(settings(config(Family::V4, 1, 200)));
    becomes(&router, State::Active);
    let deleter = Deleter::start();
    for _ in 0..2 {
        let (before, cause) = becomes(&router, State::Backup);
        assert_eq!(cause, Cause::NotKept);
        let (after, _) = becomes(&router, State::Active);
        assert!(after - before >= Duration::from_secs(1), "{:?}", after - before);
    }
    let (before, _) = becomes(&router, State::Backup);
    drop(deleter);
    let (after, _) = becomes(&router, State::Active);
    assert!(after - before >= Duration::from_secs(1), "{:?}", after - before);
    sleep(Duration::from_secs(1));
    assert!(state(&router) == State::Active && has_virtual(Family::V4));
}

#[test]
fn an_interface_that_somebody_deletes_again_and_again_is_created_when_it_is_needed() {
    let wire = Wire::new();
    let with_virtual_mac = || settings(config(Family::V4, 1, 100)).with_virtual_mac(name("vmac7"));
    let peer = wire.there(|| start(settings(config(Family::V4, 2, 200))));
    becomes(&peer, State::Active);
    let router = start(with_virtual_mac());
    for _ in 0..11 {
        wait_until("interface", || exists("vmac7"));
        run("ip link del vmac7");
    }
    sleep(Duration::from_secs(1));
    assert!(!exists("vmac7"));
    drop(peer);
    wait_until("take-over", || exists("vmac7") && state(&router) == State::Active);
    // It is needed, but for that not kept.
    run("ip link del vmac7");
    wait_until("handover", || match router.next(Duration::ZERO).map(|record| record.event) {
        Some(Event::State { to: State::Backup, cause, .. }) => cause == Cause::NotKept,
        _ => false,
    });
    wait_until("interface", || exists("vmac7"));
    assert!(run(&format!("ip -o addr show dev {PORT}")).contains("10.0.0.1/24"));
}
