//! What Linux 6.1 and 6.12 said and were told, byte for byte.
//!
//! `testdata/README` says how the captures are taken.

// The captures are of little-endian machines; `roundtrip` covers the others.
#![cfg(target_endian = "little")]
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a panic is a failed test")]

#[path = "../common/files.rs"]
mod files;

mod answers;
mod every;
mod other;
mod replies;
mod requests;

use ipvs_sys::{
    Body, Command, DaemonAttrs, DelDaemon, DelDestination, DelService, Flush, GetConfig, GetDaemon,
    GetDestination, GetInfo, GetService, Header, Message, Messages, NewDaemon, NewDestination,
    NewService, Payload, SetConfig, SetDestination, SetService, Zero, encode,
};
use std::fs;

const KERNELS: [&str; 2] = ["6.1", "6.12"];

/// The sync daemons that were started, as they were asked for and as they are
/// listed: every parameter was given.
const DAEMONS: [DaemonAttrs<'_>; 2] = {
    let master = DaemonAttrs {
        state: Some(1),
        interface: Some(b"lan0"),
        sync_id: Some(21),
        max_len: Some(1400),
        group4: Some([224, 0, 0, 82]),
        group6: None,
        port: Some(8849),
        ttl: Some(3),
    };
    let backup = DaemonAttrs {
        state: Some(2),
        sync_id: Some(22),
        group4: None,
        group6: Some([0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x81]),
        ..master
    };
    [master, backup]
};

fn capture(kernel: &str, name: &str) -> Vec<u8> {
    let root = env!("CARGO_MANIFEST_DIR");
    fs::read(format!("{root}/testdata/{kernel}/{name}.bin")).unwrap()
}

/// The messages of a capture, each with its bytes.
fn messages(file: &[u8]) -> Vec<(Message<'_>, &[u8])> {
    let mut rest = file;
    let messages = Messages::new(file).map(|message| {
        let message = message.unwrap();
        let (bytes, after) = rest.split_at(message.header.length.try_into().unwrap());
        rest = after;
        (message, bytes)
    });
    let messages = messages.collect();
    assert!(rest.is_empty());
    messages
}

/// Checks a capture of both kernels as [`check_file`] does.
fn check(name: &str, command: u8, flags: u16, bodies: &[Body<'_>]) {
    for kernel in KERNELS {
        check_file(kernel, name, command, flags, bodies);
    }
}

/// Checks that a capture holds these messages, in any order, and that writing
/// them gives the captured bytes.
fn check_file(kernel: &str, name: &str, command: u8, flags: u16, bodies: &[Body<'_>]) {
    let file = capture(kernel, name);
    let mut found = 0;
    for (message, bytes) in messages(&file) {
        let Payload::Data { command: number, version: 1, attrs } = message.payload else {
            assert!(matches!(message.payload, Payload::Done { code: 0, .. }), "{message:?}");
            continue;
        };
        assert_eq!((number, message.header.flags), (command, flags), "{kernel}/{name}");
        let body = Body::parse(attrs).unwrap();
        assert!(bodies.contains(&body), "{kernel}/{name}: {body:#?}");
        assert_eq!(write(command, &body, message.header), bytes, "{kernel}/{name}");
        found += 1;
    }
    assert_eq!(found, bodies.len(), "{kernel}/{name}");
}

/// The message with this command, these attributes and this header.
fn write(command: u8, body: &Body<'_>, header: Header) -> Vec<u8> {
    let service = body.service;
    match command {
        1 => bytes(&NewService(service.unwrap()), header),
        2 => bytes(&SetService(service.unwrap()), header),
        3 => bytes(&DelService(service.unwrap()), header),
        4 => bytes(&GetService(service), header),
        5 => {
            let destination = body.destination.unwrap();
            bytes(&NewDestination { service, destination }, header)
        }
        6 => {
            let (service, destination) = (service.unwrap(), body.destination.unwrap());
            bytes(&SetDestination { service, destination }, header)
        }
        7 => {
            let (service, destination) = (service.unwrap(), body.destination.unwrap());
            bytes(&DelDestination { service, destination }, header)
        }
        8 => bytes(&GetDestination(service.unwrap()), header),
        9 => bytes(&NewDaemon(body.daemon.unwrap()), header),
        10 => bytes(&DelDaemon(body.daemon.unwrap()), header),
        11 => bytes(&GetDaemon, header),
        12 => bytes(&SetConfig(body.timeouts), header),
        13 => bytes(&GetConfig, header),
        15 => bytes(&GetInfo, header),
        16 => bytes(&Zero(service), header),
        17 => bytes(&Flush, header),
        _ => unreachable!("command {command}"),
    }
}

fn bytes<C: Command>(command: &C, header: Header) -> Vec<u8> {
    let mut bytes = Vec::new();
    let Header { message_type, flags, sequence, port, .. } = header;
    encode(command, message_type, flags, sequence, &mut bytes).unwrap();
    // `encode` leaves the port 0; the kernel puts the asker's into its replies.
    bytes[12..16].copy_from_slice(&port.to_ne_bytes());
    bytes
}
