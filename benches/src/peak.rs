//! Runs a program, and tells how much memory it took at most, in KiB, where errors are told.
//!
//! What the kernel tells of an ended process begins with the peak of what started it
//! (`exec.c: exec_mmap`): this takes less than any.

use nix::sys::resource::{UsageWho, getrusage};
use std::io::{Error, Result};
use std::process::{Command, ExitCode};

fn main() -> Result<ExitCode> {
    let mut words = std::env::args_os().skip(1);
    let program = words.next().ok_or_else(|| Error::other("no program is named"))?;
    let status = Command::new(program).args(words).status()?;
    eprintln!("{}", getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss());
    Ok(ExitCode::from(u8::from(!status.success())))
}
