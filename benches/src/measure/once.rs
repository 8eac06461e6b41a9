//! One way, once, in a process of its own: for what cannot be seen of a run among
//! others.

use crate::comparison::Effort;
use crate::measurements::{Kind, all};
use anyhow::{Context as _, Result, ensure};
use std::process::Command;

/// The option by which this program is told to run one way once.
pub(crate) const OPTION: &str = "--once";

/// What such a process tells.
pub(crate) struct Told {
    /// How many units of work it did.
    pub(crate) units: u32,
    /// The most memory that it took, in KiB.
    pub(crate) peak: u64,
    /// What was written besides.
    pub(crate) error: String,
}

/// This program, to run a way once with so many rounds of processes, and eight times as many
/// of others. `under` is a program, with its arguments, that runs it.
pub(crate) fn command(under: &[&str], name: &str, way: &str, rounds: u32) -> Command {
    let words: Vec<&str> = under.iter().copied().chain(["/bin/measure", OPTION]).collect();
    let mut command = Command::new(words.first().copied().unwrap_or_default());
    command.args(words.iter().skip(1)).args([name, way, &rounds.to_string()]);
    command
}

/// Runs such a command to its end.
pub(crate) fn told(mut command: Command) -> Result<Told> {
    let output = command.output()?;
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "{error}");
    let told = String::from_utf8(output.stdout)?;
    let (units, peak) = told.trim().split_once(' ').context("no two numbers were told")?;
    Ok(Told { units: units.parse()?, peak: peak.parse()?, error })
}

/// What that process does, up to what it is to tell.
pub(crate) fn run(name: &str, way: &str, rounds: &str) -> Result<()> {
    let measurement = all().into_iter().find(|measurement| measurement.name == name);
    let Some(Kind::Comparison(comparison)) = measurement.map(|measurement| measurement.kind) else {
        anyhow::bail!("no comparison is called {name}");
    };
    let rounds = rounds.parse()?;
    let effort = Effort { rounds: 8 * rounds, process_rounds: rounds, ..Effort::QUICK };
    let sample = comparison.once(way, effort).with_context(|| format!("{name}: {way}"))?;
    println!("{} {}", sample.units, crate::memory::peak()?);
    Ok(())
}
