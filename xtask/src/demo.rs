//! `cargo xtask demo`: what the crates are for, to be watched.

use crate::guest::Job;
use crate::kernel::Name;
use crate::lab::Lab;
use crate::process::{cargo, find};
use crate::qemu::Machine;
use crate::vm;
use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};
use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

/// The command line.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// What to watch.
    #[arg(value_enum, default_value_t = What::Balance)]
    what: What,
    /// Run on this machine's own kernel, as root, in network namespaces of its own.
    #[arg(long, conflicts_with_all = ["what", "kernel"])]
    native: bool,
    /// The guest's kernel.
    #[arg(long, default_value = "6.1")]
    kernel: Name,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// Real requests are balanced, and the table changes while they run.
    Balance,
    /// A director fails and comes back, and the connections go on: a minute.
    Failover,
}

impl Options {
    /// Runs it; its status is ours.
    pub(crate) fn run(self) -> Result<ExitCode> {
        let lab = Lab::open()?;
        if self.native {
            return native(&lab);
        }
        let (argv, processors): (&[OsString], _) = match self.what {
            What::Balance => (&["/bin/demo".into()], 1),
            What::Failover => (&["/bin/connections".into(), "show".into()], 2),
        };
        let machine = Machine { processors, ..Machine::plain(Duration::from_secs(600)) };
        let job = Job { argv, with_ipvs: true, besides: None };
        let end = vm::run(&lab, self.kernel, &machine, &job, Box::new(io::stdout()))?;
        Ok(vm::status(&end))
    }
}

/// The example that balances.
fn native(lab: &Lab) -> Result<ExitCode> {
    if !nix::unistd::geteuid().is_root() {
        bail!("--native changes network namespaces and IPVS: run it as root");
    }
    if !has_ipvs() {
        bail!("this machine's kernel has no IPVS (module ip_vs); run the demo without --native");
    }
    let mut cargo = cargo(&lab.root);
    let status = cargo.args(["run", "--quiet", "--package", "ipvs", "--example", "demo"]).status();
    let status = status.context("cannot run cargo")?;
    // A signal leaves no code.
    let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
    Ok(ExitCode::from(code))
}

/// Whether IPVS is there, or comes when asked for.
fn has_ipvs() -> bool {
    let listed = || Path::new("/proc/net/ip_vs").exists();
    let load = |modprobe| {
        let mut command = Command::new(modprobe);
        command.arg("ip_vs").stderr(Stdio::null());
        let _ = command.status();
    };
    if !listed() {
        find("modprobe").map(load);
    }
    listed()
}
