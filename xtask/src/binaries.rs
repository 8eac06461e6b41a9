//! Our own programs: those in the guest, linked statically, and others.

use crate::lab::Lab;
use crate::process::cargo;
use crate::progress::step;
use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Builds everything that goes into the guest: names and files.
pub(crate) fn build(lab: &Lab) -> Result<Vec<(String, PathBuf)>> {
    step("build the guest's programs", || for_the_guest(lab))
}

const TARGET: &str = "guest";

fn for_the_guest(lab: &Lab) -> Result<Vec<(String, PathBuf)>> {
    let mut cargo = cargo(&lab.root);
    cargo.args(["build", "--quiet", "--profile", "lab", "--target", "x86_64-unknown-linux-gnu"]);
    cargo.args(["-p", "ipvs-tests", "--test", "kernel", "--test", "netns"]);
    cargo.args(["--bin", "capture", "--bin", "churn", "--bin", "probe"]);
    cargo.args(["-p", "ipvs", "--examples", "--features", "ipvs/json,ipvs/toml"]);
    cargo.args(["-p", "ipvs-bench", "--bin", "measure", "--bin", "round", "--bin", "nothing"]);
    cargo.args(["--bin", "peak", "--bin", "connections"]);
    cargo.args(["-p", "ipvs-sync", "--bin", DAEMON, "--features", "ipvs-sync/syncd"]);
    cargo.args(["-p", "xtask", "--bin", "lab-init"]);
    // The flags differ from the other builds', so the directory does too:
    // neither throws the other's work away.
    cargo.arg("--target-dir").arg(lab.dir.join(TARGET));
    // At a fixed address: a program that is started for each step would relocate itself each
    // time.
    cargo.env("RUSTFLAGS", "-C target-feature=+crt-static -C relocation-model=static");
    cargo.env_remove("CARGO_ENCODED_RUSTFLAGS");
    executables(&mut cargo, &NAMES)
}

/// Builds what this command builds: the programs with these names, and their files.
pub(crate) fn executables(cargo: &mut Command, names: &[&str]) -> Result<Vec<(String, PathBuf)>> {
    // A test binary's file name has a hash in it; the messages say which.
    cargo.arg("--message-format=json-render-diagnostics");
    let output = cargo.stderr(Stdio::inherit()).output().context("cannot run cargo")?;
    if !output.status.success() {
        bail!("{} do not build", names.join(", "));
    }
    let built = named(&String::from_utf8_lossy(&output.stdout), names);
    for name in names {
        if !built.iter().any(|(built, _)| built == name) {
            bail!("cargo built no `{name}`");
        }
    }
    Ok(built)
}

/// Builds the daemon, for the machine itself.
pub(crate) fn daemon(lab: &Lab) -> Result<PathBuf> {
    let mut cargo = cargo(&lab.root);
    cargo.args(["build", "--quiet", "-p", "ipvs-sync", "--features", "syncd"]);
    cargo.args(["--bin", DAEMON]);
    let built = executables(&mut cargo, &[DAEMON])?;
    let (_, file) = built.into_iter().next().context("one was built")?;
    Ok(file)
}

const DAEMON: &str = "ipvs-syncd";

const NAMES: [&str; 20] = [
    "kernel",
    "netns",
    "capture",
    "churn",
    "probe",
    "measure",
    "round",
    "nothing",
    "peak",
    "connections",
    DAEMON,
    "lab-init",
    // The examples of `ipvs`.
    "apply",
    "define",
    "demo",
    "drain",
    "exporter",
    "health",
    "keepalived-like",
    "snapshot",
];

/// Reads cargo's messages, one JSON object a line.
fn named(messages: &str, names: &[&str]) -> Vec<(String, PathBuf)> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    messages
        .filter_map(|message| {
            let name = message.pointer("/target/name")?.as_str()?;
            let file = message.pointer("/executable")?.as_str()?;
            names.contains(&name).then(|| (name.to_owned(), PathBuf::from(file)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_executables_with_a_known_name_are_taken() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"libc"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"kernel"},"executable":"/t/deps/kernel-0123"}
{"reason":"compiler-artifact","target":{"name":"measure"},"executable":"/t/measure"}
{"reason":"compiler-artifact","target":{"name":"other"},"executable":"/t/other"}
{"reason":"build-finished","success":true}
not JSON"#;
        let expected = [("kernel", "/t/deps/kernel-0123"), ("measure", "/t/measure")];
        let expected = expected.map(|(name, file)| (name.to_owned(), PathBuf::from(file)));
        assert_eq!(named(messages, &NAMES), expected);
    }
}
