//! The crate nlrs. It reads no counters, and writes four of the eight bytes of a
//! service's flags.

use crate::ours::FAMILY;
use nlrs::genetlink::GenericMessageBuilder;
use nlrs::ipvs::destination::{
    DelDestinationMessageBuilder, DestinationAttribute, GetDestinationMessageBuilder,
    IpvsForwardMethod, NewDestinationMessageBuilder, SetDestinationMessageBuilder,
    read_get_destination_response,
};
use nlrs::ipvs::flush::FlushMessageBuilder;
use nlrs::ipvs::info::GetInfoMessageBuilder;
use nlrs::ipvs::service::{
    DeleteServiceMessageBuilder, GetServiceMessageBuilder, NewServiceMessageBuilder,
    ServiceAttribute, read_get_service_response,
};
use nlrs::ipvs::{IpvsService, Protocol};
use std::hint::black_box;
use std::net::{Ipv4Addr, SocketAddr};

fn key() -> IpvsService {
    let service_address = SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 443));
    IpvsService { service_address, protocol: Protocol::TCP }
}

fn server() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::new(10, 0, 0, 1), 8080))
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
    let input = black_box((key(), server()));
    let (mut message, _) = NewDestinationMessageBuilder::new(out, FAMILY, 1, input);
    message.set_forwarding_method(IpvsForwardMethod::Masquerade);
    message.build().unwrap().1
}

/// Changes a destination.
pub(crate) fn set_destination(out: &mut Vec<u8>) -> usize {
    built::<SetDestinationMessageBuilder<'_, _>>(out, (key(), server()))
}

/// Deletes a service.
pub(crate) fn del_service(out: &mut Vec<u8>) -> usize {
    built::<DeleteServiceMessageBuilder<'_, _>>(out, key())
}

/// Deletes a destination.
pub(crate) fn del_destination(out: &mut Vec<u8>) -> usize {
    built::<DelDestinationMessageBuilder<'_, _>>(out, (key(), server()))
}

/// Asks for all services.
pub(crate) fn get_services(out: &mut Vec<u8>) -> usize {
    built::<GetServiceMessageBuilder<'_, _>>(out, ())
}

/// Asks for the destinations of a service.
pub(crate) fn get_destinations(out: &mut Vec<u8>) -> usize {
    built::<GetDestinationMessageBuilder<'_, _>>(out, key())
}

/// Asks for the version.
pub(crate) fn get_info(out: &mut Vec<u8>) -> usize {
    built::<GetInfoMessageBuilder<'_, _>>(out, ())
}

/// Deletes all.
pub(crate) fn flush(out: &mut Vec<u8>) -> usize {
    built::<FlushMessageBuilder<'_, _>>(out, ())
}

/// One that says what it is about and no more.
fn built<'a, B: GenericMessageBuilder<'a, Buffer = Vec<u8>>>(
    out: &'a mut Vec<u8>,
    input: B::Input,
) -> usize {
    out.clear();
    let (message, _) = B::new(out, FAMILY, 1, black_box(input));
    message.build().unwrap().1
}

/// Reads the messages of a dump.
pub(crate) fn destinations(mut datagram: &[u8]) -> usize {
    let messages = read_get_destination_response(&mut datagram);
    let length = |message: Vec<DestinationAttribute>| black_box(message).len();
    // Where the datagram ends it tells an error.
    messages.map_while(Result::ok).map(|message| length(message.unwrap())).sum()
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
