//! Why a router changed its state, in words and numbers.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

/// Why a router is in another state.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// It was started.
    Started,
    /// It was stopped.
    Stopped,
    /// No active router was heard for long enough.
    Silence {
        /// How many advertisements should have come.
        missed: u8,
        /// How long ago the last was heard, if any was.
        last_heard: Option<Duration>,
        /// How much later than it wanted it was told the time.
        late: Duration,
    },
    /// The active router has a lower priority.
    Preempts {
        /// The active router.
        peer: IpAddr,
        /// Its priority.
        priority: u8,
        /// The own one.
        own: u8,
    },
    /// The active router resigned.
    Resigned {
        /// The one that did.
        peer: IpAddr,
        /// How long ago.
        ago: Duration,
        /// How much later than it wanted it was told the time.
        late: Duration,
    },
    /// It was told to take over.
    Promoted,
    /// It was told to hand over.
    HandedOver,
    /// It was told to hand over to one of higher priority, which had asked for it.
    GaveWay,
    /// Its addresses could not be installed, or not all of them.
    NotInstalled,
    /// Somebody else deleted its addresses as often as they were put back.
    NotKept,
    /// A better router is active.
    Outranked {
        /// The better one.
        peer: IpAddr,
        /// Its priority.
        priority: u8,
        /// The own one; if it is the same the other's address is higher.
        own: u8,
    },
    /// It was told nothing for so long that another may have taken over: the process or
    /// the machine was paused.
    Away {
        /// For how long it sent nothing.
        silent: Duration,
    },
    /// The interface lost its link.
    LinkDown,
    /// What is tracked forbids that it is active.
    Failed {
        /// The name of the condition.
        track: String,
    },
    /// Link and health are well again.
    Recovered,
    /// Another router of its group is no longer active.
    GroupLeft,
    /// Another router of its group is at fault.
    GroupFault,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started => f.pad("started"),
            Self::Stopped => f.pad("stopped"),
            Self::Silence { missed, last_heard, late } => {
                write!(f, "missed {missed} advertisements, ")?;
                match last_heard {
                    Some(ago) => write!(f, "last heard {} ago, ", Millis(*ago))?,
                    None => f.write_str("heard none, ")?,
                }
                write!(f, "woken {} late", Millis(*late))
            }
            Self::Preempts { peer, priority, own } => {
                write!(f, "{peer} is active with priority {priority}, below {own}")
            }
            Self::Resigned { peer, ago, late } => {
                write!(f, "{peer} resigned {} ago, woken {} late", Millis(*ago), Millis(*late))
            }
            Self::Promoted => f.pad("told to take over"),
            Self::HandedOver => f.pad("told to hand over"),
            Self::GaveWay => f.pad("told to hand over to one of higher priority"),
            Self::NotInstalled => f.pad("the addresses could not be installed"),
            Self::NotKept => f.pad("somebody deletes the addresses as often as they are put back"),
            Self::Outranked { peer, priority, own } if priority == own => {
                write!(f, "{peer} is active with priority {priority} too and has a higher address")
            }
            Self::Outranked { peer, priority, own } => {
                write!(f, "{peer} is active with priority {priority}, above {own}")
            }
            Self::Away { silent } => {
                write!(f, "sent nothing for {}: another may have taken over", Millis(*silent))
            }
            Self::LinkDown => f.pad("link down"),
            Self::Failed { track } => write!(f, "{track} failed"),
            Self::Recovered => f.pad("link and health are well again"),
            Self::GroupLeft => f.pad("another of the group is no longer active"),
            Self::GroupFault => f.pad("another of the group is at fault"),
        }
    }
}

/// Milliseconds, with as many tenths as matter.
struct Millis(Duration);

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = self.0.as_micros() / 100;
        match tenths % 10 {
            0 => write!(f, "{} ms", tenths / 10),
            tenth => write!(f, "{}.{tenth} ms", tenths / 10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_words_and_numbers() {
        let micros = Duration::from_micros;
        let peer = "10.0.0.2".parse().unwrap();
        let silence =
            Cause::Silence { missed: 3, last_heard: Some(micros(361_042)), late: micros(240) };
        let preempts = Cause::Preempts { peer, priority: 100, own: 150 };
        let equal = Cause::Outranked { peer, priority: 100, own: 100 };
        let resigned = Cause::Resigned { peer, ago: micros(12_300), late: micros(0) };
        let texts = [
            (silence, "missed 3 advertisements, last heard 361 ms ago, woken 0.2 ms late"),
            (preempts, "10.0.0.2 is active with priority 100, below 150"),
            (equal, "10.0.0.2 is active with priority 100 too and has a higher address"),
            (resigned, "10.0.0.2 resigned 12.3 ms ago, woken 0 ms late"),
            (Cause::Failed { track: "eth1".to_owned() }, "eth1 failed"),
        ];
        for (cause, text) in texts {
            assert_eq!(cause.to_string(), text);
        }
    }
}
