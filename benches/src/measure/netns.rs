//! A network namespace for a measurement.

use anyhow::{Context as _, Result, ensure};
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};
use nix::sched::{CloneFlags, unshare};
use std::thread::sleep;
use std::time::Duration;

/// Puts the calling thread into a fresh network namespace with loopback up.
///
/// Fresh, because deleted destinations stay on a list of the namespace that
/// every added one walks (`ip_vs_ctl.c: ip_vs_trash_get_dest`). With loopback,
/// because without routes the kernel takes no destination.
pub(crate) fn fresh() -> Result<()> {
    unshare(CloneFlags::CLONE_NEWNET).context("a network namespace")?;
    raise_loopback()?;
    // The kernel takes the namespace before this one down meanwhile, which
    // would be counted otherwise. An idle guest with --icount waits no time.
    sleep(Duration::from_secs(1));
    Ok(())
}

/// As `ip link set lo up`, without a process that would be measured too.
fn raise_loopback() -> Result<()> {
    let mut socket = Socket::new(NETLINK_ROUTE)?;
    socket.bind(&SocketAddr::new(0, 0))?;
    socket.send(&RAISE_LOOPBACK, 0)?;
    let mut answer = [0; 64];
    let length = socket.recv(&mut &mut answer[..], 0)?;
    let error = answer.get(16..20).filter(|_| length >= 20);
    ensure!(error == Some(&[0; 4]), "loopback does not come up: {answer:?}");
    Ok(())
}

/// RTM_NEWLINK with an acknowledgement: a header, and `struct ifinfomsg` with the
/// interface 1, which loopback always is, and IFF_UP as flags and as their mask. The
/// guest is little-endian.
#[rustfmt::skip]
const RAISE_LOOPBACK: [u8; 32] = [
    32, 0, 0, 0, 16, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0,
];
