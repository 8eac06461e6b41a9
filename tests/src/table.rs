//! What is in the recorded table: each kind of service, destination and daemon.

use ipvs_sys::{DaemonAttrs, DestinationAttrs, ServiceAttrs, ServiceFlags};

/// The service that gets traffic.
pub(crate) const BUSY_KEY: ServiceAttrs<'_> = tuple(2, 6, &[198, 51, 100, 1], 80);
pub(crate) const BUSY: ServiceAttrs<'_> = ServiceAttrs {
    flags: Some(ServiceFlags { flags: ServiceFlags::PERSISTENT, mask: u32::MAX }),
    timeout: Some(360),
    ..full(BUSY_KEY, b"rr")
};

/// The services that get destinations of every kind.
pub(crate) const TCP_KEY: ServiceAttrs<'_> = tuple(2, 6, &[192, 0, 2, 1], 80);
pub(crate) const TCP6_KEY: ServiceAttrs<'_> = tuple(10, 6, &VIP6, 443);
const VIP6: [u8; 16] = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
const SERVER6: [u8; 16] = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];

/// An IPv4 address in as many bytes as the kernel's replies have.
const WIDE: [u8; 16] = [192, 0, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

pub(crate) fn services() -> [ServiceAttrs<'static>; 8] {
    let flags = |flags| Some(ServiceFlags { flags, mask: u32::MAX });
    let both = ServiceFlags::SCHED1 | ServiceFlags::SCHED2;
    [
        full(TCP_KEY, b"wrr"),
        ServiceAttrs {
            flags: flags(ServiceFlags::PERSISTENT | both),
            timeout: Some(300),
            netmask: Some(64u32.to_ne_bytes()),
            ..full(TCP6_KEY, b"mh")
        },
        ServiceAttrs {
            flags: flags(ServiceFlags::ONE_PACKET),
            ..full(tuple(2, 17, &[192, 0, 2, 1], 53), b"rr")
        },
        ServiceAttrs {
            flags: flags(ServiceFlags::PERSISTENT | ServiceFlags::ONE_PACKET),
            timeout: Some(60),
            netmask: Some([255, 255, 255, 0]),
            persistence_engine: Some(b"sip"),
            ..full(tuple(2, 17, &[192, 0, 2, 4], 5060), b"wlc")
        },
        full(tuple(2, 132, &[192, 0, 2, 2], 9999), b"lblcr"),
        ServiceAttrs { flags: flags(both), ..full(tuple(2, 6, &WIDE, 443), b"sh") },
        full(ServiceAttrs::by_fwmark(2, 7), b"none"),
        ServiceAttrs {
            netmask: Some(128u32.to_ne_bytes()),
            ..full(ServiceAttrs::by_fwmark(10, 7), b"nq")
        },
    ]
}

pub(crate) fn destinations() -> [(ServiceAttrs<'static>, DestinationAttrs<'static>); 10] {
    let method = |port, method| DestinationAttrs { forwarding: Some(method), ..plain(port) };
    let tunnel = |port, kind| DestinationAttrs {
        tunnel_kind: Some(kind),
        tunnel_port: Some(0),
        tunnel_flags: Some(DestinationAttrs::TUNNEL_CHECKSUM),
        ..method(port, DestinationAttrs::TUNNEL)
    };
    [
        (TCP_KEY, plain(8080)),
        (TCP_KEY, method(1, DestinationAttrs::LOCAL)),
        (TCP_KEY, method(3, DestinationAttrs::DIRECT_ROUTE)),
        (TCP_KEY, method(20, DestinationAttrs::TUNNEL)),
        (
            TCP_KEY,
            DestinationAttrs {
                tunnel_port: Some(6080),
                ..tunnel(21, DestinationAttrs::TUNNEL_GUE)
            },
        ),
        (
            TCP_KEY,
            DestinationAttrs {
                tunnel_port: Some(6081),
                tunnel_flags: Some(DestinationAttrs::TUNNEL_REMOTE_CHECKSUM),
                ..tunnel(22, DestinationAttrs::TUNNEL_GUE)
            },
        ),
        (TCP_KEY, tunnel(23, DestinationAttrs::TUNNEL_GRE)),
        (
            TCP_KEY,
            DestinationAttrs {
                af: Some(10),
                addr: Some(&SERVER6),
                ..method(24, DestinationAttrs::TUNNEL)
            },
        ),
        (
            TCP6_KEY,
            DestinationAttrs {
                af: Some(10),
                addr: Some(&SERVER6),
                upper_threshold: Some(2_000),
                lower_threshold: Some(1_000),
                weight: Some(i32::MAX.unsigned_abs()),
                ..plain(0)
            },
        ),
        (TCP6_KEY, tunnel(25, DestinationAttrs::TUNNEL_GRE)),
    ]
}

const fn tuple(af: u16, protocol: u16, addr: &[u8], port: u16) -> ServiceAttrs<'_> {
    ServiceAttrs {
        af: Some(af),
        protocol: Some(protocol),
        addr: Some(addr),
        port: Some(port),
        ..NOTHING
    }
}

const fn full<'a>(key: ServiceAttrs<'a>, scheduler: &'a [u8]) -> ServiceAttrs<'a> {
    ServiceAttrs {
        scheduler: Some(scheduler),
        flags: Some(ServiceFlags { flags: 0, mask: u32::MAX }),
        timeout: Some(0),
        netmask: Some([255; 4]),
        ..key
    }
}

const NOTHING: ServiceAttrs<'_> = ServiceAttrs {
    af: None,
    protocol: None,
    addr: None,
    port: None,
    fwmark: None,
    scheduler: None,
    flags: None,
    timeout: None,
    netmask: None,
    persistence_engine: None,
    stats: None,
    stats64: None,
};

pub(crate) fn plain(port: u16) -> DestinationAttrs<'static> {
    DestinationAttrs {
        forwarding: Some(DestinationAttrs::MASQUERADE),
        weight: Some(3),
        upper_threshold: Some(0),
        lower_threshold: Some(0),
        ..DestinationAttrs::by_address(2, &[10, 0, 0, 1], port)
    }
}

/// One daemon of each role; their groups are of either family.
pub(crate) fn daemons() -> [DaemonAttrs<'static>; 2] {
    let master = DaemonAttrs {
        state: Some(DaemonAttrs::MASTER),
        interface: Some(b"lan0"),
        sync_id: Some(21),
        max_len: Some(1400),
        group4: Some([224, 0, 0, 82]),
        port: Some(8849),
        ttl: Some(3),
        ..DaemonAttrs::default()
    };
    let group = [0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x81];
    let backup = DaemonAttrs {
        state: Some(DaemonAttrs::BACKUP),
        sync_id: Some(22),
        group4: None,
        group6: Some(group),
        ..master
    };
    [master, backup]
}
