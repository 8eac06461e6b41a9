//! The guest's first process: sets the guest up, runs the job, reports how it
//! ended in one line on the console, and ends the guest.
//!
//! It is linked statically and is the only program the guest cannot do without.

mod job;
mod power;
mod setup;

use std::fs::{self, File};
use std::io::{Read, Write};
use xtask::{Outcome, PORT_STDERR, PORT_STDOUT, Verdict};

fn main() {
    let (verdict, answer) = match run() {
        Ok((verdict, answer)) => (verdict, Some(answer)),
        Err(error) => {
            let outcome = Outcome::Broken(format!("{error:#}"));
            (Verdict { outcome, stdout: 0, stderr: 0 }, None)
        }
    };
    report(&verdict);
    if let Some(mut port) = answer {
        // One byte from the host says that all output has arrived.
        let _ = port.read(&mut [0]);
    }
    power::off();
}

fn run() -> anyhow::Result<(Verdict, File)> {
    setup::guest()?;
    let stdout = setup::port(PORT_STDOUT)?;
    let answer = stdout.try_clone()?;
    let verdict = job::run(stdout, setup::port(PORT_STDERR)?)?;
    Ok((verdict, answer))
}

/// Prints the verdict as one console line of its own.
fn report(verdict: &Verdict) {
    // The kernel keeps quiet from here on, so that nothing splits the line.
    let _ = fs::write("/proc/sys/kernel/printk", "0");
    let line = format!("\n{verdict}\n");
    if let Ok(mut console) = File::options().write(true).open("/dev/console") {
        let _ = console.write_all(line.as_bytes());
    }
}
