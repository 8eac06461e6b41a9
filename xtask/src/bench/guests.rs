//! Measurements in guests, several guests at once, and what is kept of them.

use super::results::Results;
use super::{chart, growth, targets, write};
use crate::guest::Job;
use crate::kernel::Name;
use crate::lab::Lab;
use crate::process::Copy;
use crate::progress::note;
use crate::qemu::{End, Machine};
use crate::vm;
use anyhow::{Result, bail};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;
use xtask::Outcome;

/// What is measured in one guest.
pub(super) struct Guest {
    /// The file that the tables are written to, with those of its neighbours of the same
    /// title.
    pub(super) title: String,
    pub(super) kernel: Name,
    pub(super) clock: Clock,
    /// What `measure` is told.
    pub(super) arguments: Vec<&'static str>,
    /// What the guest needs besides, as an archive.
    pub(super) besides: Option<PathBuf>,
}

/// What a guest's time is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clock {
    /// The number of instructions, whatever else the machine does meanwhile.
    Instructions,
    Wall,
}

impl Guest {
    /// Runs `measure` in it.
    pub(super) fn measure(&self, lab: &Lab) -> Result<Results> {
        let mut argv: Vec<OsString> = ["/bin/measure", "--json"].map(Into::into).into();
        argv.extend(self.arguments.iter().map(OsString::from));
        let (kernel, told) = (self.kernel.version(), self.arguments.join(" "));
        note(&format!("measure on kernel {kernel} {told}"));
        let machine = Machine {
            icount: self.clock == Clock::Instructions,
            ..Machine::plain(Duration::from_secs(3_000))
        };
        let output = Copy::default();
        let job = Job { argv: &argv, with_ipvs: true, besides: self.besides.as_deref() };
        match vm::run(lab, self.kernel, &machine, &job, Box::new(output.clone()))? {
            End::Job(Outcome::Exit(0)) => Results::read(&output.text()),
            end => bail!("the measurements did not end well: {end:?}"),
        }
    }
}

/// Runs as many guests at once as there are processors, those first that are named
/// first, and keeps what they measured.
pub(super) fn run(lab: &Lab, guests: &[Guest]) -> Result<()> {
    let measured: Vec<_> = guests.iter().map(|_| OnceLock::new()).collect();
    let waiting = Mutex::new(guests.iter().zip(&measured));
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some((guest, place)) = next() {
                    place.get_or_init(|| guest.measure(lab));
                }
            });
        }
    });
    let mut measured = measured.into_iter().filter_map(OnceLock::into_inner);
    let mut outcome = Ok(());
    for guests in guests.chunk_by(|a, b| a.title == b.title) {
        let results: Result<Results> = measured.by_ref().take(guests.len()).collect();
        let Some(guest) = guests.first() else { continue };
        let kept = results.and_then(|results| keep(lab, guest, &results));
        // One that failed takes nothing from the others.
        outcome = outcome.and(kept);
    }
    outcome
}

/// Prints tables, what they show of the targets, and writes them, their numbers and
/// their pictures down. The targets are of instructions.
fn keep(lab: &Lab, Guest { title, clock, .. }: &Guest, results: &Results) -> Result<()> {
    let targets = match clock {
        Clock::Instructions => targets::table(results),
        Clock::Wall => String::new(),
    };
    let tables = format!("{}{targets}{}", results.markdown(), absent(results));
    println!("\n{title}\n\n{tables}");
    write(lab, &format!("{title}.json"), &results.json())?;
    write(lab, &format!("{title}.md"), &tables)?;
    write(lab, &format!("{title}.svg"), &chart::svg(results))?;
    match growth::svg(results, &["restore", "list"]) {
        Some(svg) => write(lab, &format!("{title}-growth.svg"), &svg),
        None => Ok(()),
    }
}

/// Says which peer could not be had: a table without it does not.
fn absent(results: &Results) -> &'static str {
    let is_there = |way| results.find("thesis/anchored", way).is_some();
    let is_absent = is_there("nlrs") && !is_there("pyroute2");
    if is_absent { "\npyroute2 could not be had, and is not in these tables.\n" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_peers_say_that_pyroute2_is_not_among_them() {
        let line = |way: &str| {
            format!(
                "{{\"name\":\"thesis/anchored\",\"way\":\"{way}\",\"kind\":\"peer\",\
                 \"unit\":\"round\",\"us\":[1.0],\"user_us\":0.0,\"system_us\":0.0}}\n"
            )
        };
        let absent = |lines: &str| absent(&Results::read(lines).unwrap());
        assert_eq!(absent(&line("floor")), "", "no peers");
        assert!(absent(&line("nlrs")).contains("pyroute2 could not be had"));
        assert_eq!(absent(&(line("nlrs") + &line("pyroute2"))), "");
    }
}
