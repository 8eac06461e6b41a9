//! What becomes of established connections when a director fails, hands over or comes back:
//! `ipvs-syncd` beside keepalived and its `lvs_sync_daemon`, as root, on a kernel with IPVS.
//!
//! `cargo xtask bench connections` runs it in guests, with `IPVS_SYNCD`, our daemon, and
//! `IPVS_USERLAND`, the tree that has keepalived: `connections ROUNDS [ours|keepalived]`. It
//! prints lines of JSON for each event, and on standard error a summary of each.
//! `connections show` shows one failover, for `cargo xtask demo failover`, and `connections
//! check` fails if a connection of ours is lost that need not be, for the tests.
//!
//! A connection is *established* when its first message was answered, and *lost* when it is
//! reset, when it is not answered any more, or when another server answers. The director
//! that takes over *knows* it if it is in its kernel's table at that moment, with its server.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure here is the end of it"
)]

mod client;
mod contender;
mod flow;
#[path = "../../tests/netns/host.rs"]
mod host;
#[expect(dead_code, reason = "tests use more of it")]
#[path = "../../tests/netns/keepalived.rs"]
mod keepalived;
#[expect(dead_code, reason = "tests and the failover of routers use more of it")]
#[path = "../../tests/netns/lan.rs"]
mod lan;
mod outcome;
#[expect(dead_code, reason = "tests use more of it")]
#[path = "../../tests/netns/syncd/program.rs"]
mod program;
mod request;
mod server;
mod session;
mod show;
mod site;
mod stream;

use contender::Contender;
use nix::sys::resource::{Resource, setrlimit};
use outcome::Outcome;
use session::Session;
use std::thread;

fn main() {
    // While nothing is answered, requests pile up.
    setrlimit(Resource::RLIMIT_NOFILE, OPEN, OPEN).unwrap();
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["show"] => show::run(),
        ["check"] => check(),
        [rounds] => measure(rounds.parse().unwrap(), &Contender::ALL),
        [rounds, name] => {
            let mut all = Contender::ALL.into_iter();
            let contender = all.find(|contender| contender.name() == name).expect("a contender");
            measure(rounds.parse().unwrap(), &[contender]);
        }
        _ => panic!("usage: connections show | check | ROUNDS [ours|keepalived]"),
    }
}

/// How many files may be open.
const OPEN: u64 = 1 << 16;

/// All that can happen, so many times to each of these.
fn measure(rounds: u8, contenders: &[Contender]) {
    for &contender in contenders {
        // A thread is in the namespace of its switch.
        let run = thread::spawn(move || {
            let mut session = Session::start(contender);
            session.quiet();
            for round in 0..rounds {
                session.crash();
                session.cut();
                session.hand_over();
                session.restart();
                session.reload(round);
            }
            session.finish()
        });
        run.join().unwrap().iter().for_each(Outcome::print);
    }
}

/// Ours once, and what must hold.
fn check() {
    let mut session = Session::start(Contender::Ours);
    session.crash();
    session.cut();
    session.reload(0);
    // A handover does not rest on what the kernels tell each other.
    session.tell_nothing();
    session.hand_over();
    session.restart();
    session.finish().iter().for_each(Outcome::check);
}
