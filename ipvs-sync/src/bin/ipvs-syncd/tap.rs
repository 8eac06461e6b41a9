//! What masters send, counted for a while beside the kernel's backup daemon, which counts
//! nothing.

use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::output::show;
use crate::running;
use crate::text::aligned;
use ipvs::sysctl::{Sysctl, Sysctls};
use ipvs::{Client, Namespace, Role};
use ipvs_sync::doctor::{Heard, Running, Tap};
use ipvs_sync::net::{self, Rtnetlink, SyncListener, now};
use ipvs_sync::vrrp::{Family, Time};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde::Serialize;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::time::Duration;

/// What is told as JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Counted {
    seconds: u16,
    senders: Vec<Sender>,
    /// Datagrams of addresses that there was no room for.
    others: u64,
}

/// What was heard of an address.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Sender {
    address: IpAddr,
    datagrams: u64,
    bytes: u64,
    connections: u64,
    templates: u64,
    lost: u64,
    oversize: u64,
    wrapped: u64,
    longest: usize,
    longest_silence_seconds: f64,
    rejected: BTreeMap<&'static str, u64>,
}

/// Listens for so many seconds where the backup daemon does, and tells what came.
pub(crate) fn run(file: &Path, seconds: u16, is_json: bool) -> Result<(), Failure> {
    let config = Config::read(file).map_err(|all| Failure::new(Exit::Configuration, all))?;
    let namespace = running::open(config.process.namespace.as_deref())?;
    let tap = listen(namespace.as_ref(), seconds)?;
    let end = now();
    let senders = tap.senders().map(|(address, heard)| Sender::of(address, heard, end)).collect();
    let counted = Counted { seconds, senders, others: tap.others() };
    let text = match is_json {
        true => serde_json::to_string(&counted).map_err(Failure::system)? + "\n",
        false => counted.text(),
    };
    show(&text);
    Ok(())
}

fn listen(namespace: Option<&Namespace>, seconds: u16) -> Result<Tap, Failure> {
    let (backup, mut listeners, own) = match namespace {
        Some(namespace) => namespace.run(open)??,
        None => open()?,
    };
    let Ok(id) = u8::try_from(backup.id) else {
        let id = backup.id;
        return Err(Failure::system(format!("no message has the backup daemon's id {id}")));
    };
    let mut tap = Tap::new(id, backup.max_len);
    let end = now() + Duration::from_secs(seconds.into());
    while wait(&listeners, end)? {
        for listener in &mut listeners {
            // One that sends without end keeps it neither from the others nor from the end.
            for _ in 0..AT_ONCE {
                let Some((source, datagram)) = listener.receive().map_err(refused)? else { break };
                if !own.contains(&source) {
                    tap.take(datagram, source, now());
                }
            }
        }
    }
    Ok(tap)
}

/// How many datagrams of one port are counted before others are looked at.
const AT_ONCE: usize = 256;

/// The backup daemon, a listener for each of its ports, and its interface's own addresses: a
/// transfer that this node fetches is given to it by the same group.
fn open() -> Result<(Running, Vec<SyncListener>, Vec<IpAddr>), Failure> {
    let daemons = Client::connect()?.daemons()?;
    let Some(backup) = daemons.iter().find(|daemon| daemon.role == Role::Backup) else {
        return Err(Failure::system("no backup daemon runs here, whose messages could be counted"));
    };
    let backup = Running::of(backup);
    let mut rtnetlink = Rtnetlink::open().map_err(refused)?;
    let interface = rtnetlink.interface(backup.interface).map_err(refused)?;
    let own = rtnetlink.addresses(&interface, Family::of(backup.group)).map_err(refused)?;
    let own = own.into_iter().map(|entry| entry.address.address()).collect();
    let sync_ports = Sysctls::here().get(Sysctl::SYNC_PORTS).map_err(Failure::system)?;
    let ports = backup.ports(sync_ports);
    let listeners = ports.map(|port| SyncListener::open(&interface, backup.group, port));
    Ok((backup, listeners.collect::<Result<_, _>>().map_err(refused)?, own))
}

/// Until something has come, or until the end: whether it is not there yet.
fn wait(listeners: &[SyncListener], end: Time) -> Result<bool, Failure> {
    let left = end.since(now());
    let mut polled: Vec<PollFd<'_>> =
        listeners.iter().map(|it| PollFd::new(it.as_fd(), PollFlags::POLLIN)).collect();
    // At least a millisecond, so that it does not turn at the end.
    let timeout = PollTimeout::try_from(left + Duration::from_millis(1));
    match poll(&mut polled, timeout.unwrap_or(PollTimeout::MAX)) {
        Ok(_) | Err(nix::errno::Errno::EINTR) => Ok(now() < end),
        Err(error) => Err(Failure::io("poll", &error.into())),
    }
}

fn refused(error: net::Error) -> Failure {
    Failure::refused(error.is_permission(), error)
}

impl Sender {
    fn of(address: IpAddr, heard: &Heard, end: Time) -> Self {
        // One that has stopped is silent until the end.
        let longest_silence = heard.longest_silence.max(end.since(heard.last));
        Self {
            address,
            datagrams: heard.datagrams,
            bytes: heard.bytes,
            connections: heard.connections,
            templates: heard.templates,
            lost: heard.lost,
            oversize: heard.oversize,
            wrapped: heard.wrapped,
            longest: heard.longest,
            longest_silence_seconds: longest_silence.as_secs_f64(),
            rejected: heard.rejected().collect(),
        }
    }
}

const HEADINGS: [&str; 8] = [
    "FROM",
    "DATAGRAMS",
    "BYTES",
    "CONNECTIONS",
    "TEMPLATES",
    "LOST",
    "LONGEST SILENCE",
    "REJECTED",
];

impl Counted {
    fn text(&self) -> String {
        if self.senders.is_empty() {
            return format!("nothing was heard in {} s\n", self.seconds);
        }
        let mut rows = vec![HEADINGS.map(str::to_owned)];
        rows.extend(self.senders.iter().map(Sender::row));
        let mut out = aligned(&rows);
        if self.others > 0 {
            out += &format!("and {} datagrams from others\n", self.others);
        }
        out
    }
}

impl Sender {
    fn row(&self) -> [String; 8] {
        let others = [("oversize", self.oversize), ("wrapped", self.wrapped)];
        let all = self.rejected.iter().map(|(why, count)| (*why, *count)).chain(others);
        let some = all.filter(|(_, count)| *count > 0);
        let rejected = some.map(|(why, count)| format!("{why} {count}"));
        [
            self.address.to_string(),
            self.datagrams.to_string(),
            self.bytes.to_string(),
            self.connections.to_string(),
            self.templates.to_string(),
            self.lost.to_string(),
            format!("{:.1} s", self.longest_silence_seconds),
            rejected.collect::<Vec<_>>().join(", "),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_heard_is_a_line_for_each_address() {
        let sender = Sender {
            address: [10, 5, 0, 2].into(),
            datagrams: 3,
            bytes: 3_624,
            connections: 98,
            templates: 1,
            lost: 2,
            oversize: 1,
            wrapped: 0,
            longest: 1_448,
            longest_silence_seconds: 1.26,
            rejected: [("state", 2)].into(),
        };
        let mut counted = Counted { seconds: 10, senders: vec![sender], others: 4 };
        let shown = "\
FROM      DATAGRAMS  BYTES  CONNECTIONS  TEMPLATES  LOST  LONGEST SILENCE  REJECTED
10.5.0.2  3          3624   98           1          2     1.3 s            state 2, oversize 1
and 4 datagrams from others
";
        assert_eq!(counted.text(), shown);
        counted.senders.clear();
        assert_eq!(counted.text(), "nothing was heard in 10 s\n");
    }
}
