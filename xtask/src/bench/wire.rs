//! Encoding and decoding on this machine: by time, by allocations, by instructions.

use super::results::{Entry, Results};
use super::{targets, write};
use crate::host;
use crate::lab::Lab;
use crate::process::{cargo, quiet, shown};
use crate::progress::step;
use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

/// Runs the three, and says what they keep.
pub(crate) fn run(lab: &Lab, quick: bool) -> Result<()> {
    host::need(&[host::VALGRIND])?;
    let runner = runner(lab)?;
    let began = SystemTime::now();
    let mut time = bench(lab, "wire");
    if quick {
        time.args(["--", "--warm-up-time", "0.2", "--measurement-time", "0.5"]);
    }
    shown(&mut time)?;
    shown(&mut bench(lab, "alloc"))?;
    shown(bench(lab, "instructions").env("GUNGRAUN_RUNNER", runner))?;
    let times = times(&lab.root.join("target/criterion"), began)?;
    let text = [table(&times), targets::table(&times)].join("\n");
    println!("\nwire\n\n{text}");
    write(lab, "wire.json", &times.json())?;
    write(lab, "wire.md", &text)
}

/// What criterion has measured since then: the medians.
fn times(directory: &Path, since: SystemTime) -> Result<Results> {
    let mut lines = String::new();
    add_times(directory, since, &mut lines)?;
    Results::read(&lines)
}

/// Of a benchmark, or of all below.
fn add_times(directory: &Path, since: SystemTime, lines: &mut String) -> Result<()> {
    let read = |name: &str| -> Result<Value> {
        let path = directory.join("new").join(name);
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        Ok(serde_json::from_str(&text)?)
    };
    let Ok(metadata) = fs::metadata(directory.join("new/estimates.json")) else {
        let entries = fs::read_dir(directory).with_context(|| directory.display().to_string())?;
        let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
        paths.sort();
        return paths
            .iter()
            .filter(|it| it.is_dir())
            .try_for_each(|it| add_times(it, since, lines));
    };
    if metadata.modified()? < since {
        return Ok(());
    }
    let (benchmark, estimates) = (read("benchmark.json")?, read("estimates.json")?);
    let id = benchmark.get("full_id").and_then(Value::as_str);
    let (name, way) = id.and_then(|id| id.rsplit_once('/')).context("a benchmark's name")?;
    let ns = estimates.pointer("/median/point_estimate").and_then(Value::as_f64);
    let us = [ns.context("a benchmark's median")? / 1_000.0];
    let kind = if way == "ours" { "ours" } else { "peer" };
    let line = json!({ "name": name, "way": way, "kind": kind, "unit": "call", "us": us });
    lines.push_str(&format!("{line}\n"));
    Ok(())
}

/// In nanoseconds, and how many times ours they are.
fn table(times: &Results) -> String {
    let names: BTreeSet<&str> = times.by_name().map(|(name, _)| name).collect();
    let mut out = format!("| ns | {} |\n|---|{}\n", WAYS.join(" | "), "--:|".repeat(WAYS.len()));
    for name in names {
        let ours = times.find(name, "ours").map(Entry::median);
        let cell = |way: &&str| match (times.find(name, way).map(Entry::median), ours) {
            (Some(us), _) if *way == "ours" => format!("{:.1}", us * 1_000.0),
            (Some(us), Some(ours)) => format!("{:.0} ({:.1} times)", us * 1_000.0, us / ours),
            _ => "-".to_owned(),
        };
        let cells: Vec<String> = WAYS.iter().map(cell).collect();
        out.push_str(&format!("| {name} | {} |\n", cells.join(" | ")));
    }
    out
}

const WAYS: [&str; 4] = ["ours", "owned", "nlrs", "netlink-packet-ipvs"];

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
