//! Everything that the fuzz targets for tables have been shown stays good.

#![expect(clippy::panic, reason = "a panic is a failed test")]

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

#[test]
fn no_corpus_is_forgotten() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    let mut names: Vec<_> = fs::read_dir(corpora)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("table_"))
        .collect();
    names.sort();
    assert_eq!(names, ["table_ipvsadm", "table_json", "table_toml"]);
}
