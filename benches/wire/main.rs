//! Encoding and decoding: ours beside the idiom of the rust-netlink crates and the
//! published crates for IPVS.
//!
//! Every decoder keeps what a client wants of a message: all attributes, and the
//! counters as far as the crate reads them. Every encoder starts from values and
//! ends with bytes to send.

#![expect(clippy::unwrap_used, reason = "a panic ends the benchmark")]

mod netlink_packet_ipvs;
mod nlrs;
mod owned;

use criterion::{Criterion, Throughput};
use ipvs_sys::family::{GetFamily, NewFamily};
use ipvs_sys::{
    Body, Command, DaemonAttrs, DelDestination, DelService, DestinationAttrs, Flush, GetConfig,
    GetDaemon, GetDestination, GetInfo, GetService, InfoAttrs, Messages, NewDaemon, NewDestination,
    NewService, Payload, ServiceAttrs, ServiceFlags, SetConfig, SetDestination, SetService, Stats,
    TimeoutAttrs, Zero, encode_into,
};
use std::hint::black_box;

/// Messages of Linux 6.1.
macro_rules! captured {
    ($name:literal) => {
        include_bytes!(concat!("../../ipvs-sys/testdata/6.1/", $name, ".bin"))
    };
}

const SERVICE: &[u8] = captured!("service");
/// A destination with traffic, and the end of the list.
const DESTINATIONS: &[u8] = captured!("destinations-busy");
const FAMILY: u16 = 35;
/// The length of one message of a list of destinations.
const DESTINATION: usize = 356;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    encoding(&mut criterion);
    decoding(&mut criterion);
    dump(&mut criterion);
    criterion.final_summary();
}

fn encoding(criterion: &mut Criterion) {
    let key = ServiceAttrs::by_address(2, 6, &[192, 0, 2, 1], 443);
    let service = ServiceAttrs {
        scheduler: Some(b"wrr"),
        flags: Some(ServiceFlags { flags: 0, mask: u32::MAX }),
        timeout: Some(0),
        netmask: Some([255; 4]),
        ..key
    };
    let server = DestinationAttrs::by_address(2, &[10, 0, 0, 1], 8080);
    let destination = DestinationAttrs {
        forwarding: Some(DestinationAttrs::MASQUERADE),
        weight: Some(1),
        upper_threshold: Some(0),
        lower_threshold: Some(0),
        ..server
    };
    let daemon = DaemonAttrs {
        state: Some(1),
        interface: Some(b"eth0"),
        sync_id: Some(1),
        ..DaemonAttrs::default()
    };
    let timeouts = TimeoutAttrs { tcp: Some(900), tcp_fin: Some(120), udp: Some(300) };
    encode_alone(criterion, "set_service", &SetService(service));
    encode_alone(criterion, "del_service", &DelService(key));
    encode_alone(criterion, "get_service", &GetService(Some(key)));
    encode_alone(criterion, "get_services", &GetService(None));
    encode_alone(criterion, "set_destination", &SetDestination { service: key, destination });
    encode_alone(
        criterion,
        "del_destination",
        &DelDestination { service: key, destination: server },
    );
    encode_alone(criterion, "get_destinations", &GetDestination(key));
    encode_alone(criterion, "new_daemon", &NewDaemon(daemon));
    encode_alone(criterion, "get_daemons", &GetDaemon);
    encode_alone(criterion, "set_config", &SetConfig(timeouts));
    encode_alone(criterion, "get_config", &GetConfig);
    encode_alone(criterion, "get_info", &GetInfo);
    encode_alone(criterion, "zero", &Zero(Some(key)));
    encode_alone(criterion, "flush", &Flush);
    encode_alone(criterion, "get_family", &GetFamily { name: b"IPVS" });

    let mut group = criterion.benchmark_group("encode/service");
    let mut buffer = [0; 256];
    let mut ours = || encode_into(black_box(&NewService(service)), FAMILY, 5, 1, &mut buffer);
    let parsed = owned::decode(&vec_of(&NewService(service)));
    group.bench_function("ours", |bencher| bencher.iter(|| ours().unwrap()));
    group.bench_function("owned", |bencher| {
        bencher.iter(|| owned::encode(black_box(&parsed), FAMILY));
    });
    let mut out = Vec::new();
    group.bench_function("nlrs", |bencher| bencher.iter(|| nlrs::new_service(&mut out)));
    group.bench_function("netlink-packet-ipvs", |bencher| {
        bencher.iter(netlink_packet_ipvs::new_service);
    });
    group.finish();

    let mut group = criterion.benchmark_group("encode/destination");
    let command = NewDestination { service: Some(key), destination };
    let mut ours = || encode_into(black_box(&command), FAMILY, 5, 1, &mut buffer);
    let parsed = owned::decode(&vec_of(&command));
    group.bench_function("ours", |bencher| bencher.iter(|| ours().unwrap()));
    group.bench_function("owned", |bencher| {
        bencher.iter(|| owned::encode(black_box(&parsed), FAMILY));
    });
    group.bench_function("nlrs", |bencher| bencher.iter(|| nlrs::new_destination(&mut out)));
    group.bench_function("netlink-packet-ipvs", |bencher| {
        bencher.iter(netlink_packet_ipvs::new_destination);
    });
    group.finish();
}

/// A message that only we have.
fn encode_alone<C: Command>(criterion: &mut Criterion, name: &str, command: &C) {
    let mut buffer = [0; 256];
    criterion.bench_function(&format!("encode/{name}/ours"), |bencher| {
        bencher.iter(|| encode_into(black_box(command), FAMILY, 5, 1, &mut buffer).unwrap());
    });
}

fn vec_of<C: Command>(command: &C) -> Vec<u8> {
    let mut bytes = Vec::new();
    ipvs_sys::encode(command, FAMILY, 5, 1, &mut bytes).unwrap();
    bytes
}

fn decoding(criterion: &mut Criterion) {
    let destination = DESTINATIONS.get(..DESTINATION).unwrap();
    for (name, bytes) in [("service", SERVICE), ("destination", destination)] {
        let mut group = criterion.benchmark_group(format!("decode/{name}"));
        group.bench_function("ours", |bencher| bencher.iter(|| ours(black_box(bytes))));
        group.bench_function("owned", |bencher| bencher.iter(|| owned::decode(black_box(bytes))));
        let nlrs = if name == "service" { nlrs::service } else { nlrs::destination };
        group.bench_function("nlrs", |bencher| bencher.iter(|| nlrs(black_box(bytes))));
        group.bench_function("netlink-packet-ipvs", |bencher| {
            bencher.iter(|| netlink_packet_ipvs::decode(black_box(bytes)));
        });
        group.finish();
    }
    for (name, bytes) in [
        ("daemons", &captured!("daemons")[..]),
        ("config", captured!("config")),
        ("ack", captured!("ack")),
        ("error", captured!("error-exists-cap")),
    ] {
        criterion.bench_function(&format!("decode/{name}/ours"), |bencher| {
            bencher.iter(|| ours(black_box(bytes)));
        });
    }
    criterion.bench_function("decode/info/ours", |bencher| {
        bencher.iter(|| data(black_box(captured!("info"))).map(InfoAttrs::parse));
    });
    criterion.bench_function("decode/family/ours", |bencher| {
        bencher.iter(|| data(black_box(captured!("family"))).map(NewFamily::parse).is_some());
    });
}

/// A part of a dump, as long as the kernel makes them.
fn dump(criterion: &mut Criterion) {
    let destination = DESTINATIONS.get(..DESTINATION).unwrap();
    let datagram = destination.repeat(91);
    let mut group = criterion.benchmark_group("dump/destinations");
    group.throughput(Throughput::Bytes(datagram.len().try_into().unwrap()));
    group.bench_function("ours", |bencher| bencher.iter(|| ours(black_box(&datagram))));
    group.bench_function("owned", |bencher| {
        bencher.iter(|| {
            let messages = black_box(&datagram).chunks(destination.len());
            messages.map(owned::decode).collect::<Vec<_>>()
        });
    });
    group.finish();
}

/// Reads every message and keeps what a client wants of each.
fn ours(datagram: &[u8]) -> u64 {
    let mut sum = 0;
    for message in Messages::new(datagram) {
        let Payload::Data { attrs, .. } = message.unwrap().payload else { continue };
        let body = black_box(Body::parse(attrs).unwrap());
        let nest = body
            .destination
            .map_or_else(|| body.service.and_then(|found| found.stats64), |found| found.stats64);
        sum += nest.map_or(1, |nest| black_box(Stats::parse(nest).unwrap()).bytes_in);
    }
    sum
}

/// The attributes of the first message.
fn data(datagram: &[u8]) -> Option<ipvs_sys::Attrs<'_>> {
    match Messages::new(datagram).next()?.unwrap().payload {
        Payload::Data { attrs, .. } => Some(attrs),
        _ => None,
    }
}
