//! How long clients wait when a router fails: ours beside keepalived, on this machine, in
//! network namespaces, as root.
//!
//! `cargo xtask bench failover` runs it, with `IPVS_USERLAND`, the tree that has keepalived,
//! and with these arguments: `[--quick] ROUTER`, the program of ours. It prints a line of
//! JSON for each event, interval and contender.
//!
//! Each LAN is a bridge with two routers and a client on it. The client sends an ICMP echo
//! request to the virtual address every millisecond, which the kernel of the host answers
//! that has it. A *gap* is the longest time between two answers, one after the other, that
//! was not over when something happened and began before all was well again: 1 ms if
//! nothing is wrong. Faults come at moments spread evenly over the interval between two
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
use std::thread;
use std::time::Duration;

/// LANs with one interval that run at the same time.
struct Round {
    interval: Duration,
    /// Of each contender.
    lans: u8,
    /// Each fault on each LAN.
    faults: u8,
    /// Live changes on each LAN, and as many under load.
    changes: u8,
}

/// At the longer interval there is more to wait for, and less to do meanwhile.
const ROUNDS: [Round; 4] = [
    Round { interval: Duration::from_secs(1), lans: 5, faults: 4, changes: 10 },
    Round { interval: Duration::from_millis(100), lans: 2, faults: 10, changes: 25 },
    Round { interval: Duration::from_millis(20), lans: 2, faults: 10, changes: 25 },
    Round { interval: Duration::from_millis(10), lans: 2, faults: 10, changes: 25 },
];

fn main() {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    // What cargo tells every benchmark.
    words.retain(|word| word != "--bench");
    let before = words.len();
    words.retain(|word| word != "--quick");
    let is_quick = words.len() < before;
    let [router] = &words[..] else { panic!("usage: failover [--quick] ROUTER") };
    let contenders = [Contender::Ours(router.into()), Contender::Keepalived];
    let mut all = Vec::new();
    for Round { interval, lans, faults, changes } in ROUNDS {
        let (faults, changes) = if is_quick { (1, 4) } else { (faults, changes) };
        let round = Round { interval, lans, faults, changes };
        eprintln!("advertisements every {interval:?}");
        all.extend(round.run(&contenders, Round::faults));
        let load = Load::start();
        all.extend(round.run(&contenders, Round::under_load));
        drop(load);
    }
    samples::print(all);
}

impl Round {
    /// Runs it on all LANs at once, each on a thread, which is in the namespace of its
    /// switch.
    fn run(
        &self,
        contenders: &[Contender],
        work: impl Fn(&Self, &mut Session<'_>, u8) + Sync,
    ) -> Vec<Sample> {
        thread::scope(|scope| {
            let mut sessions = Vec::new();
            for lan in 0..self.lans {
                for contender in contenders {
                    let work = &work;
                    sessions.push(scope.spawn(move || {
                        let mut session = Session::start(contender, self.interval);
                        work(self, &mut session, lan);
                        session.finish()
                    }));
                }
            }
            sessions.into_iter().flat_map(|session| session.join().unwrap()).collect()
        })
    }

    fn faults(&self, session: &mut Session<'_>, lan: u8) {
        let all = f64::from(self.lans) * f64::from(self.faults);
        // The LANs take turns.
        let part =
            |fault: u8| (f64::from(fault) * f64::from(self.lans) + f64::from(lan) + 0.5) / all;
        // First, while no router has been active for a short time only.
        (0..self.faults).for_each(|fault| session.partition(part(fault)));
        (0..self.faults).for_each(|fault| session.crash(part(fault)));
        (0..self.faults).for_each(|fault| session.stop(part(fault)));
        session.change(self.changes);
    }

    fn under_load(&self, session: &mut Session<'_>, _: u8) {
        session.change_under_load(self.changes);
    }
}
