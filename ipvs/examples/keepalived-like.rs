//! What a keepalived configuration says in pages, said in a language: loops,
//! conditions and values. Figures 19 to 21 of the thesis.
//!
//! `cargo run --example keepalived-like [production]`, as root.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for a terminal")]

use ipvs::{
    Client, Destination, Endpoint, Forwarding, Persistence, Plan, PlanOptions, Recovery, Scheduler,
    Service, ServiceKey, Table, TableError, Weight,
};
use std::error::Error;
use std::net::Ipv4Addr;
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
    let words: Vec<String> = std::env::args().skip(1).collect();
    let production = match &words[..] {
        [] => false,
        [place] if place == "production" => true,
        _ => return Err("usage: keepalived-like [production]".into()),
    };
    let wanted = configuration(production)?;
    let mut client = Client::connect()?;
    // Of what is there besides, only this address is ours.
    let ours = |key: &ServiceKey| match key {
        ServiceKey::Address { endpoint, .. } => endpoint.address == VIRTUAL,
        ServiceKey::Mark { .. } => false,
    };
    let options = PlanOptions::default().with_owner(ours);
    let plan = Plan::with_options(&client.full_snapshot()?, &wanted, &options);
    print!("{plan}");
    let applied = client.apply(&plan, Recovery::RollBack)?;
    if !applied.is_complete() {
        print!("{}", applied.report(&plan));
    }
    Ok(applied.into_result()?)
}

const VIRTUAL: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

fn configuration(production: bool) -> Result<Table, TableError> {
    let mut table = Table::new();
    let hosts = if production { 1..=20 } else { 1..=2 };
    for port in [80, 443] {
        let key = ServiceKey::tcp(Endpoint::new(VIRTUAL, port));
        let mut service = Service::new(key).with_scheduler(Scheduler::Wrr);
        if port == 443 {
            service = service.with_persistence(Persistence::seconds(300));
        }
        table.add_service(service)?;
        table.name_service(&key, format!("web-{port}"))?;
        for host in hosts.clone() {
            let server = Destination::new(Endpoint::new([192, 168, 0, host], port))
                .with_forwarding(Forwarding::DirectRoute)
                // The first half is of the larger model.
                .with_weight(if host <= 10 { Weight::from(2) } else { Weight::ONE });
            table.add_destination(&key, server)?;
        }
    }
    Ok(table)
}
