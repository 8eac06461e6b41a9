//! What arrives of a table.

use super::{KEY, fetched, joined, many, serving, streams, table, thanked};
use crate::peer::{LeftOut, Message};
use crate::proto::{Connection, Flags};
use crate::resync::Error;
use crate::resync::carry::carry;
use crate::resync::present::Present;
use ipvs::Endpoint;
use ipvs::connections::Reader;
use std::io::Cursor;
use std::time::{Duration, Instant};

/// What is told of these lines, as it is written, and what is not.
fn told(lines: &[&str]) -> (Vec<String>, LeftOut) {
    let lines: Vec<_> = lines.iter().map(|line| (*line).to_owned()).collect();
    let mut left_out = LeftOut::default();
    let mut told = Vec::new();
    for entry in Reader::new(Cursor::new(table(&lines))) {
        let entry = entry.unwrap();
        told.extend(carry(&entry, &mut left_out).map(|connection| {
            let Connection { protocol, client, service, destination, .. } = connection;
            let Connection { flags, state, mark, timeout, engine_data, .. } = connection;
            let data = engine_data.escape_ascii();
            format!(
                "{protocol} {client} {service} {destination} {flags} state {state} mark {mark} \
                 {timeout} s {data}"
            )
        }));
    }
    (told, left_out)
}

#[test]
fn a_line_of_procfs_is_told_with_all_that_it_shows() {
    let (told, left_out) = told(&[
        "TCP C0000209 C350 0A000001 0050 C0A80001 1F90 ESTABLISHED     900",
        "TCP C0000209 C351 0A000001 0050 C0A80001 1F90 SYN_RECV         60",
        "TCP C0000209 C352 0A000001 0050 C0A80001 1F90 TIME_WAIT         0",
        "TCP C0000200 0000 0A000001 0050 C0A80001 1F90 ASSURED         300",
        "UDP C0000209 0000 0A000001 13C4 C0A80001 13C4 NONE            300 sip c@home",
        "UDP C0000209 C350 0A000001 0035 C0A80001 0035 UDP             300",
        "IP  C0000209 0000 00000007 0000 C0A80001 0000 NONE            300",
        "SCTP C0000209 C350 0A000001 0035 C0A80001 0035 ESTABLISHED    300",
        "IP_50 C0000209 01F4 0A000001 01F4 C0A80001 01F4 ERR!            300",
    ]);
    assert_eq!(
        told,
        [
            "6 192.0.2.9:50000 10.0.0.1:80 192.168.0.1:8080 0x0000 state 1 mark 0 900 s ",
            "6 192.0.2.9:50001 10.0.0.1:80 192.168.0.1:8080 0x0000 state 3 mark 0 60 s ",
            // With 0 it would live as long as one that just came into its state.
            "6 192.0.2.9:50002 10.0.0.1:80 192.168.0.1:8080 0x0100 state 5 mark 0 1 s ",
            "6 192.0.2.0:0 10.0.0.1:80 192.168.0.1:8080 0x1000 state 1 mark 0 300 s ",
            "17 192.0.2.9:0 10.0.0.1:5060 192.168.0.1:5060 0x1000 state 0 mark 0 300 s c@home",
            "17 192.0.2.9:50000 10.0.0.1:53 192.168.0.1:53 0x0100 state 0 mark 0 300 s ",
            "0 192.0.2.9:0 0.0.0.7:0 192.168.0.1:0 0x1000 state 0 mark 7 300 s ",
            "132 192.0.2.9:50000 10.0.0.1:53 192.168.0.1:53 0x0000 state 8 mark 0 300 s ",
            "50 192.0.2.9:500 10.0.0.1:500 192.168.0.1:500 0x0100 state 0 mark 0 300 s ",
        ]
    );
    assert_eq!(left_out, LeftOut::default());
}

#[test]
fn what_no_sync_message_can_say_is_counted() {
    let (told, left_out) = told(&[
        "UDP C0000209 C351 0A000001 0035 fd00:0000:0000:0000:0000:0000:0000:0001 0035 UDP   9",
        "TCP C0000209 C350 0A000001 0050 C0A80001 1F90 NEW_STATE       900",
        "UDP C0000209 C350 0A000001 0035 C0A80001 0035 ESTABLISHED     300",
    ]);
    assert_eq!(told, [""; 0]);
    assert_eq!(left_out, LeftOut { mixed_families: 1, unknown: 2, unreadable: 0 });
}

#[test]
fn a_table_arrives_whole_in_its_order_and_from_any_place_on() {
    for count in [0, 1, 254, 255, 256, 1_000, 9_000] {
        let lines = many(count);
        let (joining, active) = streams();
        let active = serving(active, table(&lines));
        let mut pipe = joined(joining, &KEY).unwrap();
        let (all, read, left_out) = fetched(&mut pipe, 0);
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!((all.len(), distinct.len()), (lines.len(), lines.len()));
        assert_eq!((read, left_out), (count.into(), LeftOut::default()));
        for skip in [1, 255, 256, 600, 8_999, 20_000] {
            let rest = all.get(skip..).unwrap_or_default();
            let (found, read, _) = fetched(&mut pipe, skip.try_into().unwrap());
            assert_eq!((found.as_slice(), read), (rest, count.into()));
        }
        thanked(pipe);
        let (sender, served) = active.join().unwrap();
        served.unwrap();
        assert_eq!(sender.counters().served, 1);
    }
}

#[test]
fn lines_that_cannot_be_read_are_counted_and_passed_over() {
    let mut lines = many(3);
    lines.insert(1, "@ \u{fffd} home".to_owned());
    let (joining, active) = streams();
    let active = serving(active, table(&lines));
    let mut pipe = joined(joining, &KEY).unwrap();
    let (found, read, left_out) = fetched(&mut pipe, 0);
    assert_eq!((found.len(), read), (3, 4));
    assert_eq!(left_out, LeftOut { unreadable: 1, ..LeftOut::default() });
    thanked(pipe);
    active.join().unwrap().1.unwrap();
}

#[test]
fn what_a_table_has_is_told_from_what_it_has_not() {
    let mut present = Present::new(&[]);
    let end = |port| format!("192.0.2.9:{port}").parse().unwrap();
    let connection = |port| Connection::new(6, end(port), end(80), end(8080));
    (1..=20_000).for_each(|port| present.add(&connection(port)));
    assert!((1..=20_000).all(|port| present.has(&connection(port))));
    let wrong = (20_001..=40_000).filter(|port| present.has(&connection(*port))).count();
    assert!(wrong < 3, "{wrong} of 20,000");
    // Whatever a sync message would change.
    assert!(!present.has(&Connection { state: 1, ..connection(1) }));
    assert!(!present.has(&Connection { destination: end(8081), ..connection(1) }));
    assert!(!present.has(&Connection { flags: Flags::TEMPLATE, ..connection(1) }));
    assert!(present.has(&Connection { timeout: 5, mark: 7, ..connection(1) }));
}

#[test]
fn while_a_long_table_is_read_it_is_told_that_it_goes_on() {
    let read = |count, mut told: usize| {
        let table = Reader::new(Cursor::new(table(&many(count))));
        let goes_on = || {
            told = told.checked_sub(1).ok_or(Error::Stalled)?;
            Ok(())
        };
        Present::read(table, &[], goes_on).map(drop)
    };
    assert!(read(255, 0).is_ok());
    assert!(read(1_000, 3).is_ok());
    assert!(matches!(read(1_024, 3), Err(Error::Stalled)), "as soon as nobody waits");
}

#[test]
fn a_director_that_reads_its_own_table_for_long_is_waited_for() {
    let (joining, active) = streams();
    let active = serving(active, table(&many(3)));
    let mut pipe = joined(joining, &KEY).unwrap();
    for _ in 0..2 {
        assert_eq!(fetched(&mut pipe, 0).0.len(), 3);
        for _ in 0..20 {
            pipe.send(&Message::Reading, Instant::now() + Duration::from_secs(10)).unwrap();
        }
    }
    thanked(pipe);
    active.join().unwrap().1.unwrap();
}

#[test]
fn of_what_is_balanced_here_an_older_state_is_no_other_connection() {
    let end = |port| Endpoint::new([192, 0, 2, 9], port);
    let mut present = Present::new(&[end(80).address]);
    let connection = Connection::new(6, end(1), end(80), end(8080));
    present.add(&Connection { state: 3, ..connection });
    assert!(present.has(&Connection { state: 1, ..connection }));
    assert!(!present.has(&Connection { client: end(2), ..connection }));
    assert!(!present.has(&Connection { flags: Flags::TEMPLATE, ..connection }));
}
