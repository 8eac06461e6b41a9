//! Plans: one that changes nothing, and many that change everything.

use crate::comparison::{Kind, REPETITIONS};
use crate::report::Line;
use crate::sample::{Calls, Sample, Series};
use crate::shape::{self, Shape};
use crate::{counting, listing, netns};
use anyhow::{Result, ensure};
use ipvs::{Batch, Client, Plan, Recovery, Table};
use std::time::Instant;

/// What a plan that changes nothing takes besides the snapshot.
pub(crate) fn nothing(name: &str, shape: Shape) -> Result<Vec<Line>> {
    let table = shape.table()?;
    let mut series = Series::default();
    for _ in 0..REPETITIONS {
        listing::filled(shape)?;
        let snapshot = Client::connect()?.snapshot()?;
        let start = Instant::now();
        let plan = Plan::between(&snapshot, &table);
        series.push(Sample::since(start, 1, Calls::default()));
        ensure!(plan.is_empty(), "something was to be changed");
    }
    Ok(vec![Line::new(name, "plan", Kind::Ours, "plan", series)])
}

/// Replaces every destination, and back, twenty times over: a line for the first
/// replacement and one for each fifth. The kernel keeps what was deleted on a
/// list that every addition walks.
pub(crate) fn replace(name: &str, shape: Shape) -> Result<Vec<Line>> {
    let tables = [shape.table()?, others(shape)?];
    let mut all = [1, 5, 10, 15, 20].map(|round| (round, Series::default()));
    for _ in 0..3 {
        netns::fresh()?;
        let (mut client, calls) = counting::client()?;
        client.send_batch(&Batch::from(&tables[0])).into_result()?;
        for (round, wanted) in (1..=20).zip(tables.iter().cycle().skip(1)) {
            let plan = Plan::between(&client.snapshot()?, wanted);
            calls.take();
            let start = Instant::now();
            client.apply(&plan, Recovery::RollBack)?.into_result()?;
            let sample = Sample::since(start, shape.objects(), calls.get());
            if let Some((_, series)) = all.iter_mut().find(|(measured, _)| *measured == round) {
                series.push(sample);
            }
        }
    }
    let line = |(round, series)| {
        Line::new(format!("{name}/{round}"), "plan", Kind::Ours, "object", series)
    };
    Ok(all.map(line).into())
}

/// The same services with as many destinations at other ports.
fn others(shape: Shape) -> Result<Table> {
    let mut table = Table::new();
    for place in shape.services() {
        let service = shape::service(place);
        table.add_service(service)?;
        for (address, port) in shape.destinations() {
            let other = shape::destination((address, port + 1));
            table.add_destination(&service.key(), other)?;
        }
    }
    Ok(table)
}
