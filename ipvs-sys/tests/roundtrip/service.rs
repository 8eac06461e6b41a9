//! Services.

use crate::wire::{Wire, bytes, disturbed, iterators_agree, stats_nest, string, wire};
use crate::{address, name};
use ipvs_sys::{Attrs, Body, Command, NewService, ServiceAttrs, ServiceFlags};
use proptest::option::of;
use proptest::prelude::*;

fn service() -> impl Strategy<Value = ServiceAttrs<'static>> {
    let flags = any::<(u32, u32)>().prop_map(|(flags, mask)| ServiceFlags { flags, mask });
    (
        any::<[Option<u16>; 3]>(),
        any::<[Option<u32>; 2]>(),
        of(address()),
        of(name()),
        of(flags),
        any::<Option<[u8; 4]>>(),
        of(name()),
        of(stats_nest()),
        of(stats_nest()),
    )
        .prop_map(|(short, long, addr, scheduler, flags, netmask, engine, stats, stats64)| {
            let ([af, protocol, port], [fwmark, timeout]) = (short, long);
            let persistence_engine = engine;
            ServiceAttrs {
                af,
                protocol,
                addr,
                port,
                fwmark,
                scheduler,
                flags,
                timeout,
                netmask,
                persistence_engine,
                stats,
                stats64,
            }
        })
}

/// In the order of `ip_vs_ctl.c: ip_vs_genl_fill_service`.
fn attributes(service: &ServiceAttrs<'_>) -> Wire {
    let flags = service.flags.map(|flags| [flags.flags, flags.mask].map(u32::to_ne_bytes).concat());
    wire([
        (1, service.af.map(|af| af.to_ne_bytes().to_vec())),
        (5, service.fwmark.map(|mark| mark.to_ne_bytes().to_vec())),
        (2, service.protocol.map(|protocol| protocol.to_ne_bytes().to_vec())),
        (3, service.addr.map(<[u8]>::to_vec)),
        (4, service.port.map(|port| port.to_be_bytes().to_vec())),
        (6, service.scheduler.map(string)),
        (11, service.persistence_engine.map(string)),
        (7, flags),
        (8, service.timeout.map(|timeout| timeout.to_ne_bytes().to_vec())),
        (9, service.netmask.map(|netmask| netmask.to_vec())),
        (10, service.stats.map(|nest| nest.as_bytes().to_vec())),
        (12, service.stats64.map(|nest| nest.as_bytes().to_vec())),
    ])
}

fn read(message: &[u8]) -> Option<ServiceAttrs<'_>> {
    Body::parse(Attrs::new(message, "message")).expect("good bytes").service
}

proptest! {
    #[test]
    fn a_service_is_written_as_the_kernel_writes_it_and_reads_back(service in service()) {
        let mut written = Vec::new();
        NewService(service).write(&mut written);
        prop_assert_eq!(&written, &bytes(&[(1, bytes(&attributes(&service)))]));
        prop_assert_eq!(read(&written), Some(service));
    }

    #[test]
    fn a_service_is_read_from_any_bytes_that_mean_it(
        (service, nest) in service().prop_flat_map(|service| {
            (Just(service), disturbed(attributes(&service), &[10, 12]))
        }),
        nested in any::<bool>(),
    ) {
        iterators_agree(&nest);
        let message = bytes(&[(if nested { 0x8001 } else { 1 }, nest)]);
        prop_assert_eq!(read(&message), Some(service));
    }
}
