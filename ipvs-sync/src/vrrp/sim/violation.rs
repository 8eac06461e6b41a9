//! What must hold, said by how it is broken.

use super::{HostId, NetworkId};
use crate::vrrp::router::State;
use crate::vrrp::{Rule, Time};
use std::fmt;
use std::time::Duration;

/// What was broken, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Violation {
    /// A random world's configuration breaks a rule.
    World(Rule),
    /// Two hosts that hear each other were active on a network that loses nothing, for
    /// longer than it takes until each has advertised.
    DualActive {
        /// When that was over, or it was looked.
        at: Time,
        /// The network.
        network: NetworkId,
        /// The two.
        hosts: [HostId; 2],
        /// For how long.
        lasted: Duration,
        /// For how long they may.
        bound: Duration,
    },
    /// A host took over because it heard nobody better, though one of at least its priority
    /// has been active and could be heard for five intervals. This is looked at where
    /// nothing is lost, nothing was reconfigured, and the host was paused once at most in
    /// that time.
    Claimed {
        /// When.
        at: Time,
        /// The host.
        host: HostId,
        /// The one that it did not hear.
        active: HostId,
    },
    /// A host that [probes](crate::vrrp::router::Config::with_probe) took over because it
    /// heard nobody, though another has answered for the addresses for five intervals. This
    /// is looked at where [`Claimed`](Self::Claimed) is.
    Answered {
        /// When.
        at: Time,
        /// The host.
        host: HostId,
        /// The one that answers.
        holder: HostId,
    },
    /// The active router resigned, and a backup that heard it neither was active after its
    /// skew nor had heard another advertisement by then: that of a better backup, which
    /// waits for less, comes before. So some router is active within the skew of the best
    /// backup that heard it.
    ///
    /// Its skew is of the longest interval on the network, and is counted from when it may
    /// be active at the earliest, if that is later: a start-up delay after it was started
    /// or well again, an interval after it went back for a better router, a second after
    /// its addresses were not installed or not kept. To that comes how late its host wakes.
    ///
    /// What is lost is no exception: it has heard the resignation. This is looked at where
    /// nothing was reconfigured, the host wakes not later than half an interval, it has no
    /// group, and the router that resigns is the one that it heard last, if any. It is no
    /// more looked at when the host is paused, down or without its link in that time, or
    /// told anything but the time, packets and answers.
    NotFollowed {
        /// When that was over, or it was looked.
        at: Time,
        /// The backup.
        host: HostId,
        /// The one that resigned.
        resigned: HostId,
        /// When it was to be active.
        until: Time,
    },
    /// A host sent more than 9 advertisements in an interval, without a change of its own.
    Flood {
        /// When.
        at: Time,
        /// The host.
        host: HostId,
    },
    /// A host that runs has the addresses and is not active, or is and has not.
    Addresses {
        /// When.
        at: Time,
        /// The host.
        host: HostId,
        /// Its state.
        state: State,
    },
    /// A host wants to be told the time again that it was told.
    Stuck {
        /// When.
        at: Time,
        /// The host.
        host: HostId,
    },
    /// All has been quiet, and hosts that hear each other do not have one active router.
    NotOne {
        /// When.
        at: Time,
        /// The network.
        network: NetworkId,
        /// Those that are active.
        active: Vec<HostId>,
    },
    /// All has been quiet, and another is active than the one with the highest priority.
    NotTheBest {
        /// When.
        at: Time,
        /// The network.
        network: NetworkId,
        /// The one that is active.
        active: HostId,
        /// The one that should be.
        best: HostId,
    },
    /// All has been quiet, and clients beside a host send to another than the active one.
    Believed {
        /// When.
        at: Time,
        /// The host.
        host: HostId,
        /// The one that is active.
        active: HostId,
        /// To whom they send.
        believed: Option<HostId>,
    },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::World(rule) => rule.fmt(f),
            Self::DualActive { at, network, hosts: [a, b], lasted, bound } => write!(
                f,
                "{at}: hosts {} and {} were both active on network {} for {lasted:?}, \
                 where {bound:?} is the bound",
                a.0, b.0, network.0
            ),
            Self::Claimed { at, host, active } => {
                write!(f, "{at}: host {} took over though {} was to be heard", host.0, active.0)
            }
            Self::Answered { at, host, holder } => {
                write!(f, "{at}: host {} took over though {} answers", host.0, holder.0)
            }
            Self::NotFollowed { at, host, resigned, until } => write!(
                f,
                "{at}: host {} did not follow host {}, which resigned, until {until}",
                host.0, resigned.0
            ),
            Self::Flood { at, host } => write!(f, "{at}: host {} floods", host.0),
            Self::Addresses { at, host, state } => {
                write!(f, "{at}: host {} is {state}, and its addresses are not", host.0)
            }
            Self::Stuck { at, host } => {
                write!(f, "{at}: host {} wants to be told the same time again", host.0)
            }
            Self::NotOne { at, network, active } => write!(
                f,
                "{at}: {} active hosts on network {} when all was quiet: {active:?}",
                active.len(),
                network.0
            ),
            Self::NotTheBest { at, network, active, best } => write!(
                f,
                "{at}: host {} is active on network {} when all was quiet, and {} is better",
                active.0, network.0, best.0
            ),
            Self::Believed { at, host, active, believed } => write!(
                f,
                "{at}: clients beside host {} send to {believed:?} when all was quiet, \
                 and host {} is active",
                host.0, active.0
            ),
        }
    }
}

impl std::error::Error for Violation {}
