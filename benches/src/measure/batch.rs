//! The loop of four, many changes in one send.

use crate::comparison::Effort;
use crate::counting;
use crate::floor::message::{ACK, Change, Template};
use crate::floor::{self, Floor};
use crate::sample::{Sample, Start};
use crate::shape::{self, DESTINATION, SERVICE};
use crate::single::{Table, prepare};
use anyhow::Result;
use ipvs::Batch;

/// The floor: only the last change of a send is acknowledged, all others would
/// be answered only by an error. The receive is checked to be that
/// acknowledgement, and with that no error came before it.
pub(crate) fn floor(table: Table, effort: Effort) -> Result<Sample> {
    prepare(table)?;
    let request = request(floor::family()?);
    let mut floor = Floor::open(floor::ANSWERS)?;
    let sends = sends(effort);
    let start = Start::now()?;
    for _ in 0..sends {
        floor.send(&request)?;
        floor.ack()?;
    }
    start.end(sends * LOOPS, Some(floor.calls))
}

/// Our client: a batch of the same size.
pub(crate) fn ours(table: Table, effort: Effort) -> Result<Sample> {
    prepare(table)?;
    let (service, destination) = (shape::service(SERVICE), shape::destination(DESTINATION));
    let key = service.key();
    let loop_of_four = [
        ipvs::Change::AddService(service),
        ipvs::Change::AddDestination(key, destination),
        ipvs::Change::DeleteDestination(key, destination.endpoint()),
        ipvs::Change::DeleteService(key),
    ];
    let batch: Batch = (0..LOOPS).flat_map(|_| loop_of_four).collect();
    let (mut client, calls) = counting::client()?;
    let sends = sends(effort);
    let start = Start::now()?;
    for _ in 0..sends {
        client.send_batch(&batch).into_result()?;
    }
    start.end(sends * LOOPS, Some(calls.get()))
}

fn request(family: u16) -> Vec<u8> {
    let changes = [
        Change::AddService,
        Change::AddDestination,
        Change::DeleteDestination,
        Change::DeleteService,
    ]
    .map(|change| Template::change(change, family));
    let mut request = Vec::new();
    for i in 1..=LOOPS {
        for (j, change) in (1..).zip(&changes) {
            let flags = if (i, j) == (LOOPS, changes.len()) { ACK } else { 0 };
            change.append(&mut request, 1, flags, SERVICE, DESTINATION);
        }
    }
    request
}

fn sends(effort: Effort) -> u32 {
    (TIMES * effort.rounds).div_ceil(LOOPS)
}

/// So many times as many loops: a send has many of them.
pub(crate) const TIMES: u32 = 8;

/// Loops in one send, of 64 changes.
const LOOPS: u32 = 16;
