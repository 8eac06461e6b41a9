//! Our encoders and decoders, as a client uses them.

use ipvs_sys::{
    Body, Command, DestinationAttrs, Messages, NewDestination, NewService, Payload, ServiceAttrs,
    ServiceFlags, Stats, encode_into,
};
use std::hint::black_box;

/// Messages of Linux 6.1.
macro_rules! captured {
    ($name:literal) => {
        include_bytes!(concat!("../../ipvs-sys/testdata/6.1/", $name, ".bin"))
    };
}

pub(crate) const FAMILY: u16 = 35;
pub(crate) const SERVICE: &[u8] = captured!("service");
/// A destination with traffic: the first message of a list.
pub(crate) const DESTINATION: &[u8] = captured!("destinations-busy").split_at(356).0;

pub(crate) fn key() -> ServiceAttrs<'static> {
    ServiceAttrs::by_address(2, 6, &[192, 0, 2, 1], 443)
}

pub(crate) fn server() -> DestinationAttrs<'static> {
    DestinationAttrs::by_address(2, &[10, 0, 0, 1], 8080)
}

pub(crate) fn new_service() -> NewService<'static> {
    NewService(ServiceAttrs {
        scheduler: Some(b"wrr"),
        flags: Some(ServiceFlags { flags: 0, mask: u32::MAX }),
        timeout: Some(0),
        netmask: Some([255; 4]),
        ..key()
    })
}

pub(crate) fn new_destination() -> NewDestination<'static> {
    let destination = DestinationAttrs {
        forwarding: Some(DestinationAttrs::MASQUERADE),
        weight: Some(1),
        upper_threshold: Some(0),
        lower_threshold: Some(0),
        ..server()
    };
    NewDestination { service: Some(key()), destination }
}

/// Writes a request.
pub(crate) fn encode<C: Command>(command: &C, buffer: &mut [u8; 256]) -> usize {
    encode_into(black_box(command), FAMILY, 5, 1, black_box(buffer)).unwrap()
}

/// Reads every message and keeps what a client wants of each.
pub(crate) fn decode(datagram: &[u8]) -> u64 {
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
