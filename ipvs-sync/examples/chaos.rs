//! Lets virtual routers live through random faults for as long as one likes, on all
//! processors. Every tenth of it says how far it is.
//!
//! `cargo run --release --example chaos --features sim -- [HOURS [SEED]]`; hours are those
//! of all routers together, one million if not said, and seeds go up from the first one.
//! A million takes nine minutes on two processors.
//!
//! The status is 1 if a rule was broken. The seed of it is told, and
//! `ipvs_sync::vrrp::sim::chaos::run(seed, 20)` leads there again.

use ipvs_sync::vrrp::sim::chaos::{self, Failure, Run};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse());
    let (Ok(hours), Ok(seed)) =
        (arguments.next().unwrap_or(Ok(1_000_000)), arguments.next().unwrap_or(Ok(0)))
    else {
        eprintln!("usage: chaos [HOURS [SEED]]");
        return ExitCode::from(2);
    };
    match live(hours, seed) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn live(hours: u64, first: u64) -> Result<(), Failure> {
    let start = Instant::now();
    let next = AtomicU64::new(first);
    let (sender, runs) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            let (sender, next) = (sender.clone(), &next);
            // Ends when nobody listens any more.
            scope.spawn(move || {
                while sender.send(chaos::run(next.fetch_add(1, Ordering::Relaxed), ROUNDS)).is_ok()
                {
                }
            });
        }
        let mut sum = Run::default();
        let mut worlds = 0;
        while hours_of(sum.router_time) < hours {
            let Ok(run) = runs.recv() else { break };
            let run = run?;
            let tenths = |run: &Run| hours_of(run.router_time) * 10 / hours;
            let before = tenths(&sum);
            sum.router_time += run.router_time;
            sum.packets += run.packets;
            worlds += 1;
            if tenths(&sum) > before {
                let (hours, packets) = (hours_of(sum.router_time), sum.packets);
                let took = start.elapsed().as_secs();
                println!("{hours} hours of routers, {worlds} worlds, {packets} packets, {took} s");
            }
        }
        drop(runs);
        Ok(())
    })
}

fn hours_of(time: Duration) -> u64 {
    time.as_secs() / 3_600
}

/// Rounds of faults in each world.
const ROUNDS: u32 = 20;
