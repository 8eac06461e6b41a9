//! One way, once, in a process of its own: for what cannot be seen of a run among
//! others.

use crate::comparison::Effort;
use crate::measurements::{Kind, all};
use anyhow::{Context as _, Result};
use std::process::Command;

/// The option by which this program is told to run one way once.
pub(crate) const OPTION: &str = "--once";

/// This program, to run a way once with so many rounds. `under` is a program, with
/// its arguments, that runs it.
pub(crate) fn command(under: &[&str], name: &str, way: &str, rounds: u32) -> Command {
    let words: Vec<&str> = under.iter().copied().chain(["/bin/measure", OPTION]).collect();
    let mut command = Command::new(words.first().copied().unwrap_or_default());
    command.args(words.iter().skip(1)).args([name, way, &rounds.to_string()]);
    command
}

/// What that process does, up to what it is to tell.
pub(crate) fn run(name: &str, way: &str, rounds: &str) -> Result<()> {
    let measurement = all().into_iter().find(|measurement| measurement.name == name);
    let Some(Kind::Comparison(comparison)) = measurement.map(|measurement| measurement.kind) else {
        anyhow::bail!("no comparison is called {name}");
    };
    let rounds = rounds.parse()?;
    let effort = Effort { rounds, process_rounds: rounds, ..Effort::QUICK };
    comparison.once(way, effort).with_context(|| format!("{name}: {way}"))?;
    println!("{}", crate::memory::peak()?);
    Ok(())
}
