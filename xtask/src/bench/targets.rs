//! What the figures are to show, and whether they do.

use super::results::{Entry, Results};

/// A ratio of two times.
struct Target {
    what: &'static str,
    /// The name and way that is divided.
    of: [&'static str; 2],
    /// Those that it is divided by.
    by: [&'static str; 2],
    limit: Limit,
}

enum Limit {
    AtMost(f64),
    AtLeast(f64),
}

/// A table of those whose parts were measured; empty if none was.
pub(crate) fn table(results: &Results) -> String {
    let rows = TARGETS.iter().filter_map(|target| target.row(results));
    let rows: String = rows.chain(fewest_calls(results)).chain(nearest_peer(results)).collect();
    if rows.is_empty() {
        return rows;
    }
    format!("| target | asked | measured | |\n|---|--:|--:|---|\n{rows}")
}

/// Single commands take no more system calls than the floor.
fn fewest_calls(results: &Results) -> Option<String> {
    let calls = |way| results.find(ANCHORED, way).and_then(Entry::system_calls);
    let (ours, floor) = (calls("client")?, calls("floor")?);
    let kept = kept(ours <= floor);
    Some(format!("| system calls of single commands | at most {floor} | {ours} | {kept} |\n"))
}

/// Nothing of ours is slower than any peer at the same work: the least that there is between
/// the slowest of ours and the fastest of others.
fn nearest_peer(results: &Results) -> Option<String> {
    let nearest = |(name, ways): (&str, &[Entry])| {
        let of = |kind: &'static str| ways.iter().filter(move |way| way.kind == kind);
        let by_median = |a: &&Entry, b: &&Entry| a.median().total_cmp(&b.median());
        let (ours, peer) = (of("ours").max_by(by_median)?, of("peer").min_by(by_median)?);
        Some((peer.median() / ours.median(), format!("{name}: {} of {}", peer.way, ours.way)))
    };
    let all = results.by_name().filter_map(nearest);
    let (ratio, what) = all.min_by(|(a, _), (b, _)| a.total_cmp(b))?;
    let kept = kept(ratio >= 1.0);
    Some(format!("| the nearest peer ({what}) | at least 1 | {ratio:.3} | {kept} |\n"))
}

fn kept(is_kept: bool) -> &'static str {
    if is_kept { "kept" } else { "missed" }
}

impl Target {
    /// `None` if a part of it was not measured.
    fn row(&self, results: &Results) -> Option<String> {
        let median = |[name, way]: [&str; 2]| results.find(name, way).map(Entry::median);
        let ratio = median(self.of)? / median(self.by)?;
        let (asked, is_kept) = match self.limit {
            Limit::AtMost(limit) => (format!("at most {limit}"), ratio <= limit),
            Limit::AtLeast(limit) => (format!("at least {limit}"), ratio >= limit),
        };
        let kept = kept(is_kept);
        Some(format!("| {} | {asked} | {ratio:.3} | {kept} |\n", self.what))
    }
}

const ANCHORED: &str = "thesis/anchored";
const BATCHES: &str = "thesis/batches/anchored";
const PROCESSES: &str = "thesis/processes/anchored";
const RESTORE: &str = "restore/1000x10";
const LIST: &str = "list/1000x10";

const DECODE: &str = "decode/destination";
const ENCODE: &str = "encode/destination";

const TARGETS: [Target; 10] = [
    at_most(1.03, "single commands, of the floor", [ANCHORED, "client"], [ANCHORED, "floor"]),
    at_most(1.1, "batches of 64, of the floor", [BATCHES, "batch"], [BATCHES, "floor"]),
    at_least(
        8.0,
        "four processes of ipvsadm, of one of ours",
        [PROCESSES, "ipvsadm"],
        [PROCESSES, "ours"],
    ),
    at_least(
        220.0,
        "four processes of ipvsadm, of single commands",
        [PROCESSES, "ipvsadm"],
        [ANCHORED, "client"],
    ),
    at_least(
        500.0,
        "four processes of ipvsadm, of batches",
        [PROCESSES, "ipvsadm"],
        [BATCHES, "batch"],
    ),
    at_least(
        11.0,
        "ipvsadm -R of 1,000 x 10, of a batch",
        [RESTORE, "ipvsadm -R"],
        [RESTORE, "batch"],
    ),
    at_least(
        4.0,
        "ipvsadm -Ln of 1,000 x 10, of our listing",
        [LIST, "ipvsadm -Ln"],
        [LIST, "client"],
    ),
    at_least(15.0, "owned, of decoding a destination", [DECODE, "owned"], [DECODE, "ours"]),
    at_least(3.0, "nlrs, of decoding a destination", [DECODE, "nlrs"], [DECODE, "ours"]),
    at_least(5.0, "owned, of encoding a destination", [ENCODE, "owned"], [ENCODE, "ours"]),
];

const fn at_most(
    limit: f64,
    what: &'static str,
    of: [&'static str; 2],
    by: [&'static str; 2],
) -> Target {
    Target { what, of, by, limit: Limit::AtMost(limit) }
}

const fn at_least(
    limit: f64,
    what: &'static str,
    of: [&'static str; 2],
    by: [&'static str; 2],
) -> Target {
    Target { what, of, by, limit: Limit::AtLeast(limit) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_kept_or_missed_and_left_out_if_not_measured() {
        let line = |way: &str, kind: &str, us: f64, calls: f64| {
            format!(
                "{{\"name\":\"thesis/anchored\",\"way\":\"{way}\",\"kind\":\"{kind}\",\
                 \"unit\":\"round\",\"us\":[{us}],\"user_us\":0.0,\"system_us\":0.0,\"traced\":\
                 {{\"calls\":{calls},\"sends\":4,\"receives\":4,\"messages\":8}}}}\n"
            )
        };
        let read = |lines: &str| table(&Results::read(lines).unwrap());
        let has = |lines: &str, row: &str| {
            let table = read(lines);
            assert!(table.lines().any(|line| line == row), "{row} in\n{table}");
        };
        let floor = line("floor", "floor", 100.0, 8.0);
        let kept = floor.clone() + &line("client", "ours", 102.0, 8.0);
        has(&kept, "| single commands, of the floor | at most 1.03 | 1.020 | kept |");
        has(&kept, "| system calls of single commands | at most 8 | 8 | kept |");
        assert!(!read(&kept).contains("nearest peer"));
        let missed = kept + &line("nlrs", "peer", 101.0, 8.0);
        let row = "(thesis/anchored: nlrs of client) | at least 1 | 0.990 | missed |";
        has(&missed, &format!("| the nearest peer {row}"));
        let missed = floor.clone() + &line("client", "ours", 104.0, 9.0);
        has(&missed, "| single commands, of the floor | at most 1.03 | 1.040 | missed |");
        has(&missed, "| system calls of single commands | at most 8 | 9 | missed |");
        assert_eq!(read(&floor), "");
    }
}
