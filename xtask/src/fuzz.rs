//! `cargo xtask fuzz`: the fuzz targets, each for a while.

use crate::host;
use crate::lab::Lab;
use crate::process::{find, quiet, shown, text};
use crate::progress::note;
use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

/// The command line.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How long each target runs.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// The targets to run; all of them when none is named.
    target: Vec<String>,
}

impl Options {
    /// Runs the targets until one finds something.
    pub(crate) fn run(self) -> Result<ExitCode> {
        let lab = Lab::open()?;
        host::need(&[host::CXX])?;
        let nightly = Nightly::find(&lab)?;
        let known = text(&mut nightly.cargo_fuzz("list"))?;
        let known: Vec<&str> = known.lines().collect();
        for target in &self.target {
            ensure!(known.contains(&target.as_str()), "no target `{target}` in {known:?}");
        }
        for target in known {
            if self.target.is_empty() || self.target.iter().any(|named| named == target) {
                note(&format!("fuzz {target} for {} s", self.seconds));
                self.fuzz(&lab, &nightly, target)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    fn fuzz(&self, lab: &Lab, nightly: &Nightly, target: &str) -> Result<()> {
        // What is new goes to the first directory; the others are only read,
        // so that the corpus under version control changes on purpose only.
        let found = lab.root.join("target/fuzz-corpus").join(target);
        fs::create_dir_all(&found).with_context(|| format!("create {}", found.display()))?;
        let seed = lab.root.join("fuzz/corpus").join(target);
        let mut command = nightly.cargo_fuzz("run");
        command.arg("--target-dir").arg(lab.root.join("target/fuzz")).arg(target).arg(found);
        if seed.is_dir() {
            command.arg(seed);
        }
        shown(command.arg("--").arg(format!("-max_total_time={}", self.seconds)))
    }
}

/// The toolchain that libFuzzer's instrumentation needs, and cargo-fuzz.
struct Nightly {
    path: std::ffi::OsString,
    root: std::path::PathBuf,
}

impl Nightly {
    fn find(lab: &Lab) -> Result<Self> {
        let mut version = Command::new("rustup");
        if quiet(version.args(["run", "nightly", "cargo", "--version"])).is_err() {
            bail!("fuzzing needs the nightly toolchain: rustup toolchain install nightly");
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        if find("cargo-fuzz").is_some() {
            return Ok(Self { path, root: lab.root.clone() });
        }
        let setup = lab.lock()?;
        let tools = lab.once("tools", "1 cargo-fuzz", |dir| {
            let mut cargo = Command::new("cargo");
            cargo.args(["install", "--quiet", "--locked", "cargo-fuzz", "--root"]);
            quiet(cargo.arg(dir))
        })?;
        drop(setup);
        let directories = std::iter::once(tools.join("bin")).chain(std::env::split_paths(&path));
        Ok(Self { path: std::env::join_paths(directories)?, root: lab.root.clone() })
    }

    fn cargo_fuzz(&self, command: &str) -> Command {
        let mut cargo = Command::new("rustup");
        // Through rustup: the `cargo` that runs us need not know `+nightly`.
        cargo.args(["run", "nightly", "cargo", "fuzz", command]);
        cargo.arg("--fuzz-dir").arg(Path::new("fuzz"));
        cargo.current_dir(&self.root).env("PATH", &self.path);
        cargo
    }
}
