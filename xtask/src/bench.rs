//! `cargo xtask bench`: the benchmarks. All but those of the wire format and of failover
//! run in a guest, most with a clock that counts instructions.

mod baseline;
mod chart;
mod connections;
mod failover;
mod growth;
mod guests;
mod results;
mod spread;
mod survival;
mod svg;
mod targets;
mod wire;

use crate::kernel::Name;
use crate::lab::Lab;
use crate::progress::note;
use crate::pyroute2;
use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use guests::{Clock, Guest};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

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
    /// Wire, thesis and scale: a quarter of an hour at most on two processors. The others
    /// take long, or a machine that does nothing else.
    All,
    /// Encoding and decoding on this machine: times, allocations, instructions.
    Wire,
    /// The thesis' 1,000 rounds of four changes.
    Thesis,
    /// Restoring and listing large tables.
    Scale,
    /// How long clients wait when a virtual router fails, beside keepalived: on this
    /// machine, as root, which is to do nothing else for 9 minutes.
    Failover,
    /// What becomes of established connections when a director fails, hands over or comes
    /// back, beside keepalived: takes longest.
    Connections,
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
                let pyroute2 = pyroute2(&lab);
                guests::run(&lab, &self.thesis(pyroute2.as_deref()))?;
                self.thesis_by_wall_clock(&lab, pyroute2.as_deref())?;
            }
            What::Scale => guests::run(&lab, &self.scale())?,
            What::All => {
                let pyroute2 = pyroute2(&lab);
                let mut guests = self.scale();
                guests.extend(self.thesis(pyroute2.as_deref()));
                guests::run(&lab, &guests)?;
                // What is measured by a real clock is measured alone.
                wire::run(&lab, self.quick)?;
                self.thesis_by_wall_clock(&lab, pyroute2.as_deref())?;
            }
            What::Failover => failover::run(&lab, self.quick)?,
            What::Connections => self.connections(&lab)?,
        }
        Ok(ExitCode::SUCCESS)
    }

    fn thesis(&self, pyroute2: Option<&Path>) -> Vec<Guest> {
        let kernels = self.kernels(&[Name::V6_1, Name::V6_12]).iter();
        let guest = |kernel: &Name| Guest {
            besides: pyroute2.map(Path::to_owned),
            ..self.guest(format!("thesis-{}", kernel.version()), *kernel, "thesis")
        };
        kernels.map(guest).collect()
    }

    fn thesis_by_wall_clock(&self, lab: &Lab, pyroute2: Option<&Path>) -> Result<()> {
        self.kernels(&[Name::V6_1, Name::V6_12]).iter().try_for_each(|kernel| {
            let title = format!("thesis-{}-wall", kernel.version());
            let mut guest = self.guest(title, *kernel, "thesis");
            guest.clock = Clock::Wall;
            guest.arguments.push("--wall");
            guest.besides = pyroute2.map(Path::to_owned);
            guests::run(lab, &[guest])
        })
    }

    fn scale(&self) -> Vec<Guest> {
        let kernels = self.kernels(&[Name::V6_1]).iter();
        let guests = |kernel: &Name| {
            let (title, kernel) = (format!("scale-{}", kernel.version()), *kernel);
            SCALE.map(|name| self.guest(title.clone(), kernel, name))
        };
        kernels.flat_map(guests).collect()
    }

    fn guest(&self, title: String, kernel: Name, name: &'static str) -> Guest {
        let quick = self.quick.then_some("--quick");
        let arguments = quick.into_iter().chain([name]).collect();
        Guest { title, kernel, clock: Clock::Instructions, arguments, besides: None }
    }

    fn connections(&self, lab: &Lab) -> Result<()> {
        let kernels = self.kernels(&[Name::V6_1, Name::V6_12]);
        kernels.iter().try_for_each(|kernel| connections::run(lab, *kernel, self.quick))
    }

    fn kernels<'a>(&'a self, usual: &'a [Name]) -> &'a [Name] {
        if self.kernel.is_empty() { usual } else { &self.kernel }
    }

    fn baseline(&self, lab: &Lab) -> Result<ExitCode> {
        let guest = Guest {
            title: "baseline".to_owned(),
            kernel: Name::V6_1,
            clock: Clock::Instructions,
            arguments: [&["--quick", "--ours"], &baseline::NAMES[..]].concat(),
            besides: None,
        };
        let results = guest.measure(lab)?;
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

/// What pyroute2 runs with in a guest; where it is not to be had, the others are measured
/// without it.
fn pyroute2(lab: &Lab) -> Option<PathBuf> {
    let archive = pyroute2::archive(lab);
    archive.inspect_err(|error| note(&format!("pyroute2 is not measured: {error:#}"))).ok()
}

/// A guest for each.
const SCALE: [&str; 3] = ["restore", "list", "change"];

fn write(lab: &Lab, name: &str, contents: &str) -> Result<()> {
    let directory = lab.root.join("target/bench");
    fs::create_dir_all(&directory)?;
    let path = directory.join(name);
    fs::write(&path, contents).with_context(|| path.display().to_string())?;
    note(&format!("wrote {}", path.display()));
    Ok(())
}
