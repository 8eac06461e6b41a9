//! What the client's own code takes: the kernel left out.

use crate::comparison::REPETITIONS;
use crate::sample::{Calls, Sample, Series};
use crate::{report, single};
use anyhow::Result;
use ipvs::Client;
use ipvs::transport::{Received, Transport};
use std::io;
use std::time::Instant;

/// Runs the loop of four over a transport that acknowledges at once, and prints
/// a line.
pub(crate) fn loops(name: &str) -> Result<()> {
    let mut ours = Series::default();
    for _ in 0..REPETITIONS {
        let mut client = Client::with_transport(Acknowledging::default())?;
        let start = Instant::now();
        single::run(&mut client)?;
        ours.push(Sample::since(start, single::ITERATIONS, Calls::default()));
    }
    report::line(name, "4-changes", None, Some(&ours));
    Ok(())
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
