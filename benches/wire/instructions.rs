//! Encoding and decoding by instructions, as Callgrind counts them: the same on a busy
//! machine. Each run tells what changed since the last, and fails above a tenth more than was
//! measured when the limits were written, which compilers differ by.
//!
//! `cargo xtask bench wire` installs what this needs (valgrind and gungraun-runner).

#![expect(clippy::unwrap_used, reason = "a panic ends the benchmark")]
#![expect(missing_docs, unused_qualifications, reason = "in what the macros make")]

#[macro_use]
mod ours;

use gungraun::{
    Callgrind, EventKind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main,
};
use ipvs_sys::{Command, DelDestination, DelService};
use ours::{key, new_destination, new_service, server};
use std::hint::black_box;

#[library_benchmark]
#[bench::new_service(args = (new_service()), config = at_most(250))]
#[bench::del_service(args = (DelService(key())), config = at_most(183))]
#[bench::new_destination(args = (new_destination()), config = at_most(371))]
#[bench::del_destination(
    args = (DelDestination { service: key(), destination: server() }),
    config = at_most(325)
)]
fn encode<C: Command>(command: C) -> usize {
    ours::encode(&command, &mut [0; 256])
}

#[library_benchmark]
#[bench::service(args = (ours::SERVICE), config = at_most(1_209))]
#[bench::destination(args = (ours::DESTINATION), config = at_most(576))]
#[bench::ack(args = (captured!("ack")), config = at_most(151))]
fn decode(datagram: &[u8]) -> u64 {
    ours::decode(black_box(datagram))
}

/// So many instructions, or the benchmark fails.
fn at_most(instructions: u64) -> LibraryBenchmarkConfig {
    let mut counted = Callgrind::default();
    counted.hard_limits([(EventKind::Ir, instructions)]);
    let mut config = LibraryBenchmarkConfig::default();
    config.tool(counted);
    config
}

library_benchmark_group!(name = wire; benchmarks = encode, decode);
main!(library_benchmark_groups = wire);
