//! Everything that the fuzz targets of this crate have been shown stays good.

#![expect(clippy::panic, reason = "a panic is a failed test")]

#[path = "../../fuzz/src/corpus.rs"]
pub mod corpus;
#[path = "../../fuzz/src/neighbours.rs"]
pub mod neighbours;
#[cfg(feature = "serde")]
#[path = "../../fuzz/src/reports.rs"]
pub mod reports;
#[path = "../../fuzz/src/resync.rs"]
pub mod resync;
#[path = "../../fuzz/src/routers.rs"]
pub mod routers;
#[path = "../../fuzz/src/sync.rs"]
pub mod sync;
#[path = "../../fuzz/src/vrrp.rs"]
pub mod vrrp;

use corpus::replay;

#[test]
fn frames_of_neighbours() {
    replay("neighbour_frame", neighbours::neighbour_frame);
}

#[test]
fn packets() {
    replay("vrrp_packet", vrrp::vrrp_packet);
}

#[test]
fn signed_packets() {
    replay("vrrp_hmac", vrrp::vrrp_hmac);
}

#[test]
fn virtual_routers() {
    replay("vrrp_router", routers::routers);
}

#[test]
fn sync_messages() {
    replay("sync_message", sync::sync_message);
}

#[test]
fn peers_of_a_transfer() {
    replay("resync_peer", resync::resync_peer);
}

#[cfg(feature = "serde")]
#[test]
fn reports_of_nodes() {
    replay("sync_report", reports::sync_report);
}

/// Those of the other targets are replayed by the tests of `ipvs-sys` and `ipvs`.
#[test]
fn no_corpus_is_forgotten() {
    let mut names = corpus::names();
    let ours = ["neighbour_", "resync_", "sync_", "vrrp_"];
    names.retain(|name| ours.iter().any(|part| name.starts_with(part)));
    let known = [
        "neighbour_frame",
        "resync_peer",
        "sync_message",
        "sync_report",
        "vrrp_hmac",
        "vrrp_packet",
        "vrrp_router",
    ];
    assert_eq!(names, known);
}
