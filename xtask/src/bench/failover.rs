//! How long clients wait when a virtual router fails: ours beside keepalived, on this
//! machine.

use super::results::{Entry, Results};
use super::{spread, write};
use crate::binaries::executables;
use crate::host;
use crate::lab::Lab;
use crate::process::{cargo, text};
use crate::progress::{note, step};
use crate::userland;
use anyhow::{Context as _, Result, bail};
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Runs it, prints tables and writes them, their numbers and their picture down.
pub(crate) fn run(lab: &Lab, quick: bool) -> Result<()> {
    host::need(&[host::IP])?;
    let setup = lab.lock()?;
    let userland = userland::get(lab)?;
    drop(setup);
    let [failover, router] = step("build the virtual routers", || programs(lab))?;
    note(&format!("fail over {}", if quick { "a few times" } else { "for nine minutes" }));
    let load = fs::read_to_string("/proc/loadavg").context("the load")?;
    let mut command = Command::new(failover);
    command.args(quick.then_some("--quick")).arg(router).env("IPVS_USERLAND", userland);
    let before = stolen()?;
    let results = Results::read(&text(command.stderr(Stdio::inherit()))?)?;
    let stolen = stolen()? - before;
    write(lab, "failover.json", &results.json())?;
    let machine = format!("Load before: {load}Taken by the hypervisor: {stolen:.1} s\n");
    let tables = format!("{machine}\n{}{}", targets(&results), tables(&results));
    println!("\n{tables}");
    write(lab, "failover.md", &tables)?;
    write(lab, "failover.svg", &picture(&results))
}

/// For how many seconds of processors the hypervisor has kept this machine waiting
/// (`/proc/stat`, in hundredths).
fn stolen() -> Result<f64> {
    let text = fs::read_to_string("/proc/stat").context("/proc/stat")?;
    let steal = text.split_ascii_whitespace().nth(8).context("/proc/stat")?;
    Ok(steal.parse::<f64>()? / 100.0)
}

fn programs(lab: &Lab) -> Result<[PathBuf; 2]> {
    let mut cargo = cargo(&lab.root);
    cargo.args(["build", "--quiet", "--release", "-p", "ipvs-bench", "--bench", "failover"]);
    cargo.args(["-p", "ipvs-sync", "--example", "router"]);
    let names = ["failover", "router"];
    let built = executables(&mut cargo, &names)?;
    let file = |name| built.iter().find(|(built, _)| built == name).map(|(_, file)| file.clone());
    let [Some(failover), Some(router)] = names.map(file) else { bail!("cargo built too little") };
    Ok([failover, router])
}

/// The times between two advertisements, as they are named and in milliseconds.
const INTERVALS: [(&str, f64); 4] =
    [("1s", 1_000.0), ("100ms", 100.0), ("20ms", 20.0), ("10ms", 10.0)];

/// What befell the routers, as it is named and in words.
const EVENTS: [(&str, &str); 11] = [
    ("cut", "The active router is cut off: ms without an answer"),
    ("cut, after the timer", "The same: ms from the end of the backup's timer to an answer"),
    ("crash", "Its process is killed and its host lives on: ms without an answer"),
    (
        "crash, after the timer",
        "The same: ms from the end of the backup's timer to its advertisement",
    ),
    ("stop", "It is told to end: ms without an answer"),
    ("handover", "It hands over, and the other is told so: ms without an answer"),
    ("heal", "It is no longer cut off: ms without an answer"),
    ("change", "It gets another priority: ms without an answer"),
    ("change under load", "The same on a busy machine: ms without an answer"),
    ("quiet", "Nothing happens for a second: ms without an answer"),
    ("load", "Nothing happens on a busy machine: ms without an answer"),
];

/// Those that are drawn.
fn picture(results: &Results) -> String {
    let is_gap = |(_, title): &(&str, &str)| title.ends_with("without an answer");
    let events: Vec<_> = EVENTS.into_iter().filter(is_gap).collect();
    spread::svg(results, &events, &INTERVALS.map(|(interval, millis)| (interval, millis * DOWN)))
}

/// The backup's timer, in intervals: 3 and the skew of its priority, which is 100.
const DOWN: f64 = 3.0 + 156.0 / 256.0;

fn tables(results: &Results) -> String {
    let mut out = String::new();
    for (event, title) in EVENTS {
        let _ = writeln!(
            out,
            "\n**{title}**\n\n| every | n | ours p50 | p99 | max | keepalived p50 | p99 | max |\n\
             |--:|--:|--:|--:|--:|--:|--:|--:|"
        );
        for (interval, _) in INTERVALS {
            let name = format!("{event}/{interval}");
            let entries = WAYS.map(|way| results.find(&name, way));
            let count = entries.iter().flatten().map(|entry| entry.us.len()).min().unwrap_or(0);
            let cells = entries.map(|entry| entry.map_or_else(|| "- | - | -".to_owned(), spread));
            let _ = writeln!(out, "| {interval} | {count} | {} |", cells.join(" | "));
        }
    }
    let _ = writeln!(
        out,
        "\n**Of so many changes, or times in which nothing was changed, the backup was active \
         during**\n\n| every | change: ours | keepalived | change under load: ours | keepalived | \
         load: ours | keepalived |\n|--:|--:|--:|--:|--:|--:|--:|"
    );
    for (interval, _) in INTERVALS {
        let cells = ["change", "change under load", "load"].iter().flat_map(|event| {
            WAYS.map(|way| {
                take_overs(results, event, interval, way).map_or_else(nothing, |of| of.0)
            })
        });
        let _ = writeln!(out, "| {interval} | {} |", cells.collect::<Vec<_>>().join(" | "));
    }
    out
}

const WAYS: [&str; 2] = ["ours", "keepalived"];

fn spread(entry: &Entry) -> String {
    let millis = [50, 99, 100].map(|percent| format!("{:.1}", entry.millis(percent)));
    millis.join(" | ")
}

fn targets(results: &Results) -> String {
    let intervals = INTERVALS.map(|(interval, _)| interval).join(" | ");
    let mut out = format!("| target | {intervals} |\n|---|--:|--:|--:|--:|\n");
    for (what, measure) in TARGETS {
        let cells = INTERVALS.map(|interval| {
            measure(results, interval).map_or_else(nothing, |(shown, is_kept)| {
                if is_kept { shown } else { format!("{shown} (missed)") }
            })
        });
        let _ = writeln!(out, "| {what} | {} |", cells.join(" | "));
    }
    out
}

/// What was measured at an interval, in words, and whether that is what is asked.
type Measure = fn(&Results, (&str, f64)) -> Option<(String, bool)>;

const TARGETS: [(&str, Measure); 7] = [
    ("cut: p50 at most 1 ms after the timer", |results, (interval, _)| {
        after_timer(results, "cut", interval)
    }),
    ("crash: p50 at most 1 ms after the timer", |results, (interval, _)| {
        after_timer(results, "crash", interval)
    }),
    ("stop: p50 at most keepalived's", |results, (interval, _)| {
        let name = format!("stop/{interval}");
        let [ours, theirs] = WAYS.map(|way| results.find(&name, way).map(|entry| entry.millis(50)));
        let (ours, theirs) = (ours?, theirs?);
        Some((format!("{ours:.1} of {theirs:.1} ms"), ours <= theirs))
    }),
    ("handover: p50 below the interval", |results, (interval, millis)| {
        let p50 = results.find(&format!("handover/{interval}"), "ours")?.millis(50);
        Some((format!("{p50:.1} ms"), p50 < millis))
    }),
    ("heal: max at most the backup's timer", |results, (interval, millis)| {
        let heal = results.find(&format!("heal/{interval}"), "ours")?;
        let (max, limit) = (heal.millis(100), millis * DOWN);
        Some((format!("{max:.1} of {limit:.1} ms"), max <= limit))
    }),
    ("change: no take-over", |results, (interval, _)| {
        take_overs(results, "change", interval, "ours")
    }),
    ("change under load: no take-over", |results, (interval, _)| {
        take_overs(results, "change under load", interval, "ours")
    }),
];

fn after_timer(results: &Results, event: &str, interval: &str) -> Option<(String, bool)> {
    let late = results.find(&format!("{event}, after the timer/{interval}"), "ours")?.millis(50);
    Some((format!("{late:.2} ms"), late <= 1.0))
}

/// How many there were, and whether none.
fn take_overs(results: &Results, event: &str, interval: &str, way: &str) -> Option<(String, bool)> {
    let figures = results.find(&format!("{event}, take-overs/{interval}"), way)?;
    let sum: f64 = figures.us.iter().sum();
    Some((format!("{sum} of {}", figures.us.len()), sum == 0.0))
}

fn nothing() -> String {
    "-".to_owned()
}
