//! One line on standard error for each step that takes a while.

use anyhow::{Context as _, Result};
use std::time::Instant;

/// Runs a step, saying what it is before and how long it took after.
pub(crate) fn step<T>(what: &str, run: impl FnOnce() -> Result<T>) -> Result<T> {
    eprintln!("xtask: {what} ...");
    let start = Instant::now();
    let result = run().with_context(|| what.to_owned())?;
    eprintln!("xtask: {what}: {:.1} s", start.elapsed().as_secs_f32());
    Ok(result)
}

/// Says something in the same form.
pub(crate) fn note(what: &str) {
    eprintln!("xtask: {what}");
}
