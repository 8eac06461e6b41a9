//! What is said without the capabilities.

use crate::host::{PORT, name, port};
use crate::router::{becomes, config, has_virtual, settings, start};
use crate::wire::Wire;
use caps::CapSet;
use ipvs_sync::net::{
    AdvertSocket, Announcer, Capability, Error, ErrorKind, InterfaceAddress, Outcome,
    ParentSettings, Rtnetlink, VirtualMac,
};
use ipvs_sync::runtime::{self, Options, spawn};
use ipvs_sync::vrrp::Family;
use ipvs_sync::vrrp::router::State;

/// Does something without a capability, which the thread has again afterwards.
fn without<R>(capability: caps::Capability, work: impl FnOnce() -> R) -> R {
    caps::drop(None, CapSet::Effective, capability).unwrap();
    let result = work();
    caps::raise(None, CapSet::Effective, capability).unwrap();
    result
}

fn check(error: &Error, capability: Capability, text: &str) {
    assert_eq!(error.kind(), ErrorKind::Permission(capability));
    assert!(error.is_permission());
    assert_eq!(error.to_string(), text);
}

#[test]
fn sockets_without_cap_net_raw_say_so() {
    let _wire = Wire::new();
    let port = port();
    without(caps::Capability::CAP_NET_RAW, || {
        let error = AdvertSocket::multicast(&port, Family::V4).unwrap_err();
        check(
            &error,
            Capability::NetRaw,
            "open the socket for IPv4 advertisements on vrrp0: permission denied, this needs the \
             capability CAP_NET_RAW: run as root or grant it (EPERM)",
        );
        let error = Announcer::open(&port).unwrap_err();
        check(
            &error,
            Capability::NetRaw,
            "open the socket for announcements on vrrp0: permission denied, this needs the \
             capability CAP_NET_RAW: run as root or grant it (EPERM)",
        );
    });
}

#[test]
fn changes_without_cap_net_admin_say_so_and_it_can_be_known_before() {
    let _wire = Wire::new();
    let port = port();
    let settings = ParentSettings::change(&port).unwrap();
    let mut netlink = Rtnetlink::open().unwrap();
    netlink.check_privilege().unwrap();
    without(caps::Capability::CAP_NET_ADMIN, || {
        // A socket from before counts as what its opener was allowed, and no more than
        // what its user is (`af_netlink.c: netlink_ns_capable`).
        let error = netlink.check_privilege().unwrap_err();
        let needs = "permission denied, this needs the capability CAP_NET_ADMIN: run as root or \
                     grant it (EPERM)";
        check(&error, Capability::NetAdmin, &format!("change addresses: {needs}"));
        let mut netlink = Rtnetlink::open().unwrap();
        assert_eq!(netlink.interface(name(PORT)).unwrap(), port);
        let address = InterfaceAddress::host("10.0.0.7".parse().unwrap());
        let outcomes = netlink.add_addresses(&port, &[address]).unwrap();
        let [Outcome::Failed(error)] = &outcomes[..] else { panic!("{outcomes:?}") };
        check(error, Capability::NetAdmin, &format!("add 10.0.0.7/32 to vrrp0: {needs}"));
        let outcomes = netlink.remove_addresses(&port, &[address]).unwrap();
        let [Outcome::Failed(error)] = &outcomes[..] else { panic!("{outcomes:?}") };
        check(error, Capability::NetAdmin, &format!("remove 10.0.0.7/32 from vrrp0: {needs}"));
        let mac = [0, 0, 0x5e, 0, 1, 7];
        let error = VirtualMac::create(&settings, name("vmac0"), mac).unwrap_err();
        check(&error, Capability::NetAdmin, &format!("create the interface vmac0: {needs}"));
    });
    netlink.check_privilege().unwrap();
}

#[test]
fn virtual_routers_are_not_started_without_either() {
    let _wire = Wire::new();
    for (lacking, capability) in [
        (caps::Capability::CAP_NET_RAW, Capability::NetRaw),
        (caps::Capability::CAP_NET_ADMIN, Capability::NetAdmin),
    ] {
        let settings = settings(config(Family::V4, 1, 100));
        let error = without(lacking, || spawn([settings], Options::default())).unwrap_err();
        let runtime::Error::Net(error) = error else { panic!("{error}") };
        assert_eq!(error.kind(), ErrorKind::Permission(capability));
    }
}

#[test]
fn virtual_routers_need_no_other_capability() {
    let _wire = Wire::new();
    let effective = caps::read(None, CapSet::Effective).unwrap();
    let both = [caps::Capability::CAP_NET_RAW, caps::Capability::CAP_NET_ADMIN];
    let both = both.into_iter().collect();
    caps::set(None, CapSet::Effective, &both).unwrap();
    let router = start(settings(config(Family::V4, 1, 100)));
    becomes(&router, State::Active);
    assert!(has_virtual(Family::V4));
    drop(router);
    assert!(!has_virtual(Family::V4));
    caps::set(None, CapSet::Effective, &effective).unwrap();
}

#[test]
fn advertisements_need_no_other_capability() {
    let _wire = Wire::new();
    let port = port();
    let effective = caps::read(None, CapSet::Effective).unwrap();
    let only = [caps::Capability::CAP_NET_RAW].into_iter().collect();
    caps::set(None, CapSet::Effective, &only).unwrap();
    for family in [Family::V4, Family::V6] {
        AdvertSocket::multicast(&port, family).unwrap();
    }
    Announcer::open(&port).unwrap();
    caps::set(None, CapSet::Effective, &effective).unwrap();
}
