//! Messages that nobody checks.

use ipvs::transport::{Received, Transport};
use ipvs_sys::family::{GetFamily, NLCTRL, NewFamily};
use ipvs_sys::{
    Body, Command, DestinationAttrs, Messages, NewDestination, NewService, Payload, ServiceAttrs,
    ServiceFlags, encode,
};

/// A socket, and what is to be sent on it.
pub(crate) struct Raw<T> {
    pub(crate) socket: T,
    family: u16,
    sequence: u32,
    pub(crate) pending: Vec<u8>,
}

/// What was received.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A datagram of so many bytes that begins with data.
    Data(usize),
    /// One that is the end of a listing.
    Done,
    /// One that is an acknowledgement, 0, or an error.
    Code(i32),
    Overrun,
}

impl<T: Transport> Raw<T> {
    /// On a socket that nothing was received on yet, and nothing is.
    pub(crate) fn unread(socket: T, family: u16) -> Self {
        Self { socket, family, sequence: 0, pending: vec![] }
    }

    pub(crate) fn open(mut socket: T) -> Self {
        let family = family(&mut socket);
        Self::unread(socket, family)
    }

    pub(crate) fn put<C: Command>(&mut self, command: &C, flags: u16) {
        self.sequence += 1;
        encode(command, self.family, flags, self.sequence, &mut self.pending).unwrap();
    }

    /// Puts a command that must succeed, 500 to a send.
    pub(crate) fn add<C: Command>(&mut self, command: &C) {
        self.put(command, 1);
        if self.sequence % 500 == 0 {
            self.send();
        }
    }

    /// Only errors are answered, and there must be none.
    pub(crate) fn send(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        self.socket.send(&self.pending).unwrap();
        self.pending.clear();
        assert_eq!(self.socket.receive(&mut [0; 256]).unwrap(), Received::Empty);
    }

    /// Sends what is pending.
    pub(crate) fn begin(&mut self) {
        self.socket.send(&self.pending).unwrap();
        self.pending.clear();
    }

    /// What is next; `None` at the end.
    pub(crate) fn receive(&mut self) -> Option<Answer> {
        let mut buffer = [0; 8192];
        let len = match self.socket.receive(&mut buffer).unwrap() {
            Received::Datagram(len) => len,
            Received::Empty => return None,
            Received::Overrun => return Some(Answer::Overrun),
            Received::Truncated(len) => panic!("{len} bytes at once"),
        };
        let message = Messages::new(buffer.get(..len).unwrap()).next().unwrap().unwrap();
        Some(match message.payload {
            Payload::Data { .. } => Answer::Data(len),
            Payload::Done { code: 0, .. } => Answer::Done,
            Payload::Ack(_) => Answer::Code(0),
            Payload::Error { code, .. } => Answer::Code(code.get()),
            other => panic!("{other:?}"),
        })
    }

    /// The last bytes of the addresses of all destinations that are still listed.
    pub(crate) fn hosts(&mut self) -> Vec<u8> {
        let mut hosts = Vec::new();
        let mut buffer = [0; 8192];
        while let Received::Datagram(len) = self.socket.receive(&mut buffer).unwrap() {
            for message in Messages::new(buffer.get(..len).unwrap()) {
                let Payload::Data { attrs, .. } = message.unwrap().payload else { continue };
                let destination = Body::parse(attrs).unwrap().destination.unwrap();
                hosts.extend(destination.addr.unwrap().get(3));
            }
        }
        hosts
    }

    /// All that is queued, and what comes of receiving it.
    pub(crate) fn rest(&mut self) -> Vec<Answer> {
        std::iter::from_fn(|| self.receive()).collect()
    }
}

/// The number of the IPVS family.
pub(crate) fn family<T: Transport>(socket: &mut T) -> u16 {
    let mut datagram = Vec::new();
    encode(&GetFamily { name: b"IPVS" }, NLCTRL, 1, 0, &mut datagram).unwrap();
    socket.send(&datagram).unwrap();
    let mut buffer = [0; 8192];
    let Received::Datagram(len) = socket.receive(&mut buffer).unwrap() else {
        panic!("no answer");
    };
    let message = Messages::new(buffer.get(..len).unwrap()).next().unwrap().unwrap();
    let Payload::Data { attrs, .. } = message.payload else { panic!("no family") };
    NewFamily::parse(attrs).unwrap().id
}

pub(crate) fn service<'a>(
    key: ServiceAttrs<'a>,
    scheduler: &'a [u8],
    flags: u32,
) -> NewService<'a> {
    NewService(ServiceAttrs {
        scheduler: Some(scheduler),
        flags: Some(ServiceFlags { flags, mask: u32::MAX }),
        timeout: Some(0),
        netmask: Some(if key.af == Some(10) { 128u32.to_ne_bytes() } else { [255; 4] }),
        ..key
    })
}

pub(crate) fn destination<'a>(
    key: ServiceAttrs<'a>,
    addr: &'a [u8],
    port: u16,
) -> NewDestination<'a> {
    let destination = DestinationAttrs {
        forwarding: Some(0),
        weight: Some(1),
        upper_threshold: Some(0),
        lower_threshold: Some(0),
        ..DestinationAttrs::by_address(2, addr, port)
    };
    NewDestination { service: Some(key), destination }
}
