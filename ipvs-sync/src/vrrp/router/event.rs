//! What a router is told.

use super::{Health, Version};
use crate::vrrp::Time;
use std::net::IpAddr;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// It is to take part. What was said of its link, health and readiness before counts.
    Start,
    /// It is to end: an active router resigns, so that another need not miss it first.
    Stop,
    /// An advertisement that passed the checks of receipt (RFC 9568 §7.1): of this
    /// identifier and interface, and of version 2 with these addresses unless it is the
    /// owner's.
    Heard(Heard),
    /// The time that [`poll_timeout`](super::Router::poll_timeout) said has come, and all
    /// that had arrived before is told. Telling it at another time does nothing.
    Tick,
    /// The interface has its link, or lost it.
    Link(bool),
    /// What is tracked comes to something else.
    Health(Health),
    /// The connections of the active router are here, so that the
    /// [gate](super::Config::with_sync_gate) is open; or no longer.
    SyncReady(bool),
    /// The active router is to hand over, though all is well. It does not preempt its
    /// successor, and takes over again only if nobody is heard, or when it is told to
    /// [`Promote`](Self::Promote).
    Resign,
    /// The active router is to hand over to one of higher priority that has asked for it, as
    /// for [`Resign`](Self::Resign); but that one is preempted as any other if its priority
    /// falls.
    GiveWay,
    /// The addresses of the active router could not be installed, or not all of them. It
    /// hands over as for [`Resign`](Self::Resign): to whoever needs an address that is
    /// missing, no router is better than one that says it has it.
    NotInstalled,
    /// Somebody else deletes the addresses of the active router as often as they are put
    /// back. It hands over as for [`NotInstalled`](Self::NotInstalled).
    NotKept,
    /// A backup is to take over at once: the active router said so on another way, or the
    /// operator. It stays active only if none of higher priority is. It does so although
    /// the addresses are [answered](Self::Answered) for.
    Promote,
    /// Somebody else answered a [probe](super::Action::Probe), or announced such an address
    /// since.
    Answered(Answer),
}

/// Somebody else has an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Answer {
    /// The address.
    pub address: IpAddr,
    /// Where it is: of a router that uses it the
    /// [virtual MAC address](crate::vrrp::Vrid::mac), which says nothing of which router
    /// that is (RFC 9568 §8.1.2).
    pub mac: [u8; 6],
}

/// An advertisement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Heard {
    /// 0 of a router that resigns, 255 of the owner.
    pub priority: u8,
    /// Its version and interval.
    pub version: Version,
    /// Its sender.
    pub source: IpAddr,
    /// When it arrived at this host, however much later it was read.
    pub arrival: Time,
}
