//! Sync daemons.

use crate::name;
use crate::wire::{Wire, bytes, disturbed, iterators_agree, string, wire};
use ipvs_sys::{Attrs, Body, Command, DaemonAttrs, NewDaemon};
use proptest::option::of;
use proptest::prelude::*;

fn daemon() -> impl Strategy<Value = DaemonAttrs<'static>> {
    (
        any::<[Option<u32>; 2]>(),
        any::<[Option<u16>; 2]>(),
        any::<Option<u8>>(),
        of(name()),
        any::<Option<[u8; 4]>>(),
        any::<Option<[u8; 16]>>(),
    )
        .prop_map(|(long, short, ttl, interface, group4, group6)| {
            let ([state, sync_id], [max_len, port]) = (long, short);
            DaemonAttrs { state, interface, sync_id, max_len, group4, group6, port, ttl }
        })
}

/// In the order of `ip_vs_ctl.c: ip_vs_genl_fill_daemon`.
fn attributes(daemon: &DaemonAttrs<'_>) -> Wire {
    wire([
        (1, daemon.state.map(|state| state.to_ne_bytes().to_vec())),
        (2, daemon.interface.map(string)),
        (3, daemon.sync_id.map(|id| id.to_ne_bytes().to_vec())),
        (4, daemon.max_len.map(|length| length.to_ne_bytes().to_vec())),
        (7, daemon.port.map(|port| port.to_ne_bytes().to_vec())),
        (8, daemon.ttl.map(|ttl| vec![ttl])),
        (5, daemon.group4.map(|group| group.to_vec())),
        (6, daemon.group6.map(|group| group.to_vec())),
    ])
}

fn read(message: &[u8]) -> Option<DaemonAttrs<'_>> {
    Body::parse(Attrs::new(message, "message")).expect("good bytes").daemon
}

proptest! {
    #[test]
    fn a_daemon_is_written_as_the_kernel_writes_it_and_reads_back(daemon in daemon()) {
        let mut written = Vec::new();
        NewDaemon(daemon).write(&mut written);
        prop_assert_eq!(&written, &bytes(&[(3, bytes(&attributes(&daemon)))]));
        prop_assert_eq!(read(&written), Some(daemon));
    }

    #[test]
    fn a_daemon_is_read_from_any_bytes_that_mean_it(
        (daemon, nest) in daemon().prop_flat_map(|daemon| {
            (Just(daemon), disturbed(attributes(&daemon), &[]))
        }),
        nested in any::<bool>(),
    ) {
        iterators_agree(&nest);
        let message = bytes(&[(if nested { 0x8003 } else { 3 }, nest)]);
        prop_assert_eq!(read(&message), Some(daemon));
    }
}
