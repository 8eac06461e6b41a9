//! Targets that read what procfs shows. A panic is a finding.
//!
//! The tests of `ipvs` include this file to replay the corpora.

use ipvs::connections::{Reader, Summary};
use std::io::BufReader;

/// A connection table: it is read to its end, and no line gives two items.
pub fn connections(data: &[u8]) {
    let lines = data.iter().filter(|byte| **byte == b'\n').count();
    let mut summary = Summary::default();
    let (mut items, mut last) = (0, 0);
    for found in Reader::new(data) {
        items += 1;
        match found {
            Ok(connection) => {
                assert!(!connection.to_string().is_empty());
                summary.add(&connection);
            }
            Err(error) => {
                assert!(!error.to_string().is_empty());
                let Some((line, _)) = error.line() else { unreachable!("bytes cannot fail") };
                assert!(line > last, "line {line} after {last}");
                last = line;
            }
        }
    }
    assert!(items <= lines + 1, "{items} items of {lines} lines");
    let counted = summary.iter().map(|(.., counts)| counts.connections() + counts.templates);
    assert!(counted.sum::<u64>() <= lines as u64);
    // Where the chunks of the file end makes no difference.
    let pieces = Reader::new(BufReader::with_capacity(7, data));
    assert_eq!(pieces.count(), items);
}
