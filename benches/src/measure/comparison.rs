//! The floor and ours, in turns.

use crate::report;
use crate::sample::{Sample, Series};
use anyhow::{Context as _, Result};

/// Two ways to do the same.
pub(crate) struct Comparison {
    /// The unit of work that the times are of.
    pub(crate) unit: &'static str,
    /// One run of the floor. Makes its own network namespace.
    pub(crate) floor: fn() -> Result<Sample>,
    /// One run of ours; none where we have nothing that does this.
    pub(crate) ours: Option<fn() -> Result<Sample>>,
}

impl Comparison {
    /// Runs both several times, in turns, and prints a line.
    pub(crate) fn run(&self, name: &str) -> Result<()> {
        let (mut floor, mut ours) = (Series::default(), Series::default());
        // Not counted: the first run of its size fills the kernel's per-processor
        // memory (`percpu.c: pcpu_populate_chunk`), which the later ones use again.
        (self.floor)().with_context(|| format!("{name}: floor"))?;
        for _ in 0..REPETITIONS {
            floor.push((self.floor)().with_context(|| format!("{name}: floor"))?);
            if let Some(run) = self.ours {
                ours.push(run().with_context(|| format!("{name}: ours"))?);
            }
        }
        report::line(name, self.unit, Some(&floor), self.ours.map(|_| &ours));
        Ok(())
    }
}

/// How often each is run. Odd, so that one is in the middle.
pub(crate) const REPETITIONS: usize = 5;
