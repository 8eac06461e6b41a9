//! `cargo xtask bench`: the benchmarks. All but those of the wire format run in a
//! guest whose clock counts instructions.

mod baseline;
mod chart;
mod results;

use crate::guest::Job;
use crate::kernel::Name;
use crate::lab::Lab;
use crate::process::{Copy, cargo, shown};
use crate::progress::note;
use crate::qemu::{End, MEMORY, Machine};
use crate::vm;
use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};
use results::Results;
use std::ffi::OsString;
use std::fs;
use std::process::ExitCode;
use std::time::Duration;
use xtask::Outcome;

/// The command line.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// What to run.
    #[arg(value_enum, default_value_t = What::All)]
    what: What,
    /// Fewer rounds and repetitions.
    #[arg(long)]
    quick: bool,
    /// Measure quickly what benches/baseline.json has, and fail where the ratio to
    /// the floor grew by more than 3 % or a system call was added.
    #[arg(long, conflicts_with = "what")]
    check: bool,
    /// The same, and write benches/baseline.json anew.
    #[arg(long, conflicts_with_all = ["what", "check"])]
    rebase: bool,
    /// The kernels, in place of 6.1.
    #[arg(long)]
    kernel: Vec<Name>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// Encoding and decoding, by criterion on this machine.
    Wire,
    /// The thesis' 1,000 rounds of four changes.
    Thesis,
    /// Restoring and listing large tables.
    Scale,
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
        if matches!(self.what, What::Wire | What::All) {
            wire(&lab, self.quick)?;
        }
        let kernels = if self.kernel.is_empty() { &[Name::V6_1][..] } else { &self.kernel };
        for (what, names) in [(What::Thesis, &THESIS[..]), (What::Scale, &SCALE[..])] {
            if self.what != what && self.what != What::All {
                continue;
            }
            for kernel in kernels {
                let results = measure(&lab, *kernel, names, self.quick)?;
                let title = format!("{what:?}-{}", kernel.version()).to_lowercase();
                keep(&lab, &title, &results)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    fn baseline(&self, lab: &Lab) -> Result<ExitCode> {
        let results = measure(lab, Name::V6_1, &baseline::NAMES, true)?;
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

const THESIS: [&str; 1] = ["thesis"];
const SCALE: [&str; 3] = ["restore", "list", "plan"];

fn wire(lab: &Lab, quick: bool) -> Result<()> {
    let mut bench = cargo(&lab.root);
    bench.args(["bench", "-p", "ipvs-bench", "--bench", "wire", "--"]);
    if quick {
        bench.args(["--warm-up-time", "0.2", "--measurement-time", "0.5"]);
    }
    shown(&mut bench)
}

/// Runs the measurements of these names in a guest.
fn measure(lab: &Lab, kernel: Name, names: &[&str], quick: bool) -> Result<Results> {
    note(&format!("measure on kernel {}", kernel.version()));
    let mut argv: Vec<OsString> = vec!["/bin/measure".into(), "--json".into()];
    argv.extend(quick.then(|| "--quick".into()));
    argv.extend(names.iter().map(OsString::from));
    let machine = Machine {
        icount: true,
        processors: 1,
        memory: MEMORY,
        timeout: Duration::from_secs(3_000),
    };
    let output = Copy::default();
    let job = Job { argv: &argv, with_ipvs: true };
    match vm::run(lab, kernel, &machine, &job, Box::new(output.clone()))? {
        End::Job(Outcome::Exit(0)) => Results::read(&output.text()),
        end => bail!("the measurements did not end well: {end:?}"),
    }
}

/// Prints a table and writes it, its numbers and its picture down.
fn keep(lab: &Lab, title: &str, results: &Results) -> Result<()> {
    let directory = lab.root.join("target/bench");
    fs::create_dir_all(&directory)?;
    println!("\n{}", results.markdown());
    for (kind, contents) in
        [("json", results.json()), ("md", results.markdown()), ("svg", chart::svg(results))]
    {
        let path = directory.join(format!("{title}.{kind}"));
        fs::write(&path, contents).with_context(|| path.display().to_string())?;
        note(&format!("wrote {}", path.display()));
    }
    Ok(())
}
