//! The directors' programs that are compared, each as its manual has it set up.

use crate::host::PORT;
use crate::keepalived::Keepalived;
use crate::program::Daemon;
use crate::site::{BETTER, GATEWAY, Method, SERVERS, SYNC, SYNC_ID, VIRTUAL, WORSE};
use nix::sys::signal::Signal;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;

/// Whose they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contender {
    Ours,
    Keepalived,
}

/// One that runs.
pub(crate) enum Program {
    Ours(Daemon),
    Keepalived(Keepalived),
}

/// The priority of the better one, that of the other, and one that is less.
const HIGH: u8 = 150;
const MIDDLE: u8 = 100;
const LOW: u8 = 50;

impl Contender {
    pub(crate) const ALL: [Self; 2] = [Self::Ours, Self::Keepalived];

    /// As it is named in the results.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Keepalived => "keepalived",
        }
    }

    /// Starts one on a director with this number, in whose namespace the thread is.
    pub(crate) fn start(self, host: u8) -> Program {
        let priority = if host == BETTER { HIGH } else { MIDDLE };
        match self {
            Self::Ours => {
                fs::write(TABLE, table()).unwrap();
                write_key();
                Program::Ours(Daemon::start(&syncd(host, priority)))
            }
            Self::Keepalived => Program::Keepalived(Keepalived::start_with(&[], &conf(priority))),
        }
    }
}

impl Program {
    /// It ends without a word.
    pub(crate) fn kill(&mut self) {
        match self {
            Self::Ours(daemon) => daemon.signal(Signal::SIGKILL),
            Self::Keepalived(keepalived) => keepalived.crash(),
        }
    }

    /// It ends as the system's service manager ends it.
    pub(crate) fn stop(&mut self) {
        match self {
            Self::Ours(daemon) => drop(daemon.end()),
            Self::Keepalived(keepalived) => keepalived.stop(),
        }
    }

    /// It reads a configuration that differs in the priority, which stays the highest.
    pub(crate) fn reload(&self, round: u8) {
        let priority = HIGH + round % 2;
        match self {
            Self::Ours(daemon) => daemon.reload(&syncd(BETTER, priority)),
            Self::Keepalived(keepalived) => keepalived.reload_with(&conf(priority)),
        }
    }

    /// The operator wants the other director to take over. keepalived has no command for it;
    /// what serves is a lower priority.
    pub(crate) fn hand_over(&self) {
        match self {
            Self::Ours(daemon) => {
                let told = daemon.ask(&["handover"]);
                assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
            }
            Self::Keepalived(keepalived) => keepalived.reload_with(&conf(LOW)),
        }
    }

    /// The operator wants it back; `other` is the active one.
    pub(crate) fn take_back(&self, other: &Self) {
        match self {
            Self::Ours(_) => other.hand_over(),
            Self::Keepalived(keepalived) => keepalived.reload_with(&conf(HIGH)),
        }
    }
}

/// The same services in both: round robin over both servers.
fn table() -> String {
    let mut text = String::new();
    for (key, port, method) in services() {
        let forwarding = match method {
            Method::Masquerade => "masquerade",
            Method::Direct => "direct-route",
        };
        let _ = writeln!(text, "[[service]]\nkey = \"{key} {VIRTUAL}:{port}\"\nscheduler = \"rr\"");
        for server in SERVERS {
            let _ = writeln!(
                text,
                "[[service.destination]]\nendpoint = \"10.0.0.{server}:{port}\"\n\
                 forwarding = \"{forwarding}\""
            );
        }
    }
    text
}

const TABLE: &str = "/tmp/connections.toml";

const KEY: &str = "/tmp/connections.key";

/// The key that both directors have, which nobody else may read.
fn write_key() {
    let mut options = File::options();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(KEY).unwrap();
    file.write_all(&[b'7'; 64]).unwrap();
}

fn syncd(host: u8, priority: u8) -> String {
    let peer = if host == BETTER { WORSE } else { BETTER };
    format!(
        "tables = [\"{TABLE}\"]\n[sync]\ninterface = \"{SYNC}\"\nid = {SYNC_ID}\n\
         listen = \"10.5.0.{host}:8849\"\npeers = [\"10.5.0.{peer}:8849\"]\n\
         key = \"{KEY}\"\n[[virtual-router]]\nname = \"web\"\ninterface = \"{PORT}\"\n\
         vrid = 7\npriority = {priority}\naddresses = [\"{VIRTUAL}\", \"{GATEWAY}\"]\n"
    )
}

fn conf(priority: u8) -> String {
    let mut text = format!(
        "global_defs {{\n lvs_sync_daemon {SYNC} inst seven id {SYNC_ID}\n}}\n\
         vrrp_instance seven {{\n state BACKUP\n interface {PORT}\n virtual_router_id 7\n \
         version 3\n advert_int 1\n priority {priority}\n virtual_ipaddress {{\n \
         {VIRTUAL}/32\n {GATEWAY}/32\n }}\n}}\n"
    );
    for (key, port, method) in services() {
        let kind = match method {
            Method::Masquerade => "NAT",
            Method::Direct => "DR",
        };
        let _ = writeln!(
            text,
            "virtual_server {VIRTUAL} {port} {{\n lb_algo rr\n lb_kind {kind}\n protocol {}",
            key.to_uppercase()
        );
        for server in SERVERS {
            let _ = writeln!(text, " real_server 10.0.0.{server} {port} {{\n weight 1\n }}");
        }
        text.push_str("}\n");
    }
    text
}

fn services() -> impl Iterator<Item = (&'static str, u16, Method)> {
    let both = |method: Method| [("tcp", method.tcp(), method), ("udp", method.udp(), method)];
    Method::ALL.into_iter().flat_map(both)
}
