//! A service and its real servers: defined, added, read back, changed live.
//!
//! `cargo run --example define -- [KEY [SERVER…]]`, as root, on a kernel with IPVS.
//! This is Figure 13 of the thesis.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for a terminal")]

use ipvs::{Client, Destination, Endpoint, Forwarding, Scheduler, Service, ServiceKey, Weight};
use std::error::Error;
use std::process::ExitCode;

const USAGE: &str = "usage: define [KEY [SERVER…]]";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn arguments() -> Result<(ServiceKey, Vec<Endpoint>), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let key = words.next().as_deref().unwrap_or("tcp 10.0.0.1:80").parse()?;
    let mut servers = words.map(|word| word.parse()).collect::<Result<Vec<_>, _>>()?;
    if servers.is_empty() {
        servers = vec!["192.168.0.1:80".parse()?, "192.168.0.2:80".parse()?];
    }
    Ok((key, servers))
}

fn run() -> Result<(), Box<dyn Error>> {
    let (key, servers) = arguments().map_err(|error| format!("{error}\n{USAGE}"))?;
    let mut client = Client::connect()?;
    client.add_service(&Service::new(key).with_scheduler(Scheduler::Wlc))?;
    for server in &servers {
        client.add_destination(&key, &Destination::new(*server))?;
    }
    show(&mut client, &key)?;

    // Live: the connections that there are stay.
    for server in &servers {
        client.update_destination(&key, *server, |found| {
            found.with_weight(Weight::from(3)).with_forwarding(Forwarding::IPIP)
        })?;
    }
    show(&mut client, &key)
}

fn show(client: &mut Client, key: &ServiceKey) -> Result<(), Box<dyn Error>> {
    for found in client.snapshot_of(key)?.services() {
        println!("{}", found.entry.service);
        for entry in found.destinations {
            println!("  {}", entry.destination);
        }
    }
    Ok(())
}
