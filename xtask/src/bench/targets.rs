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
    let rows: String = TARGETS.iter().filter_map(|target| target.row(results)).collect();
    if rows.is_empty() {
        return rows;
    }
    format!("| target | asked | measured | |\n|---|--:|--:|---|\n{rows}")
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
        let kept = if is_kept { "kept" } else { "missed" };
        Some(format!("| {} | {asked} | {ratio:.3} | {kept} |\n", self.what))
    }
}

const ANCHORED: &str = "thesis/anchored";
const BATCHES: &str = "thesis/batches";
const PROCESSES: &str = "thesis/processes/anchored";
const RESTORE: &str = "restore/1000x10";
const LIST: &str = "list/1000x10";

const DECODE: &str = "decode/destination";
const ENCODE: &str = "encode/destination";

const TARGETS: [Target; 12] = [
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
    at_least(1.0, "nlrs, of single commands", [ANCHORED, "nlrs"], [ANCHORED, "client"]),
    at_least(
        1.0,
        "netlink-packet-ipvs, of single commands",
        [ANCHORED, "netlink-packet-ipvs"],
        [ANCHORED, "client"],
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
        let line = |way: &str, us: f64| {
            format!(
                "{{\"name\":\"thesis/anchored\",\"way\":\"{way}\",\"kind\":\"ours\",\"unit\":\"round\",\
                 \"us\":[{us}],\"user_us\":0.0,\"system_us\":0.0}}\n"
            )
        };
        let read = |lines: &str| table(&Results::read(lines).unwrap());
        let kept = line("floor", 100.0) + &line("client", 102.0);
        let row = "| single commands, of the floor | at most 1.03 | 1.020 | kept |";
        assert_eq!(read(&kept).lines().last(), Some(row));
        let missed = kept + &line("nlrs", 101.0);
        let row = "| nlrs, of single commands | at least 1 | 0.990 | missed |";
        assert_eq!(read(&missed).lines().last(), Some(row));
        assert_eq!(read(&line("floor", 100.0)), "");
    }
}
