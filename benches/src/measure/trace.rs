//! The system calls and netlink messages of a round, as strace sees them: the same
//! eye for every way, and for processes too.

use crate::once;
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::fs;

/// What a round takes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Traced {
    calls: f64,
    sends: f64,
    receives: f64,
    messages: f64,
}

impl Traced {
    pub(crate) fn json(self) -> Value {
        json!({
            "calls": self.calls,
            "sends": self.sends,
            "receives": self.receives,
            "messages": self.messages,
        })
    }
}

/// Traces a way with few rounds and with more: what is between them took the rounds.
pub(crate) fn of(name: &str, way: &str) -> Result<Traced> {
    let ((less, few), (units, more)) = (trace(name, way, FEW)?, trace(name, way, MORE)?);
    let rounds = f64::from(units - less);
    let of_one =
        |count: fn(&Counts) -> u32| (f64::from(count(&more)) - f64::from(count(&few))) / rounds;
    Ok(Traced {
        calls: of_one(|counts| counts.calls),
        sends: of_one(|counts| counts.sends),
        receives: of_one(|counts| counts.receives),
        messages: of_one(|counts| counts.messages),
    })
}

const FEW: u32 = 4;
const MORE: u32 = 12;

/// How many units of work were done, and with what.
fn trace(name: &str, way: &str, rounds: u32) -> Result<(u32, Counts)> {
    let strace = ["/sbin/strace", "-f", "-v", "-s", "100000", "-o", PATH];
    let told = once::told(once::command(&strace, name, way, rounds));
    let units = told.with_context(|| format!("{name}: {way}"))?.units;
    let counts = count(&fs::read_to_string(PATH)?);
    // strace shows bytes where it cannot tell that a socket is netlink's.
    ensure!(counts.sends > 0 && counts.messages >= counts.sends, "{name}: {way}: {counts:?}");
    Ok((units, counts))
}

const PATH: &str = "/tmp/trace";

#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    calls: u32,
    sends: u32,
    receives: u32,
    /// Netlink messages in both directions.
    messages: u32,
}

/// Each line is `PID name(arguments) = result`; a call that another process
/// interrupted has a second one, and signals and ends have lines too.
fn count(trace: &str) -> Counts {
    let mut counts = Counts::default();
    for line in trace.lines() {
        let call = line.split_once(' ').map_or("", |(_, call)| call.trim_start());
        let begins = !call.starts_with("<...");
        let name = call.trim_start_matches("<... ").split(['(', ' ']).next().unwrap_or_default();
        if call.starts_with("---") || call.starts_with("+++") {
            continue;
        }
        let one = u32::from(begins);
        counts.calls += one;
        match name {
            "sendto" | "sendmsg" => counts.sends += one,
            "recvfrom" | "recvmsg" => counts.receives += one,
            _ => continue,
        }
        // What was only looked at comes once more.
        if !call.contains("MSG_PEEK") {
            counts.messages += headers(call);
        }
    }
    counts
}

/// An answer has the header of what it answers in it. A length of 0 is what nlrs leaves
/// behind its messages.
fn headers(call: &str) -> u32 {
    let count = |text: &str| u32::try_from(call.matches(text).count()).unwrap_or(u32::MAX);
    let others = ["msg={nlmsg_len=", "msg=[{nlmsg_len=", "{nlmsg_len=0,"];
    count("nlmsg_len=") - others.map(count).iter().sum::<u32>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_and_messages_are_counted_once() {
        let trace = "\
12 execve(\"/sbin/ipvsadm\", [\"ipvsadm\"], 0x7f /* 3 vars */) = 0
12 sendto(3, [[{nlmsg_len=24, nlmsg_type=0x23}, \"x\"], {nlmsg_len=0, nlmsg_type=0}], 44, 0, NULL, 0) = 24
12 recvfrom(3, [{nlmsg_len=36, nlmsg_type=NLMSG_ERROR}, {error=0, msg={nlmsg_len=24}}], 99, 0, NULL, NULL) = 36
12 recvmsg(3, {msg_iov=[{iov_base=[{nlmsg_len=36}], iov_len=0}]}, MSG_PEEK|MSG_TRUNC) = 36
12 recvmsg(3,  <unfinished ...>
13 getpid() = 13
12 <... recvmsg resumed>{msg_iov=[{iov_base=[[{nlmsg_len=20}, \"a\"], [{nlmsg_len=20}, \"b\"]]}]}, 0) = 40
12 --- SIGCHLD {si_signo=SIGCHLD} ---
12 +++ exited with 0 +++
";
        assert_eq!(count(trace), Counts { calls: 6, sends: 1, receives: 3, messages: 4 });
    }
}
