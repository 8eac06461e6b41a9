//! Advertisements that a router of the runtime does not take for right.

use crate::host::port;
use crate::router::{INTERVAL, becomes, config, ip, settings, start, state, v3, wait_until};
use crate::wire::Wire;
use ipvs_sync::net::{AdvertSocket, group};
use ipvs_sync::vrrp::packet::{Advertisement, Coverage, Ends, GROUP_V4, Reason, Terms};
use ipvs_sync::vrrp::router::State;
use ipvs_sync::vrrp::{Family, Seconds, Version, VirtualAddresses, Vrid};
use std::net::Ipv4Addr;
use std::thread::sleep;

const V2: Version = Version::V2(Seconds::DEFAULT);

/// Sends an advertisement of router 7 as host 2.
fn send(socket: &AdvertSocket, version: Version, priority: u8, addresses: &[&str]) {
    let addresses = VirtualAddresses::new(addresses.iter().map(|address| ip(address))).unwrap();
    let terms = Terms::new(Vrid::new(7).unwrap(), version, &addresses).unwrap();
    let source = Ipv4Addr::new(10, 0, 0, 2);
    let ends = Ends::V4 { source, destination: GROUP_V4 };
    let mut packet = Vec::new();
    let advertisement = Advertisement::new(terms, priority);
    advertisement.encode(ends, Coverage::PseudoHeader, &mut packet).unwrap();
    socket.send(source.into(), group(Family::V4), &packet).unwrap();
}

/// RFC 3768 §7.1.
#[test]
fn version_2_with_other_addresses_is_dropped_unless_it_is_the_owners() {
    let wire = Wire::new();
    let two = VirtualAddresses::new([ip("10.0.0.7"), ip("10.0.0.8")]).unwrap();
    let config = config(Family::V4, 1, 100).with_addresses(two).unwrap();
    let router = start(settings(config.with_version(V2).unwrap()));
    becomes(&router, State::Backup);
    let peer = wire.there(|| AdvertSocket::multicast(&port(), Family::V4).unwrap());
    let counts = || {
        let status = router.status(0).unwrap();
        let odd = [Reason::Addresses, Reason::OtherAddresses];
        (status.accepted, odd.map(|reason| status.counters.of(reason)))
    };
    send(&peer, V2, 200, &["10.0.0.7"]);
    send(&peer, V2, 200, &["10.0.0.7", "10.0.0.9"]);
    send(&peer, V2, 0, &["10.0.0.7", "10.0.0.9"]);
    wait_until("packets", || counts() == (0, [3, 0]));
    // Their order is none.
    send(&peer, V2, 200, &["10.0.0.8", "10.0.0.7"]);
    wait_until("packet", || counts() == (1, [3, 0]));
    send(&peer, V2, 255, &["10.0.0.7"]);
    wait_until("packet", || counts() == (2, [3, 1]));
    assert_eq!(state(&router), State::Backup);
}

/// As RFC 9568 §8.4.2 wants it of a backup of version 3.
#[test]
fn of_an_active_router_that_speaks_both_versions_the_other_is_ignored() {
    let wire = Wire::new();
    for (own, other) in [(v3(), V2), (V2, v3())] {
        let config = config(Family::V4, 1, 150).with_version(own).unwrap();
        let router = start(settings(config));
        becomes(&router, State::Backup);
        let peer = wire.there(|| AdvertSocket::multicast(&port(), Family::V4).unwrap());
        for _ in 0..8 {
            send(&peer, own, 200, &["10.0.0.7"]);
            // It neither resigns nor is worse.
            send(&peer, other, 0, &["10.0.0.7"]);
            send(&peer, other, 100, &["10.0.0.7"]);
            sleep(INTERVAL);
        }
        let status = router.status(0).unwrap();
        assert_eq!((status.state, status.accepted), (State::Backup, 8));
        assert_eq!(status.counters.of(Reason::Version), 16);
    }
}
