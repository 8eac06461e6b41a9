//! What the kernel says of a table that another program made.

use crate::replies::{MULTI, destination, ipv4, ipv6, of_destination, of_service, service};
use crate::{capture, check_file};
use ipvs_sys::{DestinationAttrs, InfoAttrs, Messages, Payload, ServiceAttrs, ServiceFlags};

#[test]
fn services() {
    let flags = |flags| Some(ServiceFlags { flags, mask: u32::MAX });
    let vip = ipv4(10, 0, 0, 1);
    let sctp = ServiceAttrs {
        protocol: Some(132),
        addr: Some(&vip),
        port: Some(36412),
        ..service(b"wlc")
    };
    let tcp =
        ServiceAttrs { protocol: Some(6), addr: Some(&vip), port: Some(80), ..service(b"wrr") };
    let sip = ServiceAttrs {
        protocol: Some(17),
        addr: Some(&vip),
        port: Some(5060),
        flags: flags(0x7),
        timeout: Some(60),
        persistence_engine: Some(b"sip"),
        ..service(b"wlc")
    };
    let tcp6 = ServiceAttrs {
        af: Some(10),
        protocol: Some(6),
        addr: Some(&ipv6(1)),
        port: Some(80),
        flags: flags(0x1b),
        timeout: Some(600),
        netmask: Some([64, 0, 0, 0]),
        ..service(b"mh")
    };
    let mark =
        ServiceAttrs { fwmark: Some(7), flags: flags(0x3), timeout: Some(360), ..service(b"wlc") };
    let mark6 = ServiceAttrs {
        af: Some(10),
        fwmark: Some(8),
        netmask: Some([128, 0, 0, 0]),
        ..service(b"sh")
    };
    let services = [sctp, tcp, sip, tcp6, mark, mark6].map(of_service);
    check_file("other", "services", 1, MULTI, &services);
}

#[test]
fn destinations() {
    let tunnel = DestinationAttrs {
        af: Some(10),
        addr: Some(&ipv6(9)),
        forwarding: Some(2),
        weight: Some(1),
        ..destination(80)
    };
    let gue = DestinationAttrs {
        addr: Some(&ipv4(192, 168, 0, 3)),
        forwarding: Some(2),
        weight: Some(1),
        tunnel_kind: Some(1),
        tunnel_port: Some(6080),
        tunnel_flags: Some(2),
        ..destination(80)
    };
    let with_thresholds = DestinationAttrs {
        addr: Some(&ipv4(192, 168, 0, 1)),
        upper_threshold: Some(100),
        lower_threshold: Some(50),
        ..destination(8080)
    };
    let destinations = [tunnel, gue, with_thresholds].map(of_destination);
    check_file("other", "destinations", 5, MULTI, &destinations);
}

#[test]
fn info() {
    let file = capture("other", "info");
    let Payload::Data { command: 14, attrs, .. } =
        Messages::new(&file).next().unwrap().unwrap().payload
    else {
        panic!("no info");
    };
    let info = InfoAttrs { version: Some(0x01_02_01), connection_table_size: Some(4096) };
    assert_eq!(InfoAttrs::parse(attrs), Ok(info));
}
