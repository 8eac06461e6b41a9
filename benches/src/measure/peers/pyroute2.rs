//! Python's pyroute2, in a process of its own: what Python takes to start is not timed.

use crate::comparison::Effort;
use crate::sample::Sample;
use crate::single::{self, Table};
use anyhow::{Context as _, Result, ensure};
use std::path::Path;
use std::process::Command;

/// Whether this guest has it: those of `cargo xtask bench` have.
pub(crate) fn is_there() -> bool {
    Path::new(PYTHON).exists()
}

/// The loop of four, less often: a round takes as long as one of processes.
pub(crate) fn run(table: Table, Effort { process_rounds, .. }: Effort) -> Result<Sample> {
    single::prepare(table)?;
    let mut python = Command::new(PYTHON);
    python.env("PYTHONHOME", "/usr").args(["-c", SCRIPT, &process_rounds.to_string()]);
    let output = python.output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8(output.stdout)?;
    let micros = told.split_whitespace().map(str::parse).collect::<Result<Vec<f64>, _>>()?;
    let micros = micros.try_into().ok().with_context(|| format!("no three numbers: {told}"))?;
    Ok(Sample::told(micros, process_rounds))
}

const PYTHON: &str = "/bin/python3";
const SCRIPT: &str = include_str!("pyroute2.py");
