//! Bringing a table to what is wanted, where all or nearly all of it is there.

use crate::counting;
use crate::floor::message::{ACK, Change, EDITED_WEIGHT, Template};
use crate::floor::{self, Floor};
use crate::listing::{Listing, filled};
use crate::restore::{BATCH, feed};
use crate::sample::{Sample, Start};
use crate::shape::{self, Place, Shape};
use anyhow::{Result, ensure};
use ipvs::{Batch, Client, Destination, Plan, Recovery, ServiceKey, Table, Weight};
use std::fmt::Write as _;
use std::time::Instant;

/// The floor: the table is listed, and what is known to differ is changed.
pub(crate) fn floor(shape: Shape) -> Result<Sample> {
    filled(shape)?;
    let mut listing = Listing::open()?;
    let mut edits = Edits::prepare(shape, listing.family)?;
    let start = Instant::now();
    let mut calls = listing.read(shape)?;
    edits.send()?;
    calls.sends += edits.floor.calls.sends;
    calls.receives += edits.floor.calls.receives;
    let sample = Sample::since(start, 1, calls);
    is_edited(shape)?;
    Ok(sample)
}

/// The floor, told what differs.
pub(crate) fn floor_told(shape: Shape) -> Result<Sample> {
    filled(shape)?;
    let mut edits = Edits::prepare(shape, floor::family()?)?;
    let start = Instant::now();
    edits.send()?;
    let sample = Sample::since(start, 1, edits.floor.calls);
    is_edited(shape)?;
    Ok(sample)
}

/// Our client: a snapshot, the plan of what differs, and its application.
pub(crate) fn plan(shape: Shape) -> Result<Sample> {
    filled(shape)?;
    let (_, sample) = planned(&with_other_weights(shape)?)?;
    is_edited(shape)?;
    Ok(sample)
}

/// The same where the table is as it is wanted, which it is beforehand.
pub(crate) fn plan_nothing(shape: Shape) -> Result<Sample> {
    let (plan, sample) = planned(&shape.table()?)?;
    ensure!(plan.is_empty(), "something was to be changed");
    Ok(sample)
}

fn planned(wanted: &Table) -> Result<(Plan, Sample)> {
    let (mut client, calls) = counting::client()?;
    let start = Instant::now();
    let plan = Plan::between(&client.snapshot()?, wanted);
    client.apply(&plan, Recovery::RollBack)?.into_result()?;
    Ok((plan, Sample::since(start, 1, calls.get())))
}

/// Our client, told what differs.
pub(crate) fn batch(shape: Shape) -> Result<Sample> {
    filled(shape)?;
    let edit = |(key, destination)| ipvs::Change::EditDestination(key, destination);
    let batch: Batch = changed(shape).map(with_other_weight).map(edit).collect();
    let (mut client, calls) = counting::client()?;
    let start = Instant::now();
    client.send_batch(&batch).into_result()?;
    let sample = Sample::since(start, 1, calls.get());
    is_edited(shape)?;
    Ok(sample)
}

/// `ipvsadm -R`, told what differs.
pub(crate) fn ipvsadm(shape: Shape) -> Result<Sample> {
    filled(shape)?;
    let mut text = String::new();
    for (service, destination) in changed(shape) {
        let (service, server) = (shape::endpoint(service), shape::endpoint(destination));
        writeln!(text, "-e -t {service} -r {server} -m -w {EDITED_WEIGHT}")?;
    }
    let start = Start::now()?;
    feed(&text)?;
    let sample = start.end(1, None)?;
    is_edited(shape)?;
    Ok(sample)
}

/// The floor's edits, made in advance.
struct Edits {
    floor: Floor,
    datagrams: Vec<Vec<u8>>,
}

impl Edits {
    fn prepare(shape: Shape, family: u16) -> Result<Self> {
        let edit = Template::change(Change::EditDestination, family);
        let places: Vec<(Place, Place)> = changed(shape).collect();
        let datagram = |chunk: &[(Place, Place)]| {
            let mut out = Vec::new();
            for (i, (service, destination)) in (1..).zip(chunk) {
                let flags = if i == chunk.len() { ACK } else { 0 };
                edit.append(&mut out, 1, flags, *service, *destination);
            }
            out
        };
        let datagrams = places.chunks(usize::try_from(BATCH)?).map(datagram).collect();
        Ok(Self { floor: Floor::open(floor::ANSWERS)?, datagrams })
    }

    fn send(&mut self) -> Result<()> {
        for datagram in &self.datagrams {
            self.floor.send(datagram)?;
            self.floor.ack()?;
        }
        Ok(())
    }
}

/// The first destination of so many services that one destination in a hundred is.
fn changed(shape: Shape) -> impl Iterator<Item = (Place, Place)> {
    let every = usize::try_from(100 / shape.destinations).unwrap_or(1);
    shape.services().step_by(every).map(|service| (service, shape::DESTINATION))
}

fn with_other_weight((service, destination): (Place, Place)) -> (ServiceKey, Destination) {
    let destination = shape::destination(destination).with_weight(Weight::from(EDITED_WEIGHT));
    (shape::service(service).key(), destination)
}

fn with_other_weights(shape: Shape) -> Result<Table> {
    let mut edited = changed(shape).peekable();
    let mut table = Table::new();
    for service in shape.services() {
        table.add_service(shape::service(service))?;
        for place in shape.destinations() {
            let (key, wanted) = edited.next_if_eq(&(service, place)).map_or_else(
                || (shape::service(service).key(), shape::destination(place)),
                with_other_weight,
            );
            table.add_destination(&key, wanted)?;
        }
    }
    Ok(table)
}

/// Makes sure that the weights were changed, of the services that have such.
fn is_edited(shape: Shape) -> Result<()> {
    let mut client = Client::connect()?;
    for (service, destination) in changed(shape) {
        let key = shape::service(service).key();
        let edited = with_other_weight((service, destination)).1;
        let there = client.destinations(&key)?;
        let is_there = there.iter().any(|entry| entry.destination == edited);
        ensure!(is_there, "{} of {key} was not changed", edited.endpoint());
    }
    Ok(())
}
