//! Filling an empty table.

use crate::counting;
use crate::floor::message::{ACK, Change, Template};
use crate::floor::{self, Floor};
use crate::netns;
use crate::processes;
use crate::sample::{Sample, Start};
use crate::shape::Shape;
use anyhow::{Context as _, Result, ensure};
use ipvs::{Batch, Client, Plan, Recovery, Table};
use std::io::Write as _;
use std::process::Stdio;
use std::time::Instant;

/// As many changes in one send as our client makes it.
pub(crate) const BATCH: u32 = 128;

/// The floor: so many changes in one send, the last acknowledged.
pub(crate) fn floor(shape: Shape, batch: u32) -> Result<Sample> {
    netns::fresh()?;
    let (mut floor, family) = (Floor::open(floor::ANSWERS)?, floor::family()?);
    let start = Instant::now();
    fill(&mut floor, family, shape, batch)?;
    Ok(Sample::since(start, shape.objects(), floor.calls))
}

/// Our client, one command for each object.
pub(crate) fn single(shape: Shape) -> Result<Sample> {
    netns::fresh()?;
    let table = shape.table()?;
    let (mut client, calls) = counting::client()?;
    let start = Instant::now();
    for wanted in table.services() {
        client.add_service(wanted.service())?;
        let key = wanted.service().key();
        for destination in wanted.destinations() {
            client.add_destination(&key, destination)?;
        }
    }
    Ok(Sample::since(start, shape.objects(), calls.get()))
}

/// Our client, from a table in memory in batches.
pub(crate) fn batch(shape: Shape) -> Result<Sample> {
    netns::fresh()?;
    let table = shape.table()?;
    let (mut client, calls) = counting::client()?;
    let start = Instant::now();
    client.send_batch(&Batch::from(&table)).into_result()?;
    Ok(Sample::since(start, shape.objects(), calls.get()))
}

/// Our client, from text as `ipvsadm -R` takes it, in batches.
pub(crate) fn text(shape: Shape) -> Result<Sample> {
    netns::fresh()?;
    let text = shape.table()?.to_ipvsadm()?;
    let (mut client, calls) = counting::client()?;
    let start = Instant::now();
    let table = Table::from_ipvsadm(&text)?;
    client.send_batch(&Batch::from(&table)).into_result()?;
    Ok(Sample::since(start, shape.objects(), calls.get()))
}

/// Our client: a plan from nothing, with the snapshot that it takes.
pub(crate) fn plan(shape: Shape) -> Result<Sample> {
    netns::fresh()?;
    let table = shape.table()?;
    let (mut client, calls) = counting::client()?;
    let start = Instant::now();
    let plan = Plan::between(&client.snapshot()?, &table);
    client.apply(&plan, Recovery::RollBack)?.into_result()?;
    Ok(Sample::since(start, shape.objects(), calls.get()))
}

/// `ipvsadm -R`, from what `ipvsadm -Sn` wrote.
pub(crate) fn ipvsadm(shape: Shape) -> Result<Sample> {
    netns::fresh()?;
    let text = shape.table()?.to_ipvsadm()?;
    let start = Start::now()?;
    feed(&text)?;
    let sample = start.end(shape.objects(), None)?;
    let services = Client::connect()?.service_keys()?.len();
    ensure!(u32::try_from(services) == Ok(shape.services), "{services} services were restored");
    Ok(sample)
}

/// Runs `ipvsadm -R` with this text.
pub(crate) fn feed(text: &str) -> Result<()> {
    let mut restore =
        processes::command("/sbin/ipvsadm").arg("-R").stdin(Stdio::piped()).spawn()?;
    restore.stdin.take().context("no input")?.write_all(text.as_bytes())?;
    ensure!(restore.wait()?.success(), "ipvsadm -R failed");
    Ok(())
}

/// Fills the table of the calling thread's namespace, in the floor's way.
pub(crate) fn fill(floor: &mut Floor, family: u16, shape: Shape, batch: u32) -> Result<()> {
    let add_service = Template::change(Change::AddService, family);
    let add_destination = Template::change(Change::AddDestination, family);
    let mut out = Vec::new();
    let (mut sequence, mut waiting) = (0, 0);
    for service in shape.services() {
        let destinations = shape.destinations().map(|place| (&add_destination, place));
        for (template, destination) in [(&add_service, service)].into_iter().chain(destinations) {
            sequence += 1;
            waiting += 1;
            let last = waiting == batch || sequence == shape.objects();
            template.append(&mut out, sequence, if last { ACK } else { 0 }, service, destination);
            if last {
                floor.send(&out)?;
                floor.ack()?;
                out.clear();
                waiting = 0;
            }
        }
    }
    Ok(())
}
