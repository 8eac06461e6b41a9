//! Requests, made in advance but for what differs between two of a kind. Made
//! without `ipvs_sys`, so that what it adds would be seen.

use crate::shape::Place;

/// Netlink's flag that asks for an acknowledgement.
pub(crate) const ACK: u16 = 0x4;
/// The weight after an edit.
pub(crate) const EDITED_WEIGHT: u16 = 2;
/// The bytes of the attributes that name a service, without their nest's header.
pub(crate) const KEY: usize = 44;

/// A request whose sequence number, flags and addresses can be filled in.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    request: Vec<u8>,
    has_destination: bool,
}

/// The four changes of the loop, and an edit.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    AddService,
    AddDestination,
    /// The same parameters but for the weight.
    EditDestination,
    DeleteDestination,
    DeleteService,
}

impl Template {
    /// A change.
    pub(crate) fn change(change: Change, family: u16) -> Self {
        let (command, service, destination) = match change {
            Change::AddService => (1, service(true), None),
            Change::AddDestination => (5, service(false), Some(destination(Some(1)))),
            Change::EditDestination => {
                (6, service(false), Some(destination(Some(EDITED_WEIGHT.into()))))
            }
            Change::DeleteDestination => (7, service(false), Some(destination(None))),
            Change::DeleteService => (3, service(false), None),
        };
        let mut body = Vec::new();
        attr(&mut body, NESTED | 1, &service);
        if let Some(destination) = &destination {
            attr(&mut body, NESTED | 2, destination);
        }
        let has_destination = destination.is_some();
        Self { request: request(command, family, 0, &body), has_destination }
    }

    /// Asks for the destinations of a service.
    pub(crate) fn list_destinations(family: u16) -> Self {
        let mut body = Vec::new();
        attr(&mut body, NESTED | 1, &service(false));
        Self { request: request(8, family, DUMP, &body), has_destination: false }
    }

    /// Appends the request. A request that names no destination ignores it.
    pub(crate) fn append(
        &self,
        out: &mut Vec<u8>,
        sequence: u32,
        flags: u16,
        (service, port): Place,
        (destination, destination_port): Place,
    ) {
        let start = out.len();
        out.extend_from_slice(&self.request);
        let request = out.get_mut(start..).unwrap_or_default();
        patch(request, 6, &(flags | REQUEST).to_ne_bytes());
        patch(request, 8, &sequence.to_ne_bytes());
        patch(request, SERVICE_ADDRESS, &service.to_be_bytes());
        patch(request, SERVICE_PORT, &port.to_be_bytes());
        if self.has_destination {
            patch(request, DESTINATION_ADDRESS, &destination.to_be_bytes());
            patch(request, DESTINATION_PORT, &destination_port.to_be_bytes());
        }
    }

    /// Names the service by attributes as they came in a listing.
    pub(crate) fn with_key(&mut self, sequence: u32, key: &[u8; KEY]) -> &[u8] {
        patch(&mut self.request, 8, &sequence.to_ne_bytes());
        patch(&mut self.request, HEADERS + NEST, key);
        &self.request
    }
}

/// Asks for all services.
pub(crate) fn list_services(family: u16) -> Vec<u8> {
    request(4, family, DUMP, &[])
}

fn request(command: u8, family: u16, flags: u16, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(HEADERS + body.len()).unwrap_or(u32::MAX);
    let mut out = Vec::from(length.to_ne_bytes());
    out.extend(family.to_ne_bytes());
    out.extend((flags | REQUEST).to_ne_bytes());
    out.extend([0; 8]);
    out.extend([command, 1, 0, 0]);
    out.extend(body);
    out
}

/// The attributes of a TCP service: family, protocol, address, port; and in
/// `full` scheduler, flags, timeout and netmask.
fn service(full: bool) -> Vec<u8> {
    let mut out = Vec::new();
    attr(&mut out, 1, &2u16.to_ne_bytes());
    attr(&mut out, 2, &6u16.to_ne_bytes());
    attr(&mut out, 3, &[0; 16]);
    attr(&mut out, 4, &[0; 2]);
    if full {
        attr(&mut out, 6, b"wrr\0");
        attr(&mut out, 7, &[0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]);
        attr(&mut out, 8, &[0; 4]);
        attr(&mut out, 9, &[0xff; 4]);
    }
    out
}

/// The attributes of a destination: address, port, family; and with a weight
/// forwarding method and thresholds too.
fn destination(weight: Option<u32>) -> Vec<u8> {
    let mut out = Vec::new();
    attr(&mut out, 1, &[0; 16]);
    attr(&mut out, 2, &[0; 2]);
    attr(&mut out, 11, &2u16.to_ne_bytes());
    if let Some(weight) = weight {
        attr(&mut out, 3, &[0; 4]);
        attr(&mut out, 4, &weight.to_ne_bytes());
        attr(&mut out, 5, &[0; 4]);
        attr(&mut out, 6, &[0; 4]);
    }
    out
}

fn attr(out: &mut Vec<u8>, kind: u16, value: &[u8]) {
    let length = u16::try_from(NEST + value.len()).unwrap_or(u16::MAX);
    out.extend(length.to_ne_bytes());
    out.extend(kind.to_ne_bytes());
    out.extend(value);
    out.resize(out.len().next_multiple_of(4), 0);
}

fn patch(request: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = request.get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}

const REQUEST: u16 = 0x1;
const DUMP: u16 = 0x300;
const NESTED: u16 = 0x8000;

/// Netlink's header and generic netlink's.
const HEADERS: usize = 20;
/// An attribute's header.
const NEST: usize = 4;
const SERVICE_ADDRESS: usize = HEADERS + NEST + 20;
const SERVICE_PORT: usize = SERVICE_ADDRESS + 20;
/// After the nest of a service that is only named.
const DESTINATION_ADDRESS: usize = HEADERS + NEST + KEY + NEST + NEST;
const DESTINATION_PORT: usize = DESTINATION_ADDRESS + 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape;
    use ipvs_sys::{Body, Messages, Payload};

    const VIP: Place = (0x0a00_0002, 443);
    const RIP: Place = (0xc0a8_0003, 8080);

    #[test]
    fn a_request_filled_in_names_its_service_and_its_destination() {
        let cases = [
            (Change::AddService, 1, false),
            (Change::AddDestination, 5, true),
            (Change::EditDestination, 6, true),
            (Change::DeleteDestination, 7, true),
            (Change::DeleteService, 3, false),
        ];
        for (change, number, has_destination) in cases {
            let mut out = vec![0; 4];
            Template::change(change, 35).append(&mut out, 7, ACK, VIP, RIP);
            let message = Messages::new(&out[4..]).next().unwrap().unwrap();
            assert_eq!((message.header.sequence, message.header.flags), (7, 0x5));
            let Payload::Data { command, attrs, .. } = message.payload else {
                panic!("{message:?}");
            };
            assert_eq!(command, number);
            let body = Body::parse(attrs).unwrap();
            let service = body.service.unwrap();
            assert_eq!(service.addr, Some(&[[10, 0, 0, 2].as_slice(), &[0; 12]].concat()[..]));
            assert_eq!(service.port, Some(443));
            assert_eq!(body.destination.is_some(), has_destination);
            if let Some(destination) = body.destination {
                let addr = [[192, 168, 0, 3].as_slice(), &[0; 12]].concat();
                assert_eq!((destination.addr, destination.port), (Some(&addr[..]), Some(8080)));
            }
        }
    }

    #[test]
    fn a_key_replaces_the_whole_name_of_a_service() {
        let mut first = Template::list_destinations(35);
        let mut out = Vec::new();
        first.append(&mut out, 3, 0, shape::SERVICE, RIP);
        let key = out[24..].try_into().unwrap();
        assert_eq!(first.with_key(3, key)[8..], out[8..]);
    }
}
