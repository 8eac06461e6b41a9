//! What the client's own code takes: the kernel left out.

use crate::comparison::{Effort, Kind, REPETITIONS};
use crate::report::Line;
use crate::sample::{Calls, Sample, Series};
use crate::shape::SERVICE;
use crate::{shape, single};
use anyhow::{Result, ensure};
use ipvs::Client;
use ipvs::transport::{Received, Transport};
use std::io;
use std::time::Instant;

/// Runs the loop of four over a transport that acknowledges at once.
pub(crate) fn loops(name: &str, effort: Effort) -> Result<Vec<Line>> {
    let mut ours = Series::default();
    for _ in 0..REPETITIONS {
        let mut client = Client::with_transport(Acknowledging::default())?;
        let start = Instant::now();
        single::run(&mut client, effort.rounds)?;
        ours.push(Sample::since(start, effort.rounds, Calls::default()));
    }
    Ok(vec![Line::new(name, "client", Kind::Ours, "round", ours)])
}

/// Reads a list of destinations over a transport that has it ready.
pub(crate) fn listings(name: &str) -> Result<Vec<Line>> {
    let key = shape::service(SERVICE).key();
    let mut ours = Series::default();
    for _ in 0..REPETITIONS {
        let mut client = Client::with_transport(Ready::default())?;
        let start = Instant::now();
        for _ in 0..LISTINGS {
            ensure!(client.destinations(&key)?.len() == LISTED, "not all were listed");
        }
        ours.push(Sample::since(start, LISTINGS * 8, Calls::default()));
    }
    Ok(vec![Line::new(name, "client", Kind::Ours, "destination", ours)])
}

const LISTINGS: u32 = 1_000;
const LISTED: usize = 8;
/// A listing of Linux 6.1; the first message is repeated.
const DESTINATIONS: &[u8] = include_bytes!("../../../ipvs-sys/testdata/6.1/destinations.bin");

/// Answers every request with a list of destinations.
#[derive(Debug, Default)]
struct Ready {
    acknowledging: Acknowledging,
    /// The parts that are still to come.
    left: usize,
}

impl Transport for Ready {
    fn send(&mut self, datagram: &[u8]) -> io::Result<()> {
        self.left = 2;
        self.acknowledging.send(datagram)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Received> {
        if !self.acknowledging.asked {
            return self.acknowledging.receive(buffer);
        }
        self.left = self.left.saturating_sub(1);
        let [a, b, c, d] = self.acknowledging.sequence;
        let done = [20, 0, 0, 0, 3, 0, 2, 0, a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0];
        if self.left == 0 {
            return Ok(fill(buffer, &done));
        }
        let mut length = 0;
        for place in buffer.chunks_exact_mut(356).take(LISTED) {
            if let Some(message) = DESTINATIONS.get(..356) {
                place.copy_from_slice(message);
            }
            if let Some(sequence) = place.get_mut(8..12) {
                sequence.copy_from_slice(&self.acknowledging.sequence);
            }
            length += 356;
        }
        Ok(Received::Datagram(length))
    }
}

/// Knows every family and acknowledges everything else.
#[derive(Debug, Default)]
struct Acknowledging {
    asked: bool,
    sequence: [u8; 4],
}

impl Transport for Acknowledging {
    fn send(&mut self, datagram: &[u8]) -> io::Result<()> {
        if let Some([_, _, _, _, _, _, _, _, sequence @ .., _, _, _, _]) =
            datagram.first_chunk::<16>()
        {
            self.sequence = *sequence;
        }
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Received> {
        let [a, b, c, d] = self.sequence;
        if !self.asked {
            self.asked = true;
            let answer = [
                28, 0, 0, 0, 0x10, 0, 0, 0, a, b, c, d, 0, 0, 0, 0, 1, 2, 0, 0, 6, 0, 1, 0, 35, 0,
                0, 0,
            ];
            return Ok(fill(buffer, &answer));
        }
        let ack = [
            36, 0, 0, 0, 2, 0, 0, 1, a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 140, 0, 0, 0, 35, 0, 5, 0,
            a, b, c, d, 0, 0, 0, 0,
        ];
        Ok(fill(buffer, &ack))
    }
}

fn fill(buffer: &mut [u8], answer: &[u8]) -> Received {
    if let Some(place) = buffer.get_mut(..answer.len()) {
        place.copy_from_slice(answer);
    }
    Received::Datagram(answer.len())
}
