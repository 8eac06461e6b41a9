//! Which of a kernel's modules go into the guest, with all that they need.

use crate::kernel::Kernel;
use crate::process::{find, output, quiet};
use anyhow::{Context as _, Result, bail, ensure};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

/// Fills `into/lib/modules/<version>` with the guest's modules, unpacked and
/// indexed for modprobe.
pub(crate) fn collect(kernel: &Kernel, into: &Path) -> Result<()> {
    // The packages come without an index, and the kernel's directory may be
    // the user's: the index of everything is made elsewhere, over a link.
    let scratch = into.join("index");
    let index = scratch.join("lib/modules").join(&kernel.version);
    fs::create_dir_all(&index)?;
    symlink(kernel.modules.join("kernel"), index.join("kernel"))?;
    copy_lists(kernel, &index)?;
    depmod(&scratch, &kernel.version)?;
    let listing = fs::read_to_string(index.join("modules.dep")).context("read modules.dep")?;
    fs::remove_dir_all(&scratch)?;

    let target = into.join("lib/modules").join(&kernel.version);
    let selected = select(&listing);
    ensure!(!selected.is_empty(), "no module in {} is of use", kernel.modules.display());
    for module in selected {
        let (name, content) = unpacked(&kernel.modules, module)?;
        let path = target.join(name);
        fs::create_dir_all(path.parent().context("a module without a directory")?)?;
        fs::write(&path, content).with_context(|| format!("write {}", path.display()))?;
    }
    copy_lists(kernel, &target)?;
    depmod(into, &kernel.version)
}

/// Copies what the index is made from besides the modules.
fn copy_lists(kernel: &Kernel, into: &Path) -> Result<()> {
    for list in ["modules.builtin", "modules.builtin.modinfo", "modules.order"] {
        if kernel.modules.join(list).exists() {
            fs::copy(kernel.modules.join(list), into.join(list))?;
        }
    }
    Ok(())
}

fn depmod(base: &Path, version: &str) -> Result<()> {
    let depmod = find("depmod").context("no depmod")?;
    quiet(Command::new(depmod).arg("-b").arg(base).arg(version))
}

/// What is picked: when that changes, earlier results are stale.
pub(crate) fn recipe() -> String {
    format!("{DIRECTORIES:?} {MODULES:?}")
}

/// Everything below these directories.
const DIRECTORIES: [&str; 9] = [
    "kernel/net/netfilter/",
    "kernel/net/ipv4/",
    "kernel/net/ipv6/",
    "kernel/net/bridge/",
    "kernel/net/sctp/",
    "kernel/net/netlink/",
    "kernel/net/packet/",
    "kernel/drivers/virtio/",
    "kernel/arch/x86/crypto/crc32c",
];

/// And these. The checksums and hashes are asked for by name at run time
/// (IPVS through libcrc32c, SCTP for its cookies), so no dependency names them.
const MODULES: [&str; 22] = [
    "8021q",
    "af_packet",
    "crc32c-cryptoapi",
    "crc32c_generic",
    "cryptomgr",
    "dummy",
    "hmac",
    "ifb",
    "ipvlan",
    "libcrc32c",
    "macvlan",
    "nlmon",
    "sch_netem",
    "sha1_generic",
    "sha256_generic",
    "tun",
    "veth",
    "virtio_console",
    "virtio_net",
    "vrf",
    "vxlan",
    "md5",
];

/// Picks the wanted modules and their dependencies from a modules.dep.
fn select(listing: &str) -> BTreeSet<&str> {
    let lines = listing.lines().filter_map(|line| line.split_once(':'));
    let dependencies: BTreeMap<&str, Vec<&str>> =
        lines.map(|(module, needs)| (module, needs.split_whitespace().collect())).collect();
    let mut selected = BTreeSet::new();
    // modules.dep lists the indirect dependencies too: one level is enough.
    for (module, needs) in &dependencies {
        if is_wanted(module) {
            selected.insert(*module);
            selected.extend(needs);
        }
    }
    selected
}

fn is_wanted(module: &str) -> bool {
    let file = module.rsplit('/').next().unwrap_or(module);
    let name = file.split('.').next().unwrap_or(file);
    MODULES.contains(&name) || DIRECTORIES.iter().any(|directory| module.starts_with(directory))
}

/// Reads a module, unpacked, and its name without the packing's suffix.
fn unpacked<'a>(modules: &Path, module: &'a str) -> Result<(&'a str, Vec<u8>)> {
    let path = modules.join(module);
    let (name, unpacker) = match module.rsplit_once('.') {
        Some((_, "ko")) => {
            let content = fs::read(&path).with_context(|| path.display().to_string())?;
            return Ok((module, content));
        }
        Some((name, "xz")) => (name, "xz"),
        Some((name, "gz")) => (name, "gzip"),
        Some((name, "zst")) => (name, "zstd"),
        _ => bail!("{module}: not a module"),
    };
    let content = output(Command::new(unpacker).args(["-d", "-c"]).arg(&path))?;
    Ok((name, content))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wanted_module_brings_its_dependencies_and_others_stay_out() {
        let listing = "\
kernel/net/netfilter/ipvs/ip_vs.ko: kernel/lib/libcrc32c.ko kernel/x/defrag.ko\n\
kernel/x/defrag.ko:\n\
kernel/lib/libcrc32c.ko:\n\
kernel/drivers/net/veth.ko.xz:\n\
kernel/drivers/scsi/scsi_mod.ko: kernel/drivers/scsi/scsi_common.ko\n";
        let expected = [
            "kernel/drivers/net/veth.ko.xz",
            "kernel/lib/libcrc32c.ko",
            "kernel/net/netfilter/ipvs/ip_vs.ko",
            "kernel/x/defrag.ko",
        ];
        assert_eq!(select(listing).into_iter().collect::<Vec<_>>(), expected);
    }
}
