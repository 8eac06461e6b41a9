//! The routers that are compared, each a process of its own.

use crate::client::ADDRESS;
use crate::host::PORT;
use crate::keepalived::Keepalived;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

/// Whose routers they are.
#[derive(Clone, Debug)]
pub(crate) enum Contender {
    /// `ipvs-sync/examples/router.rs`, built.
    Ours(PathBuf),
    Keepalived,
}

/// A router of one of them.
pub(crate) enum Router {
    Ours { process: Child, orders: Option<ChildStdin> },
    Keepalived { process: Keepalived, interval: Duration },
}

impl Contender {
    /// As it is named in the results.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Ours(_) => "ours",
            Self::Keepalived => "keepalived",
        }
    }

    /// Starts one on the host with this number, in whose namespace the thread is.
    pub(crate) fn start(&self, host: u8, interval: Duration, priority: u8) -> Router {
        match self {
            Self::Ours(program) => {
                let mut process = Command::new(program)
                    .args([PORT, &format!("10.0.0.{host}"), "7"])
                    .args([interval.as_millis().to_string(), priority.to_string()])
                    .arg(ADDRESS.to_string())
                    .stdin(Stdio::piped())
                    .stdout(Stdio::null())
                    .spawn()
                    .unwrap();
                let orders = process.stdin.take();
                Router::Ours { process, orders }
            }
            Self::Keepalived => {
                let process = Keepalived::start(&lines(interval, priority), &addresses());
                Router::Keepalived { process, interval }
            }
        }
    }
}

impl Router {
    /// Its process ends without a word, and its host lives on.
    pub(crate) fn crash(&mut self) {
        match self {
            Self::Ours { process, .. } => {
                process.kill().unwrap();
                process.wait().unwrap();
            }
            Self::Keepalived { process, .. } => process.crash(),
        }
    }

    /// It hands over and ends.
    pub(crate) fn stop(&mut self) {
        match self {
            Self::Ours { process, orders } => {
                drop(orders.take());
                process.wait().unwrap();
            }
            Self::Keepalived { process, .. } => process.stop(),
        }
    }

    /// One of ours is told to do something: keepalived takes no orders.
    pub(crate) fn order(&self, order: &str) {
        let Self::Ours { orders, .. } = self else { panic!("an order for keepalived") };
        writeln!(orders.as_ref().unwrap(), "{order}").unwrap();
    }

    /// It gets another priority while it runs.
    pub(crate) fn set_priority(&mut self, priority: u8) {
        match self {
            Self::Ours { .. } => self.order(&priority.to_string()),
            Self::Keepalived { process, interval } => {
                process.reload(&lines(*interval, priority), &addresses());
            }
        }
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        if let Self::Ours { process, orders } = self {
            drop(orders.take());
            let _ = process.wait();
        }
    }
}

/// What keepalived is told; all else is as it is by default.
fn lines(interval: Duration, priority: u8) -> String {
    format!("version 3\nadvert_int {}\npriority {priority}\n", interval.as_secs_f32())
}

fn addresses() -> [String; 1] {
    [format!("{ADDRESS}/32")]
}
