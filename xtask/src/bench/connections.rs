//! What becomes of established connections when a director fails, hands over or comes
//! back: ours beside keepalived, in guests.

use super::{survival, write};
use crate::guest::Job;
use crate::kernel::Name;
use crate::lab::Lab;
use crate::process::Copy;
use crate::progress::note;
use crate::qemu::{End, Machine};
use crate::vm;
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::thread;
use std::time::Duration;
use xtask::Outcome;

/// Runs it on a kernel, each way in a guest of its own, prints tables and writes them, their
/// numbers and their picture down.
///
/// The guests' clocks count instructions: what else this machine does makes none of their
/// timers late, and time in which nothing happens does not pass here.
pub(crate) fn run(lab: &Lab, kernel: Name, quick: bool) -> Result<()> {
    let rounds = if quick { 1 } else { 10 };
    let title = format!("connections-{}", kernel.version());
    note(&format!("{title}: {rounds} rounds"));
    let text = thread::scope(|scope| {
        let guests = WAYS.map(|way| scope.spawn(move || guest(lab, kernel, rounds, way)));
        let texts = guests
            .map(|guest| guest.join().unwrap_or_else(|_| bail!("measuring {title} panicked")));
        texts.into_iter().collect::<Result<Vec<String>>>()
    });
    let text = text?.concat();
    let lines: Vec<Line> = read(&text)?;
    let tables = tables(&lines);
    println!("\n{title}\n\n{tables}");
    write(lab, &format!("{title}.json"), &json(&text))?;
    write(lab, &format!("{title}.md"), &tables)?;
    write(lab, &format!("{title}.svg"), &survival::svg(&lines))
}

/// What one way prints.
fn guest(lab: &Lab, kernel: Name, rounds: u32, way: &str) -> Result<String> {
    let argv: Vec<OsString> =
        vec!["/bin/connections".into(), rounds.to_string().into(), way.into()];
    let plain = Machine::plain(Duration::from_secs(7_200));
    let machine = Machine { icount: true, random: true, ..plain };
    let output = Copy::default();
    let job = Job { argv: &argv, with_ipvs: true, besides: None };
    let end = vm::run(lab, kernel, &machine, &job, Box::new(output.clone()))?;
    let End::Job(Outcome::Exit(0)) = end else { bail!("{way} did not end well: {end:?}") };
    Ok(output.text())
}

/// What happened to the connections of a kind, or to requests, in one event.
pub(crate) struct Line {
    pub(crate) scenario: String,
    pub(crate) way: String,
    pub(crate) kind: String,
    value: Value,
}

impl Line {
    pub(super) fn read(text: &str) -> Result<Self> {
        let value: Value = serde_json::from_str(text).with_context(|| text.to_owned())?;
        let word = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let read = || Some((word("scenario")?, word("way")?, word("kind")?));
        let (scenario, way, kind) = read().with_context(|| format!("no outcome: {text}"))?;
        Ok(Self { scenario, way, kind, value })
    }

    /// A number, which is nothing for those that have none of this name.
    pub(crate) fn count(&self, key: &str) -> u64 {
        self.value.get(key).and_then(Value::as_u64).unwrap_or_default()
    }
}

fn read(text: &str) -> Result<Vec<Line>> {
    let lines = text.lines().filter(|line| line.starts_with('{'));
    let lines = lines.map(Line::read).collect::<Result<Vec<_>>>()?;
    ensure!(!lines.is_empty(), "nothing was measured");
    Ok(lines)
}

fn json(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with('{')).collect();
    format!("[\n{}\n]\n", lines.join(",\n"))
}

/// What befell the directors, as it is named and in words.
pub(crate) const SCENARIOS: [(&str, &str); 9] = [
    ("quiet", "Nothing happens"),
    ("crash", "The active director's machine fails"),
    ("return", "It comes back, with an empty kernel"),
    ("cut", "The active director is cut off"),
    ("heal", "It is no longer cut off"),
    ("handover", "The operator hands over"),
    ("handover back", "And back"),
    ("restart", "The active director's daemon is restarted"),
    ("reload", "It reads its configuration again"),
];

pub(crate) const KINDS: [&str; 4] =
    ["TCP masqueraded", "TCP direct", "UDP masqueraded", "UDP direct"];

pub(crate) const WAYS: [&str; 2] = ["ours", "keepalived"];

fn tables(lines: &[Line]) -> String {
    let mut out = String::new();
    for (scenario, title) in SCENARIOS {
        let _ = writeln!(
            out,
            "\n**{title}**\n\n| | ours: established | unknown | lost of these | lost of the known | \
             oldest lost | longest wait | keepalived: established | unknown | lost of these | lost \
             of the known | oldest lost | longest wait |\n|---|{}",
            "--:|".repeat(12)
        );
        for kind in KINDS {
            let cells = WAYS.map(|way| {
                let of = |line: &&Line| line.is(scenario, way, kind);
                cells(&lines.iter().filter(of).collect::<Vec<_>>())
            });
            let _ = writeln!(out, "| {kind} | {} |", cells.join(" | "));
        }
        let cells = WAYS.map(|way| {
            let of = |line: &&Line| line.is(scenario, way, "requests");
            requests(&lines.iter().filter(of).collect::<Vec<_>>())
        });
        let _ = writeln!(out, "\nRequests: {}.", cells.join("; "));
    }
    out + &targets(lines)
}

/// What is asked of ours: in which events, what is to be 0, and of what.
const TARGETS: [(&str, &[&str], &[&str], &str); 5] = [
    (
        "no connection is lost by what is planned, nor by a return",
        PLANNED,
        &["lost_unknown", "lost_known"],
        "established",
    ),
    ("no request that was sent is reset by that", PLANNED, &["reset"], "made"),
    ("none that was known by a crash or a cut", FAILURES, &["lost_known"], "established"),
    ("none older than the delay of sync by these", FAILURES, &["lost_old"], "established"),
    (
        "no byte is wrong",
        &["crash", "return", "cut", "heal", "handover", "handover back", "restart", "reload"],
        &["wrong_bytes"],
        "established",
    ),
];

const PLANNED: &[&str] = &["return", "handover", "handover back", "restart", "reload"];
const FAILURES: &[&str] = &["crash", "cut"];

fn targets(lines: &[Line]) -> String {
    let mut out = String::from("\n| asked of ours | measured | |\n|---|--:|---|\n");
    for (what, scenarios, keys, of) in TARGETS {
        let ours = || {
            let is_ours = |line: &&Line| line.way == "ours" && scenarios.contains(&&*line.scenario);
            lines.iter().filter(is_ours)
        };
        let sum = |key: &str| ours().map(|line| line.count(key)).sum::<u64>();
        let count: u64 = keys.iter().map(|key| sum(key)).sum();
        let has = |key: &str| ours().any(|line| line.value.get(key).is_some());
        let kept = match (keys.iter().all(|key| has(key)), count) {
            (false, _) => "not measured",
            (true, 0) => "kept",
            (true, _) => "missed",
        };
        let _ = writeln!(out, "| {what} | {count} of {} | {kept} |", sum(of));
    }
    out
}

impl Line {
    pub(crate) fn is(&self, scenario: &str, way: &str, kind: &str) -> bool {
        self.scenario == scenario && self.way == way && self.kind == kind
    }
}

fn cells(lines: &[&Line]) -> String {
    let sum = |key| lines.iter().map(|line| line.count(key)).sum::<u64>();
    let most = |key| lines.iter().map(|line| line.count(key)).max().unwrap_or_default();
    let counts = ["established", "unknown", "lost_unknown", "lost_known"].map(sum);
    let seconds = ["oldest_lost_ms", "longest_ms"].map(most).map(seconds);
    let cells = counts.map(|count| count.to_string()).into_iter().chain(seconds);
    cells.collect::<Vec<_>>().join(" | ")
}

fn requests(lines: &[&Line]) -> String {
    let sum = |key| lines.iter().map(|line| line.count(key)).sum::<u64>();
    let longest = lines.iter().map(|line| line.count("longest_ms")).max().unwrap_or_default();
    let way = lines.first().map_or("", |line| &line.way);
    format!(
        "of {way} {} reset before they were sent, {} later and {} not answered of {}, the longest \
         other one {}, {} bytes wrong",
        sum("refused"),
        sum("reset"),
        sum("given_up"),
        sum("made"),
        seconds(longest),
        sum("wrong_bytes")
    )
}

#[expect(clippy::cast_precision_loss, reason = "hours of milliseconds are exact")]
fn seconds(millis: u64) -> String {
    format!("{:.1} s", millis as f64 / 1_000.0)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const LINES: &str = r#"
boot noise
{"scenario":"crash","way":"ours","kind":"TCP direct","established":20,"unknown":3,"lost_unknown":2,"lost_known":0,"oldest_lost_ms":1500,"longest_ms":6200}
{"scenario":"crash","way":"ours","kind":"TCP direct","established":22,"unknown":1,"lost_unknown":1,"lost_known":0,"oldest_lost_ms":300,"longest_ms":3100}
{"scenario":"crash","way":"keepalived","kind":"TCP direct","established":21,"unknown":1,"lost_unknown":0,"lost_known":1,"oldest_lost_ms":9000,"longest_ms":6300}
{"scenario":"crash","way":"keepalived","kind":"requests","made":30,"refused":1,"reset":1,"given_up":1,"longest_ms":800,"wrong_bytes":5}
"#;

    #[test]
    fn events_of_a_kind_are_summed() {
        let lines = read(LINES).unwrap();
        let tables = tables(&lines);
        let row =
            "| TCP direct | 42 | 4 | 3 | 0 | 1.5 s | 6.2 s | 21 | 1 | 0 | 1 | 9.0 s | 6.3 s |";
        assert!(tables.contains(row), "{tables}");
        let requests = "of keepalived 1 reset before they were sent, 1 later and 1 not answered of \
                        30, the longest other one 0.8 s, 5 bytes wrong.";
        assert!(tables.contains(requests), "{tables}");
        let row = "| none that was known by a crash or a cut | 0 of 42 | kept |";
        assert!(tables.contains(row), "{tables}");
        assert!(
            targets(&read(&LINES.replace("\"lost_known\":0", "\"lost_known\":1")).unwrap())
                .contains("| none that was known by a crash or a cut | 2 of 42 | missed |")
        );
        assert!(read("nothing").is_err());
        assert!(read("{\"way\":\"ours\"}").is_err());
    }
}
