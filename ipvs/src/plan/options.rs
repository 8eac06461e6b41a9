//! What a plan may do, and which of its steps are withheld.

use super::{Before, Step};
use crate::{Change, ServiceKey, Weight};
use std::collections::BTreeSet;
use std::fmt;
use std::ops::BitOr;
use std::sync::Arc;

/// What a plan may do, and to what.
///
/// By default: everything, to the whole table, and surplus destinations are
/// deleted.
#[derive(Clone, Default)]
pub struct PlanOptions {
    withheld: Kinds,
    pub(super) surplus: Surplus,
    pub(super) owner: Option<Owner>,
}

pub(super) type Owner = Arc<dyn Fn(&ServiceKey) -> bool + Send + Sync>;

/// What becomes of destinations that are there and not wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Surplus {
    /// They are deleted, and services that are not wanted with theirs.
    #[default]
    Delete,
    /// They get weight 0 and are left to a [`Drain`](crate::Drain);
    /// [`Plan::quiesced`](super::Plan::quiesced) says which. A service that is not wanted is deleted by
    /// the first plan that finds it without destinations.
    Quiesce,
}

/// Kinds of change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Kinds(u8);

impl Kinds {
    /// None.
    pub const NONE: Self = Self(0);
    /// Adding services. Their destinations are of another kind, `ADD_DESTINATION`;
    /// [`PlanOptions::without`] says what waits for what.
    pub const ADD_SERVICE: Self = Self(1);
    /// Editing services.
    pub const EDIT_SERVICE: Self = Self(2);
    /// Deleting services with their destinations.
    pub const DELETE_SERVICE: Self = Self(4);
    /// Adding destinations, also to services that are added.
    pub const ADD_DESTINATION: Self = Self(8);
    /// Editing destinations, also to weight 0.
    pub const EDIT_DESTINATION: Self = Self(16);
    /// Deleting destinations.
    pub const DELETE_DESTINATION: Self = Self(32);
    /// Setting timeouts.
    pub const SET_TIMEOUTS: Self = Self(64);

    /// Whether all kinds of `other` are among these.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    fn of(change: &Change) -> Self {
        match change {
            Change::AddService(_) => Self::ADD_SERVICE,
            Change::EditService(_) => Self::EDIT_SERVICE,
            Change::DeleteService(_) => Self::DELETE_SERVICE,
            Change::AddDestination(..) => Self::ADD_DESTINATION,
            Change::EditDestination(..) => Self::EDIT_DESTINATION,
            Change::DeleteDestination(..) => Self::DELETE_DESTINATION,
            Change::SetTimeouts(_) => Self::SET_TIMEOUTS,
        }
    }
}

impl BitOr for Kinds {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl PlanOptions {
    /// The same without changes of these kinds: the plan tells them
    /// ([`Plan::withheld`](super::Plan::withheld)) and does not make them.
    ///
    /// What depends on them is withheld too, whatever its kind. Without its service
    /// no destination is added, and without those of its destinations that have a
    /// weight no service is: it would take connections for no server. And while a
    /// service does not get a destination with a weight that is to be added, or one
    /// that is to be raised from weight 0, none that has a weight is deleted from it
    /// or goes to weight 0: the pool could run empty. A service that is deleted does
    /// not wait for another one.
    pub fn without(self, kinds: Kinds) -> Self {
        Self { withheld: self.withheld | kinds, ..self }
    }

    /// The same with this for destinations that are not wanted.
    pub fn with_surplus(self, surplus: Surplus) -> Self {
        Self { surplus, ..self }
    }

    /// The same for a table that others use too: of services that are not in the
    /// wanted table, only those that `is_ours` are touched. The services of the
    /// wanted table are always ours.
    pub fn with_owner(self, is_ours: impl Fn(&ServiceKey) -> bool + Send + Sync + 'static) -> Self {
        Self { owner: Some(Arc::new(is_ours)), ..self }
    }

    /// The steps that may be taken, and those that are withheld.
    pub(super) fn divide(&self, steps: Vec<Step>) -> (Vec<Step>, Vec<Step>) {
        let ruled_out = |step: &Step| self.withheld.contains(Kinds::of(&step.change));
        let keys_of = |what: &dyn Fn(&Step) -> bool| -> BTreeSet<Option<ServiceKey>> {
            steps.iter().filter(|step| what(step)).map(|step| step.change.key()).collect()
        };
        let short_of_servers = keys_of(&|step| ruled_out(step) && step.brings_server());
        // Of a new service, all servers are ruled out or none: they are of one kind.
        let absent = keys_of(&|step| {
            matches!(step.change, Change::AddService(_))
                && (ruled_out(step) || short_of_servers.contains(&step.change.key()))
        });
        steps.into_iter().partition(|step| {
            let key = step.change.key();
            let waits = step.takes_server() && short_of_servers.contains(&key);
            !ruled_out(step) && !waits && !absent.contains(&key)
        })
    }
}

impl fmt::Debug for PlanOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlanOptions")
            .field("withheld", &self.withheld)
            .field("surplus", &self.surplus)
            .finish_non_exhaustive()
    }
}

impl Step {
    /// Whether a destination gets connections after it that did not before.
    fn brings_server(&self) -> bool {
        let (before, after) = self.weights();
        before == Weight::ZERO && after != Weight::ZERO
    }

    /// Whether a destination got connections before it that does not after.
    fn takes_server(&self) -> bool {
        let (before, after) = self.weights();
        before != Weight::ZERO && after == Weight::ZERO
    }

    /// The destination's weight before and after, 0 where there is none.
    fn weights(&self) -> (Weight, Weight) {
        let before = match &self.before {
            Before::Destination(before) => before.weight(),
            _ => Weight::ZERO,
        };
        let after = match &self.change {
            Change::AddDestination(_, after) | Change::EditDestination(_, after) => after.weight(),
            _ => Weight::ZERO,
        };
        (before, after)
    }
}
