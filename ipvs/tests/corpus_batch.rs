//! Everything that the fuzz target of batches has been shown stays good.

#[path = "../../fuzz/src/batches.rs"]
pub mod batches;

use std::fs;
use std::path::Path;

#[test]
fn batches() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/batch");
    let files: Vec<_> = fs::read_dir(&corpus)
        .unwrap()
        .map(|entry| fs::read(entry.unwrap().path()).unwrap())
        .collect();
    assert!(!files.is_empty(), "{}: empty", corpus.display());
    files.iter().for_each(|file| batches::batch(file));
}
