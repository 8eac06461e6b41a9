//! More packets than any network has.

use crate::host::{PORT, port, run, wait_for};
use crate::lan::Lan;
use crate::router::{INTERVAL, becomes, config, ip, settings, start, state, wait_until};
use crate::wire::{Sniffer, Wire};
use ipvs_sync::net::{AdvertSocket, Received, group, now};
use ipvs_sync::runtime::{Event, Handle, Status};
use ipvs_sync::vrrp::packet::auth_hmac::{self, Key, Mode};
use ipvs_sync::vrrp::packet::{Advertisement, Coverage, Ends, GROUP_V4, Reason, Terms};
use ipvs_sync::vrrp::router::State;
use ipvs_sync::vrrp::{Family, Interval, Version};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::thread::{self, sleep};
use std::time::Duration;

#[test]
fn what_the_queue_has_no_room_for_is_counted() {
    let wire = Wire::new();
    for family in [Family::V4, Family::V6] {
        let mut socket = AdvertSocket::multicast(&port(), family).unwrap();
        let peer = wire.there(|| AdvertSocket::multicast(&port(), family).unwrap());
        let source = ip(if family == Family::V4 { "10.0.0.2" } else { "fe80::2" });
        let mut receive = || {
            let mut received = 0;
            while !matches!(socket.receive().unwrap(), Received::Empty) {
                received += 1;
            }
            (received, socket.take_overruns())
        };
        let mut total = (0, 0);
        for round in 1..=2 {
            for _ in 0..20_000 {
                peer.send(source, group(family), &[0x31; 20]).unwrap();
            }
            let (received, known) = receive();
            // The next one that is queued says how many were not.
            peer.send(source, group(family), &[0x31; 20]).unwrap();
            let (one, overruns) = wait_for("packet", || Some(receive()).filter(|it| it.0 > 0));
            total = (total.0 + received + one, total.1 + known + overruns);
            assert_eq!(total.0 + total.1, 20_001 * round, "{total:?}");
            assert!(overruns > 0);
        }
        assert_eq!(receive(), (0, 0));
    }
}

#[test]
fn what_others_send_does_not_keep_a_change_of_state_from_being_told() {
    let wire = Wire::new();
    let own = config(Family::V4, 1, 100);
    let router = start(settings(own.clone()));
    let peer = wire.there(|| AdvertSocket::multicast(&port(), Family::V4).unwrap());
    let ends =
        Ends::V4 { source: Ipv4Addr::new(10, 0, 0, 2), destination: Ipv4Addr::new(224, 0, 0, 18) };
    // Each has another interval than the one before, which is worth a report.
    let packets = [30, 40].map(|centis| {
        let version = Version::V3(Interval::from_centis(centis).unwrap());
        let terms = Terms::new(own.vrid(), version, own.addresses()).unwrap();
        let mut packet = Vec::new();
        Advertisement::new(terms, 200).encode(ends, Coverage::PseudoHeader, &mut packet).unwrap();
        packet
    });
    let start = now();
    for _ in 0..10_000 {
        for packet in &packets {
            // A queue that is full is no failure here.
            let _ = peer.send(ip("10.0.0.2"), group(Family::V4), packet);
        }
    }
    // Nobody took a record until now, and nothing is lost.
    let (mut reports, mut sequence) = (0, 0);
    loop {
        let record = router.next(Duration::from_secs(10)).unwrap();
        sequence += 1;
        assert_eq!(record.sequence, sequence);
        match record.event {
            Event::Report(_) => reports += 1,
            Event::State { to: State::Active, .. } => break,
            _ => {}
        }
    }
    assert!(router.status(0).unwrap().accepted > 1_000);
    let seconds = (now() - start).as_secs_f64();
    assert!(f64::from(reports) <= seconds + 1.0, "{reports} reports in {seconds} s");
    assert!(reports > 0);
}

/// Each is a better router's but for one thing.
fn hostile() -> Vec<(Reason, Vec<u8>)> {
    let good = advertisement(250);
    let with = |at: usize, bytes: &[u8]| {
        let mut packet = good.clone();
        packet[at..at + bytes.len()].copy_from_slice(bytes);
        packet
    };
    vec![
        (Reason::Length, good[..7].to_vec()),
        (Reason::Version, summed(with(0, &[0x41]))),
        (Reason::Kind, summed(with(0, &[0x32]))),
        (Reason::NoAddresses, summed(with(3, &[0])[..8].to_vec())),
        (Reason::Length, summed(with(3, &[255]))),
        (Reason::Checksum, with(2, &[251])),
        (Reason::Vrid, summed(with(1, &[8]))),
        (Reason::NoInterval, summed(with(4, &[0, 0]))),
    ]
}

/// One of virtual router 7, from host 3.
fn advertisement(priority: u8) -> Vec<u8> {
    let own = config(Family::V4, 3, 100);
    let interval = Version::V3(Interval::try_from(INTERVAL).unwrap());
    let terms = Terms::new(own.vrid(), interval, own.addresses()).unwrap();
    let ends = Ends::V4 { source: HOSTILE, destination: GROUP_V4 };
    let mut packet = Vec::new();
    Advertisement::new(terms, priority).encode(ends, Coverage::PseudoHeader, &mut packet).unwrap();
    packet
}

/// With the right checksum (RFC 1071), over the pseudo-header too.
fn summed(mut packet: Vec<u8>) -> Vec<u8> {
    packet[6..8].fill(0);
    let length = u8::try_from(packet.len()).unwrap();
    let pseudo = [&HOSTILE.octets()[..], &GROUP_V4.octets(), &[0, 112, 0, length]].concat();
    let words = pseudo.chunks(2).chain(packet.chunks(2));
    let sum: u32 = words.map(|word| u32::from(u16::from_be_bytes([word[0], word[1]]))).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let folded = u16::try_from((folded & 0xffff) + (folded >> 16)).unwrap();
    packet[6..8].copy_from_slice(&(!folded).to_be_bytes());
    packet
}

const HOSTILE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 3);

/// How many packets it knows of that it did not accept.
fn known(status: &Status) -> u64 {
    let counted = status.counters.iter().chain(status.unclaimed.iter());
    counted.map(|(_, count)| count).sum()
}

fn changes(router: &Handle) -> usize {
    let records = std::iter::from_fn(|| router.next(Duration::ZERO));
    records.filter(|record| matches!(record.event, Event::State { .. })).count()
}

#[test]
fn hostile_packets_by_the_hundred_thousand_change_nothing_and_are_counted() {
    let lan = Lan::new(3);
    let active = lan.at(1, || start(settings(config(Family::V4, 1, 200))));
    becomes(&active, State::Active);
    let backup = lan.at(2, || start(settings(config(Family::V4, 2, 100))));
    becomes(&backup, State::Backup);
    let sender = lan.at(3, || AdvertSocket::multicast(&port(), Family::V4).unwrap());
    // From beyond a router: with another TTL.
    let far = lan.at(3, || {
        let far = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(112))).unwrap();
        far.bind(&SockAddr::from(SocketAddr::from((HOSTILE, 0)))).unwrap();
        far.set_multicast_if_v4(&HOSTILE).unwrap();
        far.set_multicast_ttl_v4(254).unwrap();
        far
    });
    let to = SockAddr::from(SocketAddr::from((GROUP_V4, 0)));
    let (hostile, better) = (hostile(), advertisement(250));
    // A queue that is full is no failure here.
    let send = |packet: &[u8]| sender.send(IpAddr::V4(HOSTILE), group(Family::V4), packet).is_ok();
    let flood = || {
        let mut sent = 0_u64;
        while sent < 100_000 {
            sent += hostile.iter().map(|(_, packet)| u64::from(send(packet))).sum::<u64>();
            sent += u64::from(far.send_to(&better, &to).is_ok());
        }
        sent
    };
    let begun = now();
    let sent: u64 = thread::scope(|scope| {
        let threads = [(); 2].map(|()| scope.spawn(flood));
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    let took = now() - begun;
    for router in [&active, &backup] {
        wait_until("all packets", || {
            // How many the queue had no room for is said with the next one.
            send(&[0x31; 7]);
            known(&router.status(0).unwrap()) >= sent
        });
        let status = router.status(0).unwrap();
        for (reason, _) in &hostile {
            let count = status.counters.of(*reason) + status.unclaimed.of(*reason);
            assert!(count > 0, "{reason:?}: {status:?}");
        }
        assert!(status.counters.of(Reason::HopLimit) > 0, "{status:?}");
    }
    sleep(INTERVAL * 4);
    assert_eq!((state(&active), state(&backup)), (State::Active, State::Backup), "{took:?}");
    assert_eq!((changes(&active), changes(&backup)), (0, 0), "{took:?}");
    // The active one is heard all the time, and takes nobody for better.
    assert_eq!(active.status(0).unwrap().accepted, 0);
    assert!(backup.status(0).unwrap().accepted > 4);
}

/// A signed packet of a router that is gone, over and over.
#[test]
fn what_was_signed_once_is_worth_nothing_again() {
    let lan = Lan::new(3);
    let signed = |host, priority| {
        let key = Key::new(1, &[7; 32]).unwrap();
        let signed = auth_hmac::Settings::new(Mode::Enforce, key, Duration::from_secs(60));
        settings(config(Family::V4, host, priority)).with_signed(signed)
    };
    let gone = lan.at(1, || start(signed(1, 200)));
    becomes(&gone, State::Active);
    let router = lan.at(2, || start(signed(2, 100)));
    becomes(&router, State::Backup);
    let mut sniffer = lan.at(3, Sniffer::new);
    // Of IPv4 without options, of protocol 112.
    let frame = sniffer.frame(|frame| frame[12..15] == [0x08, 0, 0x45] && frame[23] == 112);
    lan.cut(1);
    becomes(&router, State::Active);
    let accepted = router.status(0).unwrap().accepted;
    let source = ip("10.0.0.1");
    let sender = lan.at(3, || {
        run(&format!("ip addr add 10.0.0.1/24 dev {PORT}"));
        AdvertSocket::multicast(&port(), Family::V4).unwrap()
    });
    for _ in 0..1_000 {
        sender.send(source, group(Family::V4), &frame[34..]).unwrap();
    }
    wait_until("all packets", || router.status(0).unwrap().counters.of(Reason::Replayed) == 1_000);
    assert_eq!(router.status(0).unwrap().accepted, accepted);
    assert_eq!((state(&router), changes(&router)), (State::Active, 0));
    drop(gone);
}
