//! `ipvs-syncd` and what it makes of the kernel's table and sync daemons.

mod by_state;
mod link;
mod privilege;
mod sync;
mod tables;
mod walkthrough;

use crate::bodies::Bench as _;
use crate::netns::Netns;
use crate::program::web;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// A configuration of sync daemons.
fn sync(id: u8) -> String {
    format!("[sync]\ninterface = \"sync0\"\nid = {id}\n")
}

/// The kernel's sync daemons, as they are told.
fn running(netns: &Netns) -> Vec<String> {
    let running = netns.client().daemons().unwrap();
    running.iter().map(ToString::to_string).collect()
}

/// A namespace with the interfaces of a director, at 10.5.0.1 for the others.
fn director() -> Netns {
    let netns = Netns::new();
    netns.add_interface();
    netns.run("/sbin/ip link add vrrp0 type dummy");
    netns.run("/sbin/ip link set vrrp0 up");
    netns.run("/sbin/ip addr add 10.0.0.1/24 dev vrrp0");
    netns
}

/// A configuration of a link that listens there, with a key in the daemon's folder.
fn linked(folder: &Path, listen: &str, key: char) -> String {
    let file = folder.join(format!("key-{key}"));
    fs::write(&file, key.to_string().repeat(64)).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let (sync, file) = (sync(7), file.display());
    format!(
        "{sync}listen = \"{listen}:8849\"\npeers = [\"10.5.0.2:8849\"]\nkey = \"{file}\"\n{}",
        web(100, "")
    )
}
