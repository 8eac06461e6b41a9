//! Advertisements from one host to the other.

use crate::host::{PORT, interface, port, run, wait_for};
use crate::wire::{Sniffer, Wire, is_between};
use ipvs_sync::net::{AdvertSocket, Advertisement, ErrorKind, Received, group, now};
use ipvs_sync::vrrp::{Family, Time};
use std::net::IpAddr;
use std::os::fd::AsFd as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

const FAMILIES: [(Family, &str, &str); 2] =
    [(Family::V4, "10.0.0.1", "10.0.0.2"), (Family::V6, "fe80::1", "fe80::2")];

const PACKET: &[u8] = &[0x31, 7, 100, 1, 0, 100, 0xab, 0xcd, 10, 0, 0, 7];

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// What a socket has received, of its own.
#[derive(Debug, PartialEq)]
struct Heard {
    source: IpAddr,
    destination: IpAddr,
    hop_limit: u8,
    arrival: Time,
    payload: Vec<u8>,
}

fn next(socket: &mut AdvertSocket) -> Option<Heard> {
    match socket.receive().unwrap() {
        Received::Advertisement(Advertisement {
            source,
            destination,
            hop_limit,
            arrival,
            payload,
        }) => Some(Heard { source, destination, hop_limit, arrival, payload: payload.to_vec() }),
        Received::Empty => None,
        Received::Unreadable => panic!("unreadable"),
    }
}

fn hear(socket: &mut AdvertSocket) -> Heard {
    wait_for("advertisement", || next(socket))
}

#[test]
fn what_is_sent_to_the_group_arrives_with_its_source_hop_limit_and_time() {
    let wire = Wire::new();
    for (family, us, _) in FAMILIES {
        let mut peer = wire.there(|| AdvertSocket::multicast(&port(), family).unwrap());
        assert_eq!(next(&mut peer), None);
        let mut socket = AdvertSocket::multicast(&port(), family).unwrap();
        // The kernel begins to stamp what arrives a moment after the first socket wants it
        // (`dev.c: net_enable_timestamp`); what comes before that is as old as its reading.
        wait_for("stamps", || {
            socket.send(ip(us), group(family), PACKET).unwrap();
            let after = now();
            sleep(Duration::from_millis(5));
            (hear(&mut peer).arrival <= after).then_some(())
        });
        let before = now();
        socket.send(ip(us), group(family), PACKET).unwrap();
        let after = now();
        // It waits in the queue, and is no younger for that.
        sleep(Duration::from_millis(50));
        let heard = hear(&mut peer);
        assert!(is_between(heard.arrival, before, after), "{heard:?}: {before} to {after}");
        let (source, destination) = (ip(us), group(family));
        let arrival = heard.arrival;
        let payload = PACKET.to_vec();
        assert_eq!(heard, Heard { source, destination, hop_limit: 255, arrival, payload });
        assert_eq!(next(&mut peer), None);
        // It does not come back.
        assert_eq!(next(&mut socket), None);
    }
}

// shows: 9568-5.1.1.3-1, 9568-5.1.2.3-1, 9568-7.2-4, 9568-7.2-5, 9568-7.2-6, 9568-7.2-7
#[test]
fn the_frame_is_of_class_cs6_and_to_the_groups_mac_address() {
    let wire = Wire::new();
    let mut sniffer = wire.there(Sniffer::new);
    let mac = port().mac.unwrap();
    for (family, us, _) in FAMILIES {
        let socket = AdvertSocket::multicast(&port(), family).unwrap();
        socket.send(ip(us), group(family), PACKET).unwrap();
    }
    let v4 = sniffer.frame(|frame| frame[12..14] == [8, 0]);
    assert_eq!(v4[..12], [&[1, 0, 0x5e, 0, 0, 0x12], &mac[..]].concat());
    // Version and length, class, total length; TTL and protocol; addresses.
    assert_eq!(v4[14..18], [0x45, 0xc0, 0, 32]);
    assert_eq!(v4[22..24], [255, 112]);
    assert_eq!(v4[26..34], [10, 0, 0, 1, 224, 0, 0, 18]);
    assert_eq!(&v4[34..], PACKET);
    let is_vrrp = |frame: &[u8]| frame[12..14] == [0x86, 0xdd] && frame[20] == 112;
    let v6 = sniffer.frame(is_vrrp);
    assert_eq!(v6[..12], [&[0x33, 0x33, 0, 0, 0, 0x12], &mac[..]].concat());
    // Version and class; length, next header and hop limit.
    assert_eq!(v6[14] & 0xf, 0xc);
    assert_eq!(v6[15] & 0xf0, 0);
    assert_eq!(v6[18..22], [0, 12, 112, 255]);
    assert_eq!(&v6[54..], PACKET);
}

#[test]
fn a_unicast_socket_hears_its_own_address_and_not_the_group() {
    let wire = Wire::new();
    for (family, us, peers) in FAMILIES {
        let mut peer = wire.there(|| AdvertSocket::unicast(&port(), family).unwrap());
        let mut both = wire.there(|| AdvertSocket::multicast(&port(), family).unwrap());
        let socket = AdvertSocket::unicast(&port(), family).unwrap();
        socket.send(ip(us), group(family), PACKET).unwrap();
        socket.send(ip(us), ip(peers), PACKET).unwrap();
        let heard = hear(&mut peer);
        assert_eq!((heard.source, heard.destination), (ip(us), ip(peers)));
        assert_eq!((heard.hop_limit, &heard.payload[..]), (255, PACKET));
        assert_eq!(next(&mut peer), None);
        assert_eq!(hear(&mut both).destination, group(family));
        assert_eq!(hear(&mut both).destination, ip(peers));
    }
}

#[test]
fn a_lower_hop_limit_is_told_as_it_is() {
    let wire = Wire::new();
    for (family, us, peers) in FAMILIES {
        let mut peer = wire.there(|| AdvertSocket::multicast(&port(), family).unwrap());
        let socket = AdvertSocket::unicast(&port(), family).unwrap();
        let options = socket2::SockRef::from(&socket);
        options.set_ttl_v4(254).ok();
        options.set_unicast_hops_v6(254).ok();
        socket.send(ip(us), ip(peers), PACKET).unwrap();
        assert_eq!(hear(&mut peer).hop_limit, 254);
    }
}

#[test]
fn the_descriptor_says_when_something_has_come() {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    let wire = Wire::new();
    let mut peer = wire.there(|| AdvertSocket::multicast(&port(), Family::V4).unwrap());
    let ready = |peer: &AdvertSocket, timeout| {
        let mut polled = [PollFd::new(peer.as_fd(), PollFlags::POLLIN)];
        poll(&mut polled, timeout).unwrap()
    };
    assert_eq!(ready(&peer, PollTimeout::ZERO), 0);
    let socket = AdvertSocket::multicast(&port(), Family::V4).unwrap();
    socket.send(ip("10.0.0.1"), group(Family::V4), PACKET).unwrap();
    assert_eq!(ready(&peer, PollTimeout::from(5_000_u16)), 1);
    hear(&mut peer);
    assert_eq!(ready(&peer, PollTimeout::ZERO), 0);
}

#[test]
fn the_longest_advertisement_arrives_and_a_longer_one_costs_no_other() {
    let wire = Wire::new();
    for (family, us, _) in FAMILIES {
        let mut peer = wire.there(|| AdvertSocket::multicast(&port(), family).unwrap());
        let socket = AdvertSocket::multicast(&port(), family).unwrap();
        let longest = vec![0xa5; 8 + 255 * 16 + 28];
        for packet in [&longest[..], &[0xa5; 5_000], PACKET] {
            socket.send(ip(us), group(family), packet).unwrap();
        }
        assert_eq!(hear(&mut peer).payload, longest);
        let is_dropped = wait_for("longer one", || match peer.receive().unwrap() {
            Received::Empty => None,
            received => Some(received == Received::Unreadable),
        });
        assert!(is_dropped);
        assert_eq!(hear(&mut peer).payload, PACKET);
    }
}

// shows: 9568-7.1-6
#[test]
fn what_comes_to_another_interface_is_not_heard() {
    let wire = Wire::new();
    run("ip link add other0 type veth peer name other1");
    run("ip link set other0 up");
    run("ip link set other1 up");
    run("ip addr add 10.1.0.1/24 dev other0");
    run("ip addr add fe80::3/64 dev other0 nodad");
    wait_for("carrier", || interface("other0").is_running.then_some(()));
    for (family, other, _) in [(Family::V4, "10.1.0.1", ()), (Family::V6, "fe80::3", ())] {
        let mut at_other = AdvertSocket::multicast(&interface("other1"), family).unwrap();
        let mut at_port = AdvertSocket::multicast(&port(), family).unwrap();
        let socket = AdvertSocket::multicast(&interface("other0"), family).unwrap();
        socket.send(ip(other), group(family), PACKET).unwrap();
        if family == Family::V6 {
            assert_eq!(hear(&mut at_other).source, ip(other));
        }
        // IPv4 takes no packet from one of its own addresses; that it is not at the port
        // is to be seen after one that is.
        let (_, us, peers) = FAMILIES[usize::from(family == Family::V6)];
        let peer = wire.there(|| AdvertSocket::multicast(&port(), family).unwrap());
        peer.send(ip(peers), ip(us), PACKET).unwrap();
        assert_eq!(hear(&mut at_port).source, ip(peers));
        assert_eq!(next(&mut at_port), None);
    }
}

#[test]
fn nor_is_what_came_before_the_socket_was_bound_to_its_interface() {
    let wire = Wire::new();
    run("ip addr add 10.0.1.1/32 dev lo");
    let stop = AtomicBool::new(false);
    wire.there(|| run("ip route add 10.0.1.1/32 via 10.0.0.1"));
    let peer = wire.there(|| AdvertSocket::unicast(&port(), Family::V4).unwrap());
    run("ip link add other0 type veth peer name other1");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let _ = peer.send(ip("10.0.0.2"), ip("10.0.1.1"), PACKET);
            }
        });
        let mut strays = 0;
        for _ in 0..2_000 {
            let mut socket = AdvertSocket::multicast(&interface("other0"), Family::V4).unwrap();
            strays += usize::from(next(&mut socket).is_some());
        }
        stop.store(true, Ordering::Relaxed);
        assert_eq!(strays, 0);
    });
}

// shows: 9568-7.2-3
#[test]
fn the_link_local_source_may_be_of_the_interface_below() {
    let wire = Wire::new();
    run(&format!("ip link add link {PORT} name above type macvlan mode private"));
    std::fs::write("/proc/sys/net/ipv6/conf/above/addr_gen_mode", "1").unwrap();
    run("ip link set above up");
    let above = wait_for("carrier", || Some(interface("above")).filter(|above| above.is_running));
    for (family, us, _) in FAMILIES {
        let mut peer = wire.there(|| AdvertSocket::multicast(&port(), family).unwrap());
        let mut sniffer = wire.there(Sniffer::new);
        let socket = AdvertSocket::multicast(&above, family).unwrap();
        socket.send(ip(us), group(family), PACKET).unwrap();
        assert_eq!(hear(&mut peer).source, ip(us));
        let frame = sniffer.frame(|frame| frame.ends_with(PACKET));
        assert_eq!(frame[6..12], above.mac.unwrap());
    }
}

#[test]
fn what_cannot_be_sent_says_why() {
    let _wire = Wire::new();
    let v4 = AdvertSocket::multicast(&port(), Family::V4).unwrap();
    let send = |source: &str| v4.send(ip(source), group(Family::V4), PACKET).unwrap_err();
    let error = send("10.0.0.99");
    let text = error.to_string();
    // Kernels differ in how much they say.
    assert!(matches!(error.kind(), ErrorKind::NoSuchAddress | ErrorKind::Unreachable), "{text}");
    assert!(text.starts_with("send an advertisement to 224.0.0.18 on vrrp0: "), "{text}");
    assert!(text.contains("the address to send from is not one of this host's"), "{text}");
    let error = v4.send(ip("10.0.0.1"), group(Family::V4), &[0; 70_000]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLong);
    let error = v4.send(ip("fe80::1"), group(Family::V4), PACKET).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(97));
    run("ip link set vrrp0 down");
    let error = send("10.0.0.1");
    assert!(error.to_string().contains("the interface is down"), "{error}");
    run("ip link del vrrp0");
    let error = send("10.0.0.1");
    assert!(error.to_string().contains("gone"), "{error}");
}
