//! The whole table as it was at one moment.

use crate::{DestinationEntry, ServiceEntry, ServiceKey, SyncDaemon, Timeouts};

/// The table as it was at one moment: services in the order of their keys, each
/// with its destinations in the order of their endpoints.
///
/// [`Client::snapshot`](crate::Client::snapshot) says what was verified.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    services: Vec<ServiceEntry>,
    destinations: Vec<DestinationEntry>,
    /// For each service, where its destinations end; those of the next begin there.
    ends: Vec<usize>,
    pub(crate) timeouts: Option<Timeouts>,
    pub(crate) daemons: Option<Vec<SyncDaemon>>,
}

/// A service of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotService<'a> {
    /// The service with its counters.
    pub entry: &'a ServiceEntry,
    /// Its destinations, in the order of their endpoints.
    pub destinations: &'a [DestinationEntry],
}

impl Snapshot {
    /// Appends the next service and its destinations, which it puts in order.
    pub(crate) fn push(
        &mut self,
        entry: ServiceEntry,
        destinations: impl IntoIterator<Item = DestinationEntry>,
    ) {
        let start = self.destinations.len();
        self.destinations.extend(destinations);
        if let Some(added) = self.destinations.get_mut(start..) {
            // The kernel lists the last one added first: mostly in reverse.
            added.reverse();
            added.sort_unstable_by_key(|entry| entry.destination.endpoint());
        }
        self.services.push(entry);
        self.ends.push(self.destinations.len());
    }

    /// Gives memory back that growing took.
    pub(crate) fn shrink(&mut self) {
        self.services.shrink_to_fit();
        self.destinations.shrink_to_fit();
        self.ends.shrink_to_fit();
    }

    /// The services, in the order of their keys.
    pub fn services(&self) -> impl ExactSizeIterator<Item = SnapshotService<'_>> {
        let mut start = 0;
        self.services.iter().zip(&self.ends).map(move |(entry, end)| {
            let destinations = self.destinations.get(start..*end).unwrap_or_default();
            start = *end;
            SnapshotService { entry, destinations }
        })
    }

    /// The service of this key.
    pub fn get(&self, key: &ServiceKey) -> Option<SnapshotService<'_>> {
        let found = self.services.binary_search_by_key(key, |entry| entry.service.key()).ok()?;
        let start = match found.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        let destinations = self.destinations.get(start..*self.ends.get(found)?)?;
        Some(SnapshotService { entry: self.services.get(found)?, destinations })
    }

    /// The number of destinations of all services.
    pub fn destination_count(&self) -> usize {
        self.destinations.len()
    }

    /// The connection timeouts, if they were read.
    pub fn timeouts(&self) -> Option<Timeouts> {
        self.timeouts
    }

    /// The sync daemons that ran, if they were read.
    pub fn daemons(&self) -> Option<&[SyncDaemon]> {
        self.daemons.as_deref()
    }

    /// Whether both say the same but for what the kernel counts: counters, rates
    /// and connections.
    pub fn is_same_table(&self, other: &Self) -> bool {
        let services = |snapshot: &Self| snapshot.services.len();
        services(self) == services(other)
            && self.ends == other.ends
            && self.timeouts == other.timeouts
            && self.daemons == other.daemons
            && self.services.iter().zip(&other.services).all(|(a, b)| a.service == b.service)
            && self
                .destinations
                .iter()
                .zip(&other.destinations)
                .all(|(a, b)| a.destination == b.destination)
    }

    /// Whether anything is there twice, as in a listing that changed underneath.
    pub(crate) fn has_duplicates(&self) -> bool {
        let twice = |services: &[ServiceEntry]| match services {
            [a, b] => a.service.key() == b.service.key(),
            _ => false,
        };
        self.services.windows(2).any(twice)
            || self.services().any(|service| {
                service.destinations.windows(2).any(|pair| match pair {
                    [a, b] => a.destination.endpoint() == b.destination.endpoint(),
                    _ => false,
                })
            })
    }
}
