//! Datagrams by their limits.

use super::*;

/// How many of a connection fit, and how long the datagram is then.
fn filled(version: Version, max: u16, connection: &Connection<'_>) -> (u8, usize) {
    let mut datagram = Datagram::new(version, 7, max);
    while datagram.push(connection).unwrap() {}
    (datagram.count(), datagram.as_bytes().len())
}

#[test]
fn as_many_connections_fit_as_a_master_sends() {
    let (v4, v6) = (connection(), connection_v6());
    assert_eq!(filled(Version::V0, 1472, &v4), (61, 1468));
    assert_eq!(filled(Version::V1, 1472, &v4), (40, 1448));
    assert_eq!(filled(Version::V1, 1452, &v6), (20, 1448));
    // One that needs padding before the next.
    let template = Connection { engine_name: b"sip", engine_data: b"call@x", ..v4 };
    assert_eq!(filled(Version::V1, 8 + 49 + 3 + 49, &template), (2, 109));
    assert_eq!(filled(Version::V1, 8 + 49 + 3 + 48, &template), (1, 57));
}

#[test]
fn a_byte_counts_the_connections() {
    assert_eq!(filled(Version::V0, u16::MAX, &connection()), (255, 4 + 255 * 24));
    assert_eq!(filled(Version::V1, u16::MAX, &connection()), (255, 8 + 255 * 36));
    assert_eq!(filled(Version::V1, u16::MAX, &connection_v6()), (255, 8 + 255 * 72));
}

#[test]
fn a_datagram_that_was_cleared_is_an_empty_one_in_the_same_buffer() {
    for version in [Version::V0, Version::V1] {
        let mut datagram = Datagram::new(version, 7, 1472);
        let empty = datagram.clone();
        assert!(datagram.push(&connection()).unwrap());
        let (full, buffer) = (datagram.clone(), datagram.as_bytes().as_ptr());
        datagram.clear();
        assert_eq!(datagram, empty);
        assert_eq!(receive(datagram.as_bytes(), 7).unwrap().connections().count(), 0);
        assert!(datagram.push(&connection()).unwrap());
        assert_eq!(datagram, full);
        assert_eq!(datagram.as_bytes().as_ptr(), buffer);
    }
}

#[test]
fn what_cannot_be_written_says_why_and_changes_nothing() {
    let v4 = connection();
    let long = [b'x'; 256];
    let other = connection_v6().destination;
    let sequences = Some(sequences());
    let template = Connection { engine_name: b"sip", ..v4 };
    for (version, max, wrong, text) in [
        (
            Version::V1,
            1472,
            Connection { destination: other, ..v4 },
            "client, service and destination are not of one address family",
        ),
        (Version::V0, 1472, connection_v6(), "version 0 has no room for IPv6"),
        (
            Version::V0,
            1472,
            Connection { flags: Flags::from_bits(0x1_0000), ..v4 },
            "version 0 has no room for flags beyond 16 bits",
        ),
        (
            Version::V0,
            1472,
            Connection { mark: 1, ..v4 },
            "version 0 has no room for a firewall mark",
        ),
        (Version::V0, 1472, Connection { timeout: 1, ..v4 }, "version 0 has no room for a timeout"),
        (Version::V0, 1472, template, "version 0 has no room for a persistence engine"),
        (
            Version::V0,
            1472,
            Connection { others: Others(&[0x44, 1, 1]), ..v4 },
            "version 0 has no room for other options",
        ),
        (
            Version::V0,
            1472,
            Connection { sequences, ..v4 },
            "the flags and the connection disagree on shifted sequence numbers",
        ),
        (
            Version::V0,
            1472,
            Connection { flags: Flags::OUT_SEQUENCE, ..v4 },
            "the flags and the connection disagree on shifted sequence numbers",
        ),
        (
            Version::V1,
            1472,
            Connection { engine_name: &long[..17], ..v4 },
            "engine name of 17 bytes: the kernel takes at most 16",
        ),
        (
            Version::V1,
            1472,
            Connection { engine_data: &long, ..template },
            "engine data of 256 bytes: the kernel takes at most 255",
        ),
        (Version::V1, 43, v4, "connection of 36 bytes where 35 fit"),
        (Version::V0, 3, v4, "connection of 24 bytes where 0 fit"),
    ] {
        let mut datagram = Datagram::new(version, 7, max);
        let before = datagram.clone();
        assert_eq!(datagram.push(&wrong).unwrap_err().to_string(), text);
        assert_eq!(datagram, before, "{text}");
    }
}

#[test]
fn a_record_is_no_longer_than_its_length_can_say() {
    // 36 bytes and 15 options of 257 are 3891, one more is 4148.
    let options = [&[0x44, 255][..], &[7; 255]].concat().repeat(16);
    let fits = Connection { others: Others(&options[..15 * 257]), ..connection() };
    let bytes = encoded(Version::V1, &[fits]);
    assert_eq!(decoded(&bytes), [Ok(fits)]);
    let longer = Connection { others: Others(&options), ..connection() };
    let error = Datagram::new(Version::V1, 7, u16::MAX).push(&longer).unwrap_err();
    assert_eq!(error, EncodeError::TooLong { length: 4148, room: 4095 });
}
