//! The tap.

use super::*;
use crate::proto::{Connection, Datagram, Flags, Version};
use crate::vrrp::Time;
use ipvs::Endpoint;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

const START: Time = Time::from_micros(5_000_000);
const SECOND: Duration = Duration::from_secs(1);

fn peer() -> IpAddr {
    [10, 5, 0, 2].into()
}

fn connection(port: u16) -> Connection<'static> {
    let end = Endpoint::new([192, 0, 2, 1], port);
    Connection { state: 1, ..Connection::new(6, end, end, end) }
}

/// A datagram with so many connections.
fn datagram(count: u16) -> Vec<u8> {
    let mut datagram = Datagram::new(Version::V1, 7, u16::MAX);
    (0..count).for_each(|port| assert!(datagram.push(&connection(port)).unwrap()));
    datagram.as_bytes().to_vec()
}

/// What a tap that hears these of one peer counts.
fn heard(datagrams: &[Vec<u8>]) -> Heard {
    let mut tap = Tap::new(7, 1472);
    datagrams.iter().for_each(|datagram| tap.take(datagram, peer(), START));
    let mut senders = tap.senders();
    assert_eq!(senders.len(), 1);
    senders.next().unwrap().1.clone()
}

#[test]
fn datagrams_connections_and_templates_are_counted() {
    let mut with_template = Datagram::new(Version::V1, 7, 1472);
    let template = Connection { flags: Flags::TEMPLATE, ..connection(0) };
    with_template.push(&template).unwrap();
    let heard = heard(&[datagram(40), datagram(2), with_template.as_bytes().to_vec()]);
    assert_eq!((heard.datagrams, heard.connections, heard.templates), (3, 43, 1));
    assert_eq!((heard.bytes, heard.longest), (1448 + 80 + 44, 1448));
    assert_eq!((heard.lost, heard.oversize, heard.wrapped), (0, 0, 0));
    assert_eq!(heard.rejected().len(), 0);
}

#[test]
fn what_the_backup_drops_is_counted_by_its_reason() {
    let (mut other_id, mut cut) = (datagram(3), datagram(3));
    other_id[1] = 8;
    cut.pop();
    // A state of the second of four, and the type of the third.
    let mut bad = datagram(4);
    bad[8 + 36 + 8] = 0xff;
    bad[8 + 2 * 36] = 2;
    let heard = heard(&[other_id, cut, bad, vec![1, 2, 3]]);
    assert_eq!((heard.datagrams, heard.connections), (4, 1));
    let rejected: Vec<_> = heard.rejected().collect();
    assert_eq!(
        rejected,
        [("header", 1), ("record_kind", 1), ("size", 1), ("state", 1), ("sync_id", 1)]
    );
    // One with its state, and the third with all that follow.
    assert_eq!(heard.lost, 3);
}

#[test]
fn what_is_longer_than_the_backup_takes_is_lost_whole() {
    let heard = heard(&[datagram(41)]);
    assert_eq!((heard.connections, heard.oversize, heard.lost), (0, 1, 41));
}

#[test]
fn connections_that_a_message_does_not_count_are_lost() {
    // 300 records of which 44 are counted, as the kernel sends them.
    let mut wrapped = datagram(255);
    wrapped.extend_from_slice(&datagram(45)[8..]);
    let size = u16::try_from(wrapped.len()).unwrap();
    wrapped[2..4].copy_from_slice(&size.to_be_bytes());
    wrapped[4] = 44;
    let mut tap = Tap::new(0, u16::MAX);
    tap.take(&wrapped, peer(), START);
    let heard = tap.senders().next().unwrap().1;
    assert_eq!((heard.connections, heard.wrapped, heard.lost), (44, 1, 256));
}

#[test]
fn silences_and_rates_are_by_the_time_that_is_told() {
    let mut tap = Tap::new(7, 1472);
    for tenth in 0..100 {
        tap.take(&datagram(40), peer(), START + tenth * SECOND / 10);
    }
    let rates = |tap: &Tap, now| tap.senders().next().unwrap().1.rates(now);
    assert_eq!(rates(&tap, START + 9 * SECOND), Rates::default());
    assert_eq!(rates(&tap, START + WINDOW), Rates { datagrams: 10, connections: 400 });
    assert_eq!(rates(&tap, START + 2 * WINDOW), Rates::default());
    tap.take(&datagram(1), peer(), START + 15 * SECOND);
    // A clock that goes back costs nothing.
    tap.take(&datagram(1), peer(), START);
    let heard = tap.senders().next().unwrap().1;
    assert_eq!((heard.first, heard.last), (START, START + 15 * SECOND));
    assert_eq!(heard.longest_silence, 5 * SECOND + SECOND / 10);
}

#[test]
fn more_addresses_than_there_is_room_for_are_counted_together() {
    let mut tap = Tap::new(7, 1472);
    let source = |number: u32| IpAddr::from(Ipv4Addr::from_bits(0x0a00_0000 + number));
    for number in 0..1_000 {
        tap.take(&datagram(1), source(number), START);
    }
    assert_eq!((tap.senders().len(), tap.others()), (SENDERS, 1_000 - SENDERS as u64));
    // One that goes on stays, those that are silent make room.
    tap.take(&datagram(1), source(3), START + FORGET);
    tap.take(&datagram(1), source(500), START + FORGET);
    let known: Vec<IpAddr> = tap.senders().map(|(source, _)| source).collect();
    assert_eq!(known, [source(3), source(500)]);
}

#[test]
fn no_bytes_make_it_panic() {
    let mut tap = Tap::new(0, u16::MAX);
    let good = datagram(3);
    for at in 0..good.len() {
        tap.take(&good[..at], peer(), START);
        for byte in [0, 1, 0x7f, 0x80, 0xff] {
            let mut changed = good.clone();
            changed[at] = byte;
            tap.take(&changed, peer(), START);
        }
    }
    assert_eq!(tap.senders().next().unwrap().1.datagrams, 6 * good.len() as u64);
}
