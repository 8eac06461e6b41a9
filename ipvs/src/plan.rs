//! The way from a table to another.

mod diff;
mod options;
mod order;
mod undo;

pub use options::{Kinds, PlanOptions, Surplus};
pub(crate) use undo::NotTakenBack;
pub use undo::{Applied, Recovery, StepResult};

use crate::snapshot::SnapshotService;
use crate::table::TableService;
use crate::{
    Change, Destination, Endpoint, Service, ServiceKey, Snapshot, Table, Timeouts, Weight,
};
use options::Owner;
use std::collections::BTreeSet;
use std::collections::hash_map::DefaultHasher;
use std::fmt;
use std::hash::{Hash, Hasher};

/// The changes that make a table what it should be.
///
/// Their order never leaves a service without destinations that need not be: new
/// ones are added and weights raised before weights go to 0 and others are
/// deleted, new services come before old ones go, and whatever the kernel can
/// edit is edited. What was deleted by one plan and is added by the next is added
/// in reverse, where the kernel finds it at once (`ip_vs_ctl.c:
/// ip_vs_trash_get_dest` walks all that was deleted in the last minutes).
///
/// A plan belongs to the table that it was made from, and
/// [`Client::apply`](crate::Client::apply) refuses to apply it to another.
///
/// It displays as a difference that people read, in the order of the keys:
///
/// ```text
///   tcp 10.0.0.1:80
/// +   192.168.0.3:80 masquerade weight 1
/// ~   192.168.0.1:80 masquerade weight 1 -> 192.168.0.1:80 masquerade weight 3
/// -   192.168.0.2:80 masquerade weight 1
/// ```
#[derive(Clone)]
pub struct Plan {
    steps: Vec<Step>,
    withheld: Vec<Step>,
    quiesced: Vec<(ServiceKey, Endpoint)>,
    pub(crate) base: Base,
}

/// A change with what was there before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The change.
    pub change: Change,
    /// What it changes.
    pub before: Before,
}

/// What was there before a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Before {
    /// Nothing: it is an addition.
    Nothing,
    /// The service that is edited.
    Service(Service),
    /// The service that is deleted, with its destinations.
    Whole(Service, Vec<Destination>),
    /// The destination that is edited or deleted.
    Destination(Destination),
    /// The timeouts, `None` if the snapshot did not have them.
    Timeouts(Option<Timeouts>),
}

impl Plan {
    /// The changes that make the table of `snapshot` the `wanted` one.
    ///
    /// Timeouts are compared with those of a [full
    /// snapshot](crate::Client::full_snapshot), and set in any case after one
    /// without them.
    pub fn between(snapshot: &Snapshot, wanted: &Table) -> Self {
        Self::with_options(snapshot, wanted, &PlanOptions::default())
    }

    /// The same within limits.
    pub fn with_options(snapshot: &Snapshot, wanted: &Table, options: &PlanOptions) -> Self {
        let mut maker = Maker { options, steps: Vec::new(), quiesced: Vec::new() };
        maker.timeouts(snapshot.timeouts(), wanted.timeouts());
        let ours = |key: &ServiceKey| options.owner.as_ref().is_none_or(|owner| owner(key));
        let mut found = snapshot.services().peekable();
        let mut wants = wanted.services().peekable();
        loop {
            let key_found = found.peek().map(|found| found.entry.service.key());
            let key_wanted = wants.peek().map(|wanted| wanted.service().key());
            // Both come in the order of their keys.
            let (is_found, is_wanted) = match (key_found, key_wanted) {
                (None, None) => break,
                (Some(found), Some(wanted)) => (found <= wanted, wanted <= found),
                (found, wanted) => (found.is_some(), wanted.is_some()),
            };
            let found = if is_found { found.next() } else { None };
            let wanted = if is_wanted { wants.next() } else { None };
            match (found, wanted) {
                (None, Some(wanted)) => maker.new_service(wanted),
                (Some(found), Some(wanted)) => maker.known_service(found, wanted),
                (Some(found), None) if ours(&found.entry.service.key()) => maker.surplus(found),
                _ => {}
            }
        }
        let Maker { steps, mut quiesced, .. } = maker;
        let (mut steps, withheld) = options.divide(steps);
        order::sort(&mut steps);
        let untouched: BTreeSet<_> = withheld.iter().map(Step::object).collect();
        quiesced.retain(|(key, endpoint)| !untouched.contains(&(Some(*key), Some(*endpoint))));
        let base =
            if steps.is_empty() { Base::default() } else { Base::of(snapshot, wanted, options) };
        Self { steps, withheld, quiesced, base }
    }

    /// The changes in the order in which they are carried out.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Whether nothing is to be changed.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The steps that add and edit, and those that take away.
    pub(crate) fn halves(&self) -> (&[Step], &[Step]) {
        self.steps.split_at(self.steps.partition_point(|step| !order::takes_away(&step.change)))
    }

    /// Changes that would be needed, and are of a kind that was [ruled
    /// out](PlanOptions::without) or depend on one.
    pub fn withheld(&self) -> &[Step] {
        &self.withheld
    }

    /// Destinations that are not wanted and are left at weight 0, by this plan or
    /// since before, for a [`Drain`](crate::Drain) to delete. One whose change to
    /// weight 0 is [withheld](Plan::withheld) goes on serving and is none of them.
    pub fn quiesced(&self) -> &[(ServiceKey, Endpoint)] {
        &self.quiesced
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan").field("steps", &self.steps).finish_non_exhaustive()
    }
}

impl Step {
    /// What it changes.
    fn object(&self) -> (Option<ServiceKey>, Option<Endpoint>) {
        (self.change.key(), self.change.endpoint())
    }
}

/// Collects steps, in the order of the keys.
struct Maker<'a> {
    options: &'a PlanOptions,
    steps: Vec<Step>,
    quiesced: Vec<(ServiceKey, Endpoint)>,
}

impl Maker<'_> {
    fn step(&mut self, change: Change, before: Before) {
        self.steps.push(Step { change, before });
    }

    fn timeouts(&mut self, found: Option<Timeouts>, wanted: Timeouts) {
        let differing = wanted.without_same(found.unwrap_or_default());
        if differing != Timeouts::default() {
            self.step(Change::SetTimeouts(differing), Before::Timeouts(found));
        }
    }

    fn new_service(&mut self, wanted: &TableService) {
        let key = wanted.service().key();
        self.step(Change::AddService(*wanted.service()), Before::Nothing);
        for destination in wanted.destinations() {
            self.step(Change::AddDestination(key, *destination), Before::Nothing);
        }
    }

    fn known_service(&mut self, found: SnapshotService<'_>, wanted: &TableService) {
        let service = found.entry.service;
        let key = service.key();
        if service != *wanted.service() {
            self.step(Change::EditService(*wanted.service()), Before::Service(service));
        }
        let mut founds = found.destinations.iter().map(|entry| entry.destination).peekable();
        for wanted in wanted.destinations() {
            while let Some(found) = founds.next_if(|found| found.endpoint() < wanted.endpoint()) {
                self.surplus_destination(key, found);
            }
            match founds.next_if(|found| found.endpoint() == wanted.endpoint()) {
                None => self.step(Change::AddDestination(key, *wanted), Before::Nothing),
                Some(found) if found != *wanted => {
                    let change = Change::EditDestination(key, *wanted);
                    self.step(change, Before::Destination(found));
                }
                Some(_) => {}
            }
        }
        for found in founds {
            self.surplus_destination(key, found);
        }
    }

    fn surplus(&mut self, found: SnapshotService<'_>) {
        let service = found.entry.service;
        let destinations = found.destinations.iter().map(|entry| entry.destination);
        if self.options.surplus == Surplus::Delete || found.destinations.is_empty() {
            let before = Before::Whole(service, destinations.collect());
            self.step(Change::DeleteService(service.key()), before);
            return;
        }
        for destination in destinations {
            self.surplus_destination(service.key(), destination);
        }
    }

    fn surplus_destination(&mut self, key: ServiceKey, found: Destination) {
        let before = Before::Destination(found);
        match self.options.surplus {
            Surplus::Delete => {
                self.step(Change::DeleteDestination(key, found.endpoint()), before);
            }
            Surplus::Quiesce => {
                self.quiesced.push((key, found.endpoint()));
                if found.weight() != Weight::ZERO {
                    let change = Change::EditDestination(key, found.with_weight(Weight::ZERO));
                    self.step(change, before);
                }
            }
        }
    }
}

/// The table that a plan was made from, as far as it is ours: what each service
/// was, in short.
#[derive(Clone, Default)]
pub(crate) struct Base {
    services: Vec<(ServiceKey, u64)>,
    wanted: Vec<ServiceKey>,
    owner: Option<Owner>,
}

impl Base {
    fn of(snapshot: &Snapshot, wanted: &Table, options: &PlanOptions) -> Self {
        let wanted = wanted.services().map(|wanted| wanted.service().key()).collect();
        let mut base = Self { services: Vec::new(), wanted, owner: options.owner.clone() };
        base.services = base.digests(snapshot).collect();
        base
    }

    /// The first service that is not as it was.
    pub(crate) fn first_changed(&self, now: &Snapshot) -> Option<ServiceKey> {
        let mut before = self.services.iter().copied();
        let mut now = self.digests(now);
        loop {
            match (before.next(), now.next()) {
                (None, None) => return None,
                (before, now) if before == now => {}
                // In the order of the keys, the lower one has no counterpart.
                (Some((before, _)), Some((now, _))) => return Some(before.min(now)),
                (Some((key, _)), None) | (None, Some((key, _))) => return Some(key),
            }
        }
    }

    fn digests<'a>(
        &'a self,
        snapshot: &'a Snapshot,
    ) -> impl Iterator<Item = (ServiceKey, u64)> + 'a {
        let ours = |key: &ServiceKey| {
            self.owner.as_ref().is_none_or(|owner| owner(key))
                || self.wanted.binary_search(key).is_ok()
        };
        snapshot.services().filter_map(move |found| {
            let key = found.entry.service.key();
            ours(&key).then(|| (key, digest(found)))
        })
    }
}

fn digest(found: SnapshotService<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    found.entry.service.hash(&mut hasher);
    for entry in found.destinations {
        entry.destination.hash(&mut hasher);
    }
    hasher.finish()
}
