//! The corpora under version control, shown to the targets once more without a fuzzer.
//!
//! A file that the tests of the crates include; each crate shows those of its own targets.

use std::fs;
use std::path::{Path, PathBuf};

/// Shows every file of a corpus to a target.
pub fn replay(name: &str, target: fn(&[u8])) {
    let corpus = corpora().join(name);
    let files: Vec<_> = fs::read_dir(&corpus)
        .unwrap_or_else(|error| panic!("{}: {error}", corpus.display()))
        .map(|entry| fs::read(entry.expect("a listed file").path()).expect("a readable file"))
        .collect();
    assert!(!files.is_empty(), "{}: empty", corpus.display());
    files.iter().for_each(|file| target(file));
}

/// The names of all corpora, in order.
pub fn names() -> Vec<String> {
    let entries = fs::read_dir(corpora()).expect("the corpora");
    let name = |entry: fs::DirEntry| entry.file_name().into_string().expect("a name in UTF-8");
    let mut names: Vec<_> = entries.map(|entry| name(entry.expect("a corpus"))).collect();
    names.sort();
    names
}

/// Beside the crate that includes this.
fn corpora() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus")
}
