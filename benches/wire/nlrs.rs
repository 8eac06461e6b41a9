//! The crate nlrs. It reads no counters, and writes four of the eight bytes of a
//! service's flags.

use crate::ours::FAMILY;
use nlrs::genetlink::GenericMessageBuilder as _;
use nlrs::ipvs::destination::{
    DestinationAttribute, IpvsForwardMethod, NewDestinationMessageBuilder,
    read_get_destination_response,
};
use nlrs::ipvs::service::{NewServiceMessageBuilder, ServiceAttribute, read_get_service_response};
use nlrs::ipvs::{IpvsService, Protocol};
use std::hint::black_box;
use std::net::{Ipv4Addr, SocketAddr};

fn key() -> IpvsService {
    let service_address = SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 443));
    IpvsService { service_address, protocol: Protocol::TCP }
}

/// Adds a service.
pub(crate) fn new_service(out: &mut Vec<u8>) -> usize {
    out.clear();
    let (mut message, _) = NewServiceMessageBuilder::new(out, FAMILY, 1, black_box(key()));
    message.sched_name = "wrr".to_owned();
    message.build().unwrap().1
}

/// Adds a destination.
pub(crate) fn new_destination(out: &mut Vec<u8>) -> usize {
    out.clear();
    let server = SocketAddr::from((Ipv4Addr::new(10, 0, 0, 1), 8080));
    let input = black_box((key(), server));
    let (mut message, _) = NewDestinationMessageBuilder::new(out, FAMILY, 1, input);
    message.set_forwarding_method(IpvsForwardMethod::Masquerade);
    message.build().unwrap().1
}

/// Reads a service.
pub(crate) fn service(mut datagram: &[u8]) -> usize {
    let message = read_get_service_response(&mut datagram).next();
    black_box::<Vec<ServiceAttribute>>(message.unwrap().unwrap().unwrap()).len()
}

/// Reads a destination.
pub(crate) fn destination(mut datagram: &[u8]) -> usize {
    let message = read_get_destination_response(&mut datagram).next();
    black_box::<Vec<DestinationAttribute>>(message.unwrap().unwrap().unwrap()).len()
}
