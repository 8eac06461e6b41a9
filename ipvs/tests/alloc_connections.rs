//! A connection table of a million lines is read with the memory of one line.
//!
//! One test in a binary of its own, for its allocator.

#[path = "../../ipvs-sys/tests/common/counting.rs"]
mod counting;

use counting::allocations;
use ipvs::connections::{Reader, State};
use std::io::{self, BufReader, Read};

const LINES: u32 = 1_000_000;

/// A table that is made as it is read.
struct Table {
    next: u32,
    rest: &'static [u8],
}

const TITLE: &[u8] = b"Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires\n";
const SPOILED: &[u8] = b"spoiled\n";
const ROWS: [&[u8]; 4] = [
    b"TCP C0000209 C350 0A000001 0050 C0A80001 1F90 ESTABLISHED     899\n",
    b"TCP C0000209 0000 0A000001 0050 C0A80001 1F90 NEW_ONE          59\n",
    b"IP  C0000209 0000 00000007 0000 C0A80001 0000 NONE        LOCAL       59\n",
    b"UDP fd00:0000:0000:0000:0000:0000:0000:0001 C350 fd00:0000:0000:0000:0000:0000:0000:0002 \
      0035 C0A80001 0035 UDP             299\n",
];

impl Read for Table {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.rest.is_empty() && self.next < LINES {
            self.rest = match self.next {
                spoiled if spoiled % 1000 == 0 => SPOILED,
                other => ROWS.get(other as usize % 4).copied().unwrap_or_default(),
            };
            self.next += 1;
        }
        self.rest.read(buffer)
    }
}

#[test]
fn a_million_connections_are_read_without_an_allocation() {
    let mut reader = Reader::new(BufReader::new(Table { next: 0, rest: TITLE }));
    let (mut connections, mut errors, mut established) = (0, 0, 0);
    let read = || {
        for found in &mut reader {
            match found {
                Ok(connection) => {
                    connections += 1;
                    established += u32::from(connection.state == State::Established);
                }
                Err(_) => errors += 1,
            }
        }
    };
    assert_eq!(allocations(read), 0);
    assert_eq!((connections, errors), (LINES - LINES / 1000, LINES / 1000));
    assert_eq!(established, LINES / 4 - LINES / 1000);
}
