//! Takes a server out without breaking connections, for its maintenance, and brings
//! it back gently.
//!
//! `cargo run --example drain -- KEY SERVER SECONDS`, as root: within so many
//! seconds connections may end, and within as many the server gets its weight back
//! once a line comes on standard input. Without one it stays out.

#![expect(clippy::print_stdout, reason = "a program for a terminal")]

use ipvs::{Client, Drain, Endpoint, Ramp, ServiceKey, Task, Tasks, Weight};
use std::error::Error;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [key, server, seconds] = &words[..] else {
        return Err("usage: drain KEY SERVER SECONDS".into());
    };
    let (key, server): (ServiceKey, Endpoint) = (key.parse()?, server.parse()?);
    let period = Duration::from_secs(seconds.parse()?);

    let mut client = Client::connect()?;
    let before = client.destination(&key, server)?.ok_or("the service has no such server")?;
    run(&mut client, &key, server, Drain::new(&key, Instant::now(), period))?;

    println!("drained; Enter brings it back");
    if io::stdin().read_line(&mut String::new())? == 0 {
        return Ok(());
    }
    // Left at weight 0 by somebody else, it starts at the least.
    let weight = before.destination.weight().max(Weight::ONE);
    client.put_destination(&key, &before.destination.with_weight(Weight::ONE))?;
    run(&mut client, &key, server, Ramp::new(Weight::ONE, weight, Instant::now(), period))
}

/// Runs a task to its end. Many need no more than this loop.
fn run(
    client: &mut Client,
    key: &ServiceKey,
    server: Endpoint,
    task: impl Into<Task>,
) -> Result<(), Box<dyn Error>> {
    let mut tasks = Tasks::default();
    tasks.insert(key, server, task.into());
    while let Some(when) = tasks.poll_timeout() {
        thread::sleep(when.saturating_duration_since(Instant::now()));
        for event in tasks.run(Instant::now(), client) {
            println!("{event:?}");
        }
    }
    Ok(())
}
