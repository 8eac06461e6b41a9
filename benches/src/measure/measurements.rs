//! What is measured, and under which names. A new way of ours to do something
//! goes beside the floor that does the same.

use crate::comparison::{Comparison, Effort, REPETITIONS, SELDOM};
use crate::report::Line;
use crate::shape::Shape;
use crate::single::Table;
use crate::{batch, change, listing, own, peers, plan, processes, procfs, restore, single, sweep};
use anyhow::Result;

/// Something that is run by its name.
pub(crate) struct Measurement {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

pub(crate) enum Kind {
    /// Several ways side by side.
    Comparison(Comparison),
    /// Something else.
    Alone(Box<Run>),
}

type Run = dyn Fn(&str, Effort) -> Result<Vec<Line>>;

impl Measurement {
    pub(crate) fn run(&self, effort: Effort) -> Result<Vec<Line>> {
        match &self.kind {
            Kind::Comparison(comparison) => comparison.run(&self.name, effort),
            Kind::Alone(run) => run(&self.name, effort),
        }
    }
}

/// All that is measured.
pub(crate) fn all() -> Vec<Measurement> {
    let mut all = Vec::new();
    for (table, name) in TABLES {
        all.push(compare(format!("thesis/{name}"), thesis(table)));
    }
    for (table, name) in TABLES {
        all.push(compare(format!("thesis/batches/{name}"), batches(table)));
    }
    for (table, name) in TABLES {
        all.push(compare(format!("thesis/processes/{name}"), thesis_by_processes(table)));
    }
    for shape in GROWING.into_iter().chain([Shape::BROAD]) {
        all.push(compare(format!("restore/{shape}"), restoring(shape)));
    }
    all.push(compare("restore/1000x10/single", restoring_singly(Shape::BROAD)));
    for shape in GROWING.into_iter().chain([Shape::BROAD, Shape::DEEP]) {
        all.push(compare(format!("list/{shape}"), listings(shape)));
    }
    for shape in [Shape::BROAD, Shape::BROADER] {
        all.push(compare(format!("change/nothing/{shape}"), changing_nothing(shape)));
        all.push(compare(format!("change/percent/{shape}"), changing_a_percent(shape)));
        all.push(compare(format!("change/told/{shape}"), changing_what_is_told(shape)));
    }
    all.push(alone("own/ops1", own::loops));
    all.push(alone("own/list", |name, _| own::listings(name)));
    all.push(alone("plan/nothing/10000x2", |name, _| plan::nothing(name, Shape::BROADER)));
    all.push(alone("plan/replace/1000x10", |name, _| plan::replace(name, Shape::BROAD)));
    for shape in [Shape::BROAD, Shape::BROADER, Shape::DEEP] {
        let run = move |name: &str, _| sweep::buffers(name, shape);
        all.push(alone(format!("buffers/{shape}"), run));
    }
    for shape in [Shape::BROAD, Shape::BROADER] {
        let run = move |name: &str, _| procfs::reads(name, shape);
        all.push(alone(format!("procfs/{shape}"), run));
    }
    all
}

const TABLES: [(Table, &str); 2] = [(Table::Anchored, "anchored"), (Table::Empty, "empty")];

/// From about ten objects to 30,000, to see how the cost of each grows.
const GROWING: [Shape; 5] = [
    Shape { services: 3, destinations: 2 },
    Shape { services: 33, destinations: 2 },
    Shape { services: 333, destinations: 2 },
    Shape { services: 3_333, destinations: 2 },
    Shape::BROADER,
];

fn thesis(table: Table) -> Comparison {
    let comparison = Comparison::new("round")
        .repeated(often_with(table))
        .with_system_calls()
        .floor(move |effort| single::floor(table, rounds_with(table, effort)))
        .ours("client", move |effort| single::ours(table, rounds_with(table, effort)))
        .peer("nlrs", move |effort| peers::nlrs::run(table, rounds_with(table, effort)))
        .peer("netlink-packet-ipvs", move |effort| {
            peers::netlink_packet_ipvs::run(table, rounds_with(table, effort))
        });
    if !peers::pyroute2::is_there() {
        return comparison;
    }
    comparison
        .peer("pyroute2", move |effort| peers::pyroute2::run(table, effort))
        .at_most(REPETITIONS)
}

fn batches(table: Table) -> Comparison {
    Comparison::new("round")
        .repeated(often_with(table))
        .with_system_calls()
        .floor(move |effort| batch::floor(table, batched_with(table, effort)))
        .ours("batch", move |effort| batch::ours(table, batched_with(table, effort)))
}

fn thesis_by_processes(table: Table) -> Comparison {
    Comparison::new("round")
        .with_system_calls()
        .floor(move |effort| processes::nothing(table, effort))
        .ours("ours", move |effort| processes::ours(table, effort))
        .peer("ipvsadm", move |effort| processes::ipvsadm(table, effort))
}

/// What takes little time, and differs by as much as what is measured by it.
const OFTEN: usize = 15;

/// To hook in, the kernel changes its code, which the emulator translates anew: that takes
/// it most of the time, and differs little.
const fn often_with(table: Table) -> usize {
    match table {
        Table::Anchored => OFTEN,
        Table::Empty => REPETITIONS,
    }
}

const fn rounds_with(table: Table, effort: Effort) -> Effort {
    match table {
        Table::Anchored => effort,
        Table::Empty => Effort { rounds: effort.rounds / 4, ..effort },
    }
}

/// With an empty table as many rounds as single commands do.
const fn batched_with(table: Table, effort: Effort) -> Effort {
    match table {
        Table::Anchored => effort,
        Table::Empty => Effort { rounds: effort.rounds / 4 / batch::TIMES, ..effort },
    }
}

/// What is done with a large table takes seconds, and differs least.
fn often(shape: Shape) -> usize {
    if is_large(shape) { SELDOM } else { REPETITIONS }
}

/// `ipvsadm` takes as long as all others together, and with a large table it differs by less
/// than two in a hundred.
fn often_by_ipvsadm(shape: Shape) -> usize {
    if is_large(shape) { 1 } else { REPETITIONS }
}

fn is_large(shape: Shape) -> bool {
    shape.objects() > 9_000
}

fn restoring(shape: Shape) -> Comparison {
    Comparison::new("change")
        .repeated(often(shape))
        .with_memory()
        .floor(move |_| restore::floor(shape, restore::BATCH))
        .ours("batch", move |_| restore::batch(shape))
        .ours("text", move |_| restore::text(shape))
        .ours("plan", move |_| restore::plan(shape))
        .peer("ipvsadm -R", move |_| restore::ipvsadm(shape))
        .at_most(often_by_ipvsadm(shape))
}

fn restoring_singly(shape: Shape) -> Comparison {
    Comparison::new("change")
        .repeated(often(shape))
        .floor(move |_| restore::floor(shape, 1))
        .ours("client", move |_| restore::single(shape))
}

fn listings(shape: Shape) -> Comparison {
    Comparison::new("table")
        .repeated(often(shape))
        .with_memory()
        .in_common(move || listing::filled(shape))
        .floor(move |_| listing::floor(shape))
        .ours("client", move |_| listing::ours(shape))
        .ours("snapshot", move |_| listing::snapshot(shape))
        .peer("ipvsadm -Ln", move |_| listing::ipvsadm("-Ln"))
        .at_most(often_by_ipvsadm(shape))
        .peer("ipvsadm -Sn", move |_| listing::ipvsadm("-Sn"))
        .at_most(often_by_ipvsadm(shape))
}

fn changing_nothing(shape: Shape) -> Comparison {
    Comparison::new("table")
        .repeated(often(shape))
        .with_memory()
        .in_common(move || listing::filled(shape))
        .floor(move |_| listing::floor(shape))
        .ours("plan", move |_| change::plan_nothing(shape))
}

fn changing_a_percent(shape: Shape) -> Comparison {
    Comparison::new("table")
        .repeated(often(shape))
        .with_memory()
        .floor(move |_| change::floor(shape))
        .ours("plan", move |_| change::plan(shape))
}

fn changing_what_is_told(shape: Shape) -> Comparison {
    Comparison::new("table")
        .repeated(often(shape))
        .with_memory()
        .floor(move |_| change::floor_told(shape))
        .ours("batch", move |_| change::batch(shape))
        .peer("ipvsadm -R", move |_| change::ipvsadm(shape))
        .at_most(often_by_ipvsadm(shape))
}

fn compare(name: impl Into<String>, comparison: Comparison) -> Measurement {
    Measurement { name: name.into(), kind: Kind::Comparison(comparison) }
}

fn alone(
    name: impl Into<String>,
    run: impl Fn(&str, Effort) -> Result<Vec<Line>> + 'static,
) -> Measurement {
    Measurement { name: name.into(), kind: Kind::Alone(Box::new(run)) }
}
