//! Which destinations this director has, and by which firewall mark.

use crate::proto::Connection;
use ipvs::{Endpoint, Forwarding, Protocol, ServiceKey, Snapshot};
use std::fmt;

/// The services of this director and their destinations, as the kernel will look for that
/// of a connection.
pub(super) struct Destinations {
    table: Snapshot,
    marks: Vec<ServiceKey>,
}

impl Destinations {
    pub(super) fn new(table: Snapshot) -> Self {
        let keys = table.services().map(|service| service.entry.service.key());
        let marks = keys.filter(|key| matches!(key, ServiceKey::Mark { .. })).collect();
        Self { table, marks }
    }

    pub(super) fn are_none(&self) -> bool {
        self.table.destination_count() == 0
    }

    /// The connection with the firewall mark by which the kernel finds its destination
    /// here; `None` if it finds none. One that it does not find by its address and that
    /// several marks would find has none either: which of them it was is not known
    /// (`ip_vs_ctl.c: ip_vs_find_dest`).
    pub(super) fn bound<'a>(&self, connection: Connection<'a>) -> Option<Connection<'a>> {
        if connection.mark == 0 && self.of_address(&connection).is_some() {
            return Some(connection);
        }
        let mut found = self.marks.iter().filter_map(|key| match *key {
            ServiceKey::Mark { mark, family } => {
                let is_meant = connection.mark == 0 || connection.mark == mark.get();
                let is_there = is_meant
                    && family == connection.service.family()
                    && self.find(key, connection.destination).is_some();
                is_there.then_some(mark.get())
            }
            ServiceKey::Address { .. } => None,
        });
        match (found.next(), found.next()) {
            (Some(mark), None) => Some(Connection { mark, ..connection }),
            _ => None,
        }
    }

    /// Whether packets of a connection that is [bound](Self::bound) are masqueraded.
    pub(super) fn masquerade(&self, bound: &Connection<'_>) -> bool {
        let found = self.of_address(bound).or_else(|| {
            let of_mark = |key: &&ServiceKey| match key {
                ServiceKey::Mark { mark, .. } => mark.get() == bound.mark,
                ServiceKey::Address { .. } => false,
            };
            let mut marks = self.marks.iter().filter(of_mark);
            marks.find_map(|key| self.find(key, bound.destination))
        });
        found == Some(Forwarding::Masquerade)
    }

    /// By the service of its port, or that of every port.
    fn of_address(&self, connection: &Connection<'_>) -> Option<Forwarding> {
        let Connection { service, destination, .. } = *connection;
        let protocol = scheduled(connection.protocol)?;
        [service.port, 0].into_iter().find_map(|port| {
            let endpoint = Endpoint::new(service.address, port);
            self.find(&ServiceKey::Address { protocol, endpoint }, destination)
        })
    }

    /// How packets get to the destination of a service, if it has that.
    fn find(&self, key: &ServiceKey, wanted: Endpoint) -> Option<Forwarding> {
        let service = self.table.get(key)?;
        let mut all = service.destinations.iter().map(|entry| entry.destination);
        let is_meant = |found: Endpoint| {
            found.address == wanted.address && (found.port == wanted.port || found.port == 0)
        };
        let found = all.find(|destination| is_meant(destination.endpoint()))?;
        Some(found.forwarding())
    }
}

fn scheduled(protocol: u8) -> Option<Protocol> {
    let all = [Protocol::TCP, Protocol::UDP, Protocol::SCTP];
    all.into_iter().find(|known| known.number() == u16::from(protocol))
}

impl fmt::Debug for Destinations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Destinations({})", self.table.destination_count())
    }
}
