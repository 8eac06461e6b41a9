//! The loop of four as the thesis ran it: new processes every round. What is timed
//! includes making them.

use crate::comparison::Effort;
use crate::memory::STARTER;
use crate::sample::{Sample, Start};
use crate::single::{self, Table};
use anyhow::{Context as _, Result, ensure};
use std::env;
use std::process::{Command, Stdio};

/// One process that does nothing.
pub(crate) fn nothing(table: Table, effort: Effort) -> Result<Sample> {
    rounds(table, effort, &["/bin/nothing"])
}

/// One process of ours, which does the four steps.
pub(crate) fn ours(table: Table, effort: Effort) -> Result<Sample> {
    rounds(table, effort, &["/bin/round"])
}

/// Four processes of `ipvsadm`, one for each step.
pub(crate) fn ipvsadm(table: Table, effort: Effort) -> Result<Sample> {
    rounds(
        table,
        effort,
        &[
            "/sbin/ipvsadm -A -t 10.0.0.1:80 -s wrr",
            "/sbin/ipvsadm -a -t 10.0.0.1:80 -r 192.168.0.1:80 -m -w 1",
            "/sbin/ipvsadm -d -t 10.0.0.1:80 -r 192.168.0.1:80",
            "/sbin/ipvsadm -D -t 10.0.0.1:80",
        ],
    )
}

fn rounds(table: Table, effort: Effort, lines: &[&str]) -> Result<Sample> {
    single::prepare(table)?;
    let rounds = effort.process_rounds;
    let start = Start::now()?;
    for _ in 0..rounds {
        lines.iter().try_for_each(|line| run(line))?;
    }
    start.end(rounds, None)
}

/// Runs a command that must succeed.
pub(crate) fn run(line: &str) -> Result<()> {
    let mut words = line.split(' ');
    let program = words.next().context("an empty line")?;
    let status = command(program).args(words).stdout(Stdio::null()).status();
    ensure!(status.with_context(|| program.to_owned())?.success(), "{line} failed");
    Ok(())
}

/// A program of others, started by what is to look at it if there is such.
pub(crate) fn command(program: &str) -> Command {
    let Some(starter) = env::var_os(STARTER) else { return Command::new(program) };
    let mut command = Command::new(starter);
    command.arg(program);
    command
}
