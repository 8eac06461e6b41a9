//! Connections as a message has them, and as the kernel's table shows them.

use super::director::BACKUP;
use ipvs::connections::{self, EngineData, State, StateName};
use ipvs::{Endpoint, EngineName, Family, Protocol, ServiceKey};
use ipvs_sync::proto::{Connection, Datagram, Version, receive, states};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

/// By everything but the seconds and where it is from.
pub(crate) fn named(connection: connections::Connection) -> (String, connections::Connection) {
    let name = connections::Connection {
        expires: Duration::ZERO,
        engine: None,
        origin: None,
        ..connection.clone()
    };
    (name.to_string(), connection)
}

/// Datagrams of the longest that the backup takes, with these connections.
pub(crate) fn packed(version: Version, connections: &[Connection<'_>]) -> Vec<Vec<u8>> {
    let mut datagram = Datagram::new(version, BACKUP, 9188);
    let mut datagrams = Vec::new();
    for connection in connections {
        if !datagram.push(connection).unwrap() {
            datagrams.push(datagram.as_bytes().to_vec());
            datagram.clear();
            assert!(datagram.push(connection).unwrap());
        }
    }
    datagrams.push(datagram.as_bytes().to_vec());
    datagrams
}

/// What the kernel's table shows of a connection, but for where it is from.
pub(crate) fn entry(connection: &Connection<'_>) -> connections::Connection {
    let Connection { protocol, service, .. } = *connection;
    let first = match service.address {
        IpAddr::V4(address) => address.to_bits(),
        IpAddr::V6(address) => (address.to_bits() >> 96) as u32,
    };
    // Of such a one the kernel keeps no more of the address (`ip_vs_conn.c:
    // ip_vs_conn_new`).
    let service = match (protocol, service.address) {
        (0, IpAddr::V6(_)) => Endpoint::new(Ipv6Addr::from(u128::from(first) << 96), service.port),
        _ => service,
    };
    let key = match (protocol, service.port, NonZeroU32::new(first)) {
        (0, 0, Some(mark)) => ServiceKey::fwmark(mark, Family::of(service.address)),
        _ => {
            let protocol: Protocol = format!("protocol-{protocol}").parse().unwrap();
            ServiceKey::Address { protocol, endpoint: service }
        }
    };
    let is_template = connection.is_template();
    let engine = (is_template && !connection.engine_data.is_empty()).then(|| EngineData {
        engine: EngineName::from_kernel(connection.engine_name).unwrap(),
        data: connection.engine_data.into(),
    });
    let state = match protocol {
        // They have one without a name (`ip_vs_proto.c: ip_vs_state_name`).
        50 | 51 if !is_template => State::Other(StateName::from_kernel(b"ERR!").unwrap()),
        _ => states(protocol, is_template)
            .unwrap()
            .get(usize::from(connection.state))
            .copied()
            .unwrap(),
    };
    connections::Connection {
        client: connection.client,
        service: key,
        destination: connection.destination,
        state,
        expires: Duration::from_secs(connection.timeout.into()),
        engine,
        origin: None,
    }
}

/// What the backup takes of a datagram.
pub(crate) fn taken(datagram: &[u8]) -> Vec<Connection<'_>> {
    let Ok(message) = receive(datagram, BACKUP) else { return Vec::new() };
    let good = message.connections().flatten().filter(|read| read.check().is_ok());
    // That it has the engine, no message says.
    good.filter(|read| read.engine_data.is_empty() || engine_is_there(read.engine_name)).collect()
}

/// The kernel's names end at a NUL.
pub(crate) fn engine_is_there(name: &[u8]) -> bool {
    name.split(|byte| *byte == 0).next() == Some(b"sip")
}

/// The names of what a table is to have.
pub(crate) fn names<'a>(taken: impl IntoIterator<Item = &'a Connection<'a>>) -> Vec<String> {
    let names = taken.into_iter().map(|connection| named(entry(connection)).0);
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// A connection of IPv4 or IPv6 with this client, which nothing else has.
pub(crate) fn from_client(family: Family, protocol: u8, client: u16) -> Connection<'static> {
    let [high, low] = client.to_be_bytes();
    let ends: [IpAddr; 3] = match family {
        Family::V4 => [[192, 0, high, low].into(), [10, 0, 0, 1].into(), [192, 168, 0, 1].into()],
        Family::V6 => {
            [client, 1, 2].map(|last| Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last).into())
        }
    };
    let [client, service, destination] = ends;
    Connection {
        timeout: 700,
        ..Connection::new(
            protocol,
            Endpoint::new(client, 50_000),
            Endpoint::new(service, 80),
            Endpoint::new(destination, 8080),
        )
    }
}

/// As version 0 can say it.
pub(crate) fn v0(connection: Connection<'_>) -> Connection<'_> {
    Connection { mark: 0, timeout: 0, ..connection }
}
