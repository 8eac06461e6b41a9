//! The loop of four: add a service, add a destination, delete it, delete the
//! service. One send and one receive each.

use crate::comparison::Effort;
use crate::counting;
use crate::floor::message::{ACK, Change, Template};
use crate::floor::{self, Floor};
use crate::netns;
use crate::sample::{Sample, Start};
use crate::shape::{self, ANCHOR, DESTINATION, SERVICE};
use anyhow::Result;
use ipvs::transport::Transport;
use ipvs::{Client, Destination, Service};
use std::hint::black_box;

/// What is in the table besides.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Table {
    /// Nothing. The kernel hooks into its packet path and out of it every time.
    Empty,
    /// Another service.
    Anchored,
}

/// The floor.
pub(crate) fn floor(table: Table, Effort { rounds, .. }: Effort) -> Result<Sample> {
    prepare(table)?;
    let requests = requests(floor::family()?);
    let mut floor = Floor::open(floor::ANSWERS)?;
    let start = Start::now()?;
    for _ in 0..rounds {
        for request in &requests {
            floor.send(request)?;
            floor.ack()?;
        }
    }
    start.end(rounds, Some(floor.calls))
}

/// Our client.
pub(crate) fn ours(table: Table, Effort { rounds, .. }: Effort) -> Result<Sample> {
    prepare(table)?;
    let (mut client, calls) = counting::client()?;
    let start = Start::now()?;
    run(&mut client, rounds)?;
    start.end(rounds, Some(calls.get()))
}

/// Puts the anchor where one is wanted.
pub(crate) fn prepare(table: Table) -> Result<()> {
    netns::fresh()?;
    if let Table::Anchored = table {
        Client::connect()?.add_service(&shape::service(ANCHOR))?;
    }
    Ok(())
}

/// The loop, so many times.
pub(crate) fn run<T: Transport>(client: &mut Client<T>, rounds: u32) -> Result<()> {
    let service: Service = black_box(shape::service(SERVICE));
    let destination: Destination = black_box(shape::destination(DESTINATION));
    let (key, endpoint) = (service.key(), destination.endpoint());
    for _ in 0..rounds {
        client.add_service(&service)?;
        client.add_destination(&key, &destination)?;
        client.delete_destination(&key, endpoint)?;
        client.delete_service(&key)?;
    }
    Ok(())
}

fn requests(family: u16) -> [Vec<u8>; 4] {
    let changes = [
        Change::AddService,
        Change::AddDestination,
        Change::DeleteDestination,
        Change::DeleteService,
    ];
    changes.map(|change| {
        let mut request = Vec::new();
        Template::change(change, family).append(&mut request, 1, ACK, SERVICE, DESTINATION);
        request
    })
}
