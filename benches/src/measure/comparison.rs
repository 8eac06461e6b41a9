//! Several ways to do the same, in turns.

use crate::report::Line;
use crate::sample::{Sample, Series};
use crate::{memory, trace};
use anyhow::{Context as _, Result};

/// Ways to do the same work; the first is what the others are compared with.
pub(crate) struct Comparison {
    /// The unit of work that the times are of.
    unit: &'static str,
    /// How often each way is run. Odd, so that one run is in the middle.
    repetitions: usize,
    besides: Besides,
    /// Makes what all ways find and none changes.
    beforehand: Box<dyn Fn() -> Result<()>>,
    ways: Vec<Way>,
}

/// What is measured besides time.
enum Besides {
    Nothing,
    Memory,
    SystemCalls,
}

/// One way.
pub(crate) struct Way {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// One run of it, which makes its own network namespace if none was made beforehand.
    pub(crate) run: Box<dyn Fn(Effort) -> Result<Sample>>,
    /// In how many turns it is run at most.
    turns: usize,
}

/// Whose a way is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The least that user space can do.
    Floor,
    Ours,
    /// Others'.
    Peer,
}

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// How many rounds of {add service, add destination, delete destination, delete
    /// service} a run has, where it consists of such.
    pub(crate) rounds: u32,
    /// As many, where each step is a process or takes as long as one.
    pub(crate) process_rounds: u32,
    /// How often each way is run at most.
    pub(crate) turns: usize,
    /// Whether more than time is measured, where a comparison has more.
    pub(crate) besides: bool,
    /// Whether the ways of others are measured: a comparison's floor is none of them.
    pub(crate) peers: bool,
}

impl Effort {
    /// Rounds as in the thesis; of processes fewer, each takes as long as some
    /// hundred others.
    pub(crate) const WHOLE: Self =
        Self { rounds: 1_000, process_rounds: 40, turns: usize::MAX, besides: true, peers: true };
    /// For a look in between and for the baseline.
    pub(crate) const QUICK: Self = Self { process_rounds: 20, besides: false, ..Self::WHOLE };

    /// The same by a real clock, where a process takes as long as some thousand rounds and
    /// a fresh namespace a second.
    pub(crate) const fn by_wall_clock(self) -> Self {
        Self { process_rounds: 5, turns: REPETITIONS, besides: false, ..self }
    }
}

impl Comparison {
    pub(crate) fn new(unit: &'static str) -> Self {
        Self {
            unit,
            repetitions: REPETITIONS,
            besides: Besides::Nothing,
            beforehand: Box::new(|| Ok(())),
            ways: Vec::new(),
        }
    }

    /// The same, run so often.
    pub(crate) fn repeated(self, repetitions: usize) -> Self {
        Self { repetitions, ..self }
    }

    /// The same, with the memory of each way.
    pub(crate) fn with_memory(self) -> Self {
        Self { besides: Besides::Memory, ..self }
    }

    /// The same, with the system calls and messages of each way's rounds.
    pub(crate) fn with_system_calls(self) -> Self {
        Self { besides: Besides::SystemCalls, ..self }
    }

    /// The same, in what is made once for all ways. None of them may change it.
    pub(crate) fn in_common(self, make: impl Fn() -> Result<()> + 'static) -> Self {
        Self { beforehand: Box::new(make), ..self }
    }

    /// Adds the floor.
    pub(crate) fn floor(self, run: impl Fn(Effort) -> Result<Sample> + 'static) -> Self {
        self.way("floor", Kind::Floor, run)
    }

    /// Adds a way of ours.
    pub(crate) fn ours(
        self,
        name: &'static str,
        run: impl Fn(Effort) -> Result<Sample> + 'static,
    ) -> Self {
        self.way(name, Kind::Ours, run)
    }

    /// Adds a way of others.
    pub(crate) fn peer(
        self,
        name: &'static str,
        run: impl Fn(Effort) -> Result<Sample> + 'static,
    ) -> Self {
        self.way(name, Kind::Peer, run)
    }

    /// The same, with the last way in so many turns at most: it takes long.
    pub(crate) fn at_most(mut self, turns: usize) -> Self {
        if let Some(way) = self.ways.last_mut() {
            way.turns = turns;
        }
        self
    }

    fn way(
        mut self,
        name: &'static str,
        kind: Kind,
        run: impl Fn(Effort) -> Result<Sample> + 'static,
    ) -> Self {
        self.ways.push(Way { name, kind, run: Box::new(run), turns: usize::MAX });
        self
    }

    /// Runs one way once.
    pub(crate) fn once(&self, way: &str, effort: Effort) -> Result<Sample> {
        let way = self.ways.iter().find(|found| found.name == way).context("no such way")?;
        (self.beforehand)()?;
        (way.run)(effort)
    }

    /// Runs all several times, in turns.
    pub(crate) fn run(&self, name: &str, effort: Effort) -> Result<Vec<Line>> {
        let ways = || self.ways.iter().filter(|way| effort.peers || way.kind != Kind::Peer);
        let mut all: Vec<Series> = ways().map(|_| Series::default()).collect();
        let run = |way: &Way| (way.run)(effort).with_context(|| format!("{name}: {}", way.name));
        // The first run of its size fills the kernel's per-processor memory
        // (`percpu.c: pcpu_populate_chunk`), which the later ones use again: it is
        // not counted.
        (self.beforehand)().context(name.to_owned())?;
        ways().next().map(run).transpose()?;
        for turn in 0..self.repetitions.min(effort.turns) {
            for (way, series) in ways().zip(&mut all).filter(|(way, _)| turn < way.turns) {
                series.push(run(way)?);
            }
        }
        let lines = ways().zip(all).map(|(way, series)| {
            let line = Line::new(name, way.name, way.kind, self.unit, series);
            Ok(match self.besides {
                Besides::Memory if effort.besides => {
                    line.with_peak(memory::of(name, way.name, way.kind)?)
                }
                Besides::SystemCalls if effort.besides => {
                    line.with_traced(trace::of(name, way.name)?)
                }
                _ => line,
            })
        });
        lines.collect()
    }
}

/// How often something is run if nothing else is said.
pub(crate) const REPETITIONS: usize = 5;
/// The same, where a run takes long and differs least.
pub(crate) const SELDOM: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Calls;
    use std::cell::RefCell;
    use std::rc::Rc;
    use std::time::Instant;

    #[test]
    fn ways_are_run_in_turns_after_what_is_made_once_and_a_run_that_does_not_count() {
        let seen = Rc::new(RefCell::new(Vec::new()));
        let see = |what: &'static str| {
            let seen = Rc::clone(&seen);
            move || seen.borrow_mut().push(what)
        };
        let run = |what| {
            let see = see(what);
            move |_| {
                see();
                Ok(Sample::since(Instant::now(), 1, Calls::default()))
            }
        };
        let make = see("make");
        let comparison = Comparison::new("round")
            .repeated(3)
            .in_common(move || {
                make();
                Ok(())
            })
            .floor(run("floor"))
            .peer("peer", run("peer"))
            .at_most(1);
        assert_eq!(comparison.run("name", Effort::QUICK).unwrap().len(), 2);
        assert_eq!(*seen.borrow(), ["make", "floor", "floor", "peer", "floor", "floor"]);
    }
}
