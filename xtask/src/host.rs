//! What the machine itself must have, installed where that can be done.

use crate::process::{find, quiet};
use crate::progress::step;
use anyhow::{Result, bail};
use std::path::PathBuf;
use std::process::Command;

/// A program and the Debian package that has it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tool {
    program: &'static str,
    package: &'static str,
}

/// The emulator.
pub(crate) const QEMU: Tool = Tool { program: "qemu-system-x86_64", package: "qemu-system-x86" };
/// Makes the wires of the tests in network namespaces.
pub(crate) const IP: Tool = Tool { program: "ip", package: "iproute2" };
/// Reads what virtual routers send: 18 packages, 22 MB.
pub(crate) const TSHARK: Tool = Tool { program: "tshark", package: "tshark" };
/// Unpacks modules.
pub(crate) const XZ: Tool = Tool { program: "xz", package: "xz-utils" };
/// Indexes modules.
pub(crate) const DEPMOD: Tool = Tool { program: "depmod", package: "kmod" };
/// Builds libFuzzer.
pub(crate) const CXX: Tool = Tool { program: "c++", package: "g++" };

/// Counts instructions.
pub(crate) const VALGRIND: Tool = Tool { program: "valgrind", package: "valgrind" };

/// The emulator to use: `IPVS_LAB_QEMU`, or the one in `PATH`.
pub(crate) fn qemu() -> PathBuf {
    std::env::var_os(VARIABLE).map_or_else(|| PathBuf::from(QEMU.program), PathBuf::from)
}

/// Makes sure of the tools: installs what is missing as root on Debian, and
/// otherwise says in one message what it is.
pub(crate) fn need(tools: &[Tool]) -> Result<()> {
    let given = std::env::var_os(VARIABLE).is_some();
    let mut missing = tools.to_vec();
    missing.retain(|tool| find(tool.program).is_none());
    missing.retain(|tool| !(given && tool.package == QEMU.package));
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().map(|tool| tool.package).collect();
    if !(nix::unistd::geteuid().is_root() && find("apt-get").is_some()) {
        bail!("{}", advice(&packages));
    }
    step(&format!("install {}", packages.join(" ")), || {
        quiet(apt_get().args(["update", "--quiet"]))?;
        quiet(apt_get().args(["install", "--yes", "--no-install-recommends"]).args(&packages))
    })
}

/// Says how to provide what is missing.
pub(crate) fn advice(packages: &[&str]) -> String {
    format!(
        "this needs what these Debian packages contain: {}\n\
         Install them (as root on Debian this command does it), or point\n\
         {VARIABLE} at a qemu-system-x86_64, and\n\
         {} at a directory with boot/vmlinuz-* and lib/modules/<version>.",
        packages.join(" "),
        crate::kernel::VARIABLE,
    )
}

const VARIABLE: &str = "IPVS_LAB_QEMU";

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive").env("LC_ALL", "C");
    command
}
