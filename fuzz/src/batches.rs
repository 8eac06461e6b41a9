//! Batches over a transport that answers anything. A panic is a finding, and so
//! is an outcome that the answers do not bear out.
//!
//! A file of its own: the tests of `ipvs` include it to replay the corpus.

use ipvs::transport::{Received, Transport};
use ipvs::{Batch, Change, Client, Destination, Endpoint, OnFailure, Outcome, Service, ServiceKey};
use ipvs_sys::family::{NLCTRL, NewFamily};
use ipvs_sys::{Header, Messages, encode, encode_answer};
use std::io;

const FAMILY: u16 = 35;

/// The first bytes choose how many changes of which kind and how many a datagram
/// may have, the others what comes back.
pub fn batch(data: &[u8]) {
    let [capacity, count, kinds, stop, rest @ ..] = data else { return };
    let changes = (0..usize::from(*count) * 2).map(|n| change(n, *kinds));
    let on_failure = if stop & 1 == 1 { OnFailure::Stop } else { OnFailure::CarryOn };
    let batch = changes.collect::<Batch>().with_on_failure(on_failure);
    let transport = Anything {
        data: rest,
        capacity: usize::from(*capacity),
        asked: None,
        sent: Vec::new(),
        carried: 0,
    };
    let Ok(mut client) = Client::with_transport(transport) else { return };
    let outcomes = client.send_batch(&batch);
    let transport = client.into_transport();

    assert_eq!(outcomes.iter().count(), batch.changes().len());
    let (mut done, mut failed, mut uncertain, mut unsent) = (0, 0, 0, 0);
    for outcome in outcomes.iter() {
        match outcome {
            Outcome::Done => done += 1,
            Outcome::Failed(_) => failed += 1,
            Outcome::Uncertain => uncertain += 1,
            Outcome::NotSent => unsent += 1,
        }
    }
    assert_eq!(failed, outcomes.failures().len());
    assert_eq!(uncertain, outcomes.uncertain().len());
    assert_eq!(unsent, outcomes.not_sent().len());
    assert_eq!(done == batch.changes().len(), outcomes.is_complete());
    assert!(uncertain == 0 || !outcomes.losses().is_empty());
    // Nothing is said to be done that was never sent.
    assert!(done <= transport.carried, "{done} of {}", transport.carried);
}

/// Some keep the rules and some do not.
fn change(n: usize, kinds: u8) -> Change {
    let host = u8::try_from(n % 256).unwrap_or(0);
    let key = ServiceKey::tcp(Endpoint::new([10, 0, 0, host], 80));
    match (usize::from(kinds) + n) % 5 {
        0 => Change::AddService(Service::new(key)),
        1 => Change::DeleteService(key),
        2 => Change::AddService(Service::new(key).with_one_packet(true)),
        3 => Change::AddDestination(key, Destination::new(Endpoint::new([10, 1, 0, host], 80))),
        _ => Change::DeleteDestination(key, Endpoint::new([10, 1, 0, host], 80)),
    }
}

/// Answers what its bytes say.
struct Anything<'a> {
    data: &'a [u8],
    capacity: usize,
    /// The request for the family, which is answered properly.
    asked: Option<Header>,
    sent: Vec<Header>,
    /// How many changes were ever sent.
    carried: usize,
}

impl Anything<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.data.split_first()?;
        self.data = rest;
        Some(*byte)
    }

    fn answer(&mut self, code: i32) -> Option<Vec<u8>> {
        let index = usize::from(self.byte()?) % self.sent.len().max(1);
        let request = *self.sent.get(index)?;
        let mut bytes = Vec::new();
        encode_answer(request, code, &mut bytes);
        Some(bytes)
    }
}

impl Transport for Anything<'_> {
    fn send(&mut self, datagram: &[u8]) -> io::Result<()> {
        self.sent.clear();
        for message in Messages::new(datagram) {
            let header = message.map_err(io::Error::other)?.header;
            if header.message_type == NLCTRL {
                self.asked = Some(header);
            } else {
                self.sent.push(header);
            }
        }
        assert!(self.sent.len() <= self.capacity.max(1), "more than the queue holds");
        self.carried += self.sent.len();
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Received> {
        let bytes = if let Some(request) = self.asked.take() {
            let family =
                NewFamily { id: FAMILY, name: b"IPVS", version: 1, header_size: 0, max_attr: 6 };
            let mut bytes = Vec::new();
            encode(&family, NLCTRL, 0, request.sequence, &mut bytes).map_err(io::Error::other)?;
            Some(bytes)
        } else {
            match self.byte().map(|kind| kind % 8) {
                None | Some(0) => return Ok(Received::Empty),
                Some(1) => return Ok(Received::Overrun),
                Some(2) => return Ok(Received::Truncated(1 << 16)),
                Some(3) => return Err(io::ErrorKind::NotConnected.into()),
                Some(4) => {
                    let length = usize::from(self.byte().unwrap_or(0)).min(self.data.len());
                    let (bytes, rest) = self.data.split_at(length);
                    self.data = rest;
                    Some(bytes.to_vec())
                }
                Some(5) => self.answer(-2),
                Some(6) => self.answer(-3),
                // The acknowledgement of the last, as a kernel sends it.
                Some(_) => self.sent.last().map(|request| {
                    let mut bytes = Vec::new();
                    encode_answer(*request, 0, &mut bytes);
                    bytes
                }),
            }
        };
        let Some(bytes) = bytes else { return Ok(Received::Empty) };
        let Some(place) = buffer.get_mut(..bytes.len()) else {
            return Ok(Received::Truncated(bytes.len()));
        };
        place.copy_from_slice(&bytes);
        Ok(Received::Datagram(bytes.len()))
    }

    fn capacity(&self) -> usize {
        self.capacity
    }
}
