//! Which destinations this director has, and by which firewall mark.

use crate::proto::Connection;
use ipvs::{Endpoint, Protocol, ServiceKey, Snapshot};
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
        if connection.mark == 0 && self.by_address(&connection) {
            return Some(connection);
        }
        let mut found = self.marks.iter().filter_map(|key| match *key {
            ServiceKey::Mark { mark, family } => {
                let is_meant = connection.mark == 0 || connection.mark == mark.get();
                let is_there = is_meant
                    && family == connection.service.family()
                    && self.has(key, connection.destination);
                is_there.then_some(mark.get())
            }
            ServiceKey::Address { .. } => None,
        });
        match (found.next(), found.next()) {
            (Some(mark), None) => Some(Connection { mark, ..connection }),
            _ => None,
        }
    }

    /// The service of its port, or that of every port.
    fn by_address(&self, connection: &Connection<'_>) -> bool {
        let Connection { service, destination, .. } = *connection;
        let Some(protocol) = scheduled(connection.protocol) else { return false };
        [service.port, 0].into_iter().any(|port| {
            let endpoint = Endpoint::new(service.address, port);
            self.has(&ServiceKey::Address { protocol, endpoint }, destination)
        })
    }

    fn has(&self, key: &ServiceKey, wanted: Endpoint) -> bool {
        let Some(service) = self.table.get(key) else { return false };
        service.destinations.iter().any(|entry| {
            let found = entry.destination.endpoint();
            found.address == wanted.address && (found.port == wanted.port || found.port == 0)
        })
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
