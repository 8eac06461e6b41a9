//! Each rule of the kernel, in its order.

use super::*;

/// What is done to a record of 44 bytes.
#[derive(Clone, Copy)]
enum Change {
    /// Its bytes from this place on are these.
    Put(usize, &'static [u8]),
    /// It has these options more.
    Append(&'static [u8]),
    /// It ends here.
    End(u8),
}

use Change::{Append, End, Put};

/// A message of version 1 with a connection, a template that is changed, and another.
fn changed(change: Change) -> Vec<u8> {
    let template = Connection {
        flags: Flags::TEMPLATE,
        engine_name: b"sip",
        engine_data: b"x",
        ..connection()
    };
    let mut record = encoded(Version::V1, &[template]).split_off(8);
    match change {
        Put(at, bytes) => record[at..at + bytes.len()].copy_from_slice(bytes),
        Append(options) => {
            record.extend(options);
            record[3] += u8::try_from(options.len()).unwrap();
        }
        End(length) => {
            record[3] = length;
            record.truncate(length.into());
        }
    }
    record.resize(record.len().next_multiple_of(4), 0);
    let mut bytes = encoded(Version::V1, &[connection(), connection()]);
    bytes.splice(44..44, record);
    bytes[4] = 3;
    let size = u16::try_from(bytes.len()).unwrap();
    bytes[2..4].copy_from_slice(&size.to_be_bytes());
    bytes
}

/// What the kernel drops of such a message, why, and how many it takes.
fn told(bytes: &[u8]) -> (Loss, String, usize) {
    let connections = receive(bytes, 0).unwrap().connections();
    let judged: Vec<_> =
        connections.map(|read| read.and_then(|connection| connection.check())).collect();
    let taken = judged.iter().filter(|told| told.is_ok()).count();
    let rejected = judged.iter().find_map(|told| told.err()).unwrap();
    (rejected.loss(), rejected.to_string(), taken)
}

#[test]
fn a_datagram_is_whole_and_of_the_right_id() {
    let bytes = encoded(Version::V1, &[connection()]);
    assert_eq!(receive(&bytes[..3], 7), Err(Rejected::Header { have: 3 }));
    assert_eq!(receive(&bytes[..43], 7), Err(Rejected::Size { size: 44, have: 43 }));
    assert_eq!(receive(&bytes, 8), Err(Rejected::SyncId { id: 7, own: 8 }));
    // The length is seen first.
    assert_eq!(receive(&bytes[..43], 8), Err(Rejected::Size { size: 44, have: 43 }));
    for rejected in [receive(&bytes, 8), receive(&bytes[..3], 7), receive(&bytes[..9], 7)] {
        assert_eq!(rejected.unwrap_err().loss(), Loss::Datagram);
    }
    assert!(receive(&bytes, 0).is_ok());
}

#[test]
fn a_record_that_cannot_be_read_takes_the_rest_of_the_datagram_with_it() {
    for (change, text) in [
        (Put(2, &[0x0f, 0xff]), "record of 4095 bytes, 80 left (ip_vs_process_message)"),
        (Put(2, &[0x10, 44]), "record of version 1: 0 is known (ip_vs_process_message)"),
        (Put(0, &[2]), "record of type 2: 0 is IPv4, an odd one IPv6 (ip_vs_proc_sync_conn)"),
        (Put(2, &[0, 35]), "record that says 35 bytes and has 36 (ip_vs_proc_sync_conn)"),
        (Put(0, &[1]), "record that says 44 bytes and has 72 (ip_vs_proc_sync_conn)"),
        (Put(2, &[0, 37]), "option 2 without data (ip_vs_proc_sync_conn)"),
        (Put(37, &[0]), "option 2 without data (ip_vs_proc_sync_conn)"),
        (Put(40, &[4]), "option 3 of 4 bytes, 3 left (ip_vs_proc_sync_conn)"),
        (Append(&[1, 1, 0]), "sequence data of 1 bytes: it has 24 (ip_vs_proc_seqopt)"),
        (Append(&[2, 1, 0]), "option 2 is there twice (ip_vs_proc_sync_conn)"),
        (Append(&[0x43, 1, 0]), "option 3 is there twice (ip_vs_proc_sync_conn)"),
        (
            Append(&[3, 17, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
            "engine name of 17 bytes: at most 16 (ip_vs_proc_str)",
        ),
        (Append(&[0x44, 1, 0, 7]), "option 7 without data (ip_vs_proc_sync_conn)"),
    ] {
        assert_eq!(told(&changed(change)), (Loss::Rest, text.to_owned(), 1));
    }
    let twice = Append(&[
        1, 24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 24, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ]);
    let text = "option 1 is there twice (ip_vs_proc_sync_conn)".to_owned();
    assert_eq!(told(&changed(twice)), (Loss::Rest, text, 1));
}

#[test]
fn a_connection_that_the_kernel_does_not_take_is_lost_alone() {
    for (change, text) in [
        (
            Append(&[4, 1, 0]),
            "option 4 is unknown and may not be passed over (ip_vs_proc_sync_conn)",
        ),
        (
            Put(6, &[0x18, 0]),
            "flags 0x1800: a template without a client's port, or one packet only \
             (ip_vs_sync_validate_flags)",
        ),
        (
            Put(6, &[0x20, 0]),
            "flags 0x2000: a template without a client's port, or one packet only \
             (ip_vs_sync_validate_flags)",
        ),
        (Put(9, &[2]), "state 2: there are 0 to 1 (ip_vs_proc_sync_conn)"),
        (End(39), "data of a persistence engine without its name (ip_vs_conn_fill_param_sync)"),
    ] {
        assert_eq!(told(&changed(change)), (Loss::Connection, text.to_owned(), 2));
    }
}

#[test]
fn a_connection_has_a_protocol_of_ipvs_and_one_of_its_states() {
    for (protocol, states) in [(6, 11), (17, 1), (132, 14), (50, 1), (51, 1)] {
        let with = |state| Connection { protocol, state, ..connection() }.check();
        assert_eq!(with(states - 1), Ok(()));
        let rejected = Rejected::State { state: states, states: states.into() };
        assert_eq!(with(states), Err(rejected));
    }
    for protocol in [0, 1, 47, 58, 255] {
        let other = Connection { protocol, ..connection() };
        assert_eq!(other.check(), Err(Rejected::Protocol { protocol }));
        assert_eq!(Connection { flags: Flags::TEMPLATE, ..other }.check(), Ok(()));
    }
}

#[test]
fn behind_an_unknown_option_nothing_is_read() {
    // An option of no length would take the rest with it.
    let bytes = changed(Append(&[4, 1, 0, 1, 0]));
    assert_eq!(told(&bytes).0, Loss::Connection);
    let skipped = changed(Append(&[0x44, 1, 0, 1, 0]));
    assert_eq!(told(&skipped).0, Loss::Rest);
}

#[test]
fn what_the_kernel_looks_at_first_is_told_first() {
    let whole = Connection {
        others: Others(&[4, 1, 0]),
        flags: Flags::ONE_PACKET,
        protocol: 200,
        state: 99,
        engine_data: b"x",
        ..connection()
    };
    assert_eq!(whole.check(), Err(Rejected::UnknownOption { kind: 4 }));
    let whole = Connection { others: Others::NONE, ..whole };
    assert_eq!(whole.check(), Err(Rejected::Flags { flags: Flags::ONE_PACKET }));
    let whole = Connection { flags: Flags::MASQUERADE, ..whole };
    assert_eq!(whole.check(), Err(Rejected::Protocol { protocol: 200 }));
    let whole = Connection { protocol: 6, ..whole };
    assert_eq!(whole.check(), Err(Rejected::State { state: 99, states: 11 }));
    let whole = Connection { state: 1, ..whole };
    assert_eq!(whole.check(), Err(Rejected::NoEngineName));
    assert_eq!(Connection { engine_name: b"sip", ..whole }.check(), Ok(()));
    // A name alone means nothing.
    assert_eq!(Connection { engine_name: b"?", ..connection() }.check(), Ok(()));
}

#[test]
fn records_of_version_0_are_whole() {
    let shifted =
        Connection { flags: Flags::IN_SEQUENCE, sequences: Some(sequences()), ..connection() };
    let bytes = encoded(Version::V0, &[connection(), shifted]);
    for (length, need) in [(27, 24), (28, 24), (51, 24), (52, 48), (75, 48)] {
        let mut bytes = bytes[..length].to_vec();
        bytes[3] = u8::try_from(length).unwrap();
        let last = decoded(&bytes).pop().unwrap().unwrap_err();
        let have = if length < 28 { length - 4 } else { length - 28 };
        assert_eq!(last, Rejected::Truncated { need, have });
        assert_eq!(decoded(&bytes).len(), if length < 28 { 1 } else { 2 });
    }
}

#[test]
fn a_datagram_that_ends_within_a_record_loses_that_one() {
    let bytes = encoded(Version::V1, &[connection(), connection()]);
    for length in 8..bytes.len() {
        let mut bytes = bytes[..length].to_vec();
        bytes[3] = u8::try_from(length).unwrap();
        let decoded = decoded(&bytes);
        assert_eq!(decoded.len(), if length < 44 { 1 } else { 2 });
        let last = decoded.last().unwrap().unwrap_err();
        assert!(matches!(last, Rejected::Truncated { need: 36, .. }), "{length}: {last}");
    }
}
