//! What a keepalived configuration says in pages, said in a language: loops,
//! conditions and values. Figures 19 to 21 of the thesis.
//!
//! `cargo run --example keepalived-like [production]`, as root.

#![expect(clippy::print_stdout, reason = "a program for a terminal")]

use ipvs::{
    Client, Destination, Endpoint, Forwarding, Persistence, Plan, PlanOptions, Recovery, Scheduler,
    Service, ServiceKey, Table, TableError, Weight,
};
use std::error::Error;
use std::net::Ipv4Addr;

fn main() -> Result<(), Box<dyn Error>> {
    let production = std::env::args().nth(1).is_some_and(|place| place == "production");
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
    Ok(client.apply(&plan, Recovery::RollBack)?.into_result()?)
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
