//! Everything that the fuzz targets of this crate have been shown stays good.

#![expect(clippy::panic, reason = "a panic is a failed test")]

#[path = "../../fuzz/src/batches.rs"]
pub mod batches;
#[path = "../../fuzz/src/fakes.rs"]
pub mod fakes;
#[path = "../../fuzz/src/procfs.rs"]
pub mod procfs;
#[path = "../../fuzz/src/tables.rs"]
pub mod tables;

use std::fs;
use std::path::Path;

fn replay(name: &str, target: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(name);
    let files: Vec<_> = fs::read_dir(&corpus)
        .unwrap_or_else(|error| panic!("{}: {error}", corpus.display()))
        .map(|entry| fs::read(entry.expect("a listed file").path()).expect("a readable file"))
        .collect();
    assert!(!files.is_empty(), "{}: empty", corpus.display());
    files.iter().for_each(|file| target(file));
}

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
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    let names: Vec<_> = fs::read_dir(corpora)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with("vrrp_"))
        .collect();
    let count = |ours: bool| names.iter().filter(|name| is_ours(name) == ours).count();
    assert_eq!((count(true), count(false)), (6, 6), "{names:?}");
}

fn is_ours(name: &str) -> bool {
    ["batch", "connections", "fake"].contains(&name) || name.starts_with("table_")
}
