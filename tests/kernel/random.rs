//! The kernel and `ipvs::fake` answer the same: to random requests, malformed
//! ones among them, and to whoever asks for the family.

#![expect(clippy::indexing_slicing, reason = "a failure here is a failed test")]

use crate::netns::Netns;
use crate::requests::{DEL_DAEMON, FAMILY, Request, Step, nest, step, u32};
use ipvs::fake::{Kernel, Version};
use ipvs::transport::{Netlink, Received, Transport};
use ipvs_sys::family::{GetFamily, NLCTRL, NewFamily};
use ipvs_sys::put::Put as _;
use ipvs_sys::{Flush, Messages, Payload, encode};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use std::io::Read as _;

/// What came: netlink's own words, or messages without the numbers that differ.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Answer {
    Message(Vec<u8>),
    Overrun,
    Truncated(usize),
}

#[test]
fn random_requests_get_the_same_answers() {
    let netns = Netns::new();
    netns.run("/sbin/ip link add eth0 type dummy");
    netns.run("/sbin/ip link set eth0 up multicast on");
    netns.run("/sbin/ip addr add 10.5.0.1/24 dev eth0");
    netns.run("/sbin/ip addr add fd05::1/64 dev eth0 nodad");
    let version = version();
    let config = Config {
        cases: 250,
        failure_persistence: None,
        // The same each time: a failure is about what was changed.
        rng_seed: RngSeed::Fixed(2014),
        ..Config::default()
    };
    let sequences = prop::collection::vec(step(), 1..12);
    TestRunner::new(config).run(&sequences, |steps| same(version, &steps)).unwrap();
}

#[test]
fn the_family_is_described_with_the_same_bytes() {
    let _netns = Netns::new();
    for name in [&b"IPVS"[..], b"IPVX"] {
        let (mut real, mut fake) = (Netlink::open().unwrap(), Kernel::of(version()).socket());
        assert_eq!(described(&mut fake, name), described(&mut real, name));
    }
}

/// The answer to a request for a family, without its number and the port.
fn described<T: Transport>(socket: &mut T, name: &[u8]) -> Vec<u8> {
    let mut datagram = Vec::new();
    encode(&GetFamily { name }, NLCTRL, 1, 1, &mut datagram).unwrap();
    socket.send(&datagram).unwrap();
    let mut answer = vec![0; 1024];
    let Received::Datagram(len) = socket.receive(&mut answer).unwrap() else { panic!("no answer") };
    answer.truncate(len);
    answer.patch(12, &[0; 4]);
    // Behind the headers and the name.
    answer.patch(20 + 12 + 4, &[0; 4]);
    answer
}

/// The version that is nearest to the kernel's.
fn version() -> Version {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    if release.starts_with("6.1.") { Version::V6_1 } else { Version::V6_12 }
}

fn same(version: Version, steps: &[Step]) -> Result<(), TestCaseError> {
    let mut real = Side::new(Netlink::open().unwrap());
    let mut fake = Side::new(Kernel::of(version).socket());
    real.reset();
    for step in steps {
        let (mut expected, mut answers) = (real.play(step), fake.play(step));
        if step.requests.iter().any(|request| request.lists_services()) {
            expected.sort();
            answers.sort();
        }
        prop_assert_eq!(answers, expected, "fake, kernel: {:?}", step);
        prop_assert_eq!(fake.listing(), real.listing(), "fake, kernel: {:?}", step);
    }
    Ok(())
}

/// One of the two kernels.
struct Side<T> {
    socket: T,
    family: u16,
    sequence: u32,
}

impl<T: Transport> Side<T> {
    fn new(mut socket: T) -> Self {
        let mut datagram = Vec::new();
        encode(&GetFamily { name: b"IPVS" }, NLCTRL, 1, 1, &mut datagram).unwrap();
        socket.send(&datagram).unwrap();
        let mut buffer = [0; 1024];
        let Received::Datagram(len) = socket.receive(&mut buffer).unwrap() else {
            panic!("no answer")
        };
        let message = Messages::new(&buffer[..len]).next().unwrap().unwrap();
        let Payload::Data { attrs, .. } = message.payload else { panic!("no family") };
        Self { socket, family: NewFamily::parse(attrs).unwrap().id, sequence: 0 }
    }

    /// What is left of the case before.
    fn reset(&mut self) {
        let mut datagram = Vec::new();
        encode(&Flush, self.family, 1, 0, &mut datagram).unwrap();
        for state in [1, 2] {
            let request = Request::new(DEL_DAEMON, 1, vec![nest(3, vec![u32(1, state)])]);
            request.put(self.family, 0, &mut datagram);
        }
        let timeouts = vec![u32(4, 900), u32(5, 120), u32(6, 300)];
        Request::new(12, 1, timeouts).put(self.family, 0, &mut datagram);
        self.socket.send(&datagram).unwrap();
        while self.socket.receive(&mut [0; 64]).unwrap() != Received::Empty {}
    }

    /// Sends a step and receives all that comes of it.
    fn play(&mut self, step: &Step) -> Vec<Answer> {
        let mut datagram = Vec::new();
        let mut unsure = Vec::new();
        for request in &step.requests {
            self.sequence += 1;
            if request.command == DEL_DAEMON {
                unsure.push(self.sequence);
            }
            request.put(self.family, self.sequence, &mut datagram);
        }
        self.socket.send(&datagram).unwrap();
        let mut buffer = vec![0; step.buffer];
        let mut answers = Vec::new();
        loop {
            match self.socket.receive(&mut buffer).unwrap() {
                Received::Empty => return answers,
                Received::Overrun => answers.push(Answer::Overrun),
                Received::Truncated(len) => answers.push(Answer::Truncated(len)),
                Received::Datagram(len) => self.take(&buffer[..len], &unsure, &mut answers),
            }
        }
    }

    /// The messages of a datagram, all with the same family and port.
    fn take(&self, datagram: &[u8], unsure: &[u32], answers: &mut Vec<Answer>) {
        let mut start = 0;
        for message in Messages::new(datagram) {
            let message = message.unwrap();
            let length = usize::try_from(message.header.length).unwrap();
            let mut bytes = datagram[start..start + length].to_vec();
            start += length;
            bytes.patch(12, &[0; 4]);
            if message.header.message_type == self.family {
                bytes.patch(4, &FAMILY.to_ne_bytes());
            }
            if matches!(message.payload, Payload::Ack(_) | Payload::Error { .. })
                && bytes[24..26] == self.family.to_ne_bytes()
            {
                bytes.patch(24, &FAMILY.to_ne_bytes());
            }
            // Whether this is answered depends on the daemon's first moments.
            let stopped = matches!(message.payload, Payload::Ack(_))
                && unsure.contains(&message.header.sequence);
            if !stopped {
                answers.push(Answer::Message(bytes));
            }
        }
    }
}

impl Side<Netlink> {
    fn listing(&self) -> Vec<String> {
        blocks(&std::fs::read_to_string("/proc/thread-self/net/ip_vs").unwrap())
    }
}

impl Side<ipvs::fake::Socket> {
    fn listing(&mut self) -> Vec<String> {
        let mut text = String::new();
        self.socket.listing().unwrap().read_to_string(&mut text).unwrap();
        blocks(&text)
    }
}

/// The services of a listing, each with its destinations, sorted.
fn blocks(text: &str) -> Vec<String> {
    let mut blocks = Vec::<String>::new();
    for line in text.split_inclusive('\n') {
        match blocks.last_mut() {
            Some(block) if line.starts_with("  ->") => *block += line,
            _ => blocks.push(line.to_owned()),
        }
    }
    blocks.sort();
    blocks
}
