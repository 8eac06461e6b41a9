//! Encoding and decoding by instructions, as Callgrind counts them: the same on a busy
//! machine. Each run tells what changed since the last.
//!
//! `cargo xtask bench wire` installs what this needs (valgrind and gungraun-runner).

#![expect(clippy::unwrap_used, reason = "a panic ends the benchmark")]
#![expect(missing_docs, unused_qualifications, reason = "in what the macros make")]

#[macro_use]
mod ours;

use gungraun::{library_benchmark, library_benchmark_group, main};
use ipvs_sys::{Command, DelDestination, DelService};
use ours::{key, new_destination, new_service, server};
use std::hint::black_box;

#[library_benchmark]
#[bench::new_service(new_service())]
#[bench::del_service(DelService(key()))]
#[bench::new_destination(new_destination())]
#[bench::del_destination(DelDestination { service: key(), destination: server() })]
fn encode<C: Command>(command: C) -> usize {
    ours::encode(&command, &mut [0; 256])
}

#[library_benchmark]
#[bench::service(ours::SERVICE)]
#[bench::destination(ours::DESTINATION)]
#[bench::ack(captured!("ack"))]
fn decode(datagram: &[u8]) -> u64 {
    ours::decode(black_box(datagram))
}

library_benchmark_group!(name = wire; benchmarks = encode, decode);
main!(library_benchmark_groups = wire);
