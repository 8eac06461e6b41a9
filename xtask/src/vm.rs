//! `cargo xtask vm`: any command, in a guest.

use crate::guest::{self, Job};
use crate::host;
use crate::kernel::{Kernel, Name};
use crate::lab::Lab;
use crate::qemu::{self, End, Machine};
use anyhow::{Context as _, Result};
use clap::Args;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// The command line.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The kernel to run.
    #[arg(long, default_value = "6.1")]
    kernel: Name,
    /// Count instructions and derive the guest's clock from them: benchmarks
    /// repeat, whatever the machine's load.
    #[arg(long)]
    icount: bool,
    /// Number of processors (always one with --icount).
    #[arg(long, default_value_t = 1)]
    smp: u32,
    /// Memory in MiB.
    #[arg(long, default_value_t = qemu::MEMORY)]
    memory: u32,
    /// End the guest after this many seconds, with status 124.
    #[arg(long, default_value_t = 600)]
    timeout: u64,
    /// A guest that has no IPVS.
    #[arg(long)]
    no_ipvs: bool,
    /// The command and its arguments.
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

impl Options {
    /// Runs the command; its status is ours.
    pub(crate) fn run(self) -> Result<ExitCode> {
        let machine = Machine {
            icount: self.icount,
            random: true,
            processors: self.smp,
            memory: self.memory,
            timeout: Duration::from_secs(self.timeout),
        };
        let job = Job { argv: &self.command, with_ipvs: !self.no_ipvs, besides: None };
        let end = run(&Lab::open()?, self.kernel, &machine, &job, Box::new(io::stdout()))?;
        Ok(status(&end))
    }
}

/// The status that stands for the end of a guest.
pub(crate) fn status(end: &End) -> ExitCode {
    match end {
        End::Job(outcome) => {
            if let xtask::Outcome::CannotRun(..) = outcome {
                eprintln!("xtask: {outcome}");
            }
            ExitCode::from(outcome.status())
        }
        End::Deadline => ExitCode::from(124),
    }
}

/// Runs a job in a guest, after setting up whatever is missing.
pub(crate) fn run(
    lab: &Lab,
    kernel: Name,
    machine: &Machine,
    job: &Job<'_>,
    stdout: Box<dyn Write + Send>,
) -> Result<End> {
    let setup = lab.lock()?;
    host::need(&[host::QEMU, host::XZ, host::DEPMOD])?;
    let kernel = Kernel::get(lab, kernel)?;
    let base = guest::base(lab, &kernel)?;
    let own = guest::job(lab, &kernel, job)?;
    let initramfs = Temporary::create(lab)?;
    let mut file = File::create(&initramfs.0)?;
    for archive in [Some(&*base), job.besides].into_iter().flatten() {
        io::copy(&mut File::open(archive)?, &mut file)?;
    }
    file.write_all(&own).context("write the initramfs")?;
    drop((file, setup));
    qemu::run(&kernel, &initramfs.0, machine, stdout, Box::new(io::stderr()))
}

/// A run's initramfs, gone with it.
struct Temporary(PathBuf);

impl Temporary {
    fn create(lab: &Lab) -> Result<Self> {
        let dir = lab.dir.join("run");
        fs::create_dir_all(&dir)?;
        // Runs that were killed could not clean up.
        for entry in fs::read_dir(&dir)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let owner = name.split('-').next().unwrap_or_default();
            if !Path::new("/proc").join(owner).exists() {
                let _ = fs::remove_file(&path);
            }
        }
        // A process may run several guests at once.
        static RUN: AtomicU32 = AtomicU32::new(0);
        let run = RUN.fetch_add(1, Ordering::Relaxed);
        Ok(Self(dir.join(format!("{}-{run}.cpio", std::process::id()))))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}
