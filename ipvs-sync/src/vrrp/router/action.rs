//! What a router wants done.

use super::{Answer, Cause, Version};
use std::fmt;
use std::net::IpAddr;

/// Something to do, with the [configuration](super::Router::config) as it is when the
/// action is polled.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Send an advertisement with this priority: 0 when it resigns.
    Advertise {
        /// The priority.
        priority: u8,
    },
    /// The interface is to have exactly the virtual addresses of the configuration. What
    /// it has already, perhaps since before a crash, stays.
    Install,
    /// The interface is to have none of the virtual addresses, though a crash may have
    /// left some. Those of an owner are its interface's own and stay.
    Remove,
    /// Announce each address once.
    Announce,
    /// Ask the neighbours who has the addresses that are
    /// [asked for](super::Config::probed), without saying that this host had them, and
    /// tell as [`Event::Answered`](super::Event::Answered) who is the first to say from now
    /// on that he has: by an answer, or unasked.
    Probe,
    /// It is in another state.
    StateChanged {
        /// The state before.
        from: State,
        /// The state that it is in.
        to: State,
        /// Why.
        cause: Cause,
    },
    /// Tell the operator.
    Report(Report),
}

/// What a router is. `Stopped` and `Fault` are what RFC 9568 calls Initialize.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// It takes no part.
    Stopped,
    /// It cannot be active: no link, or what is tracked forbids it.
    Fault,
    /// It listens to the active router.
    Backup,
    /// It has the addresses.
    Active,
}

/// What an operator should know. There is at most one for each event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Report {
    /// Another router is active too, which should have heard this one by now: the
    /// network is split, one way or both, or was until now.
    DualActive {
        /// The other router.
        peer: IpAddr,
        /// Its priority, which is lower than the own one, or the same with a lower
        /// address.
        priority: u8,
    },
    /// Another router says that it owns the addresses that this one owns (RFC 9568
    /// §7.1, erratum 8298). The one with the higher address stays active.
    SecondOwner {
        /// The other router.
        peer: IpAddr,
    },
    /// Another router has another interval. Of version 2 its advertisement was ignored
    /// (RFC 3768 §7.1), of version 3 its interval is now that of this backup, too.
    OtherInterval {
        /// The other router.
        peer: IpAddr,
        /// Its version and interval.
        version: Version,
    },
    /// This router would take over from one of lower priority, if its
    /// [gate](super::Config::with_sync_gate) were open. It is told once until that is so.
    Held {
        /// The active router.
        peer: IpAddr,
        /// Its priority.
        priority: u8,
    },
    /// Another host answers for a virtual address, and is not heard: its advertisements do
    /// not come through. A backup does not take over while that is so, which is told once
    /// for each host that answers. One that is active already stays so: the answer came
    /// too late, and there may be two that have the addresses.
    AddressAnswered(Answer),
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Stopped => "stopped",
            Self::Fault => "fault",
            Self::Backup => "backup",
            Self::Active => "active",
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DualActive { peer, priority } => {
                write!(f, "{peer} is active too, with priority {priority}")
            }
            Self::SecondOwner { peer } => write!(f, "{peer} says that it owns the addresses too"),
            Self::OtherInterval { peer, version } => {
                write!(f, "{peer} advertises every {:?}", version.interval())
            }
            Self::Held { peer, priority } => write!(
                f,
                "{peer} is active with a lower priority, {priority}, until the connections are \
                 here"
            ),
            Self::AddressAnswered(Answer { address, mac: [a, b, c, d, e, g] }) => write!(
                f,
                "{address} is answered for by {a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}, \
                 whose advertisements do not come through"
            ),
        }
    }
}
