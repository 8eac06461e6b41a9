//! A network namespace for a measurement.

use anyhow::{Context as _, Result, ensure};
use nix::sched::{CloneFlags, unshare};
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

/// Puts the calling thread into a fresh network namespace with loopback up.
///
/// Fresh, because deleted destinations stay on a list of the namespace that
/// every added one walks (`ip_vs_ctl.c: ip_vs_trash_get_dest`). With loopback,
/// because without routes the kernel takes no destination.
pub(crate) fn fresh() -> Result<()> {
    unshare(CloneFlags::CLONE_NEWNET).context("a network namespace")?;
    let status = Command::new("/sbin/ip").args(["link", "set", "lo", "up"]).status();
    ensure!(status.context("/sbin/ip")?.success(), "loopback does not come up");
    // The kernel takes the namespace before this one down meanwhile, which
    // would be counted otherwise. An idle guest with --icount waits no time.
    sleep(Duration::from_secs(2));
    Ok(())
}
