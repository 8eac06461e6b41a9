//! Destinations.

use crate::address;
use crate::wire::{Wire, bytes, disturbed, iterators_agree, stats_nest, wire};
use ipvs_sys::{Attrs, Body, Command, DestinationAttrs, NewDestination};
use proptest::option::of;
use proptest::prelude::*;

fn destination() -> impl Strategy<Value = DestinationAttrs<'static>> {
    (
        any::<[Option<u16>; 4]>(),
        any::<[Option<u32>; 7]>(),
        of(address()),
        any::<Option<u8>>(),
        of(stats_nest()),
        of(stats_nest()),
    )
        .prop_map(|(short, long, addr, tunnel_kind, stats, stats64)| {
            let [af, port, tunnel_port, tunnel_flags] = short;
            let [
                forwarding,
                weight,
                upper_threshold,
                lower_threshold,
                active,
                inactive,
                persistent,
            ] = long;
            DestinationAttrs {
                af,
                addr,
                port,
                forwarding,
                weight,
                upper_threshold,
                lower_threshold,
                tunnel_kind,
                tunnel_port,
                tunnel_flags,
                active_connections: active,
                inactive_connections: inactive,
                persistent_connections: persistent,
                stats,
                stats64,
            }
        })
}

/// In the order of `ip_vs_ctl.c: ip_vs_genl_fill_dest`.
fn attributes(destination: &DestinationAttrs<'_>) -> Wire {
    let long = |value: Option<u32>| value.map(|value| value.to_ne_bytes().to_vec());
    wire([
        (1, destination.addr.map(<[u8]>::to_vec)),
        (2, destination.port.map(|port| port.to_be_bytes().to_vec())),
        (3, long(destination.forwarding)),
        (4, long(destination.weight)),
        (13, destination.tunnel_kind.map(|kind| vec![kind])),
        (14, destination.tunnel_port.map(|port| port.to_be_bytes().to_vec())),
        (15, destination.tunnel_flags.map(|flags| flags.to_ne_bytes().to_vec())),
        (5, long(destination.upper_threshold)),
        (6, long(destination.lower_threshold)),
        (7, long(destination.active_connections)),
        (8, long(destination.inactive_connections)),
        (9, long(destination.persistent_connections)),
        (11, destination.af.map(|af| af.to_ne_bytes().to_vec())),
        (10, destination.stats.map(|nest| nest.as_bytes().to_vec())),
        (12, destination.stats64.map(|nest| nest.as_bytes().to_vec())),
    ])
}

fn read(message: &[u8]) -> Option<DestinationAttrs<'_>> {
    Body::parse(Attrs::new(message, "message")).expect("good bytes").destination
}

proptest! {
    #[test]
    fn a_destination_is_written_as_the_kernel_writes_it_and_reads_back(
        destination in destination(),
    ) {
        let mut written = Vec::new();
        NewDestination { service: None, destination }.write(&mut written);
        prop_assert_eq!(&written, &bytes(&[(2, bytes(&attributes(&destination)))]));
        prop_assert_eq!(read(&written), Some(destination));
    }

    #[test]
    fn a_destination_is_read_from_any_bytes_that_mean_it(
        (destination, nest) in destination().prop_flat_map(|destination| {
            (Just(destination), disturbed(attributes(&destination), &[10, 12]))
        }),
        nested in any::<bool>(),
    ) {
        iterators_agree(&nest);
        let message = bytes(&[(if nested { 0x8002 } else { 2 }, nest)]);
        prop_assert_eq!(read(&message), Some(destination));
    }
}
