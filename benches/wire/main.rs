//! Encoding and decoding: ours beside the idiom of the rust-netlink crates and the
//! published crates for IPVS.
//!
//! Every decoder keeps what a client wants of a message: all attributes, and the
//! counters as far as the crate reads them. Every encoder starts from values and
//! ends with bytes to send.

#![expect(clippy::unwrap_used, reason = "a panic ends the benchmark")]

mod netlink_packet_ipvs;
mod nlrs;
#[macro_use]
mod ours;
mod owned;

use criterion::{Criterion, Throughput};
use ipvs_sys::family::{GetFamily, NewFamily};
use ipvs_sys::{
    Command, DaemonAttrs, DelDestination, DelService, Flush, GetConfig, GetDaemon, GetDestination,
    GetInfo, GetService, InfoAttrs, Messages, NewDaemon, NewDestination, NewService, Payload,
    SetConfig, SetDestination, SetService, TimeoutAttrs, Zero,
};
use ours::{DESTINATION, FAMILY, SERVICE};
use std::hint::black_box;
use std::time::Duration;

fn main() {
    // Enough for what takes some nanoseconds; the command line may say otherwise.
    let criterion = Criterion::default().warm_up_time(Duration::from_millis(300));
    let mut criterion = criterion.measurement_time(Duration::from_secs(1)).configure_from_args();
    encoding(&mut criterion);
    decoding(&mut criterion);
    dump(&mut criterion);
    criterion.final_summary();
}

fn encoding(criterion: &mut Criterion) {
    let (key, server) = (ours::key(), ours::server());
    let NewService(service) = ours::new_service();
    let NewDestination { destination, .. } = ours::new_destination();
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
    let (mut buffer, mut out) = ([0; 256], Vec::new());
    let command = ours::new_service();
    let parsed = owned::of(&command);
    group.bench_function("ours", |bencher| bencher.iter(|| ours::encode(&command, &mut buffer)));
    group.bench_function("owned", |bencher| {
        bencher.iter(|| owned::encode(black_box(&parsed), FAMILY));
    });
    group.bench_function("nlrs", |bencher| bencher.iter(|| nlrs::new_service(&mut out)));
    group.bench_function("netlink-packet-ipvs", |bencher| {
        bencher.iter(netlink_packet_ipvs::new_service);
    });
    group.finish();

    let mut group = criterion.benchmark_group("encode/destination");
    let command = ours::new_destination();
    let parsed = owned::of(&command);
    group.bench_function("ours", |bencher| bencher.iter(|| ours::encode(&command, &mut buffer)));
    group.bench_function("owned", |bencher| {
        bencher.iter(|| owned::encode(black_box(&parsed), FAMILY));
    });
    group.bench_function("nlrs", |bencher| bencher.iter(|| nlrs::new_destination(&mut out)));
    group.bench_function("netlink-packet-ipvs", |bencher| {
        bencher.iter(netlink_packet_ipvs::new_destination);
    });
    group.finish();
}

/// A message of which ours alone is measured: service and destination stand for all.
fn encode_alone<C: Command>(criterion: &mut Criterion, name: &str, command: &C) {
    let mut buffer = [0; 256];
    criterion.bench_function(&format!("encode/{name}/ours"), |bencher| {
        bencher.iter(|| ours::encode(command, &mut buffer));
    });
}

fn decoding(criterion: &mut Criterion) {
    for (name, bytes) in [("service", SERVICE), ("destination", DESTINATION)] {
        let mut group = criterion.benchmark_group(format!("decode/{name}"));
        group.bench_function("ours", |bencher| bencher.iter(|| ours::decode(black_box(bytes))));
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
            bencher.iter(|| ours::decode(black_box(bytes)));
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
    let datagram = DESTINATION.repeat(91);
    let mut group = criterion.benchmark_group("dump/destinations");
    group.throughput(Throughput::Bytes(datagram.len().try_into().unwrap()));
    group.bench_function("ours", |bencher| bencher.iter(|| ours::decode(black_box(&datagram))));
    group.bench_function("owned", |bencher| {
        bencher.iter(|| {
            let messages = black_box(&datagram).chunks(DESTINATION.len());
            messages.map(owned::decode).collect::<Vec<_>>()
        });
    });
    group.finish();
}

/// The attributes of the first message.
fn data(datagram: &[u8]) -> Option<ipvs_sys::Attrs<'_>> {
    match Messages::new(datagram).next()?.unwrap().payload {
        Payload::Data { attrs, .. } => Some(attrs),
        _ => None,
    }
}
