//! A kernel of a few lines: services `tcp 10.0.0.1:PORT` with destinations
//! `192.168.X.Y:80`, listed and changed as the real one does it, and counted.

use ipvs::transport::{Received, Transport};
use ipvs::{Client, Connections, Endpoint};
use ipvs_sys::family::{NLCTRL, NewFamily};
use ipvs_sys::{
    Attrs, Body, Command, DelDestination, DestinationAttrs, GetDestination, GetService, Header,
    Messages, NewDestination, NewService, Payload, ServiceAttrs, ServiceFlags, SetDestination,
    Stats, encode, encode_answer, encode_done,
};
use std::cell::{RefCell, RefMut};
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::rc::Rc;

pub(crate) const SET: u8 = SetDestination::NUMBER;
pub(crate) const DELETE: u8 = DelDestination::NUMBER;
pub(crate) const LIST: u8 = GetDestination::NUMBER;

#[derive(Clone, Default)]
pub(crate) struct Kernel(Rc<RefCell<State>>);

#[derive(Default)]
pub(crate) struct State {
    /// By port, then by address.
    pub(crate) services: BTreeMap<u16, BTreeMap<[u8; 4], Server>>,
    /// Destinations that the next listing lacks.
    pub(crate) hidden: Vec<[u8; 4]>,
    /// Error numbers that commands are answered by, once more each time they are asked.
    pub(crate) refuse: BTreeMap<u8, i32>,
    /// How many of each command came.
    pub(crate) counts: BTreeMap<u8, usize>,
    queue: VecDeque<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Server {
    pub(crate) weight: u32,
    pub(crate) connections: Connections,
    pub(crate) forwarding: u32,
    /// A number that a careless edit loses.
    pub(crate) upper_threshold: u32,
}

impl Kernel {
    pub(crate) fn client(&self) -> Client<Self> {
        Client::with_transport(self.clone()).unwrap()
    }

    /// A destination with 5 as its weight and one active connection.
    pub(crate) fn add(&self, port: u16, server: [u8; 4]) -> Endpoint {
        let connections = Connections { active: 1, ..Connections::default() };
        let entry = Server { weight: 5, connections, forwarding: 0, upper_threshold: 77 };
        self.state().services.entry(port).or_default().insert(server, entry);
        Endpoint::new(server, 80)
    }

    pub(crate) fn state(&self) -> RefMut<'_, State> {
        self.0.borrow_mut()
    }

    pub(crate) fn server(&self, port: u16, server: [u8; 4]) -> Option<Server> {
        self.state().services.get(&port)?.get(&server).copied()
    }

    pub(crate) fn close(&self, port: u16, server: [u8; 4]) {
        let mut state = self.state();
        let found = state.services.get_mut(&port).unwrap().get_mut(&server).unwrap();
        found.connections = Connections::default();
    }

    /// How many commands of this number came since the last question.
    pub(crate) fn counted(&self, command: u8) -> usize {
        self.state().counts.remove(&command).unwrap_or(0)
    }
}

impl State {
    fn answer(&mut self, header: Header, command: u8, body: Body<'_>) {
        *self.counts.entry(command).or_default() += 1;
        let result = match self.refuse.get(&command) {
            Some(errno) => Err(*errno),
            None => self.carry_out(header, command, body),
        };
        let mut bytes = Vec::new();
        match (command, result) {
            (LIST, result) => encode_done(header, -result.err().unwrap_or(0), &mut bytes),
            (GetService::NUMBER, Ok(())) => return,
            (_, result) => encode_answer(header, -result.err().unwrap_or(0), &mut bytes),
        }
        self.queue.push_back(bytes);
    }

    fn carry_out(&mut self, header: Header, command: u8, body: Body<'_>) -> Result<(), i32> {
        let port = body.service.and_then(|service| service.port).unwrap();
        let service = self.services.get_mut(&port);
        if command == LIST {
            self.list(header, port);
            return Ok(());
        }
        let service = service.ok_or(libc::ESRCH)?;
        if command == GetService::NUMBER {
            self.queue.push_back(message(&NewService(plain_service(port)), header));
            return Ok(());
        }
        let wanted = body.destination.unwrap();
        let address = *wanted.addr.unwrap().first_chunk().unwrap();
        let server = service.get_mut(&address).ok_or(libc::ENOENT)?;
        if command == DELETE {
            service.remove(&address);
        } else {
            assert_eq!(command, SET);
            server.weight = wanted.weight.unwrap();
            server.forwarding = wanted.forwarding.unwrap();
            server.upper_threshold = wanted.upper_threshold.unwrap();
        }
        Ok(())
    }

    fn list(&mut self, header: Header, port: u16) {
        let hidden = std::mem::take(&mut self.hidden);
        for (address, server) in self.services.get(&port).into_iter().flatten() {
            if hidden.contains(address) {
                continue;
            }
            let stats = Stats::default().to_stats64();
            let destination = DestinationAttrs {
                forwarding: Some(server.forwarding),
                weight: Some(server.weight),
                upper_threshold: Some(server.upper_threshold),
                lower_threshold: Some(0),
                active_connections: Some(server.connections.active),
                inactive_connections: Some(server.connections.inactive),
                persistent_connections: Some(server.connections.persistent),
                stats64: Some(Attrs::new(&stats, "stats64")),
                ..DestinationAttrs::by_address(2, address, 80)
            };
            let entry = NewDestination { service: None, destination };
            self.queue.push_back(message(&entry, header));
        }
    }
}

impl Transport for Kernel {
    fn send(&mut self, datagram: &[u8]) -> io::Result<()> {
        for message in Messages::new(datagram) {
            let message = message.map_err(io::Error::other)?;
            let header = message.header;
            if header.message_type == NLCTRL {
                let family =
                    NewFamily { id: 35, name: b"IPVS", version: 1, header_size: 0, max_attr: 6 };
                let mut bytes = Vec::new();
                encode(&family, NLCTRL, 0, header.sequence, &mut bytes)
                    .map_err(io::Error::other)?;
                self.state().queue.push_back(bytes);
            } else if let Payload::Data { command, attrs, .. } = message.payload {
                let body = Body::parse(attrs).map_err(io::Error::other)?;
                self.state().answer(header, command, body);
            }
        }
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Received> {
        let Some(bytes) = self.state().queue.pop_front() else { return Ok(Received::Empty) };
        buffer.iter_mut().zip(&bytes).for_each(|(slot, byte)| *slot = *byte);
        Ok(Received::Datagram(bytes.len()))
    }
}

fn plain_service(port: u16) -> ServiceAttrs<'static> {
    ServiceAttrs {
        scheduler: Some(b"wlc"),
        flags: Some(ServiceFlags { flags: 2, mask: u32::MAX }),
        timeout: Some(0),
        netmask: Some([255; 4]),
        ..ServiceAttrs::by_address(2, 6, &[10, 0, 0, 1], port)
    }
}

fn message<C: Command>(command: &C, request: Header) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(command, 35, 2, request.sequence, &mut bytes).unwrap();
    bytes
}
