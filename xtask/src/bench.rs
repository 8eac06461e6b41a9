//! `cargo xtask bench`: the benchmarks. All but those of the wire format and of failover
//! run in a guest whose clock counts instructions.

mod baseline;
mod chart;
mod connections;
mod failover;
mod growth;
mod results;
mod spread;
mod survival;
mod svg;
mod targets;
mod wire;

use crate::guest::Job;
use crate::kernel::Name;
use crate::lab::Lab;
use crate::process::Copy;
use crate::progress::note;
use crate::qemu::{End, Machine};
use crate::vm;
use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};
use results::Results;
use std::ffi::OsString;
use std::fs;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;
use xtask::Outcome;

/// The command line.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// What to run.
    #[arg(value_enum, default_value_t = What::All)]
    what: What,
    /// Fewer rounds of processes, neither memory nor system calls, and fewer faults.
    #[arg(long)]
    quick: bool,
    /// Measure quickly what benches/baseline.json has, and fail where the ratio to
    /// the floor grew by more than 3 % or a system call was added.
    #[arg(long, conflicts_with_all = ["what", "quick", "kernel"])]
    check: bool,
    /// The same, and write benches/baseline.json anew.
    #[arg(long, conflicts_with_all = ["what", "quick", "kernel", "check"])]
    rebase: bool,
    /// The kernels, in place of 6.1 and, for the thesis' rounds and connections, 6.12.
    #[arg(long)]
    kernel: Vec<Name>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// Encoding and decoding on this machine: times, allocations, instructions.
    Wire,
    /// The thesis' 1,000 rounds of four changes.
    Thesis,
    /// Restoring and listing large tables.
    Scale,
    /// How long clients wait when a virtual router fails, beside keepalived: on this
    /// machine, as root.
    Failover,
    /// What becomes of established connections when a director fails, hands over or comes
    /// back, beside keepalived.
    Connections,
    /// All of them.
    All,
}

impl Options {
    /// Runs the benchmarks, prints tables and writes them to `target/bench`.
    pub(crate) fn run(self) -> Result<ExitCode> {
        let lab = Lab::open()?;
        if self.check || self.rebase {
            return self.baseline(&lab);
        }
        match self.what {
            What::Wire => wire::run(&lab, self.quick)?,
            What::Thesis => {
                self.thesis(&lab)?;
                self.thesis_by_wall_clock(&lab)?;
            }
            What::Scale => self.scale(&lab)?,
            What::Failover => failover::run(&lab, self.quick)?,
            What::Connections => self.connections(&lab)?,
            What::All => {
                // The guests' figures do not depend on what else the machine does; what
                // is measured by a real clock is measured alone.
                thread::scope(|scope| {
                    let scale = scope.spawn(|| self.scale(&lab));
                    let thesis = self.thesis(&lab);
                    let scale = scale.join();
                    thesis?;
                    scale.unwrap_or_else(|_| bail!("measuring the scale panicked"))
                })?;
                wire::run(&lab, self.quick)?;
                self.thesis_by_wall_clock(&lab)?;
                failover::run(&lab, self.quick)?;
                self.connections(&lab)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    fn thesis(&self, lab: &Lab) -> Result<()> {
        for kernel in self.kernels(&[Name::V6_1, Name::V6_12]) {
            let results = self.measure(lab, *kernel, Clock::Instructions, &["thesis"])?;
            keep(lab, &format!("thesis-{}", kernel.version()), &results)?;
        }
        Ok(())
    }

    fn thesis_by_wall_clock(&self, lab: &Lab) -> Result<()> {
        for kernel in self.kernels(&[Name::V6_1]) {
            let results = self.measure(lab, *kernel, Clock::Wall, &["thesis"])?;
            keep(lab, &format!("thesis-{}-wall", kernel.version()), &results)?;
        }
        Ok(())
    }

    fn scale(&self, lab: &Lab) -> Result<()> {
        for kernel in self.kernels(&[Name::V6_1]) {
            let title = format!("scale-{}", kernel.version());
            let results = self.measure(lab, *kernel, Clock::Instructions, &SCALE)?;
            keep(lab, &title, &results)?;
            if let Some(svg) = growth::svg(&results, &["restore", "list"]) {
                write(lab, &format!("growth-{}.svg", kernel.version()), &svg)?;
            }
        }
        Ok(())
    }

    fn connections(&self, lab: &Lab) -> Result<()> {
        let kernels = self.kernels(&[Name::V6_1, Name::V6_12]);
        kernels.iter().try_for_each(|kernel| connections::run(lab, *kernel, self.quick))
    }

    fn kernels<'a>(&'a self, usual: &'a [Name]) -> &'a [Name] {
        if self.kernel.is_empty() { usual } else { &self.kernel }
    }

    fn measure(&self, lab: &Lab, kernel: Name, clock: Clock, names: &[&str]) -> Result<Results> {
        let options = [self.quick.then_some("--quick"), (clock == Clock::Wall).then_some("--wall")];
        let options: Vec<&str> = options.into_iter().flatten().collect();
        measure(lab, kernel, clock, &[&options, names].concat())
    }

    fn baseline(&self, lab: &Lab) -> Result<ExitCode> {
        let names = [&["--quick", "--ours"], &baseline::NAMES[..]].concat();
        let results = measure(lab, Name::V6_1, Clock::Instructions, &names)?;
        let path = lab.root.join("benches/baseline.json");
        if self.rebase {
            fs::write(&path, baseline::json(&results))?;
            return Ok(ExitCode::SUCCESS);
        }
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let worse = baseline::worse(&text, &results)?;
        for line in &worse {
            eprintln!("{line}");
        }
        println!("{} measured against the baseline, {} worse", results.ours(), worse.len());
        Ok(ExitCode::from(u8::from(!worse.is_empty())))
    }
}

/// What a guest's time is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clock {
    Instructions,
    Wall,
}

const SCALE: [&str; 3] = ["restore", "list", "change"];

/// Runs `measure` with these arguments in a guest.
fn measure(lab: &Lab, kernel: Name, clock: Clock, arguments: &[&str]) -> Result<Results> {
    note(&format!("measure on kernel {} {}", kernel.version(), arguments.join(" ")));
    let argv: Vec<OsString> =
        ["/bin/measure", "--json"].iter().chain(arguments).map(OsString::from).collect();
    let machine = Machine {
        icount: clock == Clock::Instructions,
        ..Machine::plain(Duration::from_secs(3_000))
    };
    let output = Copy::default();
    let job = Job { argv: &argv, with_ipvs: true };
    match vm::run(lab, kernel, &machine, &job, Box::new(output.clone()))? {
        End::Job(Outcome::Exit(0)) => Results::read(&output.text()),
        end => bail!("the measurements did not end well: {end:?}"),
    }
}

/// Prints tables, what they show of the targets, and writes them, their numbers and
/// their picture down.
fn keep(lab: &Lab, title: &str, results: &Results) -> Result<()> {
    let tables = format!("{}{}", results.markdown(), targets::table(results));
    println!("\n{title}\n\n{tables}");
    write(lab, &format!("{title}.json"), &results.json())?;
    write(lab, &format!("{title}.md"), &tables)?;
    write(lab, &format!("{title}.svg"), &chart::svg(results))
}

fn write(lab: &Lab, name: &str, contents: &str) -> Result<()> {
    let directory = lab.root.join("target/bench");
    fs::create_dir_all(&directory)?;
    let path = directory.join(name);
    fs::write(&path, contents).with_context(|| path.display().to_string())?;
    note(&format!("wrote {}", path.display()));
    Ok(())
}
