//! Everything that the fuzz targets have been shown stays good.

#![expect(clippy::panic, reason = "a panic is a failed test")]

#[path = "../../fuzz/src/corpus.rs"]
pub mod corpus;
#[path = "../../fuzz/src/targets.rs"]
pub mod targets;

use corpus::replay;

#[test]
fn datagrams() {
    replay("datagram", targets::datagram);
}

#[test]
fn services() {
    replay("service", targets::service);
}

#[test]
fn destinations() {
    replay("destination", targets::destination);
}

#[test]
fn daemons() {
    replay("daemon", targets::daemon);
}

#[test]
fn answers_of_nlctrl() {
    replay("nlctrl", targets::nlctrl);
}

#[test]
fn roundtrips() {
    replay("roundtrip", targets::roundtrip);
}

#[test]
fn no_corpus_is_forgotten() {
    let mut names = corpus::names();
    // Those of `ipvs` and `ipvs-sync` are replayed by their tests.
    let of_others = ["neighbour_", "resync_", "sync_", "table_", "vrrp_"];
    names.retain(|name| !of_others.iter().any(|prefix| name.starts_with(prefix)));
    names.retain(|name| !["batch", "connections", "fake"].contains(&name.as_str()));
    assert_eq!(names, ["daemon", "datagram", "destination", "nlctrl", "roundtrip", "service"]);
}
