//! Sync messages by their bytes.

use super::*;

mod golden;
mod packing;
mod random;
mod refusals;

const TCP: u8 = 6;

/// A connection of TCP, established, of IPv4.
fn connection() -> Connection<'static> {
    let [client, service, destination] = ["192.0.2.9:50000", "10.0.0.1:80", "192.168.0.1:8080"]
        .map(|endpoint| endpoint.parse().unwrap());
    Connection {
        flags: Flags::SYNC | Flags::TUNNEL,
        state: 1,
        ..Connection::new(TCP, client, service, destination)
    }
}

/// The same of IPv6.
fn connection_v6() -> Connection<'static> {
    let [client, service, destination] =
        ["[2001:db8::9]:50000", "[2001:db8::1]:443", "[fd00::1]:8443"]
            .map(|endpoint| endpoint.parse().unwrap());
    Connection { client, service, destination, ..connection() }
}

fn sequences() -> Sequences {
    Sequences {
        incoming: Sequence { initial: 1, delta: 2, previous_delta: 0x0102_0304 },
        outgoing: Sequence { initial: 0xffff_fffe, delta: u32::MAX, previous_delta: 0 },
    }
}

/// A datagram with these connections.
fn encoded(version: Version, connections: &[Connection<'_>]) -> Vec<u8> {
    let mut datagram = Datagram::new(version, 7, u16::MAX);
    for connection in connections {
        assert_eq!(datagram.push(connection), Ok(true));
    }
    datagram.as_bytes().to_vec()
}

/// Everything in a datagram, for a backup of any id.
fn decoded(datagram: &[u8]) -> Vec<Result<Connection<'_>, Rejected>> {
    receive(datagram, 0).unwrap().connections().collect()
}
