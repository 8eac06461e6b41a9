//! The order in which the steps of a plan are taken.

use super::Step;
use crate::{Change, Weight};
use std::cmp::Reverse;

/// Puts steps that are in the order of their keys into the order in which they
/// are taken.
pub(super) fn sort(steps: &mut [Step]) {
    // Stable: within a phase the order of the keys stays, or is turned around.
    steps.sort_by_key(|step| phase(&step.change));
    let additions = steps.partition_point(|step| phase(&step.change) < Phase::Addition);
    let end = steps.partition_point(|step| phase(&step.change) <= Phase::Addition);
    if let Some(additions) = steps.get_mut(additions..end) {
        // What is deleted in the order of the keys is added in reverse, so that
        // the kernel finds it at the head of its list of deleted destinations.
        additions.sort_by_key(|step| {
            let is_destination = step.change.endpoint().is_some();
            (Reverse(step.change.key()), is_destination, Reverse(step.change.endpoint()))
        });
    }
}

/// Whether a step takes something away. It is taken only if all others succeeded.
pub(super) fn takes_away(change: &Change) -> bool {
    phase(change) >= Phase::Quiescence
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Timeouts,
    Addition,
    Edit,
    Quiescence,
    DeletionOfDestinations,
    DeletionOfServices,
}

fn phase(change: &Change) -> Phase {
    match change {
        Change::SetTimeouts(_) => Phase::Timeouts,
        Change::AddService(_) | Change::AddDestination(..) => Phase::Addition,
        Change::EditDestination(_, destination) if destination.weight() == Weight::ZERO => {
            Phase::Quiescence
        }
        Change::EditService(_) | Change::EditDestination(..) => Phase::Edit,
        Change::DeleteDestination(..) => Phase::DeletionOfDestinations,
        Change::DeleteService(_) => Phase::DeletionOfServices,
    }
}
