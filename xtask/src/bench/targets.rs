//! What the figures are to show, and whether they do.

use super::results::{Entry, Results};

/// A ratio of two times.
struct Target {
    what: &'static str,
    /// The name and way that is divided, and those it is divided by.
    of: [&'static str; 2],
    by: [&'static str; 2],
    limit: Limit,
}

#[derive(Clone, Copy)]
enum Limit {
    AtMost(f64),
    AtLeast(f64),
}

/// A table of those whose parts were measured; empty if none was.
pub(crate) fn table(results: &Results) -> String {
    let rows: String = TARGETS
        .iter()
        .filter_map(|target| target.judge(results))
        .map(|judged| judged.row())
        .collect();
    if rows.is_empty() {
        rows
    } else {
        format!("| target | asked | measured | |\n|---|--:|--:|---|\n{rows}")
    }
}

struct Judged<'a> {
    target: &'a Target,
    ratio: f64,
}

impl Target {
    /// `None` if a part of it was not measured.
    fn judge(&self, results: &Results) -> Option<Judged<'_>> {
        let median = |[name, way]: [&str; 2]| results.find(name, way).map(Entry::median);
        Some(Judged { target: self, ratio: median(self.of)? / median(self.by)? })
    }
}

impl Judged<'_> {
    fn is_kept(&self) -> bool {
        match self.target.limit {
            Limit::AtMost(limit) => self.ratio <= limit,
            Limit::AtLeast(limit) => self.ratio >= limit,
        }
    }

    fn row(&self) -> String {
        let asked = match self.target.limit {
            Limit::AtMost(limit) => format!("at most {limit}"),
            Limit::AtLeast(limit) => format!("at least {limit}"),
        };
        let kept = if self.is_kept() { "kept" } else { "missed" };
        format!("| {} | {asked} | {:.3} | {kept} |\n", self.target.what, self.ratio)
    }
}

const ANCHORED: &str = "thesis/anchored";
const BATCHES: &str = "thesis/batches";
const PROCESSES: &str = "thesis/processes/anchored";
const RESTORE: &str = "restore/1000x10";
const LIST: &str = "list/1000x10";

const TARGETS: [Target; 9] = [
    Target {
        what: "single commands, of the floor",
        of: [ANCHORED, "client"],
        by: [ANCHORED, "floor"],
        limit: Limit::AtMost(1.03),
    },
    Target {
        what: "batches of 64, of the floor",
        of: [BATCHES, "batch"],
        by: [BATCHES, "floor"],
        limit: Limit::AtMost(1.1),
    },
    Target {
        what: "four processes of ipvsadm, of one of ours",
        of: [PROCESSES, "ipvsadm"],
        by: [PROCESSES, "ours"],
        limit: Limit::AtLeast(8.0),
    },
    Target {
        what: "four processes of ipvsadm, of single commands",
        of: [PROCESSES, "ipvsadm"],
        by: [ANCHORED, "client"],
        limit: Limit::AtLeast(220.0),
    },
    Target {
        what: "four processes of ipvsadm, of batches",
        of: [PROCESSES, "ipvsadm"],
        by: [BATCHES, "batch"],
        limit: Limit::AtLeast(500.0),
    },
    Target {
        what: "nlrs, of single commands",
        of: [ANCHORED, "nlrs"],
        by: [ANCHORED, "client"],
        limit: Limit::AtLeast(1.0),
    },
    Target {
        what: "netlink-packet-ipvs, of single commands",
        of: [ANCHORED, "netlink-packet-ipvs"],
        by: [ANCHORED, "client"],
        limit: Limit::AtLeast(1.0),
    },
    Target {
        what: "ipvsadm -R of 1,000 x 10, of a batch",
        of: [RESTORE, "ipvsadm -R"],
        by: [RESTORE, "batch"],
        limit: Limit::AtLeast(11.0),
    },
    Target {
        what: "ipvsadm -Ln of 1,000 x 10, of our listing",
        of: [LIST, "ipvsadm -Ln"],
        by: [LIST, "client"],
        limit: Limit::AtLeast(4.0),
    },
];

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
