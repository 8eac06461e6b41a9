//! Any bytes, and any connection.

use super::*;
use ipvs::Endpoint;
use proptest::collection::vec;
use proptest::prelude::*;
use std::net::{Ipv4Addr, Ipv6Addr};

prop_compose! {
    fn any_ends()(
        is_v6 in any::<bool>(),
        addresses in any::<[u128; 3]>(),
        ports in any::<[u16; 3]>(),
    ) -> [Endpoint; 3] {
        let mut ports = ports.into_iter();
        addresses.map(|bits| {
            let port = ports.next().unwrap_or_default();
            match is_v6 {
                true => Endpoint::new(Ipv6Addr::from_bits(bits), port),
                false => Endpoint::new(Ipv4Addr::from_bits((bits >> 96) as u32), port),
            }
        })
    }
}

fn any_sequences() -> impl Strategy<Value = Sequences> {
    any::<[u32; 6]>().prop_map(|[a, b, c, d, e, f]| Sequences {
        incoming: Sequence { initial: a, delta: b, previous_delta: c },
        outgoing: Sequence { initial: d, delta: e, previous_delta: f },
    })
}

/// The connection whose parts that it borrows are given to it.
fn any_connection() -> impl Strategy<Value = Connection<'static>> {
    let numbers = any::<(u8, u32, u16, u32, u32)>();
    (any_ends(), numbers, prop::option::of(any_sequences())).prop_map(
        |([client, service, destination], (protocol, flags, state, mark, timeout), sequences)| {
            Connection {
                flags: Flags::from_bits(flags),
                state,
                mark,
                timeout,
                sequences,
                ..Connection::new(protocol, client, service, destination)
            }
        },
    )
}

proptest! {
    #[test]
    fn any_bytes_are_read(
        bytes in vec(any::<u8>(), 0..200),
        is_v1 in any::<bool>(),
        count in 0u8..6,
    ) {
        let size = u16::try_from(bytes.len() + 8).unwrap().to_be_bytes();
        let head = match is_v1 {
            true => [0, 7, size[0], size[1], count, 1, 0, 0],
            false => [count, 7, size[0], size[1], 9, 9, 9, 9],
        };
        let bytes = [&head, &bytes[..]].concat();
        for connection in decoded(&bytes) {
            match connection.and_then(|connection| connection.check()) {
                Ok(()) => {}
                Err(rejected) => prop_assert!(!rejected.to_string().is_empty()),
            }
        }
    }

    #[test]
    fn any_connection_is_received_as_it_was_sent(
        connections in vec(any_connection(), 1..6),
        engine_name in vec(any::<u8>(), 0..=16),
        engine_data in vec(any::<u8>(), 0..=255),
    ) {
        let connections: Vec<_> = connections
            .into_iter()
            .map(|connection| Connection {
                engine_name: &engine_name,
                engine_data: &engine_data,
                ..connection
            })
            .collect();
        let bytes = encoded(Version::V1, &connections);
        let received: Result<Vec<_>, _> = decoded(&bytes).into_iter().collect();
        prop_assert_eq!(received.as_deref(), Ok(&connections[..]));
    }

    #[test]
    fn any_connection_of_version_0_is_received_as_it_was_sent(
        connections in vec(any_connection(), 1..6),
    ) {
        let connections: Vec<_> = connections
            .into_iter()
            .filter(|connection| connection.client.family() == ipvs::Family::V4)
            .map(|connection| {
                let flags = Flags::from_bits(connection.flags.bits() & 0xffff);
                let sequences = connection.sequences.unwrap_or_default();
                Connection {
                    flags,
                    mark: 0,
                    timeout: 0,
                    sequences: flags.has_sequences().then_some(sequences),
                    ..connection
                }
            })
            .collect();
        let bytes = encoded(Version::V0, &connections);
        let received: Result<Vec<_>, _> = decoded(&bytes).into_iter().collect();
        prop_assert_eq!(received.as_deref(), Ok(&connections[..]));
    }
}
