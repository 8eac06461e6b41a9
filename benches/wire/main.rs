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
use ipvs_sys::put::Put;
use ipvs_sys::{
    Command, DaemonAttrs, DelDaemon, DelDestination, DelService, Flush, GetConfig, GetDaemon,
    GetDestination, GetInfo, GetService, InfoAttrs, Messages, NewDaemon, NewDestination,
    NewService, Payload, SetConfig, SetDestination, SetService, TimeoutAttrs, Zero,
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
    let (of_nlrs, of_crate) = (Some::<Nlrs>, Some::<Crate>);
    let service_and_server = DelDestination { service: key, destination: server };
    encode(
        criterion,
        "service",
        &ours::new_service(),
        of_nlrs(nlrs::new_service),
        of_crate(netlink_packet_ipvs::new_service),
    );
    encode(
        criterion,
        "set_service",
        &SetService(service),
        None,
        of_crate(netlink_packet_ipvs::set_service),
    );
    encode(
        criterion,
        "del_service",
        &DelService(key),
        of_nlrs(nlrs::del_service),
        of_crate(netlink_packet_ipvs::del_service),
    );
    encode(criterion, "get_service", &GetService(Some(key)), None, None);
    encode(criterion, "get_services", &GetServices, of_nlrs(nlrs::get_services), None);
    encode(
        criterion,
        "destination",
        &ours::new_destination(),
        of_nlrs(nlrs::new_destination),
        of_crate(netlink_packet_ipvs::new_destination),
    );
    encode(
        criterion,
        "set_destination",
        &SetDestination { service: key, destination },
        of_nlrs(nlrs::set_destination),
        of_crate(netlink_packet_ipvs::set_destination),
    );
    encode(
        criterion,
        "del_destination",
        &service_and_server,
        of_nlrs(nlrs::del_destination),
        of_crate(netlink_packet_ipvs::del_destination),
    );
    let get_destinations = &GetDestination(key);
    encode(criterion, "get_destinations", get_destinations, of_nlrs(nlrs::get_destinations), None);
    encode(criterion, "new_daemon", &NewDaemon(daemon), None, None);
    encode(criterion, "del_daemon", &DelDaemon(daemon), None, None);
    encode(criterion, "get_daemons", &GetDaemon, None, None);
    encode(criterion, "set_config", &SetConfig(timeouts), None, None);
    encode(criterion, "get_config", &GetConfig, None, None);
    encode(criterion, "get_info", &GetInfo, of_nlrs(nlrs::get_info), None);
    encode(criterion, "zero", &Zero(Some(key)), None, None);
    encode(criterion, "flush", &Flush, of_nlrs(nlrs::flush), None);
    // Of the controller, which has a crate of its own.
    let (get_family, mut buffer) = (GetFamily { name: b"IPVS" }, [0; 256]);
    criterion.bench_function("encode/get_family/ours", |bencher| {
        bencher.iter(|| ours::encode(&get_family, &mut buffer));
    });
}

/// Asks for all services. As with the other requests that have no value, the compiler knows
/// all of it, as it does where a client writes this down.
struct GetServices;

impl Command for GetServices {
    const NUMBER: u8 = GetService::NUMBER;

    fn write<P: Put>(&self, out: &mut P) {
        GetService(None).write(out);
    }
}

/// How the other crates write a message, where they have it.
type Nlrs = fn(&mut Vec<u8>) -> usize;
type Crate = fn() -> Vec<u8>;

fn encode<C: Command>(
    criterion: &mut Criterion,
    name: &str,
    command: &C,
    nlrs: Option<Nlrs>,
    netlink_packet_ipvs: Option<Crate>,
) {
    let mut group = criterion.benchmark_group(format!("encode/{name}"));
    let (mut buffer, mut out) = ([0; 256], Vec::new());
    let parsed = owned::of(command);
    group.bench_function("ours", |bencher| bencher.iter(|| ours::encode(command, &mut buffer)));
    group.bench_function("owned", |bencher| {
        bencher.iter(|| owned::encode(black_box(&parsed), FAMILY));
    });
    if let Some(nlrs) = nlrs {
        group.bench_function("nlrs", |bencher| bencher.iter(|| nlrs(&mut out)));
    }
    if let Some(encode) = netlink_packet_ipvs {
        group.bench_function("netlink-packet-ipvs", |bencher| bencher.iter(encode));
    }
    group.finish();
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
    for (name, bytes) in [("daemons", &captured!("daemons")[..]), ("config", captured!("config"))] {
        let mut group = criterion.benchmark_group(format!("decode/{name}"));
        group.bench_function("ours", |bencher| bencher.iter(|| ours::decode(black_box(bytes))));
        group.bench_function("owned", |bencher| {
            bencher.iter(|| owned::decode_all(black_box(bytes)));
        });
        group.finish();
    }
    let mut group = criterion.benchmark_group("decode/info");
    let info = captured!("info");
    group.bench_function("ours", |bencher| {
        bencher.iter(|| data(black_box(info)).map(InfoAttrs::parse));
    });
    group.bench_function("owned", |bencher| bencher.iter(|| owned::decode(black_box(info))));
    group.finish();
    criterion.bench_function("decode/family/ours", |bencher| {
        bencher.iter(|| data(black_box(captured!("family"))).map(NewFamily::parse).is_some());
    });
    // These have no attributes.
    for (name, bytes) in [("ack", &captured!("ack")[..]), ("error", captured!("error-exists-cap"))]
    {
        criterion.bench_function(&format!("decode/{name}/ours"), |bencher| {
            bencher.iter(|| ours::decode(black_box(bytes)));
        });
    }
}

/// A part of a dump, as long as the kernel makes them.
fn dump(criterion: &mut Criterion) {
    let datagram = DESTINATION.repeat(91);
    let mut group = criterion.benchmark_group("dump/destinations");
    group.throughput(Throughput::Bytes(datagram.len().try_into().unwrap()));
    group.bench_function("ours", |bencher| bencher.iter(|| ours::decode(black_box(&datagram))));
    group.bench_function("owned", |bencher| {
        bencher.iter(|| owned::decode_all(black_box(&datagram)));
    });
    group.bench_function("nlrs", |bencher| {
        bencher.iter(|| nlrs::destinations(black_box(&datagram)))
    });
    group.bench_function("netlink-packet-ipvs", |bencher| {
        bencher.iter(|| {
            let messages = black_box(&datagram).chunks(DESTINATION.len());
            messages.for_each(netlink_packet_ipvs::decode);
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
