//! Sync messages from one host to the other, and within one.

use crate::host::{interface, port, run, wait_for};
use crate::wire::Wire;
use ipvs_sync::net::{Reach, SyncListener, SyncSender};
use ipvs_sync::proto::{GROUP, PORT};
use std::net::{IpAddr, Ipv4Addr};

fn groups() -> [IpAddr; 2] {
    [GROUP.into(), "ff02::81".parse().unwrap()]
}

const NEAR: Reach = Reach::Others { ttl: 1 };

fn listen(group: IpAddr) -> SyncListener {
    SyncListener::open(&port(), group, PORT).unwrap()
}

fn send(group: IpAddr, reach: Reach, datagram: &[u8]) {
    SyncSender::open(&port(), group, PORT, reach).unwrap().send(datagram).unwrap();
}

fn next(listener: &mut SyncListener) -> Option<(IpAddr, Vec<u8>)> {
    listener.receive().unwrap().map(|(source, datagram)| (source, datagram.to_vec()))
}

/// The next datagram; its source is an address of the interface.
fn hear(listener: &mut SyncListener) -> Vec<u8> {
    let (source, datagram) = wait_for("sync message", || next(listener));
    match source {
        IpAddr::V4(source) => assert_eq!(source, Ipv4Addr::new(10, 0, 0, 1)),
        IpAddr::V6(source) => assert!(source.is_unicast_link_local(), "{source}"),
    }
    datagram
}

#[test]
fn what_is_sent_to_others_comes_to_each_listener_there_and_to_none_here() {
    let wire = Wire::new();
    for group in groups() {
        let mut here = listen(group);
        // They share the port.
        let mut there = wire.there(|| [listen(group), listen(group)]);
        send(group, NEAR, b"one");
        send(group, NEAR, b"");
        for listener in &mut there {
            assert_eq!(hear(listener), b"one");
            assert_eq!(hear(listener), b"");
            assert_eq!(next(listener), None);
        }
        assert_eq!(next(&mut here), None);
    }
}

#[test]
fn what_is_sent_to_this_host_comes_to_each_listener_here_and_to_none_there() {
    let wire = Wire::new();
    for group in groups() {
        let mut here = [listen(group), listen(group)];
        let mut there = wire.there(|| listen(group));
        send(group, Reach::ThisHost, b"one");
        for listener in &mut here {
            assert_eq!(hear(listener), b"one");
        }
        // It would be before the next.
        send(group, NEAR, b"two");
        assert_eq!(hear(&mut there), b"two");
    }
}

#[test]
fn a_datagram_longer_than_the_mtu_arrives_whole_as_do_the_longest() {
    let wire = Wire::new();
    for group in groups() {
        let mut there = wire.there(|| listen(group));
        for length in [9_188, 65_507 - if group.is_ipv6() { 20 } else { 0 }] {
            let datagram = vec![0xa5; length];
            send(group, NEAR, &datagram);
            assert!(hear(&mut there) == datagram, "{length}");
        }
    }
}

#[test]
fn a_listener_hears_its_group_and_port_on_its_interface_only() {
    let wire = Wire::new();
    run("ip link add other0 type veth peer name other1");
    run("ip link set other0 up");
    run("ip link set other1 up");
    run("ip addr add 10.1.0.1/24 dev other0");
    run("ip addr add fe80::3/64 dev other0 nodad");
    wait_for("carrier", || interface("other0").is_running.then_some(()));
    let others: [IpAddr; 2] = [[224, 0, 0, 82].into(), "ff02::82".parse().unwrap()];
    for (group, other) in groups().into_iter().zip(others) {
        let mut there = wire.there(|| listen(group));
        // Somebody there is of the other group too, and of the other port.
        let _members = wire.there(|| {
            [SyncListener::open(&port(), other, PORT), SyncListener::open(&port(), group, PORT + 1)]
        });
        send(other, NEAR, b"other group");
        SyncSender::open(&port(), group, PORT + 1, NEAR).unwrap().send(b"other port").unwrap();
        send(group, NEAR, b"one");
        assert_eq!(hear(&mut there), b"one");

        let mut here = listen(group);
        let elsewhere = SyncSender::open(&interface("other0"), group, PORT, Reach::ThisHost);
        elsewhere.unwrap().send(b"other interface").unwrap();
        send(group, Reach::ThisHost, b"two");
        assert_eq!(hear(&mut here), b"two");
    }
}

#[test]
fn what_cannot_be_opened_or_sent_says_why() {
    let _wire = Wire::new();
    let at = port();
    let unicast = "10.0.0.2".parse().unwrap();
    assert_eq!(
        SyncListener::open(&at, unicast, PORT).unwrap_err().to_string(),
        "open the socket for sync messages to 10.0.0.2 on vrrp0: the group is not a multicast \
         address (EINVAL)"
    );
    let sender = SyncSender::open(&at, GROUP.into(), PORT, NEAR).unwrap();
    assert_eq!(
        sender.send(&[0; 65_508]).unwrap_err().to_string(),
        "send a sync message to 224.0.0.81:8848 on vrrp0: the packet is longer than can be sent \
         (EMSGSIZE)"
    );
    run("ip link set vrrp0 down");
    assert!(sender.send(b"one").is_err());
    run("ip link del vrrp0");
    for group in groups() {
        let error = SyncListener::open(&at, group, PORT).unwrap_err().to_string();
        assert!(error.contains("there is no such interface, or no longer"), "{error}");
    }
}
