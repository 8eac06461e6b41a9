//! What was measured once, as ratios to the floor and counts: neither depends on the
//! machine, and the kernel's own changes cancel out of the ratio.

use super::results::{Entry, Results};
use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};

/// What is measured for it. Each has a floor.
pub(crate) const NAMES: [&str; 4] =
    ["thesis/anchored", "thesis/batches/anchored", "restore/1000x10", "list/1000x10"];

/// How much a ratio may grow.
const TOLERANCE: f64 = 1.03;

/// The file's contents.
pub(crate) fn json(results: &Results) -> String {
    let entries = results.ratios().map(|(entry, ratio)| {
        let rounded = (ratio * 1_000.0).round() / 1_000.0;
        (key(entry), json!({ "ratio": rounded, "calls": calls(entry) }))
    });
    let entries: Map<String, Value> = entries.collect();
    format!("{:#}\n", Value::from(entries))
}

/// What is worse than the file says, a line each. What the file does not have, or
/// was not measured any more, is told too.
pub(crate) fn worse(file: &str, results: &Results) -> Result<Vec<String>> {
    let file: Value = serde_json::from_str(file).context("benches/baseline.json")?;
    let mut before = file.as_object().context("benches/baseline.json is no object")?.clone();
    let mut lines = Vec::new();
    for (entry, ratio) in results.ratios() {
        let key = key(entry);
        let Some(before) = before.remove(&key) else {
            lines.push(format!("{key}: not in the baseline"));
            continue;
        };
        let allowed = before.get("ratio").and_then(Value::as_f64).unwrap_or_default();
        if ratio > allowed * TOLERANCE {
            lines.push(format!("{key}: {ratio:.3} times the floor, was {allowed:.3}"));
        }
        let (calls, known) = (calls(entry), before.get("calls").and_then(Value::as_u64));
        // A count that is gone is worse too: runs differ.
        if calls.zip(known).map_or(calls != known, |(calls, known)| calls > known) {
            lines.push(format!("{key}: {calls:?} system calls, were {known:?}"));
        }
    }
    lines.extend(before.keys().map(|key| format!("{key}: not measured any more")));
    Ok(lines)
}

fn key(entry: &Entry) -> String {
    format!("{} {}", entry.name, entry.way)
}

fn calls(entry: &Entry) -> Option<u64> {
    entry.calls.map(|(sends, receives)| sends + receives)
}

#[cfg(test)]
mod tests {
    use super::super::results::tests::LINES;
    use super::*;

    #[test]
    fn what_is_as_before_is_not_worse_and_what_is_slower_is() {
        let before = Results::read(LINES).unwrap();
        let file = json(&before);
        assert_eq!(worse(&file, &before).unwrap(), [""; 0]);
        let changed = |from, to| Results::read(&LINES.replace(from, to)).unwrap();
        let slower = changed("[3.0,3.0,3.0]", "[3.1,3.1,3.2]");
        let told = worse(&file, &slower).unwrap();
        assert_eq!(told, ["a client: 3.100 times the floor, was 3.000"]);
        let a_little = changed("[3.0,3.0,3.0]", "[3.08,3.2,3.2]");
        assert_eq!(worse(&file, &a_little).unwrap(), [""; 0]);
        let more = changed("\"receives\":4}", "\"receives\":5}");
        let told = worse(&file, &more).unwrap();
        assert_eq!(told, ["a client: Some(9) system calls, were Some(8)"]);
        let gone = changed("\"receives\":4}", "\"receives\":null}");
        let told = worse(&file, &gone).unwrap();
        assert_eq!(told, ["a client: None system calls, were Some(8)"]);
    }

    #[test]
    fn what_is_new_or_gone_is_told() {
        let results = Results::read(LINES).unwrap();
        let told = worse("{\"c client\": {}}", &results).unwrap();
        assert_eq!(told, ["a client: not in the baseline", "c client: not measured any more"]);
    }
}
