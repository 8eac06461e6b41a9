//! Several ways to do the same, in turns.

use crate::report::Line;
use crate::sample::{Sample, Series};
use anyhow::{Context as _, Result};

/// Ways to do the same work; the first is what the others are compared with.
pub(crate) struct Comparison {
    /// The unit of work that the times are of.
    pub(crate) unit: &'static str,
    /// The ways.
    pub(crate) ways: &'static [Way],
}

/// One way: its name, and one run of it, which makes its own network namespace.
pub(crate) type Way = (&'static str, fn(Effort) -> Result<Sample>);

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// How often each way is run. Odd, so that one run is in the middle.
    pub(crate) repetitions: usize,
    /// How many rounds of {add service, add destination, delete destination, delete
    /// service} a run has, where it consists of such.
    pub(crate) rounds: u32,
    /// As many, where each step is a process.
    pub(crate) process_rounds: u32,
}

impl Effort {
    /// Rounds as in the thesis; of processes fewer, each takes as long as some
    /// hundred others.
    pub(crate) const WHOLE: Self = Self { repetitions: 5, rounds: 1_000, process_rounds: 100 };
    /// For a look in between.
    pub(crate) const QUICK: Self = Self { repetitions: 3, rounds: 1_000, process_rounds: 20 };
}

impl Comparison {
    /// Runs all several times, in turns.
    pub(crate) fn run(&self, name: &str, effort: Effort) -> Result<Vec<Line>> {
        let mut all: Vec<Series> = self.ways.iter().map(|_| Series::default()).collect();
        // The first run of its size fills the kernel's per-processor memory
        // (`percpu.c: pcpu_populate_chunk`), which the later ones use again: it is
        // not counted.
        for turn in 0..=effort.repetitions {
            for ((way, run), series) in self.ways.iter().zip(&mut all) {
                let sample = run(effort).with_context(|| format!("{name}: {way}"))?;
                if turn > 0 {
                    series.push(sample);
                }
            }
        }
        let lines = self.ways.iter().zip(all);
        Ok(lines.map(|((way, _), series)| Line::new(name, way, self.unit, series)).collect())
    }
}
