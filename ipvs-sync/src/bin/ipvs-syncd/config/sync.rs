//! The configuration of connection sync: the kernel's sync daemons, and the link between
//! the directors.

use super::document::{Placed, Section};
use ipvs::{InterfaceName, Role, ServiceKey, SyncDaemon, Table, TableService};
use ipvs_sync::peer::Key;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;
use toml::Spanned;
use toml::de::DeValue;

const SYNC: &[&str] = &[
    "interface",
    "id",
    "daemons",
    "group",
    "port",
    "ttl",
    "max-len",
    "listen",
    "peers",
    "key",
    "deadline",
];

const LINK: [&str; 3] = ["listen", "peers", "key"];

const DAEMONS: &[(&str, Daemons)] = &[("both", Daemons::Both), ("by-state", Daemons::ByState)];

/// How connections get to the other directors.
pub(crate) struct Sync {
    /// The kernel's backup; its master has the same parameters.
    backup: SyncDaemon,
    pub(crate) daemons: Daemons,
    /// None where nobody is asked.
    pub(crate) link: Option<Link>,
}

/// Which of the kernel's daemons run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Daemons {
    #[default]
    Both,
    /// The master while a virtual router is active, the backup while one is not.
    ByState,
}

/// The link between the directors.
#[derive(Clone, PartialEq)]
pub(crate) struct Link {
    pub(crate) listen: SocketAddr,
    pub(crate) peers: Vec<SocketAddr>,
    pub(crate) key: Key,
    /// How long a virtual router waits for the connections of a peer.
    pub(crate) deadline: Option<Duration>,
}

impl Sync {
    /// The kernel's daemon of a role, as it is wanted.
    pub(crate) fn daemon(&self, role: Role) -> SyncDaemon {
        SyncDaemon { role, ..self.backup }
    }

    pub(super) fn read<'d>(
        root: &Section<'d>,
        node: &'d Spanned<DeValue<'d>>,
        folder: &Path,
    ) -> Option<(Self, Section<'d>)> {
        let section = root.document.section("sync", node, SYNC)?;
        let backup = backup(&section);
        let daemons = match section.node("daemons") {
            Some(_) => section.word("daemons", DAEMONS),
            None => Some(Daemons::default()),
        };
        let link = Link::read(&section, folder);
        let sync = Self { backup: backup?, daemons: daemons?, link };
        Some((sync, section))
    }

    /// Checks what the section alone does not show.
    pub(super) fn check(&self, section: &Section<'_>, table: Option<&Table>, has_routers: bool) {
        if self.daemons == Daemons::ByState && !has_routers {
            let rule = "`daemons` \"by-state\" goes by virtual routers, and there is none";
            section.problem(section.at("daemons"), rule);
        }
        // The kernel refuses one while it has the other (`ip_vs_ctl.c:
        // ip_vs_genl_new_daemon, ip_vs_genl_set_cmd`).
        if let Some(key) = table.and_then(mixed) {
            let rule = format!(
                "service {key} has a destination of another address family: no sync daemon \
                 runs beside it"
            );
            section.problem(section.at, rule);
        }
    }
}

/// The parameters of both daemons. A backup allows less than a master.
fn backup(section: &Section<'_>) -> Option<SyncDaemon> {
    let interface = section.required(section.parsed::<InterfaceName>("interface"), "interface");
    let id = section.required(section.number::<u8>("id", "0 to 255"), "id");
    let group = section.parsed::<IpAddr>("group").map(|group| group.value);
    let port = section.number::<u16>("port", "1 to 65535").map(|port| port.value);
    let ttl = section.number::<u8>("ttl", "1 to 255").map(|ttl| ttl.value);
    let max_len = section.number::<u16>("max-len", "1024 to 65507").map(|len| len.value);
    let plain = SyncDaemon::new(Role::Backup, interface?.value, id?.value);
    // Each on its own, so that all that is wrong is told.
    let parts = [
        ("group", SyncDaemon { group, ..plain }),
        ("port", SyncDaemon { port, ..plain }),
        ("ttl", SyncDaemon { ttl, ..plain }),
        // How long is too long depends on the group's family.
        ("max-len", SyncDaemon { max_len, group: group.filter(IpAddr::is_multicast), ..plain }),
    ];
    for (key, part) in parts {
        section.kept(section.at(key), part.check());
    }
    Some(SyncDaemon { group, port, ttl, max_len, ..plain })
}

impl Link {
    fn read(section: &Section<'_>, folder: &Path) -> Option<Self> {
        let listen = section.parsed::<SocketAddr>("listen");
        let peers = peers(section);
        let key = section
            .text("key")
            .and_then(|Placed { at, value }| section.kept(at, Key::read(&folder.join(value))));
        let deadline = section.duration("deadline");
        let missing: Vec<&str> =
            LINK.into_iter().filter(|key| section.node(key).is_none()).collect();
        if missing.len() == LINK.len() {
            if let Some(deadline) = deadline {
                section.problem(deadline.at, "`deadline` without `peers`: nobody is waited for");
            }
            return None;
        }
        for key in missing {
            let rule = format!("`{key}` is missing: `listen`, `peers` and `key` go together");
            section.problem(section.at, rule);
        }
        if let Some(Placed { at, .. }) = deadline.filter(|deadline| deadline.value.is_zero()) {
            section.problem(at, "`deadline` out of range: more than 0s");
        }
        let listen = listen?;
        check(section, listen, &peers);
        Some(Self {
            listen: listen.value,
            peers: peers.iter().map(|peer| peer.value).collect(),
            key: key?,
            deadline: deadline.map(|deadline| deadline.value),
        })
    }
}

fn peers(section: &Section<'_>) -> Vec<Placed<SocketAddr>> {
    let texts = section.texts("peers");
    if texts.is_empty() && section.node("peers").is_some_and(|it| it.get_ref().is_array()) {
        section.problem(section.at("peers"), "`peers` has no peer");
    }
    let peers = texts.into_iter().filter_map(|Placed { at, value }| {
        let unclear = |_| format!("`{value}` is no address of a peer, such as 10.5.0.2:8849");
        let value = section.kept(at, value.parse::<SocketAddr>().map_err(unclear))?;
        Some(Placed { at, value })
    });
    peers.collect()
}

/// A director is known by its address: whoever connects has no other name.
fn check(section: &Section<'_>, listen: Placed<SocketAddr>, peers: &[Placed<SocketAddr>]) {
    let own = listen.value;
    if own.port() == 0 || own.ip().is_multicast() {
        let rule = format!("nobody can listen at {own}: an address of this host, and a port");
        section.problem(listen.at, rule);
    }
    for (number, peer) in peers.iter().enumerate() {
        let (address, ip) = (peer.value, peer.value.ip());
        let mut before = peers.iter().take(number);
        let rule = if address.port() == 0 || ip.is_multicast() || ip.is_unspecified() {
            format!("no peer is at {address}: the address of a host, and a port")
        } else if ip == own.ip() {
            format!("peer {address} is this host, as `listen` has it")
        } else if ip.is_ipv4() != own.is_ipv4() {
            format!("peer {address} is of another address family than `listen`")
        } else if before.any(|other| other.value.ip() == ip) {
            format!("peer {ip} is there twice")
        } else {
            continue;
        };
        section.problem(peer.at, rule);
    }
}

/// A service that has a destination of another family, if one does.
fn mixed(table: &Table) -> Option<ServiceKey> {
    let is_mixed = |entry: &TableService| {
        let family = entry.service().key().family();
        entry.destinations().any(|it| it.endpoint().family() != family)
    };
    table.services().find(|entry| is_mixed(entry)).map(|entry| entry.service().key())
}
