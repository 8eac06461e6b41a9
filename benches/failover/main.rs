//! How long clients wait when a router fails: ours beside keepalived, on this machine, in
//! network namespaces, as root.
//!
//! `cargo xtask bench failover` runs it, with `IPVS_USERLAND`, the tree that has keepalived,
//! and with these arguments: `[--quick] ROUTER`, the program of ours. It prints a line of
//! JSON for each event, interval and contender.
//!
//! Each LAN is a bridge with two routers and a client on it. The client sends an ICMP echo
//! request to the virtual address every millisecond, which the kernel of the host answers
//! that has it. A *gap* is the longest time between the sending of two probes that were
//! answered within 10 ms, if others between them were not: of those times that were not over
//! when something happened, and had begun before all was well again. If all were answered it
//! is 1 ms. Faults come at moments spread evenly over the interval between two
//! advertisements. LANs of both contenders run at the same time.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure here is the end of it"
)]

mod client;
mod contender;
#[path = "../../tests/netns/host.rs"]
mod host;
#[path = "../../tests/netns/keepalived.rs"]
mod keepalived;
#[path = "../../tests/netns/lan.rs"]
mod lan;
mod load;
mod samples;
mod session;

use contender::Contender;
use load::Load;
use samples::Sample;
use session::Session;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

/// LANs with one interval that run at the same time.
#[derive(Clone, Copy)]
struct Round {
    interval: Duration,
    /// Of each contender.
    lans: u8,
    /// Each fault on each LAN.
    faults: u8,
    /// Live changes on each LAN, and as many under load.
    changes: u8,
}

/// One after the other. At the longest interval there is more to wait for, and less to do
/// meanwhile.
const ROUNDS: [Round; 4] = [
    Round { interval: INTERVALS[0], lans: 10, faults: 2, changes: 5 },
    Round { interval: INTERVALS[1], lans: 4, faults: 5, changes: 13 },
    Round { interval: INTERVALS[2], lans: 2, faults: 10, changes: 25 },
    Round { interval: INTERVALS[3], lans: 2, faults: 10, changes: 25 },
];

const INTERVALS: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_millis(100),
    Duration::from_millis(20),
    Duration::from_millis(10),
];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (is_quick, router) = match &words[..] {
        [router] => (false, router),
        [quick, router] if quick == "--quick" => (true, router),
        _ => panic!("usage: failover [--quick] ROUTER"),
    };
    let contenders = [Contender::Ours(router.into()), Contender::Keepalived];
    let samples = if is_quick {
        // All at the same time.
        let round = |interval| Round { interval, lans: 1, faults: 1, changes: 2 };
        run(&INTERVALS.map(round), &contenders)
    } else {
        ROUNDS.iter().flat_map(|round| run(&[*round], &contenders)).collect()
    };
    samples::print(samples);
}

/// Lets faults befall all LANs of these rounds at the same time, and after that load.
fn run(rounds: &[Round], contenders: &[Contender]) -> Vec<Sample> {
    let intervals: Vec<Duration> = rounds.iter().map(|round| round.interval).collect();
    eprintln!("advertisements every {intervals:?}: faults");
    let mut samples = at_once(rounds, contenders, &[Round::faults, Round::changes]);
    eprintln!("advertisements every {intervals:?}: load");
    let load = Load::start();
    samples.extend(at_once(rounds, contenders, &[Round::under_load]));
    drop(load);
    samples
}

/// Something that befalls a LAN, by its number.
type Part = fn(&Round, &mut Session<'_>, u8);

/// Each LAN on a thread, which is in the namespace of its switch. What is next begins, and LANs
/// are taken down, when all have ended what is before: routers that start and namespaces that go
/// keep others waiting.
fn at_once(rounds: &[Round], contenders: &[Contender], parts: &[Part]) -> Vec<Sample> {
    let lans = rounds.iter().flat_map(|round| (0..round.lans).map(move |lan| (round, lan)));
    let lans = lans.flat_map(|lan| contenders.iter().map(move |contender| (lan, contender)));
    // Each LAN has a part until it has ended it, also by a panic.
    let shared = |part: &Part| {
        let part = Arc::new(*part);
        let all = Arc::downgrade(&part);
        (part, all)
    };
    let all: Vec<(Arc<Part>, Weak<Part>)> = parts.iter().map(shared).collect();
    thread::scope(|scope| {
        let run = |((round, lan), contender)| {
            let parts = all.clone();
            scope.spawn(move || {
                let round: &Round = round;
                let mut session = Session::start(contender, round.interval);
                for (part, all) in parts {
                    part(round, &mut session, lan);
                    drop(part);
                    while all.strong_count() > 0 {
                        thread::sleep(Duration::from_millis(5));
                    }
                }
                session.finish()
            })
        };
        let sessions: Vec<_> = lans.map(run).collect();
        drop(all);
        sessions.into_iter().flat_map(|session| session.join().unwrap()).collect()
    })
}

impl Round {
    fn faults(&self, session: &mut Session<'_>, lan: u8) {
        let all = f64::from(self.lans) * f64::from(self.faults);
        // The LANs take turns.
        let part =
            |fault: u8| (f64::from(fault) * f64::from(self.lans) + f64::from(lan) + 0.5) / all;
        session.rest();
        (0..self.faults).for_each(|fault| session.partition(part(fault)));
        (0..self.faults).for_each(|fault| session.crash(part(fault)));
        (0..self.faults).for_each(|fault| session.stop(part(fault)));
        (0..self.faults).for_each(|fault| session.hand_over(part(fault)));
    }

    fn changes(&self, session: &mut Session<'_>, _: u8) {
        session.change(self.changes);
    }

    fn under_load(&self, session: &mut Session<'_>, _: u8) {
        session.change_under_load(self.changes);
    }
}
