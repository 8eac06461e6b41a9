//! How much memory a way of doing something takes at most.

use crate::comparison::Kind;
use crate::once;
use anyhow::{Context as _, Result};
use std::fs;
use std::hint::black_box;

/// The peak of a way in KiB, in a process of its own, so that nothing else is in it. Peers
/// are processes, and theirs is told by what starts them ([`crate::processes::command`]).
pub(crate) fn of(name: &str, way: &str, kind: Kind) -> Result<u64> {
    let mut command = once::command(&[], name, way, 1);
    if kind == Kind::Peer {
        command.env(STARTER, "/bin/peak");
    }
    let told = once::told(command).with_context(|| format!("{name}: {way}"))?;
    if kind == Kind::Peer {
        return told.error.trim().parse().with_context(|| format!("no peak: {}", told.error));
    }
    Ok(told.peak)
}

/// The variable that names what processes of others are started by, if anything.
pub(crate) const STARTER: &str = "MEASURE_STARTER";

/// What was in memory at most at one time, of this program.
pub(crate) fn peak() -> Result<u64> {
    // Up to Linux 6.1 a thread keeps up to 64 changes to itself until it gives memory back
    // (`memory.c: add_mm_rss_vec`), which an allocation of this size does when it ends.
    if let Some(byte) = black_box(vec![0_u8; 1 << 20]).first_mut() {
        *byte = 1;
    }
    // Not by getrusage: it begins with what the program was that started this one.
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).context("the kernel tells no VmHWM")
}
