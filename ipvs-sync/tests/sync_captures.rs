//! What the kernel's sync master sends is read as what it told of, and written the same.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a panic is a failed test")]

use ipvs::Endpoint;
use ipvs_sync::proto::{Connection, Datagram, Flags, Sequence, Sequences, Version, receive};
use std::path::Path;

/// The connections of a datagram in order, on both kernels.
fn sent(name: &str, version: Version, connections: &[Connection<'_>]) {
    for kernel in ["6.1", "6.12"] {
        let file = format!("testdata/sync/{kernel}/{name}.bin");
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&file);
        let bytes = std::fs::read(path).unwrap_or_else(|why| panic!("{file}: {why}"));
        let message = receive(&bytes, 7).unwrap();
        assert_eq!((message.version, message.id), (version, 7), "{file}");
        let read: Result<Vec<_>, _> = message.connections().collect();
        assert_eq!(read.as_deref(), Ok(connections), "{file}");

        let mut datagram = Datagram::new(version, 7, 1472);
        for connection in connections {
            assert_eq!(connection.check(), Ok(()), "{file}");
            assert_eq!(datagram.push(connection), Ok(true), "{file}");
        }
        assert_eq!(datagram.as_bytes(), bytes, "{file}");
    }
}

fn between(protocol: u8, ends: [&str; 3]) -> Connection<'static> {
    let [client, service, destination] = ends.map(|end| end.parse::<Endpoint>().unwrap());
    Connection::new(protocol, client, service, destination)
}

fn tcp(ends: [&str; 3]) -> Connection<'static> {
    // ESTABLISHED.
    Connection { state: 1, timeout: 900, ..between(6, ends) }
}

/// UDP is never established.
fn udp(ends: [&str; 3]) -> Connection<'static> {
    Connection { flags: Flags::INACTIVE, timeout: 300, ..between(17, ends) }
}

fn template(protocol: u8, ends: [&str; 3]) -> Connection<'static> {
    let flags = Flags::TEMPLATE | Flags::INACTIVE;
    Connection { flags, timeout: 60, ..between(protocol, ends) }
}

/// As version 0 has it.
fn v0(connection: Connection<'_>) -> Connection<'_> {
    Connection { timeout: 0, ..connection }
}

#[test]
fn a_connection_of_tcp_is_told_with_its_template() {
    let ends = |client| [client, "10.0.0.1:80", "127.0.0.1:8080"];
    // A connection of it is established.
    let assured = Connection { state: 1, ..template(6, ends("10.0.0.2:0")) };
    sent("v0-tcp", Version::V0, &[v0(tcp(ends("10.0.0.2:50001"))), v0(assured)]);
    // The template was there, of which version 1 tells with the first packet too.
    sent("v1-tcp", Version::V1, &[assured, tcp(ends("10.0.0.2:50004")), assured]);
}

#[test]
fn a_connection_of_udp_is_inactive() {
    let ends = |client| [client, "10.0.0.1:53", "127.0.0.1:5353"];
    sent("v0-udp", Version::V0, &[v0(udp(ends("10.0.0.2:50002")))]);
    sent("v1-udp", Version::V1, &[udp(ends("10.0.0.2:50005"))]);
    let ends = ["[fd00::1]:50010", "[fd00::1]:53", "[fd00::2]:5353"];
    sent("v1-udp-ipv6", Version::V1, &[udp(ends)]);
}

#[test]
fn shifted_sequence_numbers_are_told_with_the_connection() {
    let flags = Flags::SYNC | Flags::IN_SEQUENCE | Flags::OUT_SEQUENCE;
    let sequences = Some(Sequences {
        incoming: Sequence { initial: 1000, delta: 3, previous_delta: 2 },
        outgoing: Sequence { initial: 0xffff_fff0, delta: u32::MAX, previous_delta: 0 },
    });
    let shifted =
        |client| Connection { flags, sequences, ..udp([client, "10.0.0.1:53", "127.0.0.1:5353"]) };
    // In the byte order of the machine that it was recorded on.
    if cfg!(target_endian = "little") {
        sent("v0-shifted", Version::V0, &[v0(shifted("10.0.0.2:50003"))]);
    }
    sent("v1-shifted", Version::V1, &[shifted("10.0.0.2:50006")]);
}

#[test]
fn the_template_of_an_engine_has_its_name_and_data() {
    let ends = |client| [client, "10.0.0.1:5060", "127.0.0.1:5060"];
    let template = Connection {
        engine_name: b"sip",
        engine_data: b"call-1@192.0.2.1",
        ..template(17, ends("10.0.0.2:0"))
    };
    sent("v1-sip", Version::V1, &[udp(ends("10.0.0.2:50007")), template]);
}

#[test]
fn connections_of_a_firewall_mark_have_it_and_their_template_has_it_as_its_address_too() {
    let connection =
        Connection { mark: 7, ..udp(["10.0.0.2:50008", "10.0.0.1:1234", "127.0.0.1:1234"]) };
    let by_mark = Connection { mark: 7, ..template(0, ["10.0.0.2:0", "0.0.0.7:0", "127.0.0.1:0"]) };
    sent("v1-mark", Version::V1, &[connection, by_mark]);
    let connection =
        Connection { mark: 8, ..udp(["[fd00::1]:50009", "[fd00::1]:1234", "[fd00::2]:1234"]) };
    let by_mark =
        Connection { mark: 8, ..template(0, ["[fd00::1]:0", "[0:8::]:0", "[fd00::2]:0"]) };
    sent("v1-mark-ipv6", Version::V1, &[connection, by_mark]);
}
