//! Everything that the fuzz targets of procfs have been shown stays good.

#[path = "../../fuzz/src/procfs.rs"]
pub mod procfs;

use std::fs;
use std::path::Path;

#[test]
fn connections() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/connections");
    let mut count = 0;
    for entry in fs::read_dir(corpus).unwrap() {
        procfs::connections(&fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count > 4, "{count} files");
}
