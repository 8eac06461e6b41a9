//! Every command, with every attribute that it can have.

use ipvs_sys::family::{GetFamily, NewFamily};
use ipvs_sys::{
    Attrs, Command, DaemonAttrs, DelDaemon, DelDestination, DelService, DestinationAttrs, Flush,
    GetConfig, GetDaemon, GetDestination, GetInfo, GetService, InfoAttrs, NewDaemon,
    NewDestination, NewService, ServiceAttrs, ServiceFlags, SetConfig, SetDestination, SetInfo,
    SetService, TimeoutAttrs, Zero,
};
use std::fmt::Debug;

/// Something to do with each command, whatever its type.
pub(crate) trait Visit {
    fn visit<C: Command + Copy + Debug>(&mut self, command: C);
}

/// Shows every command to `visitor`.
pub(crate) fn each(visitor: &mut impl Visit) {
    let (service, destination) = (SERVICE, DESTINATION);
    let key = ServiceAttrs::by_fwmark(10, 7);
    visitor.visit(NewService(service));
    visitor.visit(SetService(service));
    visitor.visit(DelService(key));
    visitor.visit(GetService(Some(key)));
    visitor.visit(GetService(None));
    visitor.visit(NewDestination { service: Some(key), destination });
    visitor.visit(NewDestination { service: None, destination });
    visitor.visit(SetDestination { service, destination });
    visitor.visit(DelDestination { service, destination });
    visitor.visit(GetDestination(service));
    visitor.visit(NewDaemon(DAEMON));
    visitor.visit(DelDaemon(DAEMON));
    visitor.visit(GetDaemon);
    visitor.visit(SetConfig(TimeoutAttrs { tcp: Some(1), tcp_fin: Some(2), udp: Some(3) }));
    visitor.visit(GetConfig);
    visitor.visit(SetInfo(InfoAttrs { version: Some(1), connection_table_size: Some(2) }));
    visitor.visit(GetInfo);
    visitor.visit(Zero(Some(service)));
    visitor.visit(Zero(None));
    visitor.visit(Flush);
    visitor.visit(GetFamily { name: b"IPVS" });
    visitor.visit(NewFamily { id: 35, name: b"IPVS", version: 1, header_size: 0, max_attr: 6 });
}

/// Lengths that need one, two, three and no bytes of padding.
pub(crate) const SERVICE: ServiceAttrs<'_> = ServiceAttrs {
    af: Some(2),
    protocol: Some(6),
    addr: Some(&[192, 0, 2, 1]),
    port: Some(443),
    fwmark: Some(7),
    scheduler: Some(b"wrr"),
    flags: Some(ServiceFlags { flags: 1, mask: u32::MAX }),
    timeout: Some(300),
    netmask: Some([255, 255, 255, 0]),
    persistence_engine: Some(b"s"),
    stats: Some(STATS),
    stats64: Some(STATS),
};

pub(crate) const DESTINATION: DestinationAttrs<'_> = DestinationAttrs {
    af: Some(10),
    addr: Some(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]),
    port: Some(80),
    forwarding: Some(2),
    weight: Some(100),
    upper_threshold: Some(2000),
    lower_threshold: Some(1000),
    tunnel_kind: Some(1),
    tunnel_port: Some(6080),
    tunnel_flags: Some(1),
    active_connections: Some(3),
    inactive_connections: Some(4),
    persistent_connections: Some(5),
    stats: Some(STATS),
    stats64: Some(STATS),
};

const DAEMON: DaemonAttrs<'_> = DaemonAttrs {
    state: Some(1),
    interface: Some(b"eth0.10"),
    sync_id: Some(21),
    max_len: Some(1400),
    group4: Some([224, 0, 0, 81]),
    group6: Some([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x81]),
    port: Some(8848),
    ttl: Some(1),
};

/// Any: what is in them is not looked at when they are written.
const STATS: Attrs<'_> = Attrs::new(&[12, 0, 1, 0, 1, 2, 3, 4, 5, 6, 7, 8], "stats");
