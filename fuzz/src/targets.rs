//! What each target does with its bytes. A panic is a finding.
//!
//! The targets are files of their own in `fuzz_targets`; the tests of `ipvs-sys`
//! include this one to replay the corpora.

use ipvs_sys::family::{GetFamily, NewFamily};
use ipvs_sys::{
    Attrs, Body, Command, DaemonAttrs, DecodeError, DestinationAttrs, ExtAck, Genl, InfoAttrs,
    Messages, NewDaemon, NewDestination, NewService, Payload, ServiceAttrs, ServiceFlags,
    SetConfig, Stats, TimeoutAttrs, encode, is_ack,
};
use netlink_packet_core::{Emitable, NlaBuffer, NlasIterator, Parseable};
use std::fmt::Debug;

/// A datagram, with everything that it can be read as.
pub fn datagram(data: &[u8]) {
    if let Some(Ok(first)) = Messages::new(data).next() {
        if is_ack(data, first.header.sequence) {
            assert!(matches!(first.payload, Payload::Ack(_)));
            assert_eq!(Messages::new(data).count(), 1);
        }
    }
    let mut left = data.len();
    for message in Messages::new(data) {
        let message = match message {
            Ok(message) => message,
            Err(error) => return shown(error),
        };
        let length = usize::try_from(message.header.length).unwrap_or(usize::MAX);
        assert!((16..=left).contains(&length), "a message outside the datagram");
        left = left.saturating_sub(length.next_multiple_of(4));
        match message.payload {
            Payload::Data { attrs, .. } => {
                read(Body::parse(attrs));
                Body::parse(attrs).into_iter().for_each(counters);
                read(InfoAttrs::parse(attrs));
                nlctrl(attrs.as_bytes());
            }
            Payload::Ack(ext) | Payload::Error { ext, .. } | Payload::Done { ext, .. } => {
                extended_ack(ext);
            }
            _ => {}
        }
    }
}

/// The contents of a SERVICE nest.
pub fn service(data: &[u8]) {
    nest(data, ServiceAttrs::parse(Attrs::new(data, "service")));
}

/// The contents of a DEST nest.
pub fn destination(data: &[u8]) {
    nest(data, DestinationAttrs::parse(Attrs::new(data, "destination")));
}

/// The contents of a DAEMON nest.
pub fn daemon(data: &[u8]) {
    nest(data, DaemonAttrs::parse(Attrs::new(data, "daemon")));
}

/// The attributes of a message of the `nlctrl` family.
pub fn nlctrl(data: &[u8]) {
    let attrs = Attrs::new(data, "message");
    if let Ok(family) = NewFamily::parse(attrs) {
        let bytes = attributes(&family);
        let again = NewFamily::parse(Attrs::new(&bytes, "message"));
        assert!(bytes.len() > usize::from(u16::MAX) || again == Ok(family));
    }
    read(NewFamily::parse(attrs));
    read(GetFamily::parse(attrs));
    iterators_agree(data);
}

/// The counters of a service and a destination.
fn counters(body: Body<'_>) {
    let service = body.service.map(|service| [service.stats, service.stats64]);
    let destination = body.destination.map(|destination| [destination.stats, destination.stats64]);
    for nest in [service, destination].into_iter().flatten().flatten().flatten() {
        let Ok(stats) = Stats::parse(nest) else { continue };
        assert_eq!(Stats::parse(Attrs::new(&stats.to_stats64(), "stats64")), Ok(stats));
        let cut = Stats::parse(Attrs::new(&stats.to_stats(), "stats"));
        assert_eq!(cut.map(|cut| cut.bytes_in), Ok(stats.bytes_in));
    }
}

/// What is read or made up must be the same once it is written and read again.
pub fn roundtrip(data: &[u8]) {
    for message in Messages::new(data).map_while(Result::ok) {
        let Payload::Data { attrs, .. } = message.payload else { continue };
        let Ok(body) = Body::parse(attrs) else { continue };
        rewritten(body);
    }
    let mut source = Source(data);
    rewritten(Body {
        service: source.flag().then(|| source.service()),
        destination: source.flag().then(|| source.destination()),
        daemon: source.flag().then(|| source.daemon()),
        timeouts: TimeoutAttrs {
            tcp: source.number(),
            tcp_fin: source.number(),
            udp: source.number(),
        },
    });
}

fn rewritten(body: Body<'_>) {
    let nothing = Body::default();
    let service = body.service;
    if let Some(service) = service {
        reads_as(&NewService(service), Body { service: Some(service), ..nothing });
    }
    if let Some(destination) = body.destination {
        let expected = Body { service, destination: Some(destination), ..nothing };
        reads_as(&NewDestination { service, destination }, expected);
    }
    if let Some(daemon) = body.daemon {
        reads_as(&NewDaemon(daemon), Body { daemon: Some(daemon), ..nothing });
    }
    reads_as(&SetConfig(body.timeouts), Body { timeouts: body.timeouts, ..nothing });
}

fn reads_as<C: Command + Copy + Debug>(command: &C, expected: Body<'_>) {
    let mut bytes = Vec::new();
    if encode(command, 35, 5, 1, &mut bytes).is_err() {
        return assert!(bytes.is_empty(), "a refused message left something behind");
    }
    let message = Messages::new(&bytes).next();
    let Some(Ok(Payload::Data { attrs, .. })) = message.map(|m| m.map(|m| m.payload)) else {
        unreachable!("{command:?}")
    };
    assert_eq!(attrs.as_bytes(), attributes(command), "{command:?}");
    assert_eq!(Body::parse(attrs), Ok(expected));
}

/// By way of netlink-packet, into memory that was not empty.
fn attributes<C: Command + Copy>(command: &C) -> Vec<u8> {
    let command = Genl(*command);
    let mut bytes = vec![0xa5; command.buffer_len()];
    command.emit(&mut bytes);
    bytes
}

fn nest<'a, V>(data: &'a [u8], view: Result<V, DecodeError>)
where
    V: Parseable<NlaBuffer<&'a [u8]>> + Debug + PartialEq,
{
    iterators_agree(data);
    // The same nest as netlink-packet-core hands it out.
    for nla in NlasIterator::new(data).map_while(Result::ok) {
        let _ = V::parse(&nla);
    }
    read(view);
}

fn read<T: Debug>(result: Result<T, DecodeError>) {
    if let Err(error) = result {
        shown(error);
    }
}

fn shown(error: DecodeError) {
    assert!(!error.to_string().is_empty());
}

fn extended_ack(ext: ExtAck<'_>) {
    assert!(ext.text().is_none_or(|text| !text.contains(&0)));
    let _ = ext.offset();
}

/// As far as netlink-packet-core reads, ours reads the same.
fn iterators_agree(data: &[u8]) {
    let mut ours = Attrs::new(data, "test");
    for nla in NlasIterator::new(data).map_while(Result::<NlaBuffer<&[u8]>, _>::ok) {
        let Some(Ok(attr)) = ours.next() else { unreachable!("fewer attributes") };
        assert_eq!((attr.kind, attr.value), (nla.kind(), nla.value()));
    }
}

/// Values made of bytes, absent when these run out.
struct Source<'a>(&'a [u8]);

impl<'a> Source<'a> {
    fn flag(&mut self) -> bool {
        self.take().is_some_and(|[byte]: [u8; 1]| byte & 1 == 1)
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*bytes)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        if self.flag() { self.take() } else { None }
    }

    fn number(&mut self) -> Option<u32> {
        self.array().map(u32::from_ne_bytes)
    }

    fn short(&mut self) -> Option<u16> {
        self.array().map(u16::from_ne_bytes)
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let [length] = self.array()?;
        let (bytes, rest) = self.0.split_at_checked(length.into())?;
        self.0 = rest;
        Some(bytes)
    }

    /// A name ends before its NUL.
    fn name(&mut self) -> Option<&'a [u8]> {
        self.bytes()?.split(|byte| *byte == 0).next()
    }

    /// Any bytes: what they mean is looked at when they are read.
    fn stats(&mut self) -> Option<Attrs<'a>> {
        self.bytes().map(|bytes| Attrs::new(bytes, "stats"))
    }

    fn service(&mut self) -> ServiceAttrs<'a> {
        let word = |(flags, mask)| ServiceFlags { flags, mask };
        ServiceAttrs {
            af: self.short(),
            protocol: self.short(),
            addr: self.bytes(),
            port: self.short(),
            fwmark: self.number(),
            scheduler: self.name(),
            flags: self.number().zip(self.number()).map(word),
            timeout: self.number(),
            netmask: self.array(),
            persistence_engine: self.name(),
            stats: self.stats(),
            stats64: self.stats(),
        }
    }

    fn destination(&mut self) -> DestinationAttrs<'a> {
        DestinationAttrs {
            af: self.short(),
            addr: self.bytes(),
            port: self.short(),
            forwarding: self.number(),
            weight: self.number(),
            upper_threshold: self.number(),
            lower_threshold: self.number(),
            tunnel_kind: self.array().map(|[kind]| kind),
            tunnel_port: self.short(),
            tunnel_flags: self.short(),
            active_connections: self.number(),
            inactive_connections: self.number(),
            persistent_connections: self.number(),
            stats: self.stats(),
            stats64: self.stats(),
        }
    }

    fn daemon(&mut self) -> DaemonAttrs<'a> {
        DaemonAttrs {
            state: self.number(),
            interface: self.name(),
            sync_id: self.number(),
            max_len: self.short(),
            group4: self.array(),
            group6: self.array(),
            port: self.short(),
            ttl: self.array().map(|[ttl]| ttl),
        }
    }
}
