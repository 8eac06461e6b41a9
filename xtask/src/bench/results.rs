//! What `measure --json` printed.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::fmt::Write as _;

/// All that was measured, in order.
#[derive(Debug)]
pub(crate) struct Results(Vec<Entry>);

/// One way to do something. Times are microseconds for each unit of work.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) way: String,
    pub(crate) unit: String,
    /// From the fastest run to the slowest.
    us: Vec<f64>,
    user: f64,
    system: f64,
    /// Sends and receives of a run, where they are counted.
    pub(crate) calls: Option<(u64, u64)>,
    line: String,
}

impl Results {
    /// Reads lines of JSON; others are somebody else's.
    pub(crate) fn read(text: &str) -> Result<Self> {
        let lines = text.lines().filter(|line| line.starts_with('{'));
        let entries = lines.map(Entry::read).collect::<Result<Vec<_>>>()?;
        ensure!(!entries.is_empty(), "nothing was measured");
        Ok(Self(entries))
    }

    /// The names, each with the ways of it.
    pub(crate) fn by_name(&self) -> impl Iterator<Item = (&str, &[Entry])> {
        let groups = self.0.chunk_by(|a, b| a.name == b.name);
        groups.filter_map(|group| Some((group.first()?.name.as_str(), group)))
    }

    /// Our ways, each with its time as a multiple of the floor's: of the fastest runs,
    /// since what else the kernel has to do only ever adds.
    pub(crate) fn ratios(&self) -> impl Iterator<Item = (&Entry, f64)> {
        self.by_name().flat_map(|(_, ways)| {
            let floor = ways.iter().find(|entry| entry.way == "floor");
            ways.iter().filter_map(move |entry| {
                let is_ours = ["client", "batch", "plan", "snapshot"].contains(&&*entry.way);
                Some((entry, entry.fastest() / floor?.fastest())).filter(|_| is_ours)
            })
        })
    }

    /// How many of them are ours and have a floor.
    pub(crate) fn ours(&self) -> usize {
        self.ratios().count()
    }

    /// As an array.
    pub(crate) fn json(&self) -> String {
        let lines: Vec<&str> = self.0.iter().map(|entry| entry.line.as_str()).collect();
        format!("[\n{}\n]\n", lines.join(",\n"))
    }

    /// As tables. Ratios are to the first way.
    pub(crate) fn markdown(&self) -> String {
        let mut out = String::new();
        for (name, ways) in self.by_name() {
            let unit = ways.first().map_or("", |first| &first.unit);
            let _ = writeln!(
                out,
                "**{name}** (µs a {unit})\n\n| way | median | min | max | ratio | user | system | \
                 sends | receives |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|"
            );
            for way in ways {
                let ratio = ways.first().map_or(1.0, |first| way.median() / first.median());
                let at = |place: Option<&f64>| place.copied().unwrap_or_default();
                let (min, max) = (at(way.us.first()), at(way.us.last()));
                let used = |micros: f64| {
                    if micros > 0.0 { format!("{micros:.1}") } else { "-".to_owned() }
                };
                let (sends, receives) = way.calls.map_or_else(
                    || ("-".to_owned(), "-".to_owned()),
                    |(sends, receives)| (sends.to_string(), receives.to_string()),
                );
                let _ = writeln!(
                    out,
                    "| {} | {:.2} | {min:.2} | {max:.2} | {ratio:.3} | {} | {} | {sends} | \
                     {receives} |",
                    way.way,
                    way.median(),
                    used(way.user),
                    used(way.system),
                );
            }
            out.push('\n');
        }
        out
    }
}

impl Entry {
    fn read(line: &str) -> Result<Self> {
        let value: Value = serde_json::from_str(line).with_context(|| line.to_owned())?;
        let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let number = |key: &str| value.get(key).and_then(Value::as_f64);
        let count = |key: &str| value.get(key).and_then(Value::as_u64);
        let us = value.get("us").and_then(Value::as_array);
        let read = || {
            let us: Option<Vec<f64>> = us?.iter().map(Value::as_f64).collect();
            Some(Self {
                name: text("name")?,
                way: text("way")?,
                unit: text("unit")?,
                us: us.filter(|us| !us.is_empty())?,
                user: number("user_us")?,
                system: number("system_us")?,
                calls: count("sends").zip(count("receives")),
                line: line.to_owned(),
            })
        };
        read().with_context(|| format!("not a measurement: {line}"))
    }

    fn fastest(&self) -> f64 {
        self.us.first().copied().unwrap_or_default()
    }

    pub(crate) fn median(&self) -> f64 {
        self.us.get(self.us.len() / 2).copied().unwrap_or_default()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const LINES: &str = r#"
boot noise
{"name":"a","way":"floor","unit":"round","us":[1.0,2.0,9.0],"user_us":0.0,"system_us":0.0,"sends":4,"receives":4}
{"name":"a","way":"client","unit":"round","us":[3.0,3.0,3.0],"user_us":1.5,"system_us":1.0,"sends":4,"receives":4}
{"name":"a","way":"nlrs","unit":"round","us":[5.0,5.0,5.0],"user_us":1.5,"system_us":1.0,"sends":null,"receives":null}
{"name":"b","way":"ours","unit":"round","us":[7.0],"user_us":1.5,"system_us":1.0,"sends":null,"receives":null}
"#;

    #[test]
    fn lines_are_read_and_shown_as_tables() {
        let results = Results::read(LINES).unwrap();
        let markdown = results.markdown();
        for line in [
            "**a** (µs a round)",
            "| floor | 2.00 | 1.00 | 9.00 | 1.000 | - | - | 4 | 4 |",
            "| client | 3.00 | 3.00 | 3.00 | 1.500 | 1.5 | 1.0 | 4 | 4 |",
            "| nlrs | 5.00 | 5.00 | 5.00 | 2.500 | 1.5 | 1.0 | - | - |",
            "**b** (µs a round)",
        ] {
            assert!(markdown.lines().any(|found| found == line), "{line} in\n{markdown}");
        }
        let ratios: Vec<(&str, f64)> =
            results.ratios().map(|(entry, ratio)| (entry.way.as_str(), ratio)).collect();
        assert_eq!(ratios, [("client", 3.0)]);
        let array: Value = serde_json::from_str(&results.json()).unwrap();
        assert_eq!(array.as_array().map(Vec::len), Some(4));
    }

    #[test]
    fn what_is_no_measurement_is_an_error() {
        assert!(Results::read("nothing").is_err());
        let error = Results::read("{\"name\":\"a\"}").unwrap_err();
        assert_eq!(error.to_string(), "not a measurement: {\"name\":\"a\"}");
    }
}
