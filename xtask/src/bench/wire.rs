//! Encoding and decoding on this machine: by time, by allocations, by instructions.

use crate::host;
use crate::lab::Lab;
use crate::process::{cargo, quiet, shown};
use crate::progress::step;
use anyhow::Result;
use std::path::PathBuf;
use std::process::Command;

/// Runs the three.
pub(crate) fn run(lab: &Lab, quick: bool) -> Result<()> {
    host::need(&[host::VALGRIND])?;
    let runner = runner(lab)?;
    let mut time = bench(lab, "wire");
    if quick {
        time.args(["--", "--warm-up-time", "0.2", "--measurement-time", "0.5"]);
    }
    shown(&mut time)?;
    shown(&mut bench(lab, "alloc"))?;
    shown(bench(lab, "instructions").env("GUNGRAUN_RUNNER", runner))
}

fn bench(lab: &Lab, name: &str) -> Command {
    let mut bench = cargo(&lab.root);
    bench.args(["bench", "--quiet", "-p", "ipvs-bench", "--bench", name]);
    bench
}

/// What runs the benchmarks under Callgrind, built once.
fn runner(lab: &Lab) -> Result<PathBuf> {
    let root = lab.dir.join("gungraun").join(VERSION);
    let runner = root.join("bin/gungraun-runner");
    if !runner.exists() {
        step("build gungraun-runner", || {
            let mut install = cargo(&lab.root);
            install.args(["install", "--quiet", "--locked", "gungraun-runner", "--version"]);
            quiet(install.arg(VERSION).arg("--root").arg(&root))
        })?;
    }
    Ok(runner)
}

/// The same as in benches/Cargo.toml, which the runner demands.
const VERSION: &str = "0.18.2";
