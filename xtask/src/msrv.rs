//! `cargo xtask msrv`: the libraries, checked by a compiler of exactly the
//! version that they declare.
//!
//! The compiler is Debian 13's, unpacked beside its own C library and run
//! through its own loader, so that it needs nothing of the machine.

use crate::apt::{self, Apt};
use crate::lab::Lab;
use crate::process::{cargo, shown, text};
use crate::progress::step;
use anyhow::{Context as _, Result, ensure};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Checks the libraries with all their features.
pub(crate) fn run() -> Result<ExitCode> {
    let lab = Lab::open()?;
    let setup = lab.lock()?;
    let rustc = compiler(&lab)?;
    drop(setup);
    step(&format!("check the libraries with Rust {DECLARED}"), || {
        let mut cargo = cargo(&lab.root);
        cargo.args(["check", "--quiet", "--locked", "--all-features"]);
        cargo.args(["-p", "ipvs-sys", "-p", "ipvs", "-p", "ipvs-sync"]);
        cargo.arg("--target-dir").arg(lab.dir.join("msrv-target"));
        shown(cargo.env("RUSTC", rustc))
    })?;
    Ok(ExitCode::SUCCESS)
}

/// What the workspace declares for all its packages, this one included.
const DECLARED: &str = env!("CARGO_PKG_RUST_VERSION");

/// A Debian release whose compiler has the declared version.
const SUITE: &str = "trixie";

fn compiler(lab: &Lab) -> Result<PathBuf> {
    let dir = lab.once("msrv", &format!("1 {SUITE} {DECLARED}"), |dir| {
        ensure!(apt::is_available(), "the compiler comes from Debian {SUITE}, by apt");
        let apt = Apt::update(lab, &[SUITE])?;
        // Not rustc's own dependencies, which are a whole C compiler: the
        // machine has a linker.
        apt.unpack_closure(&["libstd-rust-dev"], dir)?;
        apt.unpack(&["rustc".to_owned()], dir)?;
        let rustc = wrapper(dir)?;
        let version = text(Command::new(rustc).arg("--version"))?;
        let declared = format!("rustc {DECLARED}.");
        ensure!(version.starts_with(&declared), "{SUITE} has {version}, wanted {DECLARED}");
        Ok(())
    })?;
    Ok(dir.join(WRAPPER))
}

const WRAPPER: &str = "run-rustc";

fn wrapper(dir: &Path) -> Result<PathBuf> {
    let usr = dir.join("usr");
    let usr = usr.display();
    let script = format!(
        "#!/bin/sh\nexec '{usr}/lib64/ld-linux-x86-64.so.2' \
         --library-path '{usr}/lib/x86_64-linux-gnu' \
         '{usr}/bin/rustc' --sysroot '{usr}' \"$@\"\n"
    );
    let path = dir.join(WRAPPER);
    fs::write(&path, script).context("write the compiler's wrapper")?;
    fs::set_permissions(&path, Permissions::from_mode(0o755))?;
    Ok(path)
}
