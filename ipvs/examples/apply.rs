//! Makes the kernel's table what a file says: shows the difference and, with
//! `--yes`, applies it, or takes all of it back if a part fails.
//!
//! `cargo run --example apply --features json,toml -- [--yes] FILE`; the file is
//! TOML or JSON by its name, or else the lines of `ipvsadm -S`.
//!
//! The status is 0 if the table is as wanted or was to be shown only, 1 if it is as
//! before, 2 for a bad file or bad arguments, 3 if it is something in between.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for a terminal")]

use ipvs::{Client, Error, Plan, Recovery, Table};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut files: Vec<String> = std::env::args().skip(1).collect();
    let before = files.len();
    files.retain(|argument| argument != "--yes");
    let yes = files.len() < before;
    let Some(file) = files.first().filter(|file| files.len() == 1 && !file.starts_with('-')) else {
        eprintln!("usage: apply [--yes] FILE");
        return ExitCode::from(2);
    };
    let wanted = match Table::read(file) {
        Ok(wanted) => wanted,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    apply(&wanted, yes).unwrap_or_else(|error| {
        eprintln!("{error}");
        ExitCode::FAILURE
    })
}

fn apply(wanted: &Table, yes: bool) -> Result<ExitCode, Error> {
    let mut client = Client::connect()?;
    let plan = Plan::between(&client.full_snapshot()?, wanted);
    if plan.is_empty() {
        println!("nothing to do");
        return Ok(ExitCode::SUCCESS);
    }
    print!("{plan}");
    if !yes {
        return Ok(ExitCode::SUCCESS);
    }
    let applied = client.apply(&plan, Recovery::RollBack)?;
    print!("{}", applied.report(&plan));
    Ok(match (applied.is_complete(), applied.is_unchanged()) {
        (true, _) => ExitCode::SUCCESS,
        (_, true) => ExitCode::FAILURE,
        _ => ExitCode::from(3),
    })
}
