//! What each target does with a text that may be a table. A panic is a finding.
//!
//! The targets are files of their own in `fuzz_targets`; the tests of `ipvs`
//! include this one to replay the corpora.

use ipvs::{Table, TableError, TableProblem};

/// A TOML document.
pub fn table_toml(data: &[u8]) {
    table(data, Table::from_toml);
}

/// A JSON document.
pub fn table_json(data: &[u8]) {
    table(data, Table::from_json);
}

/// Lines of `ipvsadm`.
pub fn table_ipvsadm(data: &[u8]) {
    table(data, Table::from_ipvsadm);
}

/// What reads is written in every format and reads as the same there.
fn table(data: &[u8], read: fn(&str) -> Result<Table, TableError>) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match read(text) {
        Ok(table) => {
            assert_eq!(Table::from_toml(&written(table.to_toml())).as_ref(), Ok(&table));
            assert_eq!(Table::from_json(&written(table.to_json())).as_ref(), Ok(&table));
            lines(&table);
        }
        Err(error) => {
            let (line, column) = (error.line().unwrap_or(0), error.column().unwrap_or(0));
            let shown = text.split('\n').nth(line.wrapping_sub(1));
            let length = shown.map_or(0, |shown| shown.chars().count());
            assert!((1..=length + 1).contains(&column), "{error}: not a place in the text");
            assert!(!error.to_string().is_empty());
        }
    }
}

fn written(text: Result<String, TableError>) -> String {
    text.unwrap_or_else(|error| unreachable!("{error}"))
}

/// What the lines can say is the same table without names.
fn lines(table: &Table) {
    match table.to_ipvsadm() {
        Ok(text) => {
            let mut named =
                Table::from_ipvsadm(&text).unwrap_or_else(|error| unreachable!("{error}"));
            for entry in table.services() {
                if let Some(name) = entry.name() {
                    assert_eq!(named.name_service(&entry.service().key(), name), Ok(()));
                }
            }
            assert_eq!(named, *table);
        }
        Err(error) => {
            assert!(matches!(error.problem(), TableProblem::NotExpressible { .. }), "{error}");
        }
    }
}
