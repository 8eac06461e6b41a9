//! Everything that the fuzz target of the fake kernel has been shown stays good.

#[path = "../../fuzz/src/fakes.rs"]
pub mod fakes;

use std::fs;
use std::path::Path;

#[test]
fn fakes() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/fake");
    let files: Vec<_> = fs::read_dir(&corpus)
        .unwrap()
        .map(|entry| fs::read(entry.unwrap().path()).unwrap())
        .collect();
    assert!(!files.is_empty(), "{}: empty", corpus.display());
    files.iter().for_each(|file| fakes::fake(file));
}
