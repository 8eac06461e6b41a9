//! The whole table as JSON, as it was at one moment, with counters.
//!
//! `cargo run --example snapshot --features json`, as root.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for a terminal")]

use ipvs::Client;
use serde_json::json;
use std::error::Error;
use std::process::ExitCode;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    if std::env::args().len() > 1 {
        return Err("usage: snapshot".into());
    }
    let snapshot = Client::connect()?.full_snapshot()?;
    let services = snapshot
        .services()
        .map(|found| json!({ "service": found.entry, "destinations": found.destinations }));
    let table = json!({
        "timeouts": snapshot.timeouts(),
        "daemons": snapshot.daemons(),
        "services": services.collect::<Vec<_>>(),
    });
    println!("{table:#}");
    Ok(())
}
