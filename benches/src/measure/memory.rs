//! How much memory a way of doing something takes at most.

use crate::once;
use anyhow::{Context as _, Result, ensure};
use std::fs;

/// The peak of a way in KiB, in a process of its own, so that nothing else is in it.
pub(crate) fn of(name: &str, way: &str) -> Result<u64> {
    let output = once::command(&[], name, way, 1).output()?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{name}: {way}: {error}");
    String::from_utf8_lossy(&output.stdout).trim().parse().context("no number of KiB")
}

/// What was in memory at most at one time, of this program.
pub(crate) fn peak() -> Result<u64> {
    // Not by getrusage: it begins with what the program was that started this one.
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).context("the kernel tells no VmHWM")
}
