//! A machine and its routers' numbers.

use crate::vrrp::router::Machine;

/// A machine and its routers' numbers.
#[derive(Debug)]
pub(super) struct Unit {
    pub(super) machine: Machine,
    /// By the number that each has as a member.
    pub(super) routers: Vec<usize>,
}
