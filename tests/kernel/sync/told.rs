//! What the master tells.

use super::director::{Director, MASTER, UDP, wait_for};
use super::table::{entry, named, names, packed, v0};
use ipvs::connections;
use ipvs::{Endpoint, Family, Persistence, Service};
use ipvs_sync::net::SyncListener;
use ipvs_sync::proto::{
    Connection, Datagram, Flags, Others, Sequence, Sequences, Version, receive,
};
use nix::sys::socket::{setsockopt, sockopt};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

/// The kernel's flags of a connection that no helper shifts and no service has.
fn of_every_kind() -> Vec<Connection<'static>> {
    let methods = (0..8).map(Flags::from_bits);
    let flags = [
        Flags::NO_OUTPUT,
        Flags::INACTIVE,
        Flags::IN_SEQUENCE,
        Flags::OUT_SEQUENCE,
        Flags::IN_SEQUENCE | Flags::OUT_SEQUENCE | Flags::INACTIVE | Flags::LOCAL,
    ];
    let sequence = |initial| Sequence { initial, delta: 0xffff_fffd, previous_delta: 0x0102_0304 };
    let sequences = Sequences { incoming: sequence(7), outgoing: sequence(0xfedc_ba98) };
    let all = methods.chain(flags).zip(40_001..);
    all.map(|(flags, port)| Connection {
        flags,
        mark: u32::from(port) << 16,
        timeout: 300,
        sequences: flags.has_sequences().then_some(sequences),
        ..Connection::new(
            UDP,
            Endpoint::new(Ipv4Addr::new(10, 0, 0, 2), port),
            "10.0.0.1:53".parse().unwrap(),
            "127.0.0.1:5353".parse().unwrap(),
        )
    })
    .collect()
}

#[test]
fn what_a_backup_was_told_its_own_master_tells_again() {
    for version in [Version::V0, Version::V1] {
        let (mut director, mut listener) = Director::with_master(version);
        // Packets are looked at only where there is a service.
        director.client.add_service(&Service::new("udp 10.0.0.1:53".parse().unwrap())).unwrap();
        let connections = of_every_kind();
        director.give(&packed(Version::V1, &connections));
        for connection in &connections {
            let (client, port) = (connection.client.address, connection.client.port);
            let socket = UdpSocket::bind((client, port)).unwrap();
            // Of one that goes nowhere the kernel says so.
            let _ = socket.send_to(b"query", "10.0.0.1:53");
        }
        let told = heard(&mut listener, version, connections.len());
        let expected = connections.iter().map(|connection| {
            let again = Connection { flags: connection.flags | Flags::SYNC, ..*connection };
            match version {
                Version::V0 => v0(again),
                Version::V1 => again,
            }
        });
        for expected in expected {
            let told = told.iter().filter(|told| told.client == expected.client);
            assert_eq!(told.collect::<Vec<_>>(), [&expected], "{version}");
        }
    }
}

/// So many connections that the master sends, each as it was told last and without what it
/// borrows. Each datagram is written the same again.
pub(crate) fn heard(
    listener: &mut SyncListener,
    version: Version,
    count: usize,
) -> Vec<Connection<'static>> {
    let mut all = BTreeMap::new();
    while all.len() < count {
        let datagram = wait_for("the master", || {
            listener.receive().unwrap().map(|(_, datagram)| datagram.to_vec())
        });
        let message = receive(&datagram, MASTER).unwrap();
        assert_eq!(message.version, version);
        let mut again = Datagram::new(version, MASTER, 9188);
        for connection in message.connections() {
            let connection = connection.unwrap();
            assert_eq!(connection.check(), Ok(()));
            assert!(again.push(&connection).unwrap());
            let (engine_name, engine_data): (&[u8], &[u8]) =
                if connection.engine_data.is_empty() { (b"", b"") } else { (b"sip", CALL) };
            let owned = Connection { engine_name, engine_data, others: Others::NONE, ..connection };
            assert_eq!(owned, connection);
            all.insert((owned.protocol, owned.client, owned.service), owned);
        }
        assert_eq!(again.as_bytes(), datagram);
    }
    all.into_values().collect()
}

const CALL: &[u8] = b"call-1@192.0.2.1";

#[test]
fn what_the_master_tells_is_what_its_table_shows() {
    for version in [Version::V0, Version::V1] {
        let (mut director, mut listener) = Director::with_master(version);
        let persistent = Persistence::seconds(60);
        let service = |key: &str| Service::new(key.parse().unwrap());
        director.serve(service("tcp 10.0.0.1:80").with_persistence(persistent), "127.0.0.1:8080");
        director.serve(service("tcp [fd00::1]:443"), "[fd00::2]:8443");
        director.serve(service("udp 10.0.0.1:53"), "127.0.0.1:5353");
        let engine = persistent.with_engine("sip".parse().unwrap());
        director.serve(service("udp 10.0.0.1:5060").with_persistence(engine), "127.0.0.1:5060");
        director.serve(service("fwmark 2147483655").with_persistence(persistent), "127.0.0.1:0");
        director.serve(service("fwmark 8 ipv6").with_persistence(persistent), "[fd00::2]:0");
        let listeners =
            ["127.0.0.1:8080", "[fd00::2]:8443"].map(|server| TcpListener::bind(server).unwrap());
        let streams =
            ["10.0.0.1:80", "[fd00::1]:443"].map(|server| TcpStream::connect(server).unwrap());
        let sockets = [
            ("10.0.0.1:53", 0, &b"query"[..]),
            ("10.0.0.1:5060", 0, b"INVITE sip:a@b SIP/2.0\r\nCall-ID: call-1@192.0.2.1\r\n\r\n"),
            ("10.0.0.1:1234", 0x8000_0007, b"x"),
            ("[fd00::1]:1234", 8, b"x"),
        ]
        .map(|(to, mark, payload)| {
            let any = if to.starts_with('[') { "[::]:0" } else { "0.0.0.0:0" };
            let socket = UdpSocket::bind(any).unwrap();
            setsockopt(&socket, sockopt::Mark, &mark).unwrap();
            socket.send_to(payload, to).unwrap();
            socket
        });

        // All but IPv6 in version 0: six connections, four of them with a template.
        let count = if version == Version::V0 { 7 } else { 10 };
        let told = heard(&mut listener, version, count);
        let all = connections::open().unwrap().map(Result::unwrap);
        let is_of = |found: &connections::Connection| {
            version == Version::V1 || found.client.family() == Family::V4
        };
        let found: BTreeMap<_, _> = all.filter(is_of).map(named).collect();
        assert_eq!(found.keys().cloned().collect::<Vec<_>>(), names(&told), "{version}");
        for told in &told {
            let entry = entry(told);
            let found = &found[&named(entry.clone()).0];
            let marked = found.service.to_string().ends_with(":1234") || told.protocol == 0;
            let of_version_1 = version == Version::V1;
            if of_version_1 {
                assert_eq!(found.engine, entry.engine);
                let left = entry.expires.saturating_sub(found.expires);
                assert!(left < Duration::from_secs(10), "{found} of {entry}");
                let mark = if told.client.family() == Family::V6 { 8 } else { 0x8000_0007 };
                assert_eq!(told.mark, if marked { mark } else { 0 }, "{told:?}");
            }
        }
        drop((listeners, streams, sockets));
    }
}
