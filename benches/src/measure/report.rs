//! What was measured, as lines: columns with spaces between them and `-` where there
//! is nothing, or JSON.

use crate::comparison::Kind;
use crate::sample::{Calls, Series};
use crate::trace::Traced;
use serde_json::json;

/// One way to do something.
pub(crate) struct Line {
    name: String,
    way: &'static str,
    kind: Kind,
    unit: &'static str,
    series: Series,
    /// The most memory that it took, in KiB, where that was measured.
    peak: Option<u64>,
    /// What a unit takes, where that was traced.
    traced: Option<Traced>,
}

impl Line {
    pub(crate) fn new(
        name: impl Into<String>,
        way: &'static str,
        kind: Kind,
        unit: &'static str,
        series: Series,
    ) -> Self {
        Self { name: name.into(), way, kind, unit, series, peak: None, traced: None }
    }

    pub(crate) fn with_peak(self, kib: u64) -> Self {
        Self { peak: Some(kib), ..self }
    }

    pub(crate) fn with_traced(self, traced: Traced) -> Self {
        Self { traced: Some(traced), ..self }
    }

    fn json(&self) -> String {
        let calls = self.series.calls();
        json!({
            "name": self.name,
            "way": self.way,
            "kind": match self.kind {
                Kind::Floor => "floor",
                Kind::Ours => "ours",
                Kind::Peer => "peer",
            },
            "unit": self.unit,
            "us": self.series.sorted(),
            "user_us": self.series.user(),
            "system_us": self.series.system(),
            "sends": calls.map(|calls| calls.sends),
            "receives": calls.map(|calls| calls.receives),
            "peak_kib": self.peak,
            "traced": self.traced.map(Traced::json),
        })
        .to_string()
    }

    fn columns(&self, first: &Series) -> String {
        let us = self.series.sorted();
        let number = |number: Option<&f64>| number.map_or_else(nothing, |us| format!("{us:.3}"));
        let count = |count: fn(Calls) -> u64| {
            self.series.calls().map_or_else(nothing, |calls| count(calls).to_string())
        };
        columns([
            &self.name,
            self.way,
            self.unit,
            &format!("{:.3}", self.series.median()),
            &number(us.first()),
            &number(us.last()),
            &format!("{:.3}", self.series.median() / first.median()),
            &count(|calls| calls.sends),
            &count(|calls| calls.receives),
            &self.peak.map_or_else(nothing, |kib| kib.to_string()),
        ])
    }
}

/// Prints what the columns are.
pub(crate) fn heading() {
    println!(
        "{}",
        columns([
            "name",
            "way",
            "unit",
            "median_us",
            "min_us",
            "max_us",
            "ratio",
            "sends",
            "receives",
            "peak_kib"
        ])
    );
}

/// Prints one measurement. Ratios are to the first line of the same name.
pub(crate) fn print(lines: &[Line], as_json: bool) {
    for line in lines {
        let first = lines.iter().find(|first| first.name == line.name).unwrap_or(line);
        println!("{}", if as_json { line.json() } else { line.columns(&first.series) });
    }
}

fn columns(columns: [&str; 10]) -> String {
    let [name, way, unit, median, min, max, ratio, sends, receives, peak] = columns;
    format!(
        "{name:<36} {way:<20} {unit:<11} {median:>12} {min:>12} {max:>12} {ratio:>8} {sends:>9} \
         {receives:>9} {peak:>8}"
    )
}

fn nothing() -> String {
    "-".to_owned()
}
