//! What is wrong between two nodes.

use super::finding::{Finding, Node, Services};
use super::report::{Report, Running, Served};
use crate::net::InterfaceAddress;
use ipvs::{EngineName, Protocol, Role, ServiceKey};
use std::collections::BTreeMap;

/// What is wrong between two nodes: with what the master of each tells the backup of the
/// other, as far as both run. There may be more nodes, and neither of the two a master's.
pub fn compare(here: &Report, peer: &Report) -> Vec<Finding> {
    let mut found = Vec::new();
    let master = |report: &Report| report.daemon(Role::Master);
    for (node, from, to) in [(Node::Here, here, peer), (Node::Peer, peer, here)] {
        match (master(from), to.daemon(Role::Backup)) {
            (Some(sends), Some(hears)) => {
                let way = Way { node, from, to, sends, hears };
                way.messages(&mut found);
                way.services(&mut found);
            }
            (Some(_), None) => found.push(Finding::Unheard { master: node }),
            (None, _) => {}
        }
    }
    differences(here, peer, &mut found);
    found
}

/// What is wrong with all nodes together, where no other is meant to tell connections: that
/// no master runs.
pub fn compare_all<'r>(all: impl IntoIterator<Item = &'r Report>) -> Option<Finding> {
    let mut all = all.into_iter();
    all.all(|report| report.daemon(Role::Master).is_none()).then_some(Finding::NoMaster)
}

/// From the master of a node to the backup of the other.
struct Way<'a> {
    node: Node,
    from: &'a Report,
    to: &'a Report,
    sends: Running,
    hears: Running,
}

impl Way<'_> {
    /// Whether messages arrive and are taken.
    fn messages(&self, found: &mut Vec<Finding>) {
        let Self { node: master, ref sends, ref hears, .. } = *self;
        if sends.group != hears.group {
            let (sends, hears) = (sends.group, hears.group);
            found.push(Finding::Group { master, sends, hears });
        }
        if sends.port != hears.port {
            let (sends, hears) = (sends.port, hears.port);
            found.push(Finding::Port { master, sends, hears });
        }
        // Those of the backup that nobody sends to hurt nobody.
        let ports = (self.from.settings.ports(), self.to.settings.ports());
        if ports.0 > ports.1 {
            found.push(Finding::Ports { master, sends: ports.0, hears: ports.1 });
        }
        // The id has one byte in messages (`ip_vs_sync.c: ip_vs_sync_buff_create,
        // ip_vs_process_message`).
        let sent = sends.id & 0xff;
        if hears.id != 0 && sent != hears.id {
            found.push(Finding::Id { master, sends: sent, takes: hears.id });
        }
        if sends.max_len > hears.max_len {
            let (sends, takes) = (sends.max_len, hears.max_len);
            found.push(Finding::MaxLen { master, sends, takes });
        }
        self.link(found);
    }

    /// Whether the interfaces can be of one network, and carry the same.
    fn link(&self, found: &mut Vec<Finding>) {
        let Self { node: master, ref sends, ref hears, .. } = *self;
        let interfaces = (self.from.interface(sends.interface), self.to.interface(hears.interface));
        let (Some(from), Some(to)) = interfaces else { return };
        let longest = sends.longest_packet().min(from.interface.mtu);
        if longest > to.interface.mtu {
            found.push(Finding::Mtu { master, sends: longest, takes: to.interface.mtu });
        }
        // Groups of IPv6 have a scope, and their messages link-local addresses. One that is
        // alone in its network says nothing of the link.
        if sends.ttl == 1 && sends.group.is_ipv4() {
            let says = |entry: &&InterfaceAddress| entry.address().is_ipv4() && entry.prefix() < 32;
            let near =
                |own: &&InterfaceAddress| to.addresses.iter().any(|other| own.is_neighbour(*other));
            let mut senders = from.addresses.iter().filter(says);
            let first = (senders.clone().next(), to.addresses.iter().find(says));
            if let ((Some(&sends), Some(&hears)), false) = (first, senders.any(|own| near(&own))) {
                found.push(Finding::Networks { master, sends, hears });
            }
        }
    }

    /// Whether the backup can do something with the connections that it is told
    /// (`ip_vs_ctl.c: ip_vs_find_dest`).
    fn services(&self, found: &mut Vec<Finding>) {
        let master = self.node;
        let there: BTreeMap<ServiceKey, &Served> =
            self.to.services.iter().map(|served| (served.service, served)).collect();
        let is_missing = |served: &Served| !there.contains_key(&served.service);
        // That there is none at all is found on the node itself.
        let missing = Services::of(self.from, is_missing).filter(|_| !there.is_empty());
        found.extend(missing.map(|services| Finding::MissingServices { master, services }));
        for served in &self.from.services {
            if let Some(other) = there.get(&served.service) {
                self.destinations(served, other, found);
            }
        }
        let settings = &self.from.settings;
        if settings.sync_version != 0 {
            self.engines(&there, found);
        }
        if settings.sync_persist_mode {
            self.sloppiness(found);
        }
    }

    fn destinations(&self, served: &Served, other: &Served, found: &mut Vec<Finding>) {
        let (master, service) = (self.node, served.service);
        let there: BTreeMap<_, _> =
            other.destinations.iter().map(|target| (target.endpoint, target.forwarding)).collect();
        let missing = served.destinations.iter().map(|target| target.endpoint);
        let mut missing = missing.filter(|endpoint| !there.contains_key(endpoint));
        if let Some(first) = missing.next() {
            let count = 1 + missing.count();
            found.push(Finding::MissingDestinations { master, service, first, count });
        }
        for target in &served.destinations {
            if let Some(&takes) = there.get(&target.endpoint) {
                let (destination, sends) = (target.endpoint, target.forwarding);
                if sends != takes {
                    found.push(Finding::OtherForwarding {
                        master,
                        service,
                        destination,
                        sends,
                        takes,
                    });
                }
            }
        }
    }

    /// A backup drops templates whose engine is not loaded (`ip_vs_sync.c:
    /// ip_vs_conn_fill_param_sync`). Where another service has it loaded they are taken, and
    /// are none of clients that are known by another engine or by their address.
    fn engines(&self, there: &BTreeMap<ServiceKey, &Served>, found: &mut Vec<Finding>) {
        let mut missing: BTreeMap<EngineName, Services> = BTreeMap::new();
        for served in &self.from.services {
            let Some(engine) = served.engine else { continue };
            if there.get(&served.service).is_some_and(|other| other.engine != Some(engine)) {
                let none = Services { first: served.service, count: 0 };
                missing.entry(engine).or_insert(none).count += 1;
            }
        }
        found.extend(missing.into_iter().map(|(engine, services)| Finding::MissingEngine {
            master: self.node,
            engine,
            services,
        }));
    }

    /// A connection of which only the template was told begins for the backup in its
    /// middle.
    fn sloppiness(&self, found: &mut Vec<Finding>) {
        let settings = &self.to.settings;
        for (sysctl, is_sloppy, of) in [
            ("sloppy_tcp", settings.sloppy_tcp, Protocol::TCP),
            ("sloppy_sctp", settings.sloppy_sctp, Protocol::SCTP),
        ] {
            let services = Services::of(self.from, |served| {
                let is_of = match served.service {
                    ServiceKey::Address { protocol, .. } => protocol == of,
                    ServiceKey::Mark { .. } => of == Protocol::TCP,
                };
                served.persistent && is_of
            });
            if let Some(services) = services.filter(|_| !is_sloppy) {
                found.push(Finding::NotSloppy { master: self.node, sysctl, services });
            }
        }
    }
}

/// Sysctls that say what becomes of connections.
fn differences(here: &Report, peer: &Report, found: &mut Vec<Finding>) {
    let (here, peer) = (&here.settings, &peer.settings);
    for (sysctl, here, peer) in [
        ("conntrack", here.conntrack, peer.conntrack),
        ("expire_nodest_conn", here.expire_nodest_conn, peer.expire_nodest_conn),
        (
            "expire_quiescent_template",
            here.expire_quiescent_template,
            peer.expire_quiescent_template,
        ),
        ("sloppy_sctp", here.sloppy_sctp, peer.sloppy_sctp),
        ("sloppy_tcp", here.sloppy_tcp, peer.sloppy_tcp),
        ("sync_persist_mode", here.sync_persist_mode, peer.sync_persist_mode),
    ] {
        if here != peer {
            found.push(Finding::Differs { sysctl, here });
        }
    }
}
