//! A kernel of a few lines: answers what the test tells it to, and counts.

use ipvs::transport::{Received, Transport};
use ipvs::{Client, Destination, Endpoint, ServiceKey};
use ipvs_sys::family::{NLCTRL, NewFamily};
use ipvs_sys::{
    Attrs, Command, DaemonAttrs, DestinationAttrs, Header, Messages, NewDaemon, NewDestination,
    NewService, ServiceAttrs, ServiceFlags, Stats, encode, encode_answer, encode_done,
};
use std::collections::VecDeque;
use std::io;

/// What one receive gives.
#[derive(Debug)]
pub(crate) enum Reply {
    Datagram(Vec<u8>),
    Overrun,
    Truncated(usize),
    Failed(io::ErrorKind),
}

type Answer = dyn FnMut(Header, &mut VecDeque<Reply>);

/// Queues, on every send, what `answer` makes of the request.
pub(crate) struct Script {
    pub(crate) sends: usize,
    pub(crate) receives: usize,
    families: Box<dyn Iterator<Item = u16>>,
    queue: VecDeque<Reply>,
    answer: Box<Answer>,
}

impl Script {
    /// `answer` sees every request but those for the family, which is number 35.
    pub(crate) fn new(answer: impl FnMut(Header, &mut VecDeque<Reply>) + 'static) -> Self {
        Self {
            sends: 0,
            receives: 0,
            families: Box::new(std::iter::repeat(35)),
            queue: VecDeque::new(),
            answer: Box::new(answer),
        }
    }

    /// The same with another number of the family at each request for it.
    pub(crate) fn with_families(self, families: &'static [u16]) -> Self {
        Self { families: Box::new(families.iter().copied()), ..self }
    }
}

impl Transport for Script {
    fn send(&mut self, datagram: &[u8]) -> io::Result<()> {
        self.sends += 1;
        for message in Messages::new(datagram) {
            let header = message.map_err(io::Error::other)?.header;
            if header.message_type == NLCTRL {
                let id = self.families.next().ok_or(io::ErrorKind::UnexpectedEof)?;
                self.queue.push_back(Reply::Datagram(family(header.sequence, id)));
            } else {
                (self.answer)(header, &mut self.queue);
            }
        }
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Received> {
        self.receives += 1;
        match self.queue.pop_front() {
            None => Ok(Received::Empty),
            Some(Reply::Overrun) => Ok(Received::Overrun),
            Some(Reply::Truncated(len)) => Ok(Received::Truncated(len)),
            Some(Reply::Failed(kind)) => Err(kind.into()),
            Some(Reply::Datagram(bytes)) => {
                buffer.iter_mut().zip(&bytes).for_each(|(slot, byte)| *slot = *byte);
                Ok(Received::Datagram(bytes.len()))
            }
        }
    }
}

/// The answer that the IPVS family has this number.
fn family(sequence: u32, id: u16) -> Vec<u8> {
    let family = NewFamily { id, name: b"IPVS", version: 1, header_size: 0, max_attr: 6 };
    message(&family, NLCTRL, 0, sequence)
}

/// A message from the kernel.
fn message<C: Command>(command: &C, family: u16, flags: u16, sequence: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(command, family, flags, sequence, &mut bytes).expect("short");
    bytes
}

/// An acknowledgement, or an error with a negative code.
pub(crate) fn answer(request: Header, code: i32) -> Reply {
    let mut bytes = Vec::new();
    encode_answer(request, code, &mut bytes);
    Reply::Datagram(bytes)
}

/// The end of a listing.
pub(crate) fn done(request: Header, code: i32) -> Reply {
    let mut bytes = Vec::new();
    encode_done(request, code, &mut bytes);
    Reply::Datagram(bytes)
}

pub(crate) fn client(answer: impl FnMut(Header, &mut VecDeque<Reply>) + 'static) -> Client<Script> {
    Client::with_transport(Script::new(answer)).expect("the family is there")
}

pub(crate) fn key() -> ServiceKey {
    "tcp 192.0.2.1:443".parse().expect("a key")
}

pub(crate) fn destination(endpoint: &str) -> Destination {
    Destination::new(endpoint.parse().expect("an endpoint"))
}

pub(crate) fn endpoint(text: &str) -> Endpoint {
    text.parse().expect("an endpoint")
}

/// Answers a listing of the sync daemons, and nothing else.
pub(crate) fn list_master(request: Header, queue: &mut VecDeque<Reply>) {
    if request.flags & 0x300 != 0 {
        let attrs = DaemonAttrs {
            state: Some(DaemonAttrs::MASTER),
            interface: Some(b"eth0"),
            sync_id: Some(0),
            ..Default::default()
        };
        queue.push_back(Reply::Datagram(message(&NewDaemon(attrs), 35, 2, request.sequence)));
        queue.push_back(done(request, 0));
    }
}

/// A part of a listing: the destination 10.0.0.`host`:80.
pub(crate) fn server(request: Header, host: u8) -> Vec<u8> {
    let addr = [10, 0, 0, host];
    // As long as the kernel's.
    let (stats, stats64) = (Stats::default().to_stats(), Stats::default().to_stats64());
    let destination = DestinationAttrs {
        forwarding: Some(0),
        weight: Some(1),
        stats: Some(Attrs::new(&stats, "stats")),
        stats64: Some(Attrs::new(&stats64, "stats64")),
        ..DestinationAttrs::by_address(2, &addr, 80)
    };
    message(&NewDestination { service: None, destination }, 35, 2, request.sequence)
}

pub(crate) fn service(request: Header, flags: u16, port: u16) -> Vec<u8> {
    let attrs = ServiceAttrs {
        scheduler: Some(b"wlc"),
        flags: Some(ServiceFlags { flags: 2, mask: u32::MAX }),
        timeout: Some(0),
        netmask: Some([255; 4]),
        ..ServiceAttrs::by_address(2, 6, &[192, 0, 2, 1], port)
    };
    message(&NewService(attrs), 35, flags, request.sequence)
}
