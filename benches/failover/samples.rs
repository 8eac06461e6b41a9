//! What was measured, as lines of JSON.

use serde_json::json;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

/// One figure.
pub(crate) struct Sample {
    pub(crate) name: &'static str,
    pub(crate) interval: Duration,
    /// Whose routers they were.
    pub(crate) way: &'static str,
    /// Microseconds, or a number of take-overs.
    pub(crate) value: i64,
}

/// Prints a line for each name, interval and way: its figures from the least to the
/// greatest.
pub(crate) fn print(samples: Vec<Sample>) {
    let mut lines: BTreeMap<_, Vec<i64>> = BTreeMap::new();
    for Sample { name, interval, way, value } in samples {
        // The longest interval first, and ours before theirs.
        lines.entry((name, Reverse(interval), Reverse(way))).or_default().push(value);
    }
    for ((name, Reverse(interval), Reverse(way)), mut values) in lines {
        values.sort_unstable();
        let kind = if way == "ours" { "ours" } else { "peer" };
        let name = format!("{name}/{interval:?}");
        let line = json!({"name": name, "way": way, "kind": kind, "unit": "event", "us": values});
        println!("{line}");
    }
}
