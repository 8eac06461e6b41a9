//! Programs that lack a capability.

use super::program::ended;
use caps::{CapSet, Capability};
use std::process::{Command, Output};
use std::thread;

/// Runs a command of root's that never gets a capability.
pub(crate) fn without(capability: Capability, command: &mut Command) -> Output {
    // A thread does not get back what it has dropped of its bounding set.
    thread::scope(|scope| {
        let run = || {
            caps::drop(None, CapSet::Bounding, capability).unwrap();
            ended(command)
        };
        scope.spawn(run).join().unwrap()
    })
}
