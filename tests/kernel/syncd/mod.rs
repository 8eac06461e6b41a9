//! `ipvs-syncd` and what it makes of the kernel's table and sync daemons.

mod by_state;
mod link;
mod privilege;
mod sync;
mod tables;

use crate::netns::Netns;

/// A configuration of sync daemons.
fn sync(id: u8) -> String {
    format!("[sync]\ninterface = \"sync0\"\nid = {id}\n")
}

/// The kernel's sync daemons, as they are told.
fn running(netns: &Netns) -> Vec<String> {
    let running = netns.client().daemons().unwrap();
    running.iter().map(ToString::to_string).collect()
}
