//! What a job may expect of the guest: the usual file systems, loopback, a
//! host name, the output ports, and IPVS.

use anyhow::{Context as _, Result, ensure};
use nix::mount::{MsFlags, mount};
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;
use xtask::JOB_WITHOUT_IPVS;

/// Sets the whole guest up.
pub(crate) fn guest() -> Result<()> {
    for (kind, target) in FILE_SYSTEMS {
        fs::create_dir_all(target).with_context(|| format!("create {target}"))?;
        mount(Some(kind), target, Some(kind), MsFlags::empty(), None::<&str>)
            .with_context(|| format!("mount {kind} on {target}"))?;
    }
    fs::write("/proc/sys/kernel/hostname", "lab").context("set the host name")?;
    command(&["/sbin/ip", "link", "set", "lo", "up"])?;
    modprobe("virtio_pci")?;
    modprobe("virtio_console")?;
    if Path::new(JOB_WITHOUT_IPVS).exists() {
        remove_ipvs()?;
    } else {
        // Kernels before 5.17 do not load it when its netlink family is asked for.
        modprobe("ip_vs")?;
    }
    // The console shows how far a hung boot came; from here on it would only
    // cost the job time, so it shows errors alone.
    fs::write("/proc/sys/kernel/printk", "4").context("quieten the console")
}

/// Opens an output port, which appears a moment after its driver is loaded.
pub(crate) fn port(path: &str) -> Result<File> {
    for _ in 0..PORT_ATTEMPTS {
        if Path::new(path).exists() {
            break;
        }
        thread::sleep(Duration::from_millis(10));
    }
    File::options().read(true).write(true).open(path).with_context(|| format!("open {path}"))
}

const FILE_SYSTEMS: [(&str, &str); 6] = [
    ("proc", "/proc"),
    ("sysfs", "/sys"),
    ("devtmpfs", "/dev"),
    ("devpts", "/dev/pts"),
    ("tmpfs", "/run"),
    ("tmpfs", "/tmp"),
];

const PORT_ATTEMPTS: u32 = 1000;

fn modprobe(module: &str) -> Result<()> {
    command(&["/sbin/modprobe", module])
}

fn command(argv: &[&str]) -> Result<()> {
    let (program, arguments) = argv.split_first().context("an empty command")?;
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("run {program}"))?;
    let message = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {}", argv.join(" "), message.trim());
    Ok(())
}

/// Takes the modules out of modprobe's reach: a kernel without IPVS.
fn remove_ipvs() -> Result<()> {
    for version in fs::read_dir("/lib/modules").context("list /lib/modules")? {
        let directory = version?.path().join("kernel/net/netfilter/ipvs");
        if directory.exists() {
            fs::remove_dir_all(&directory)
                .with_context(|| format!("remove {}", directory.display()))?;
        }
    }
    // Without the index modprobe finds the names and blames the modules.
    command(&["/sbin/depmod"])
}
