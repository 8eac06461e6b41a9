//! Encoding and decoding, beside the same messages in the idiom of the
//! rust-netlink crates: attributes that own their values, in vectors.

#![expect(clippy::unwrap_used, reason = "a panic ends the benchmark")]

use criterion::{Criterion, Throughput};
use ipvs_sys::{
    Body, Command, DestinationAttrs, GetService, Messages, NewDestination, NewService, Payload,
    ServiceAttrs, ServiceFlags, Stats, encode,
};
use netlink_packet_core::{
    DecodeError, Emitable, NetlinkMessage, NetlinkPayload, Nla, NlaBuffer, NlasIterator,
    ParseableParametrized,
};
use netlink_packet_generic::{GenlFamily, GenlHeader, GenlMessage};
use std::hint::black_box;

const SERVICE: &[u8] = include_bytes!("../ipvs-sys/testdata/6.1/service.bin");
const DESTINATIONS: &[u8] = include_bytes!("../ipvs-sys/testdata/6.1/destinations.bin");
const FAMILY: u16 = 35;

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
    let destination = DestinationAttrs {
        forwarding: Some(DestinationAttrs::MASQUERADE),
        weight: Some(1),
        upper_threshold: Some(0),
        lower_threshold: Some(0),
        ..DestinationAttrs::by_address(2, &[10, 0, 0, 1], 8080)
    };
    one_encoding(criterion, "new_service", &NewService(service));
    one_encoding(criterion, "new_destination", &NewDestination { service: Some(key), destination });
    one_encoding(criterion, "get_services", &GetService(None));
}

fn one_encoding<C: Command>(criterion: &mut Criterion, name: &str, command: &C) {
    let mut group = criterion.benchmark_group(format!("encode/{name}"));
    let mut out = Vec::new();
    let mut encode = || {
        out.clear();
        encode(black_box(command), FAMILY, 5, 1, &mut out).unwrap();
        black_box(out.len())
    };
    // Once in any case: a filter may leave ours out, and the other needs its bytes.
    encode();
    group.bench_function("ours", |bencher| bencher.iter(&mut encode));
    // As there, the message is built for each request and serialized into a new buffer.
    let parsed = owned(&out);
    group.bench_function("owned", |bencher| {
        bencher.iter(|| {
            let mut message = GenlMessage::from_payload(black_box(&parsed).clone());
            message.set_resolved_family_id(FAMILY);
            let mut message = NetlinkMessage::from(message);
            message.header.flags = 5;
            message.header.sequence_number = 1;
            message.finalize();
            let mut out = vec![0; message.buffer_len()];
            message.serialize(&mut out);
            out
        });
    });
    group.finish();
}

fn decoding(criterion: &mut Criterion) {
    // The first message: the others of a dump are as long.
    let destination = DESTINATIONS.get(..356).unwrap();
    for (name, bytes) in [("service", SERVICE), ("destination", destination)] {
        let mut group = criterion.benchmark_group(format!("decode/{name}"));
        group.bench_function("ours", |bencher| bencher.iter(|| ours(black_box(bytes))));
        group.bench_function("owned", |bencher| bencher.iter(|| owned(black_box(bytes))));
        group.finish();
    }
}

/// A part of a dump, as long as the kernel makes them.
fn dump(criterion: &mut Criterion) {
    let destination = DESTINATIONS.get(..356).unwrap();
    let datagram = destination.repeat(91);
    let mut group = criterion.benchmark_group("dump/destinations");
    group.throughput(Throughput::Bytes(datagram.len().try_into().unwrap()));
    group.bench_function("ours", |bencher| bencher.iter(|| ours(black_box(&datagram))));
    group.bench_function("owned", |bencher| {
        bencher.iter(|| {
            let messages = black_box(&datagram).chunks(destination.len());
            messages.map(owned).collect::<Vec<_>>()
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
        let nest = body.destination.and_then(|found| found.stats64);
        sum += nest.map_or(1, |nest| black_box(Stats::parse(nest).unwrap()).bytes_in);
    }
    sum
}

fn owned(message: &[u8]) -> Owned {
    let message = NetlinkMessage::<GenlMessage<Owned>>::deserialize(message).unwrap();
    let NetlinkPayload::InnerMessage(message) = message.payload else { unreachable!() };
    message.payload
}

/// A message as the rust-netlink crates have it.
#[derive(Clone, Debug)]
struct Owned {
    command: u8,
    attributes: Vec<Attribute>,
}

#[derive(Clone, Debug)]
struct Attribute {
    kind: u16,
    value: Value,
}

/// Numbers in place, the rest on the heap: what an `enum` of typed attributes costs.
#[derive(Clone, Debug)]
enum Value {
    U8(u8),
    U16(u16),
    U32(u32),
    U64(u64),
    Bytes(Vec<u8>),
    Nest(Vec<Attribute>),
}

impl Nla for Attribute {
    fn value_len(&self) -> usize {
        match &self.value {
            Value::U8(_) => 1,
            Value::U16(_) => 2,
            Value::U32(_) => 4,
            Value::U64(_) => 8,
            Value::Bytes(bytes) => bytes.len(),
            Value::Nest(attributes) => attributes.as_slice().buffer_len(),
        }
    }

    fn kind(&self) -> u16 {
        self.kind
    }

    fn emit_value(&self, buffer: &mut [u8]) {
        match &self.value {
            Value::U8(value) => buffer.copy_from_slice(&[*value]),
            Value::U16(value) => buffer.copy_from_slice(&value.to_ne_bytes()),
            Value::U32(value) => buffer.copy_from_slice(&value.to_ne_bytes()),
            Value::U64(value) => buffer.copy_from_slice(&value.to_ne_bytes()),
            Value::Bytes(value) => buffer.copy_from_slice(value),
            Value::Nest(attributes) => attributes.as_slice().emit(buffer),
        }
    }
}

/// At `depth` 0 all attributes are nests, at 1 those of the counters.
fn parse(bytes: &[u8], depth: u8) -> Result<Vec<Attribute>, DecodeError> {
    NlasIterator::new(bytes)
        .map(|nla| {
            let nla: NlaBuffer<&[u8]> = nla?;
            let (kind, value) = (nla.kind(), nla.value());
            let nested = depth == 0 || (depth == 1 && matches!(kind, 10 | 12));
            let value = if nested {
                Value::Nest(parse(value, depth + 1)?)
            } else if let [value] = value {
                Value::U8(*value)
            } else if let Ok(value) = value.try_into() {
                Value::U16(u16::from_ne_bytes(value))
            } else if let Ok(value) = value.try_into() {
                Value::U32(u32::from_ne_bytes(value))
            } else if let Ok(value) = value.try_into() {
                Value::U64(u64::from_ne_bytes(value))
            } else {
                Value::Bytes(value.to_vec())
            };
            Ok(Attribute { kind, value })
        })
        .collect()
}

impl GenlFamily for Owned {
    fn family_name() -> &'static str {
        "IPVS"
    }

    fn command(&self) -> u8 {
        self.command
    }

    fn version(&self) -> u8 {
        1
    }
}

impl Emitable for Owned {
    fn buffer_len(&self) -> usize {
        self.attributes.as_slice().buffer_len()
    }

    fn emit(&self, buffer: &mut [u8]) {
        self.attributes.as_slice().emit(buffer);
    }
}

impl ParseableParametrized<[u8], GenlHeader> for Owned {
    fn parse_with_param(bytes: &[u8], header: GenlHeader) -> Result<Self, DecodeError> {
        Ok(Self { command: header.cmd, attributes: parse(bytes, 0)? })
    }
}
