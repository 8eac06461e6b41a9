//! pyroute2 and the Python that runs it, for guests in which it is measured: an archive
//! of their own, so that no other guest has to unpack 50 MB more.
//!
//! Python is unpacked beside the kernels, as the other programs of the guest are, and
//! pyroute2 comes from PyPI: the one of Debian 12 knows nothing of IPVS.

use crate::apt::{self, Apt};
use crate::cpio::Archive;
use crate::kernel::only;
use crate::lab::Lab;
use crate::process::quiet;
use crate::userland;
use anyhow::{Context as _, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The archive, made where it is missing.
pub(crate) fn archive(lab: &Lab) -> Result<PathBuf> {
    let _setup = lab.lock()?;
    let recipe = format!("1 {PACKAGES:?} {REQUIREMENT}");
    let dir = lab.once("pyroute2", &recipe, |dir| {
        ensure!(apt::is_available(), "no Debian apt here");
        let root = dir.join("root");
        fs::create_dir(&root)?;
        Apt::update(lab, &["bookworm", "bookworm-security"])?.unpack_closure(&PACKAGES, &root)?;
        install(&root)?;
        fs::write(dir.join("pyroute2.cpio"), pack(&root)?).context("write the archive")?;
        fs::remove_dir_all(root).context("remove what is in the archive now")
    })?;
    Ok(dir.join("pyroute2.cpio"))
}

const PACKAGES: [&str; 3] = ["python3-minimal", "libpython3-stdlib", "python3-pip-whl"];
const REQUIREMENT: &str = "pyroute2==0.9.7 \
    --hash=sha256:01a2a3afe565a6acb0a0d5d8ac86c9682b6564407e3d9589070191ae94b737e8";

/// Where Debian's Python has its own modules, and where it looks for others.
const LIBRARY: &str = "usr/lib/python3.11";
const PACKAGED: &str = "usr/lib/python3/dist-packages";

/// Adds pyroute2 to the tree, and compiles all: the emulator would take long for it.
fn install(root: &Path) -> Result<()> {
    let requirements = root.join("requirements");
    fs::write(&requirements, REQUIREMENT)?;
    let mut pip = python(root)?;
    pip.arg(only(&root.join("usr/share/python-wheels"))?.join("pip"));
    pip.args(["install", "--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes"]);
    pip.arg("--target").arg(root.join(PACKAGED)).arg("-r").arg(requirements);
    quiet(&mut pip)?;
    // The archive keeps no times, which Python would look at.
    let mut compile = python(root)?;
    compile.args(["-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]);
    quiet(compile.args([LIBRARY, PACKAGED].map(|place| root.join(place))))
}

fn pack(root: &Path) -> Result<Vec<u8>> {
    let mut archive = Archive::default();
    archive.file("bin/python3", 0o755, &fs::read(root.join(PYTHON))?)?;
    archive.tree(LIBRARY, &root.join(LIBRARY))?;
    archive.directory("usr/lib/python3")?;
    archive.tree(PACKAGED, &root.join(PACKAGED))?;
    let modules = fs::read_dir(root.join(LIBRARY).join("lib-dynload"))?;
    let mut dynamic = vec![root.join(PYTHON)];
    for module in modules {
        dynamic.push(module?.path());
    }
    userland::add_libraries(&mut archive, root, &dynamic)?;
    archive.finish()
}

/// The tree's Python, on this machine.
fn python(root: &Path) -> Result<Command> {
    let mut python = userland::loader(root)?;
    python.arg(root.join(PYTHON)).env("PYTHONHOME", root.join("usr"));
    Ok(python)
}

const PYTHON: &str = "usr/bin/python3.11";
