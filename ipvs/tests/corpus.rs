//! Everything that the fuzz targets of this crate have been shown stays good.

#![expect(clippy::panic, reason = "a panic is a failed test")]

#[path = "../../fuzz/src/batches.rs"]
pub mod batches;
#[path = "../../fuzz/src/corpus.rs"]
pub mod corpus;
#[path = "../../fuzz/src/fakes.rs"]
pub mod fakes;
#[path = "../../fuzz/src/procfs.rs"]
pub mod procfs;
#[path = "../../fuzz/src/tables.rs"]
pub mod tables;

use corpus::replay;

#[test]
fn batches() {
    replay("batch", batches::batch);
}

#[test]
fn connection_tables() {
    replay("connections", procfs::connections);
}

#[test]
fn requests_to_the_fake_kernel() {
    replay("fake", fakes::fake);
}

#[test]
fn toml_documents() {
    replay("table_toml", tables::table_toml);
}

#[test]
fn json_documents() {
    replay("table_json", tables::table_json);
}

#[test]
fn lines_of_ipvsadm() {
    replay("table_ipvsadm", tables::table_ipvsadm);
}

/// Those of the other targets are replayed by the tests of `ipvs-sys` and `ipvs-sync`.
#[test]
fn no_corpus_is_forgotten() {
    let mut names = corpus::names();
    let of_sync = ["neighbour_", "resync_", "sync_", "vrrp_"];
    names.retain(|name| !of_sync.iter().any(|prefix| name.starts_with(prefix)));
    let count = |ours: bool| names.iter().filter(|name| is_ours(name) == ours).count();
    assert_eq!((count(true), count(false)), (6, 6), "{names:?}");
}

fn is_ours(name: &str) -> bool {
    ["batch", "connections", "fake"].contains(&name) || name.starts_with("table_")
}
