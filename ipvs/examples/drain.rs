//! Takes a server out without breaking connections, and with `--back` brings it
//! back gently.
//!
//! `cargo run --example drain -- [--back] KEY SERVER SECONDS`, as root.

#![expect(clippy::print_stdout, reason = "a program for a terminal")]

use ipvs::{AtDeadline, Client, Drain, Endpoint, Ramp, ServiceKey, Task, Tasks, Weight};
use std::error::Error;
use std::thread;
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn Error>> {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let count = words.len();
    words.retain(|word| word != "--back");
    let back = words.len() < count;
    let [key, server, seconds] = &words[..] else {
        return Err("usage: drain [--back] KEY SERVER SECONDS".into());
    };
    let (key, server): (ServiceKey, Endpoint) = (key.parse()?, server.parse()?);
    let (start, period) = (Instant::now(), Duration::from_secs(seconds.parse()?));

    let task = if back {
        Task::from(Ramp::new(Weight::ONE, Weight::from(10), start, period))
    } else {
        // At the deadline it stays at weight 0, so that it can be brought back.
        Task::from(Drain::new(&key, start, period).with_at_deadline(AtDeadline::Keep))
    };
    let mut tasks = Tasks::default();
    tasks.insert(&key, server, task);
    let mut client = Client::connect()?;
    // Many tasks need no more than this loop.
    while let Some(when) = tasks.poll_timeout() {
        thread::sleep(when.saturating_duration_since(Instant::now()));
        for event in tasks.run(Instant::now(), &mut client) {
            println!("{event:?}");
        }
    }
    Ok(())
}
