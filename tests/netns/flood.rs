//! More packets than any network has.

use crate::host::port;
use crate::router::{config, ip, settings, start};
use crate::wire::Wire;
use ipvs_sync::net::{AdvertSocket, group, now};
use ipvs_sync::runtime::Event;
use ipvs_sync::vrrp::packet::{Advertisement, Coverage, Ends, Terms};
use ipvs_sync::vrrp::router::State;
use ipvs_sync::vrrp::{Family, Interval, Version};
use std::net::Ipv4Addr;
use std::time::Duration;

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
