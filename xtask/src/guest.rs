//! The guest's file system: a base that is made once per kernel, and a small
//! archive with our binaries and the job for each run.

use crate::binaries;
use crate::cpio::Archive;
use crate::kernel::Kernel;
use crate::lab::Lab;
use crate::{modules, userland};
use anyhow::{Context as _, Result};
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// What a guest is to run.
#[derive(Debug)]
pub(crate) struct Job<'a> {
    /// The command and its arguments.
    pub(crate) argv: &'a [OsString],
    /// Whether the guest has IPVS.
    pub(crate) with_ipvs: bool,
    /// A finished archive with what this job needs besides.
    pub(crate) besides: Option<&'a Path>,
}

/// The part that only depends on the kernel, as a finished archive.
pub(crate) fn base(lab: &Lab, kernel: &Kernel) -> Result<PathBuf> {
    let root = userland::get(lab)?;
    // A kernel of the user's can be built anew in its place.
    let built = fs::metadata(&kernel.image)?.modified()?.duration_since(UNIX_EPOCH)?;
    let recipe = format!(
        "3 {} {built:?} {} {} {}",
        kernel.modules.display(),
        root.display(),
        modules::recipe(),
        userland::recipe()
    );
    let dir = lab.once(&format!("base/{}", kernel.version), &recipe, |dir| {
        modules::collect(kernel, dir)?;
        let mut archive = Archive::default();
        userland::add(&mut archive, &root)?;
        archive.tree("lib/modules", &dir.join("lib/modules"))?;
        fs::remove_dir_all(dir.join("lib"))?;
        fs::write(dir.join("base.cpio"), archive.finish()?).context("write the base")
    })?;
    Ok(dir.join("base.cpio"))
}

/// The part that changes with each run.
pub(crate) fn job(lab: &Lab, kernel: &Kernel, job: &Job<'_>) -> Result<Vec<u8>> {
    let mut archive = Archive::default();
    for (name, path) in binaries::build(lab)? {
        let place = if name == "lab-init" { "init".to_owned() } else { format!("bin/{name}") };
        archive.file(&place, 0o755, &fs::read(path)?)?;
    }
    archive.directory(inside(xtask::JOB))?;
    let argv = job.argv.iter().flat_map(|argument| [argument.as_bytes(), b"\0"]);
    archive.file(inside(xtask::JOB_ARGV), 0o644, &argv.collect::<Vec<_>>().concat())?;
    let environment = [
        format!("LAB_KERNEL={}", kernel.name),
        // The keepalived that virtual routers meet.
        "IPVS_USERLAND=/".to_owned(),
        // The daemon that tests run.
        "IPVS_SYNCD=/bin/ipvs-syncd".to_owned(),
        "PATH=/sbin:/bin".to_owned(),
        "HOME=/root".to_owned(),
        "RUST_BACKTRACE=1".to_owned(),
    ];
    archive.file(inside(xtask::JOB_ENVIRONMENT), 0o644, environment.join("\0").as_bytes())?;
    if !job.with_ipvs {
        archive.file(inside(xtask::JOB_WITHOUT_IPVS), 0o644, b"")?;
    }
    archive.finish()
}

/// A path as an archive has it.
fn inside(path: &str) -> &str {
    path.trim_start_matches('/')
}
