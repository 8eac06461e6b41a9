//! What is measured, and under which names. A new way of ours to do something
//! goes into the `ours` of the floor that does the same.

use crate::comparison::Comparison;
use crate::shape::Shape;
use crate::{batch, listing, own, plan, procfs, restore, single, sweep};
use anyhow::Result;

/// Something that is run by its name and prints its lines.
pub(crate) enum Measurement {
    /// The floor and ours.
    Comparison(Comparison),
    /// Something else that is not the two side by side.
    Alone(fn(&str) -> Result<()>),
}

impl Measurement {
    /// Runs it and prints the result.
    pub(crate) fn run(&self, name: &str) -> Result<()> {
        match self {
            Self::Comparison(comparison) => comparison.run(name),
            Self::Alone(run) => run(name),
        }
    }
}

/// All that is measured.
pub(crate) const MEASUREMENTS: &[(&str, Measurement)] = &[
    (
        "ops1",
        Measurement::Comparison(Comparison {
            unit: "4-changes",
            floor: || single::floor(single::Table::Anchored),
            ours: Some(|| single::ours(single::Table::Anchored)),
        }),
    ),
    (
        "ops1-empty",
        Measurement::Comparison(Comparison {
            unit: "4-changes",
            floor: || single::floor(single::Table::Empty),
            ours: Some(|| single::ours(single::Table::Empty)),
        }),
    ),
    ("own/ops1", Measurement::Alone(own::loops)),
    ("own/list", Measurement::Alone(own::listings)),
    (
        "b64l",
        Measurement::Comparison(Comparison {
            unit: "4-changes",
            floor: batch::floor,
            ours: Some(batch::ours),
        }),
    ),
    (
        "restore/1000x10/single",
        Measurement::Comparison(Comparison {
            unit: "change",
            floor: || restore::floor(Shape::BROAD, 1),
            ours: Some(|| restore::single(Shape::BROAD)),
        }),
    ),
    (
        "restore/1000x10",
        Measurement::Comparison(Comparison {
            unit: "change",
            floor: || restore::floor(Shape::BROAD, restore::BATCH),
            ours: Some(|| restore::batch(Shape::BROAD)),
        }),
    ),
    (
        "restore/10000x2",
        Measurement::Comparison(Comparison {
            unit: "change",
            floor: || restore::floor(Shape::BROADER, restore::BATCH),
            ours: Some(|| restore::batch(Shape::BROADER)),
        }),
    ),
    (
        "list/1000x10",
        Measurement::Comparison(Comparison {
            unit: "table",
            floor: || listing::floor(Shape::BROAD),
            ours: Some(|| listing::ours(Shape::BROAD)),
        }),
    ),
    (
        "list/10000x2",
        Measurement::Comparison(Comparison {
            unit: "table",
            floor: || listing::floor(Shape::BROADER),
            ours: Some(|| listing::ours(Shape::BROADER)),
        }),
    ),
    (
        "list/1x2000",
        Measurement::Comparison(Comparison {
            unit: "table",
            floor: || listing::floor(Shape::DEEP),
            ours: Some(|| listing::ours(Shape::DEEP)),
        }),
    ),
    (
        "snapshot/1000x10",
        Measurement::Comparison(Comparison {
            unit: "table",
            floor: || listing::floor(Shape::BROAD),
            ours: Some(|| listing::snapshot(Shape::BROAD)),
        }),
    ),
    (
        "snapshot/10000x2",
        Measurement::Comparison(Comparison {
            unit: "table",
            floor: || listing::floor(Shape::BROADER),
            ours: Some(|| listing::snapshot(Shape::BROADER)),
        }),
    ),
    ("plan/nothing/10000x2", Measurement::Alone(|name| plan::nothing(name, Shape::BROADER))),
    ("plan/replace/1000x10", Measurement::Alone(|name| plan::replace(name, Shape::BROAD))),
    ("buffers/1000x10", Measurement::Alone(|name| sweep::buffers(name, Shape::BROAD))),
    ("buffers/10000x2", Measurement::Alone(|name| sweep::buffers(name, Shape::BROADER))),
    ("buffers/1x2000", Measurement::Alone(|name| sweep::buffers(name, Shape::DEEP))),
    ("procfs/1000x10", Measurement::Alone(|name| procfs::reads(name, Shape::BROAD))),
    ("procfs/10000x2", Measurement::Alone(|name| procfs::reads(name, Shape::BROADER))),
];
