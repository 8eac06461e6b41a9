//! Everything that the fuzz targets of this crate have been shown stays good.

#![expect(clippy::panic, reason = "a panic is a failed test")]

#[path = "../../fuzz/src/routers.rs"]
pub mod routers;
#[path = "../../fuzz/src/vrrp.rs"]
pub mod vrrp;

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

/// Those of the other targets are replayed by the tests of `ipvs-sys` and `ipvs`.
#[test]
fn no_corpus_is_forgotten() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    let mut names: Vec<_> = fs::read_dir(corpora)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("vrrp_"))
        .collect();
    names.sort();
    assert_eq!(names, ["vrrp_hmac", "vrrp_packet", "vrrp_router"]);
}
