//! What became of the connections, as lines of JSON.

use crate::client::{End, Fate, Requests};
use crate::flow::Kind;
use crate::site::Known;
use serde_json::{Value, json};
use std::fmt;
use std::time::Duration;

/// What one event did to all that was established before it.
pub(crate) struct Outcome {
    scenario: &'static str,
    way: &'static str,
    sums: Vec<Sum>,
    requests: Requests,
}

/// Of the connections of a kind.
#[derive(Default)]
struct Sum {
    kind: &'static str,
    established: u32,
    /// Those that the director did not know that took over.
    unknown: u32,
    lost_unknown: u32,
    lost_known: u32,
    /// Those that were lost though the kernel had time enough to tell of them.
    lost_old: u32,
    /// The oldest of those that were lost.
    oldest_lost: Duration,
    reset: u32,
    silent: u32,
    /// Another server answers: the server's side of it is lost.
    moved: u32,
    /// The longest time without an answer of those that go on.
    longest: Duration,
    unanswered: u32,
    wrong: usize,
}

/// The kernel tells of a connection with its third packet, keeps a datagram that is not full
/// for two seconds, and looks every second; and a second for an emulated machine.
const DELAY: Duration = Duration::from_secs(4);

impl Outcome {
    pub(crate) fn new(
        scenario: &'static str,
        way: &'static str,
        fates: &[Fate],
        requests: Requests,
        known: &Known,
    ) -> Self {
        let sum = |kind| Sum::of(kind, fates.iter().filter(|fate| fate.kind == kind), known);
        Self { scenario, way, sums: Kind::ALL.map(sum).into(), requests }
    }

    /// Nothing that was known is lost, no byte is wrong, and what is not known is young. What
    /// is planned loses nothing, nor does the return of a director with an empty kernel. The
    /// end of a partition loses what was made on the losing side.
    pub(crate) fn check(&self) {
        let is_heal = self.scenario == "heal";
        let is_planned = !is_heal && !matches!(self.scenario, "crash" | "cut");
        assert!(self.requests.wrong == 0, "{self}");
        assert!(!is_planned || self.requests.reset == 0, "{self}");
        for sum in &self.sums {
            assert!(!is_planned || sum.lost_unknown == 0, "{self}");
            assert!(sum.wrong == 0, "{self}");
            assert!(is_heal || sum.lost_known == 0 && sum.lost_old == 0, "{self}");
        }
    }

    /// How many were established, and how many of them were lost: those that the director
    /// did not know that took over, and those that it did.
    pub(crate) fn counts(&self) -> [u32; 3] {
        let all = |count: fn(&Sum) -> u32| self.sums.iter().map(count).sum();
        [all(|sum| sum.established), all(|sum| sum.lost_unknown), all(|sum| sum.lost_known)]
    }

    /// The longest that one of those waited that go on.
    pub(crate) fn longest(&self) -> Duration {
        self.sums.iter().map(|sum| sum.longest).max().unwrap_or_default()
    }

    /// A line for each kind, and one for the requests.
    pub(crate) fn print(&self) {
        let Self { scenario, way, requests, .. } = self;
        for sum in &self.sums {
            println!("{}", sum.json(scenario, way));
        }
        let line = json!({
            "scenario": scenario, "way": way, "kind": "requests",
            "made": requests.made, "refused": requests.refused, "reset": requests.reset,
            "given_up": requests.given_up,
            "longest_ms": millis(requests.longest), "wrong_bytes": requests.wrong,
        });
        println!("{line}");
    }
}

impl Sum {
    fn of<'a>(kind: Kind, fates: impl Iterator<Item = &'a Fate>, known: &Known) -> Self {
        let mut sum = Self { kind: kind.name(), ..Self::default() };
        for fate in fates {
            let is_known = fate.is_in(known);
            let has_moved = fate.tally.moved_from.is_some();
            let is_lost = fate.end.is_some() || has_moved;
            sum.established += 1;
            sum.unknown += u32::from(!is_known);
            sum.lost_unknown += u32::from(is_lost && !is_known);
            sum.lost_known += u32::from(is_lost && is_known);
            sum.reset += u32::from(fate.end == Some(End::Reset));
            sum.silent += u32::from(fate.end == Some(End::Silent));
            sum.moved += u32::from(fate.end.is_none() && has_moved);
            sum.unanswered += fate.tally.unanswered;
            sum.wrong += fate.tally.wrong;
            if is_lost {
                sum.lost_old += u32::from(fate.age >= DELAY);
                sum.oldest_lost = sum.oldest_lost.max(fate.age);
            } else {
                sum.longest = sum.longest.max(fate.tally.longest);
            }
        }
        sum
    }

    fn json(&self, scenario: &str, way: &str) -> Value {
        json!({
            "scenario": scenario, "way": way, "kind": self.kind,
            "established": self.established, "unknown": self.unknown,
            "lost_unknown": self.lost_unknown, "lost_known": self.lost_known,
            "lost_old": self.lost_old, "oldest_lost_ms": millis(self.oldest_lost),
            "reset": self.reset, "silent": self.silent, "moved": self.moved,
            "longest_ms": millis(self.longest),
            "unanswered": self.unanswered, "wrong_bytes": self.wrong,
        })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}:", self.way, self.scenario)?;
        for sum in &self.sums {
            let lost = sum.lost_unknown + sum.lost_known;
            write!(
                f,
                " {} {lost} of {} lost ({} of {} unknown, oldest {} ms; {} reset {} silent {} \
                 moved), {} ms;",
                sum.kind,
                sum.established,
                sum.lost_unknown,
                sum.unknown,
                millis(sum.oldest_lost),
                sum.reset,
                sum.silent,
                sum.moved,
                millis(sum.longest)
            )?;
        }
        let Requests { made, refused, reset, given_up, longest, wrong } = self.requests;
        let longest = millis(longest);
        write!(
            f,
            " requests {made}: {refused} refused, {reset} reset, {given_up} given up, {longest} ms, \
             {wrong} bytes wrong"
        )
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap()
}
