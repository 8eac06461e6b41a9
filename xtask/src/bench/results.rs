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
    /// Whose it is: `floor`, `ours` or `peer`.
    pub(crate) kind: String,
    pub(crate) unit: String,
    /// From the fastest run to the slowest.
    pub(crate) us: Vec<f64>,
    user: f64,
    system: f64,
    /// Sends and receives of a run, where they are counted.
    pub(crate) calls: Option<(u64, u64)>,
    /// What a unit takes, where it was traced: system calls, among them sends and
    /// receives, and netlink messages.
    traced: Option<[f64; 4]>,
    /// The most memory in KiB, where it was measured.
    peak: Option<u64>,
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
            let floor = ways.iter().find(|entry| entry.kind == "floor");
            ways.iter().filter_map(move |entry| {
                let ratio = entry.fastest() / floor?.fastest();
                (entry.kind == "ours").then_some((entry, ratio))
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

    /// The entry of this name and way.
    pub(crate) fn find(&self, name: &str, way: &str) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.name == name && entry.way == way)
    }

    /// As tables. Ratios are to the first way.
    pub(crate) fn markdown(&self) -> String {
        let mut out = String::new();
        for (name, ways) in self.by_name() {
            let unit = ways.first().map_or("", |first| &first.unit);
            let mut columns = vec!["way", "median", "min", "max", "ratio", "user", "system"];
            let traced = ways.iter().any(|way| way.traced.is_some());
            columns.extend(if traced { &TRACED[..] } else { &COUNTED[..] });
            let aligned = "--:|".repeat(columns.len() - 1);
            let columns = columns.join(" | ");
            let _ = writeln!(out, "**{name}** (µs a {unit})\n\n| {columns} |\n|---|{aligned}");
            for way in ways {
                let ratio = ways.first().map_or(1.0, |first| way.median() / first.median());
                let (min, max) = (way.fastest(), way.us.last().copied().unwrap_or_default());
                let median = way.median();
                let _ =
                    write!(out, "| {} | {median:.2} | {min:.2} | {max:.2} | {ratio:.3} |", way.way);
                let counts = if traced { way.traced_cells() } else { way.counted_cells() };
                let cells = [used(way.user), used(way.system)].into_iter().chain(counts);
                let _ = writeln!(out, " {} |", cells.collect::<Vec<_>>().join(" | "));
            }
            out.push('\n');
        }
        out
    }
}

/// What several guests measured, one after the other.
impl FromIterator<Self> for Results {
    fn from_iter<T: IntoIterator<Item = Self>>(parts: T) -> Self {
        Self(parts.into_iter().flat_map(|part| part.0).collect())
    }
}

/// Of a unit.
const TRACED: [&str; 4] = ["system calls", "sends", "receives", "messages"];
/// Of a run.
const COUNTED: [&str; 3] = ["sends of a run", "receives of a run", "peak KiB"];

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
                kind: text("kind")?,
                unit: text("unit")?,
                us: us.filter(|us| !us.is_empty())?,
                user: number("user_us").unwrap_or_default(),
                system: number("system_us").unwrap_or_default(),
                calls: count("sends").zip(count("receives")),
                traced: ["calls", "sends", "receives", "messages"]
                    .map(|key| value.get("traced")?.get(key)?.as_f64())
                    .into_iter()
                    .collect::<Option<Vec<f64>>>()
                    .and_then(|counts| counts.try_into().ok()),
                peak: count("peak_kib"),
                line: line.to_owned(),
            })
        };
        read().with_context(|| format!("not a measurement: {line}"))
    }

    /// Of a unit, where they were traced.
    pub(crate) fn system_calls(&self) -> Option<f64> {
        let [calls, ..] = self.traced?;
        Some(calls)
    }

    fn traced_cells(&self) -> Vec<String> {
        let number = |number: f64| format!("{}", (number * 1_000.0).round() / 1_000.0);
        self.traced.map_or_else(|| vec![nothing(); 4], |counts| counts.map(number).into())
    }

    fn counted_cells(&self) -> Vec<String> {
        let (sends, receives) = self.calls.unzip();
        [sends, receives, self.peak]
            .map(|count| count.map_or_else(nothing, |count| count.to_string()))
            .into()
    }

    fn fastest(&self) -> f64 {
        self.us.first().copied().unwrap_or_default()
    }

    pub(crate) fn median(&self) -> f64 {
        self.us.get(self.us.len() / 2).copied().unwrap_or_default()
    }

    /// The least that is not below this percentage of all, in milliseconds.
    pub(crate) fn millis(&self, percent: usize) -> f64 {
        let rank = (self.us.len() * percent).div_ceil(100).max(1);
        self.us.get(rank - 1).copied().unwrap_or_default() / 1_000.0
    }
}

fn used(micros: f64) -> String {
    if micros > 0.0 { format!("{micros:.1}") } else { nothing() }
}

fn nothing() -> String {
    "-".to_owned()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const LINES: &str = r#"
boot noise
{"name":"a","way":"floor","kind":"floor","unit":"round","us":[1.0,2.0,9.0],"user_us":0.0,"system_us":0.0,"sends":4,"receives":4,"peak_kib":null,"traced":{"calls":9.0,"sends":4.0,"receives":4.5,"messages":8.0}}
{"name":"a","way":"client","kind":"ours","unit":"round","us":[3.0,3.0,3.0],"user_us":1.5,"system_us":1.0,"sends":4,"receives":4}
{"name":"a","way":"nlrs","kind":"peer","unit":"round","us":[5.0,5.0,5.0],"user_us":1.5,"system_us":1.0,"sends":null,"receives":null}
{"name":"b","way":"ours","kind":"ours","unit":"table","us":[7.0],"user_us":1.5,"system_us":1.0,"sends":2,"receives":3,"peak_kib":512}
"#;

    #[test]
    fn lines_are_read_and_shown_as_tables() {
        let results = Results::read(LINES).unwrap();
        let markdown = results.markdown();
        for line in [
            "**a** (µs a round)",
            "| floor | 2.00 | 1.00 | 9.00 | 1.000 | - | - | 9 | 4 | 4.5 | 8 |",
            "| client | 3.00 | 3.00 | 3.00 | 1.500 | 1.5 | 1.0 | - | - | - | - |",
            "| nlrs | 5.00 | 5.00 | 5.00 | 2.500 | 1.5 | 1.0 | - | - | - | - |",
            "**b** (µs a table)",
            "| ours | 7.00 | 7.00 | 7.00 | 1.000 | 1.5 | 1.0 | 2 | 3 | 512 |",
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
