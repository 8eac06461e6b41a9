//! `cargo xtask conformance`: which test shows which requirement of VRRP, as a table.
//!
//! [`LIST`] says what is required, a line `// shows: ID, ID` above a test what it shows.

mod requirement;
mod table;
mod tag;

use crate::lab::Lab;
use anyhow::{Context as _, Result, ensure};
use clap::Args;
use requirement::Requirement;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use tag::Tag;

/// The command line.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Write nothing; fail if the table is not what would be written.
    #[arg(long)]
    check: bool,
}

/// What is required, in the workspace.
const LIST: &str = "ipvs-sync/conformance.txt";

/// What is written, beside the list.
const TABLE: &str = "ipvs-sync/CONFORMANCE.md";

/// Where tests are that show something.
const TESTED: [&str; 2] = ["ipvs-sync", "tests"];

impl Options {
    /// Writes or checks the table.
    pub(crate) fn run(self) -> Result<ExitCode> {
        let root = Lab::open()?.root;
        let list = fs::read_to_string(root.join(LIST)).context(LIST)?;
        let requirements = Requirement::all(&list)?;
        let mut tags = Vec::new();
        for directory in TESTED {
            add_tags(&root, &root.join(directory), &mut tags)?;
        }
        let table = table::write(&requirements, &tags)?;
        let path = root.join(TABLE);
        if self.check {
            let found = fs::read_to_string(path).unwrap_or_default();
            check(&found, &table)?;
        } else {
            fs::write(path, table).context(TABLE)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn check(found: &str, table: &str) -> Result<()> {
    ensure!(found == table, "{TABLE} is stale: `cargo xtask conformance` writes it anew");
    Ok(())
}

/// Adds the tags of a directory's Rust files, in the order of their names.
fn add_tags(root: &Path, directory: &Path, tags: &mut Vec<Tag>) -> Result<()> {
    let entries = fs::read_dir(directory).with_context(|| directory.display().to_string())?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    for path in paths {
        if path.is_dir() {
            add_tags(root, &path, tags)?;
        } else if path.extension() == Some(OsStr::new("rs")) {
            let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            let name = path.strip_prefix(root)?.display().to_string();
            tags.extend(Tag::all(&name, &text));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_is_not_what_would_be_written_is_stale() {
        assert!(check("a table", "a table").is_ok());
        for found in ["", "a tabl", "a table\n"] {
            let told = check(found, "a table").unwrap_err().to_string();
            assert!(told.starts_with("ipvs-sync/CONFORMANCE.md is stale"), "{told}");
        }
    }
}
