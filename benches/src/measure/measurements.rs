//! What is measured, and under which names. A new way of ours to do something
//! goes beside the floor that does the same.

use crate::comparison::{Comparison, Effort};
use crate::report::Line;
use crate::shape::Shape;
use crate::{batch, listing, own, peers, plan, processes, procfs, restore, single, sweep};
use anyhow::Result;

/// Something that is run by its name.
pub(crate) enum Measurement {
    /// Several ways side by side.
    Comparison(Comparison),
    /// Something else.
    Alone(fn(&str, Effort) -> Result<Vec<Line>>),
}

impl Measurement {
    pub(crate) fn run(&self, name: &str, effort: Effort) -> Result<Vec<Line>> {
        match self {
            Self::Comparison(comparison) => comparison.run(name, effort),
            Self::Alone(run) => run(name, effort),
        }
    }
}

const fn compare(unit: &'static str, ways: &'static [crate::comparison::Way]) -> Measurement {
    Measurement::Comparison(Comparison { unit, ways })
}

/// All that is measured.
pub(crate) const MEASUREMENTS: &[(&str, Measurement)] = &[
    (
        "thesis/anchored",
        compare(
            "round",
            &[
                ("floor", |effort| single::floor(single::Table::Anchored, effort)),
                ("client", |effort| single::ours(single::Table::Anchored, effort)),
                ("nlrs", |effort| peers::nlrs::run(single::Table::Anchored, effort)),
                ("netlink-packet-ipvs", |effort| {
                    peers::netlink_packet_ipvs::run(single::Table::Anchored, effort)
                }),
            ],
        ),
    ),
    (
        "thesis/empty",
        compare(
            "round",
            &[
                ("floor", |effort| single::floor(single::Table::Empty, effort)),
                ("client", |effort| single::ours(single::Table::Empty, effort)),
                ("nlrs", |effort| peers::nlrs::run(single::Table::Empty, effort)),
                ("netlink-packet-ipvs", |effort| {
                    peers::netlink_packet_ipvs::run(single::Table::Empty, effort)
                }),
            ],
        ),
    ),
    ("thesis/batches", compare("round", &[("floor", batch::floor), ("batch", batch::ours)])),
    (
        "thesis/processes/anchored",
        compare(
            "round",
            &[
                ("ours", |effort| processes::ours(single::Table::Anchored, effort)),
                ("ipvsadm", |effort| processes::ipvsadm(single::Table::Anchored, effort)),
            ],
        ),
    ),
    (
        "thesis/processes/empty",
        compare(
            "round",
            &[
                ("ours", |effort| processes::ours(single::Table::Empty, effort)),
                ("ipvsadm", |effort| processes::ipvsadm(single::Table::Empty, effort)),
            ],
        ),
    ),
    (
        "restore/1000x10",
        compare(
            "change",
            &[
                ("floor", |_| restore::floor(Shape::BROAD, restore::BATCH)),
                ("batch", |_| restore::batch(Shape::BROAD)),
                ("plan", |_| restore::plan(Shape::BROAD)),
                ("ipvsadm", |_| restore::ipvsadm(Shape::BROAD)),
            ],
        ),
    ),
    (
        "restore/1000x10/single",
        compare(
            "change",
            &[
                ("floor", |_| restore::floor(Shape::BROAD, 1)),
                ("client", |_| restore::single(Shape::BROAD)),
            ],
        ),
    ),
    (
        "restore/10000x2",
        compare(
            "change",
            &[
                ("floor", |_| restore::floor(Shape::BROADER, restore::BATCH)),
                ("batch", |_| restore::batch(Shape::BROADER)),
                ("plan", |_| restore::plan(Shape::BROADER)),
                ("ipvsadm", |_| restore::ipvsadm(Shape::BROADER)),
            ],
        ),
    ),
    (
        "list/1000x10",
        compare(
            "table",
            &[
                ("floor", |_| listing::floor(Shape::BROAD)),
                ("client", |_| listing::ours(Shape::BROAD)),
                ("snapshot", |_| listing::snapshot(Shape::BROAD)),
                ("ipvsadm -Ln", |_| listing::ipvsadm(Shape::BROAD, "-Ln")),
                ("ipvsadm -Sn", |_| listing::ipvsadm(Shape::BROAD, "-Sn")),
            ],
        ),
    ),
    (
        "list/10000x2",
        compare(
            "table",
            &[
                ("floor", |_| listing::floor(Shape::BROADER)),
                ("client", |_| listing::ours(Shape::BROADER)),
                ("snapshot", |_| listing::snapshot(Shape::BROADER)),
                ("ipvsadm -Ln", |_| listing::ipvsadm(Shape::BROADER, "-Ln")),
                ("ipvsadm -Sn", |_| listing::ipvsadm(Shape::BROADER, "-Sn")),
            ],
        ),
    ),
    (
        "list/1x2000",
        compare(
            "table",
            &[
                ("floor", |_| listing::floor(Shape::DEEP)),
                ("client", |_| listing::ours(Shape::DEEP)),
            ],
        ),
    ),
    ("own/ops1", Measurement::Alone(own::loops)),
    ("own/list", Measurement::Alone(own::listings)),
    ("plan/nothing/10000x2", Measurement::Alone(|name, e| plan::nothing(name, Shape::BROADER, e))),
    ("plan/replace/1000x10", Measurement::Alone(|name, e| plan::replace(name, Shape::BROAD, e))),
    ("buffers/1000x10", Measurement::Alone(|name, e| sweep::buffers(name, Shape::BROAD, e))),
    ("buffers/10000x2", Measurement::Alone(|name, e| sweep::buffers(name, Shape::BROADER, e))),
    ("buffers/1x2000", Measurement::Alone(|name, e| sweep::buffers(name, Shape::DEEP, e))),
    ("procfs/1000x10", Measurement::Alone(|name, e| procfs::reads(name, Shape::BROAD, e))),
    ("procfs/10000x2", Measurement::Alone(|name, e| procfs::reads(name, Shape::BROADER, e))),
];
