//! Virtual routers of ours that own their addresses.

use crate::host::{PORT, name, run};
use crate::router::{INTERVAL, becomes, config, has_virtual, ip, rank, settings, start, state};
use crate::wire::{Sniffer, Wire};
use ipvs_sync::runtime::{Options, spawn};
use ipvs_sync::vrrp::router::{Config, State};
use ipvs_sync::vrrp::{Family, Rank, VirtualAddresses};
use std::thread::sleep;

fn owner() -> Config {
    config(Family::V4, 1, 100).with_rank(Rank::Owner).unwrap()
}

#[test]
fn what_it_has_set_before_it_owned_it_is_removed() {
    let _wire = Wire::new();
    let router = start(settings(config(Family::V4, 1, 100)));
    becomes(&router, State::Active);
    assert!(has_virtual(Family::V4));
    router.set_rank(0, Rank::Owner).unwrap();
    assert_eq!(state(&router), State::Active);
    router.stop();
    assert!(!has_virtual(Family::V4));
}

#[test]
fn what_it_owns_is_announced_and_never_removed() {
    let wire = Wire::new();
    for address in ["10.0.0.7", "10.0.0.8"] {
        run(&format!("ip addr add {address}/32 dev {PORT}"));
    }
    let router = start(settings(owner()));
    becomes(&router, State::Active);
    let mut sniffer = wire.there(Sniffer::new);
    let other = VirtualAddresses::new([ip("10.0.0.8")]).unwrap();
    router.reconfigure(0, settings(owner().with_addresses(other).unwrap())).unwrap();
    // The first gratuitous ARP afterwards is for the other.
    let frame = sniffer.frame(|frame| frame[12..14] == [8, 6] && frame[14..16] == [0, 1]);
    assert_eq!(frame[28..32], [10, 0, 0, 8]);
    router.stop();
    assert!(has_virtual(Family::V4));
}

#[test]
fn what_its_interface_does_not_have_it_does_not_come_to_own() {
    let wire = Wire::new();
    let peer = wire.there(|| start(settings(config(Family::V4, 2, 200))));
    becomes(&peer, State::Active);
    let router = start(settings(config(Family::V4, 1, 100)));
    becomes(&router, State::Backup);
    let told = format!("{PORT} does not have 10.0.0.7, which its owner must have there");
    let error = router.set_rank(0, Rank::Owner).unwrap_err();
    assert_eq!(error.to_string(), told);
    let others = VirtualAddresses::new([ip("10.0.0.8")]).unwrap();
    let of_others = settings(owner().with_addresses(others).unwrap());
    let error = router.reconfigure(0, of_others.clone()).unwrap_err();
    assert_eq!(error.to_string(), told.replace("0.7", "0.8"));
    // Nothing has changed.
    let status = router.status(0).unwrap();
    assert_eq!((status.state, status.rank), (State::Backup, rank(100)));
    sleep(INTERVAL * 5);
    assert_eq!((state(&router), state(&peer)), (State::Backup, State::Active));

    run(&format!("ip addr add 10.0.0.7/24 dev {PORT}"));
    assert_eq!(router.set_rank(0, Rank::Owner).unwrap().rank, Rank::Owner);
    becomes(&router, State::Active);
    // An owner gets no others either.
    let error = router.reconfigure(0, of_others).unwrap_err();
    assert_eq!(error.to_string(), told.replace("0.7", "0.8"));
    assert_eq!(state(&router), State::Active);
    router.stop();
    assert!(has_virtual(Family::V4));
}

#[test]
fn one_with_the_virtual_mac_address_is_told_that_it_can_own_nothing() {
    let _wire = Wire::new();
    let router = start(settings(config(Family::V4, 1, 100)).with_virtual_mac(name("vmac7")));
    let error = router.set_rank(0, Rank::Owner).unwrap_err().to_string();
    assert!(error.starts_with("virtual MAC address on vmac7 for an owner"), "{error}");
}

#[test]
fn what_its_interface_does_not_have_it_does_not_own() {
    let _wire = Wire::new();
    let error = spawn([settings(owner())], Options::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{PORT} does not have 10.0.0.7, which its owner must have there")
    );
    run(&format!("ip addr add 10.0.0.7/24 dev {PORT}"));
    let router = start(settings(owner()));
    becomes(&router, State::Active);
}
