//! Requests that both kernels carried out.

use crate::{DAEMONS, KERNELS, bytes, capture, check};
use ipvs_sys::family::{GetFamily, NLCTRL};
use ipvs_sys::{
    Body, DaemonAttrs, DestinationAttrs, Messages, Payload, ServiceAttrs, ServiceFlags,
    TimeoutAttrs,
};

const ASK: u16 = 0x1;
const ACK: u16 = 0x5;
const DUMP: u16 = 0x301;

const NOTHING: Body<'_> = Body {
    service: None,
    destination: None,
    daemon: None,
    timeouts: TimeoutAttrs { tcp: None, tcp_fin: None, udp: None },
};

fn tcp(addr: &[u8], port: u16) -> ServiceAttrs<'_> {
    ServiceAttrs {
        af: Some(2),
        protocol: Some(6),
        addr: Some(addr),
        port: Some(port),
        ..ServiceAttrs::default()
    }
}

/// What the kernel wants besides the key.
fn full<'a>(key: ServiceAttrs<'a>, scheduler: &'a [u8], flags: u32) -> ServiceAttrs<'a> {
    ServiceAttrs {
        scheduler: Some(scheduler),
        flags: Some(ServiceFlags { flags, mask: 0xffff_ffff }),
        timeout: Some(0),
        netmask: Some([255, 255, 255, 255]),
        ..key
    }
}

fn destination(port: u16, forwarding: u32) -> DestinationAttrs<'static> {
    DestinationAttrs {
        af: Some(2),
        addr: Some(&[10, 0, 0, 1]),
        port: Some(port),
        forwarding: Some(forwarding),
        weight: Some(3),
        upper_threshold: Some(0),
        lower_threshold: Some(0),
        ..DestinationAttrs::default()
    }
}

fn of_service(service: ServiceAttrs<'_>) -> Body<'_> {
    Body { service: Some(service), ..NOTHING }
}

const VIP: &[u8] = &[192, 0, 2, 1];
const BUSY: &[u8] = &[198, 51, 100, 1];
const VIP6: &[u8] = &[0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
const SERVER6: &[u8] = &[0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];

#[test]
fn services_are_added() {
    let persistent = |timeout, netmask, service| ServiceAttrs {
        timeout: Some(timeout),
        netmask: Some(netmask),
        ..service
    };
    let tcp6 = ServiceAttrs { af: Some(10), ..tcp(VIP6, 443) };
    let udp = |addr, port| ServiceAttrs { protocol: Some(17), ..tcp(addr, port) };
    let sctp = ServiceAttrs { protocol: Some(132), ..tcp(&[192, 0, 2, 2], 9999) };
    let mark = |af| ServiceAttrs { af: Some(af), fwmark: Some(7), ..ServiceAttrs::default() };
    let sip = ServiceAttrs {
        persistence_engine: Some(b"sip"),
        ..full(udp(&[192, 0, 2, 4], 5060), b"wlc", 0x5)
    };
    let wide = [192, 0, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let services = [
        persistent(360, [255; 4], full(tcp(BUSY, 80), b"rr", 0x1)),
        full(tcp(VIP, 80), b"wrr", 0),
        persistent(300, [64, 0, 0, 0], full(tcp6, b"mh", 0x19)),
        full(udp(VIP, 53), b"rr", 0x4),
        persistent(60, [255, 255, 255, 0], sip),
        full(sctp, b"lblcr", 0),
        full(tcp(&wide, 443), b"sh", 0x18),
        full(mark(2), b"none", 0),
        persistent(0, [128, 0, 0, 0], full(mark(10), b"nq", 0)),
    ];
    check("request-new-service", 1, ACK, &services.map(of_service));
}

#[test]
fn a_service_is_edited() {
    let service = ServiceAttrs { timeout: Some(7), ..full(tcp(VIP, 80), b"wlc", 0) };
    check("request-set-service", 2, ACK, &[of_service(service)]);
}

#[test]
fn services_are_deleted_by_either_key() {
    let mark = ServiceAttrs { af: Some(10), fwmark: Some(7), ..ServiceAttrs::default() };
    check("request-del-service", 3, ACK, &[tcp(VIP, 80), mark].map(of_service));
}

#[test]
fn services_are_asked_for() {
    check("request-get-service", 4, ASK, &[of_service(tcp(BUSY, 80))]);
    check("request-get-services", 4, DUMP, &[NOTHING, NOTHING]);
}

#[test]
fn destinations_are_added() {
    let tunnel = |port, kind, tunnel_port, flags| DestinationAttrs {
        tunnel_kind: Some(kind),
        tunnel_port: Some(tunnel_port),
        tunnel_flags: Some(flags),
        ..destination(port, 2)
    };
    let ipv6 = |destination| DestinationAttrs { af: Some(10), addr: Some(SERVER6), ..destination };
    let busy = DestinationAttrs { addr: Some(&[198, 51, 100, 2]), ..destination(8080, 0) };
    let with_thresholds = DestinationAttrs {
        weight: Some(0x7fff_ffff),
        upper_threshold: Some(2000),
        lower_threshold: Some(1000),
        ..ipv6(destination(0, 0))
    };
    let tcp6 = ServiceAttrs { af: Some(10), ..tcp(VIP6, 443) };
    let bodies = [
        (tcp(BUSY, 80), busy),
        (tcp(VIP, 80), destination(8080, 0)),
        (tcp(VIP, 80), destination(1, 1)),
        (tcp(VIP, 80), destination(3, 3)),
        (tcp(VIP, 80), destination(20, 2)),
        (tcp(VIP, 80), tunnel(21, 1, 6080, 1)),
        (tcp(VIP, 80), tunnel(22, 1, 6081, 2)),
        (tcp(VIP, 80), tunnel(23, 2, 0, 1)),
        (tcp(VIP, 80), ipv6(destination(24, 2))),
        (tcp6, with_thresholds),
        (tcp6, tunnel(25, 2, 0, 1)),
    ]
    .map(|(service, destination)| Body { destination: Some(destination), ..of_service(service) });
    check("request-new-destination", 5, ACK, &bodies);
}

#[test]
fn a_destination_is_edited_and_deleted() {
    let body = |destination| Body { destination: Some(destination), ..of_service(tcp(VIP, 80)) };
    let edited = DestinationAttrs { weight: Some(0), ..destination(8080, 0) };
    check("request-set-destination", 6, ACK, &[body(edited)]);
    let key = DestinationAttrs {
        af: Some(2),
        addr: Some(&[10, 0, 0, 1]),
        port: Some(8080),
        ..DestinationAttrs::default()
    };
    check("request-del-destination", 7, ACK, &[body(key)]);
}

#[test]
fn the_destinations_of_a_service_are_asked_for() {
    let tcp6 = ServiceAttrs { af: Some(10), ..tcp(VIP6, 443) };
    let bodies = [tcp(BUSY, 80), tcp(VIP, 80), tcp6].map(of_service);
    check("request-get-destinations", 8, DUMP, &bodies);
}

#[test]
fn sync_daemons_are_started_listed_and_stopped() {
    let of = |daemon| Body { daemon: Some(daemon), ..NOTHING };
    check("request-new-daemon", 9, ACK, &DAEMONS.map(of));
    check("request-get-daemons", 11, DUMP, &[NOTHING]);
    let keys = [1, 2].map(|state| DaemonAttrs { state: Some(state), ..DaemonAttrs::default() });
    check("request-del-daemon", 10, ACK, &keys.map(of));
}

#[test]
fn timeouts_are_set_and_asked_for() {
    let timeouts = TimeoutAttrs { tcp: Some(901), tcp_fin: Some(121), udp: Some(301) };
    check("request-set-config", 12, ACK, &[Body { timeouts, ..NOTHING }]);
    check("request-get-config", 13, ASK, &[NOTHING]);
}

#[test]
fn info_is_asked_for() {
    check("request-get-info", 15, ASK, &[NOTHING]);
}

#[test]
fn counters_are_zeroed_and_everything_is_flushed() {
    check("request-zero", 16, ACK, &[of_service(tcp(VIP, 80)), NOTHING]);
    check("request-flush", 17, ACK, &[NOTHING]);
}

#[test]
fn the_family_is_asked_for() {
    for kernel in KERNELS {
        let file = capture(kernel, "request-get-family");
        let message = Messages::new(&file).next().unwrap().unwrap();
        let Payload::Data { command: 3, version: 2, attrs } = message.payload else {
            panic!("{kernel}");
        };
        let family = GetFamily { name: b"IPVS" };
        assert_eq!(GetFamily::parse(attrs), Ok(family));
        assert_eq!(message.header.message_type, NLCTRL);
        assert_eq!(bytes(&family, message.header), file);
    }
}
