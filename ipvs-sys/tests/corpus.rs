//! Everything that the fuzz targets have been shown stays good.

#![expect(clippy::panic, reason = "a panic is a failed test")]

#[path = "../../fuzz/src/targets.rs"]
pub mod targets;

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
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    let mut names: Vec<_> = fs::read_dir(corpora)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        // Those of `ipvs` and `ipvs-sync` are replayed by their tests.
        .filter(|name| !name.starts_with("table_") && !name.starts_with("vrrp_"))
        .filter(|name| !["batch", "connections", "fake"].contains(&name.as_str()))
        .collect();
    names.sort();
    assert_eq!(names, ["daemon", "datagram", "destination", "nlctrl", "roundtrip", "service"]);
}
