//! What one run of a piece of work took, and what several took together.

use anyhow::Result;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use std::time::{Duration, Instant};

/// System calls, as seen from the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Calls {
    pub(crate) sends: u64,
    /// Receives; of a file, reads.
    pub(crate) receives: u64,
}

/// One run. All times are microseconds for each unit of work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// How many units of work it did.
    pub(crate) units: u32,
    micros: f64,
    user: f64,
    system: f64,
    /// `None` where they are not counted.
    calls: Option<Calls>,
}

/// The beginning of a run.
pub(crate) struct Start {
    time: Instant,
    user: f64,
    system: f64,
}

impl Start {
    pub(crate) fn now() -> Result<Self> {
        let (user, system) = used()?;
        Ok(Self { time: Instant::now(), user, system })
    }

    /// A run that ends now and did so many units of work.
    pub(crate) fn end(self, units: u32, calls: Option<Calls>) -> Result<Sample> {
        let elapsed = self.time.elapsed();
        let (user, system) = used()?;
        let sample = Sample::new(elapsed, units, calls);
        let of_one = |before: f64, after: f64| (after - before) / f64::from(units);
        Ok(Sample { user: of_one(self.user, user), system: of_one(self.system, system), ..sample })
    }
}

/// Microseconds in programs and in the kernel, of this process and its children.
fn used() -> Result<(f64, f64)> {
    let (mut user, mut system) = (0.0, 0.0);
    for who in [UsageWho::RUSAGE_SELF, UsageWho::RUSAGE_CHILDREN] {
        let usage = getrusage(who)?;
        let micros = |time: nix::sys::time::TimeVal| {
            Duration::from_micros(time.num_microseconds().unsigned_abs()).as_secs_f64() * 1e6
        };
        user += micros(usage.user_time());
        system += micros(usage.system_time());
    }
    Ok((user, system))
}

impl Sample {
    /// A run that ends now and did so many units of work.
    pub(crate) fn since(start: Instant, units: u32, calls: Calls) -> Self {
        Self::new(start.elapsed(), units, Some(calls))
    }

    /// A run in another program, which told the microseconds that it took, all and in the
    /// program and in the kernel.
    pub(crate) fn told([all, user, system]: [f64; 3], units: u32) -> Self {
        let of_one = |micros: f64| micros / f64::from(units);
        Self { units, micros: of_one(all), user: of_one(user), system: of_one(system), calls: None }
    }

    fn new(elapsed: Duration, units: u32, calls: Option<Calls>) -> Self {
        let micros = elapsed.as_secs_f64() * 1e6 / f64::from(units);
        Self { units, micros, user: 0.0, system: 0.0, calls }
    }
}

/// Runs of the same work.
#[derive(Clone, Debug, Default)]
pub(crate) struct Series(Vec<Sample>);

impl Series {
    /// Adds a run.
    pub(crate) fn push(&mut self, sample: Sample) {
        self.0.push(sample);
    }

    /// The median run's microseconds for each unit; 0 without runs.
    pub(crate) fn median(&self) -> f64 {
        median(&self.sorted())
    }

    /// The median of the time in programs.
    pub(crate) fn user(&self) -> f64 {
        median(&sorted(self.0.iter().map(|sample| sample.user)))
    }

    /// The median of the time in the kernel.
    pub(crate) fn system(&self) -> f64 {
        median(&sorted(self.0.iter().map(|sample| sample.system)))
    }

    /// The system calls of a run; `None` if not all runs made as many, or they were
    /// not counted.
    pub(crate) fn calls(&self) -> Option<Calls> {
        let first = self.0.first()?.calls;
        if self.0.iter().all(|sample| sample.calls == first) { first } else { None }
    }

    /// The runs' microseconds for each unit, from the fastest to the slowest.
    pub(crate) fn sorted(&self) -> Vec<f64> {
        sorted(self.0.iter().map(|sample| sample.micros))
    }
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

fn median(sorted: &[f64]) -> f64 {
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(millis: &[u64]) -> Series {
        let calls = Calls { sends: 1, receives: 2 };
        let run = |&millis| Sample::new(Duration::from_millis(millis), 10, Some(calls));
        Series(millis.iter().map(run).collect())
    }

    #[test]
    fn the_median_is_of_one_unit() {
        let series = series(&[5, 1, 4, 2, 3]);
        assert!((series.median() - 300.0).abs() < 1e-6);
    }

    #[test]
    fn calls_that_differ_between_runs_are_none() {
        let mut series = series(&[1, 2]);
        assert_eq!(series.calls(), Some(Calls { sends: 1, receives: 2 }));
        series.push(Sample::new(Duration::from_millis(1), 1, None));
        assert_eq!(series.calls(), None);
    }
}
