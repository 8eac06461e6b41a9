//! Takes a server out without breaking connections, for its maintenance, and brings
//! it back gently.
//!
//! `cargo run --example drain -- KEY SERVER SECONDS`, as root: within so many
//! seconds connections may end, and within as many the server gets its weight back
//! once a line comes on standard input. Without one it stays out. The status is 0 if
//! that is what became of it, and 1 if not.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for a terminal")]

use ipvs::{
    Client, Drain, DrainOutcome, Endpoint, Ramp, RampOutcome, ServiceKey, Task, TaskEvent, Tasks,
    Weight,
};
use std::error::Error;
use std::io;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

const USAGE: &str = "usage: drain KEY SERVER SECONDS";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn arguments() -> Result<(ServiceKey, Endpoint, Duration), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [key, server, seconds] = &words[..] else {
        return Err("three arguments are needed".into());
    };
    let seconds = seconds.parse().map_err(|error| format!("`{seconds}`: {error}"))?;
    Ok((key.parse()?, server.parse()?, Duration::from_secs(seconds)))
}

fn run() -> Result<(), Box<dyn Error>> {
    let (key, server, period) = arguments().map_err(|error| format!("{error}\n{USAGE}"))?;
    let mut client = Client::connect()?;
    let before = client.destination(&key, server)?.ok_or("the service has no such server")?;
    finish(&mut client, &key, server, Drain::new(&key, Instant::now(), period))?;

    println!("Enter brings it back");
    if io::stdin().read_line(&mut String::new())? == 0 {
        return Ok(());
    }
    // Left at weight 0 by somebody else, it starts at the least.
    let weight = before.destination.weight().max(Weight::ONE);
    client.put_destination(&key, &before.destination.with_weight(Weight::ONE))?;
    finish(&mut client, &key, server, Ramp::new(Weight::ONE, weight, Instant::now(), period))
}

/// Runs a task to its end. Many need no more than this loop.
fn finish(
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
            tell(event)?;
        }
    }
    Ok(())
}

/// Shows what happened. An end that was not wanted is the error.
fn tell(event: TaskEvent) -> Result<(), Box<dyn Error>> {
    match event {
        TaskEvent::WeightSet { weight, .. } => println!("weight {weight}"),
        TaskEvent::Unread { error, .. } | TaskEvent::Failed { error, .. } => eprintln!("{error}"),
        TaskEvent::DrainEnded { outcome: DrainOutcome::Drained, .. } => println!("drained"),
        TaskEvent::DrainEnded { outcome: DrainOutcome::DeadlinePassed { left, .. }, .. } => {
            println!("deleted with {} active and {} inactive", left.active, left.inactive);
        }
        TaskEvent::RampEnded { outcome: RampOutcome::Reached, .. } => println!("back"),
        TaskEvent::DrainEnded { outcome: DrainOutcome::Gone, .. }
        | TaskEvent::RampEnded { outcome: RampOutcome::Gone, .. } => {
            return Err("another deleted the server, or the service".into());
        }
        TaskEvent::DrainEnded { outcome: DrainOutcome::TakenBack { weight }, .. }
        | TaskEvent::RampEnded { outcome: RampOutcome::TakenBack { weight }, .. } => {
            return Err(format!("left alone: another gave the server weight {weight}").into());
        }
        other => return Err(format!("the server's weight is not known: {other:?}").into()),
    }
    Ok(())
}
