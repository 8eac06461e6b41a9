//! What a backup daemon was told is shown.

use super::director::{Director, TCP, UDP, wait_for};
use super::table::{entry, from_client, named, names, packed, v0};
use ipvs::connections::{self, Origin};
use ipvs::{Endpoint, Family, Service, ServiceKey};
use ipvs_sync::proto::{Connection, Flags, Version, states};
use std::time::Duration;

#[test]
fn every_state_of_every_protocol_is_shown_as_it_was_sent() {
    let mut director = Director::with_backup();
    let mut numbers = 1..;
    let mut all = Vec::new();
    for (version, family) in
        [(Version::V0, Family::V4), (Version::V1, Family::V4), (Version::V1, Family::V6)]
    {
        let mut connections = Vec::new();
        for (protocol, is_template) in
            [(6, false), (17, false), (132, false), (50, false), (51, false), (6, true), (17, true)]
        {
            for state in 0..states(protocol, is_template).unwrap().len() {
                let client = numbers.next().unwrap();
                let mut connection = from_client(family, protocol, client);
                connection.state = u16::try_from(state).unwrap();
                if is_template {
                    connection.flags = Flags::TEMPLATE;
                    connection.client.port = 0;
                }
                if version == Version::V0 {
                    connection.timeout = 0;
                }
                connections.push(connection);
            }
        }
        director.give(&packed(version, &connections));
        all.extend(connections);
    }
    let table = director.table();
    assert_eq!(table.keys().cloned().collect::<Vec<_>>(), names(&all));
    for (name, found) in table {
        assert_eq!(found.origin, Some(Origin::Sync), "{name}");
    }
}

#[test]
fn a_connection_lives_as_long_as_the_message_says_or_its_state_does() {
    let mut director = Director::with_backup();
    let made = |client, timeout, state, flags| Connection {
        timeout,
        state,
        flags,
        ..from_client(Family::V4, TCP, client)
    };
    let connections = [
        made(1, 500, 1, Flags::MASQUERADE),
        made(2, 0, 1, Flags::MASQUERADE),
        // CLOSE.
        made(3, 0, 6, Flags::MASQUERADE),
        made(4, 400, 0, Flags::TEMPLATE),
        made(5, 0, 0, Flags::TEMPLATE),
        made(6, 4_000_000, 1, Flags::MASQUERADE),
    ];
    director.give(&packed(Version::V1, &connections));
    let table = director.table();
    for (connection, expected) in connections.iter().zip([500, 900, 10, 400, 180, 4_000_000]) {
        let expires = table[&named(entry(connection)).0].expires.as_secs();
        assert!((expected - 9..=expected).contains(&expires), "{expires} for {connection:?}");
    }
}

#[test]
fn the_data_of_a_persistence_engine_is_shown_with_its_template() {
    let mut director = Director::with_backup();
    let template = Connection {
        flags: Flags::TEMPLATE,
        engine_name: b"sip",
        engine_data: b"call-1@192.0.2.1",
        ..from_client(Family::V4, UDP, 1)
    };
    let of_other = Connection {
        engine_name: b"another",
        ..Connection { client: "192.0.9.9:0".parse().unwrap(), ..template }
    };
    director.give(&packed(Version::V1, &[template, of_other]));
    let found = connections::open().unwrap().map(Result::unwrap);
    let found = found.filter(|found| found.engine.is_some());
    let without_seconds = |found| connections::Connection { expires: Duration::ZERO, ..found };
    let found: Vec<_> = found.map(without_seconds).collect();
    assert_eq!(found, [without_seconds(entry(&template))]);
}

#[test]
fn connections_are_counted_with_the_destination_that_their_message_names() {
    let mut director = Director::with_backup();
    let key: ServiceKey = "tcp 10.0.0.1:80".parse().unwrap();
    director.serve(Service::new(key), "192.168.0.1:8080");
    let mark: ServiceKey = "fwmark 7".parse().unwrap();
    director.serve(Service::new(mark), "192.168.0.1:0");
    let with =
        |client, flags| Connection { flags, state: 1, ..from_client(Family::V4, TCP, client) };
    let connections = [
        with(1, Flags::MASQUERADE),
        with(2, Flags::MASQUERADE | Flags::INACTIVE),
        with(3, Flags::INACTIVE),
        with(4, Flags::TEMPLATE),
        // Found by the mark, at port 0 unless it is masqueraded.
        Connection { mark: 7, ..with(5, Flags::DIRECT_ROUTE) },
        Connection { mark: 7, ..with(6, Flags::TUNNEL | Flags::INACTIVE) },
        Connection { mark: 8, ..with(7, Flags::MASQUERADE) },
    ];
    director.give(&packed(Version::V1, &connections));
    let counts = |director: &mut Director, key| {
        let counts = director.client.destinations(&key).unwrap().remove(0).connections;
        (counts.active, counts.inactive, counts.persistent)
    };
    assert_eq!(counts(&mut director, key), (2, 2, 1));
    assert_eq!(counts(&mut director, mark), (1, 1, 0));
    // Another message of one changes its activity.
    let again = [with(1, Flags::INACTIVE), with(3, Flags::MASQUERADE), with(2, Flags::MASQUERADE)];
    director.give(&packed(Version::V0, &again.map(v0)));
    assert_eq!(counts(&mut director, key), (3, 1, 1));
}

#[test]
fn many_connections_arrive_in_the_longest_datagrams() {
    let mut director = Director::with_backup();
    let connections: Vec<_> =
        (1..=1_000).map(|client| from_client(Family::V4, UDP, client)).collect();
    let datagrams = packed(Version::V1, &connections);
    assert_eq!(datagrams.iter().map(|bytes| bytes[4]).collect::<Vec<_>>(), [255, 255, 255, 235]);
    director.give(&datagrams);
    assert_eq!(director.table().into_keys().collect::<Vec<_>>(), names(&connections));
}

#[test]
fn a_connection_goes_to_another_server_when_told_so_unless_the_record_is_inactive() {
    let mut director = Director::with_backup();
    let to = |server, flags| {
        let destination = Endpoint::new([192, 168, 0, server], 53);
        Connection { destination, flags, ..from_client(Family::V4, UDP, 1) }
    };
    let servers = |director: &Director| {
        let found = director.table().into_values();
        found.map(|found| found.destination.address.to_string()).collect::<Vec<_>>()
    };
    // A master sends all of UDP so: the peer keeps the old server of a flow that has a new one.
    director.give(&packed(Version::V1, &[to(1, Flags::INACTIVE)]));
    director.give(&packed(Version::V1, &[to(2, Flags::INACTIVE)]));
    assert_eq!(servers(&director), ["192.168.0.1"]);
    director.give(&packed(Version::V1, &[to(2, Flags::MASQUERADE)]));
    wait_for("the old one's end", || (servers(&director) == ["192.168.0.2"]).then_some(()));
}
