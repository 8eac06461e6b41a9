//! The whole table as JSON, as it was at one moment, with counters.
//!
//! `cargo run --example snapshot --features json`, as root.

#![expect(clippy::print_stdout, reason = "a program for a terminal")]

use ipvs::Client;
use serde_json::json;
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
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
