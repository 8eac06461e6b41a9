//! Virtual routers of ours that own their addresses.

use crate::host::{PORT, run};
use crate::router::{becomes, config, has_virtual, ip, settings, start, state};
use crate::wire::{Sniffer, Wire};
use ipvs_sync::runtime::{Options, spawn};
use ipvs_sync::vrrp::router::{Config, State};
use ipvs_sync::vrrp::{Family, Rank, VirtualAddresses};

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
    router.reconfigure(0, owner().with_addresses(other).unwrap()).unwrap();
    // The first gratuitous ARP afterwards is for the other.
    let frame = sniffer.frame(|frame| frame[12..14] == [8, 6] && frame[14..16] == [0, 1]);
    assert_eq!(frame[28..32], [10, 0, 0, 8]);
    router.stop();
    assert!(has_virtual(Family::V4));
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
