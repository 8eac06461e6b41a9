//! What the kernel says of the table that `capture` makes.

use crate::{DAEMONS, KERNELS, bytes, capture, check};
use ipvs_sys::family::{NLCTRL, NewFamily};
use ipvs_sys::{
    Attrs, Body, DestinationAttrs, InfoAttrs, Messages, Payload, ServiceAttrs, ServiceFlags,
    SetInfo, Stats, TimeoutAttrs,
};

pub(crate) const MULTI: u16 = 2;

/// Twenty connections of four packets in and three out, two seconds or less ago.
const TRAFFIC: Stats = Stats {
    connections: 20,
    packets_in: 80,
    packets_out: 60,
    bytes_in: 4420,
    bytes_out: 3380,
    connections_per_second: 2,
    packets_in_per_second: 10,
    packets_out_per_second: 7,
    bytes_in_per_second: 552,
    bytes_out_per_second: 422,
};

/// The contents of a nest, for as long as the tests run.
fn nest(bytes: &[u8]) -> Attrs<'static> {
    Attrs::new(bytes.to_vec().leak(), "stats")
}

pub(crate) const fn ipv4(a: u8, b: u8, c: u8, d: u8) -> [u8; 16] {
    [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
}

pub(crate) const fn ipv6(last: u8) -> [u8; 16] {
    [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]
}

/// What an idle service without persistence has, with the flag of the kernel.
pub(crate) fn service(scheduler: &[u8]) -> ServiceAttrs<'_> {
    ServiceAttrs {
        af: Some(2),
        scheduler: Some(scheduler),
        flags: Some(ServiceFlags { flags: 0x2, mask: u32::MAX }),
        timeout: Some(0),
        netmask: Some([255, 255, 255, 255]),
        stats: Some(nest(&Stats::default().to_stats())),
        stats64: Some(nest(&Stats::default().to_stats64())),
        ..ServiceAttrs::default()
    }
}

fn busy_service() -> ServiceAttrs<'static> {
    ServiceAttrs {
        protocol: Some(6),
        addr: Some(const { &ipv4(198, 51, 100, 1) }),
        port: Some(80),
        flags: Some(ServiceFlags { flags: 0x3, mask: u32::MAX }),
        timeout: Some(360),
        stats: Some(nest(&TRAFFIC.to_stats())),
        stats64: Some(nest(&TRAFFIC.to_stats64())),
        ..service(b"rr")
    }
}

pub(crate) fn of_service(service: ServiceAttrs<'_>) -> Body<'_> {
    Body { service: Some(service), ..Body::default() }
}

/// What an idle masquerading destination has.
pub(crate) fn destination(port: u16) -> DestinationAttrs<'static> {
    DestinationAttrs {
        af: Some(2),
        addr: Some(const { &ipv4(10, 0, 0, 1) }),
        port: Some(port),
        forwarding: Some(0),
        weight: Some(3),
        upper_threshold: Some(0),
        lower_threshold: Some(0),
        tunnel_kind: Some(0),
        tunnel_port: Some(0),
        tunnel_flags: Some(0),
        active_connections: Some(0),
        inactive_connections: Some(0),
        persistent_connections: Some(0),
        stats: Some(nest(&Stats::default().to_stats())),
        stats64: Some(nest(&Stats::default().to_stats64())),
    }
}

pub(crate) fn of_destination(destination: DestinationAttrs<'_>) -> Body<'_> {
    Body { destination: Some(destination), ..Body::default() }
}

#[test]
fn a_service_with_traffic() {
    check("service", 1, 0, &[of_service(busy_service())]);
}

#[test]
fn services_of_every_kind() {
    let flags = |flags| Some(ServiceFlags { flags, mask: u32::MAX });
    let services = [
        busy_service(),
        ServiceAttrs {
            protocol: Some(6),
            addr: Some(&ipv4(192, 0, 2, 1)),
            port: Some(80),
            ..service(b"wrr")
        },
        ServiceAttrs {
            af: Some(10),
            protocol: Some(6),
            addr: Some(&ipv6(1)),
            port: Some(443),
            flags: flags(0x1b),
            timeout: Some(300),
            netmask: Some([64, 0, 0, 0]),
            ..service(b"mh")
        },
        ServiceAttrs {
            protocol: Some(17),
            addr: Some(&ipv4(192, 0, 2, 1)),
            port: Some(53),
            flags: flags(0x6),
            ..service(b"rr")
        },
        ServiceAttrs {
            protocol: Some(17),
            addr: Some(&ipv4(192, 0, 2, 4)),
            port: Some(5060),
            flags: flags(0x7),
            timeout: Some(60),
            netmask: Some([255, 255, 255, 0]),
            persistence_engine: Some(b"sip"),
            ..service(b"wlc")
        },
        ServiceAttrs {
            protocol: Some(132),
            addr: Some(&ipv4(192, 0, 2, 2)),
            port: Some(9999),
            ..service(b"lblcr")
        },
        ServiceAttrs {
            protocol: Some(6),
            addr: Some(&ipv4(192, 0, 2, 3)),
            port: Some(443),
            flags: flags(0x1a),
            ..service(b"sh")
        },
        ServiceAttrs { fwmark: Some(7), ..service(b"none") },
        ServiceAttrs {
            af: Some(10),
            fwmark: Some(7),
            netmask: Some([128, 0, 0, 0]),
            ..service(b"nq")
        },
    ];
    check("services", 1, MULTI, &services.map(of_service));
}

#[test]
fn a_destination_with_traffic() {
    let busy = DestinationAttrs {
        addr: Some(&ipv4(198, 51, 100, 2)),
        active_connections: Some(20),
        persistent_connections: Some(1),
        stats: Some(nest(&TRAFFIC.to_stats())),
        stats64: Some(nest(&TRAFFIC.to_stats64())),
        ..destination(8080)
    };
    check("destinations-busy", 5, MULTI, &[of_destination(busy)]);
}

#[test]
fn destinations_of_every_forwarding_method_and_tunnel() {
    let method = |port, method| DestinationAttrs { forwarding: Some(method), ..destination(port) };
    let tunnel = |port, kind, tunnel_port, flags| DestinationAttrs {
        tunnel_kind: Some(kind),
        tunnel_port: Some(tunnel_port),
        tunnel_flags: Some(flags),
        ..method(port, 2)
    };
    let destinations = [
        destination(8080),
        method(1, 1),
        method(3, 3),
        method(20, 2),
        tunnel(21, 1, 6080, 1),
        tunnel(22, 1, 6081, 2),
        tunnel(23, 2, 0, 1),
        DestinationAttrs { af: Some(10), addr: Some(&ipv6(2)), ..method(24, 2) },
    ];
    check("destinations", 5, MULTI, &destinations.map(of_destination));
}

#[test]
fn destinations_of_an_ipv6_service() {
    let with_thresholds = DestinationAttrs {
        af: Some(10),
        addr: Some(&ipv6(2)),
        weight: Some(2_147_483_647),
        upper_threshold: Some(2000),
        lower_threshold: Some(1000),
        ..destination(0)
    };
    let gre_over_ipv4 = DestinationAttrs {
        forwarding: Some(2),
        tunnel_kind: Some(2),
        tunnel_flags: Some(1),
        ..destination(25)
    };
    check("destinations-ipv6", 5, MULTI, &[with_thresholds, gre_over_ipv4].map(of_destination));
}

#[test]
fn sync_daemons_of_both_roles() {
    let of = |daemon| Body { daemon: Some(daemon), ..Body::default() };
    check("daemons", 9, MULTI, &DAEMONS.map(of));
}

#[test]
fn timeouts() {
    let timeouts = TimeoutAttrs { tcp: Some(901), tcp_fin: Some(121), udp: Some(301) };
    check("config", 12, 0, &[Body { timeouts, ..Body::default() }]);
}

#[test]
fn info() {
    let info = InfoAttrs { version: Some(0x01_02_01), connection_table_size: Some(4096) };
    for kernel in KERNELS {
        let file = capture(kernel, "info");
        let message = Messages::new(&file).next().unwrap().unwrap();
        let Payload::Data { command: 14, attrs, .. } = message.payload else { panic!("{kernel}") };
        assert_eq!(InfoAttrs::parse(attrs), Ok(info));
        assert_eq!(bytes(&SetInfo(info), message.header), file);
    }
}

#[test]
fn the_family() {
    for (kernel, id) in [("6.1", 32), ("6.12", 34)] {
        let file = capture(kernel, "family");
        let message = Messages::new(&file).next().unwrap().unwrap();
        let Payload::Data { command: 1, attrs, .. } = message.payload else { panic!("{kernel}") };
        let family = NewFamily { id, name: b"IPVS", version: 1, header_size: 0, max_attr: 6 };
        assert_eq!(NewFamily::parse(attrs), Ok(family));
        assert_eq!(message.header.message_type, NLCTRL);
        // After these come the operations, which are not kept.
        let written = bytes(&family, message.header);
        assert_eq!(written[16..], file[16..written.len()]);
    }
}
