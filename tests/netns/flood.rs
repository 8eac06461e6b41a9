//! More packets than any network has.

use crate::host::{port, wait_for};
use crate::router::{config, ip, settings, start};
use crate::wire::Wire;
use ipvs_sync::net::{AdvertSocket, Received, group, now};
use ipvs_sync::runtime::Event;
use ipvs_sync::vrrp::packet::{Advertisement, Coverage, Ends, Terms};
use ipvs_sync::vrrp::router::State;
use ipvs_sync::vrrp::{Family, Interval, Version};
use std::net::Ipv4Addr;
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
