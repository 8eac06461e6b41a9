//! Why a peer is not listened to.

use crate::proto::Rejected;
use std::fmt;

/// What a peer sent that no director with the key and this version sends. The stream is
/// over then, and nothing more was done than with what came before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refused {
    /// A frame is longer than any that is due.
    Frame {
        /// Its length in bytes.
        length: usize,
        /// The longest that is due.
        max: usize,
    },
    /// The first frame was not made with the key.
    Key,
    /// A frame was not made by who made the first one, or not in this place: it is forged,
    /// damaged or replayed.
    Forged,
    /// A message is of no known kind.
    Kind {
        /// The kind.
        kind: u8,
    },
    /// The peer speaks another version.
    Version {
        /// Its version.
        version: u8,
    },
    /// A message of this length is not one of its kind.
    Length {
        /// The length in bytes.
        length: usize,
    },
    /// A message does not come at this point, or counts what cannot be.
    Order,
    /// The connections cannot be read.
    Datagram(Rejected),
    /// A reason is not UTF-8.
    Text,
    /// No virtual router is like that: its state has no known number.
    Standing {
        /// The number.
        state: u8,
    },
    /// The report of a node cannot be read.
    Report,
    /// An answer is longer than any that is due.
    Answer {
        /// The longest that is due, in bytes.
        max: usize,
    },
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frame { length, max } => {
                write!(f, "frame of {length} bytes where at most {max} are due")
            }
            Self::Key => f.write_str("the peer does not have the key"),
            Self::Forged => f.write_str("a frame is forged, damaged or replayed"),
            Self::Kind { kind } => write!(f, "message of the unknown kind {kind}"),
            Self::Version { version } => write!(f, "version {version}: 1 is known"),
            Self::Length { length } => write!(f, "message of the wrong length {length}"),
            Self::Order => f.write_str("message out of order"),
            Self::Datagram(rejected) => rejected.fmt(f),
            Self::Text => f.write_str("a reason that is not UTF-8"),
            Self::Standing { state } => write!(f, "virtual router in the unknown state {state}"),
            Self::Report => f.write_str("the report of the node cannot be read"),
            Self::Answer { max } => write!(f, "answer of more than {max} bytes"),
        }
    }
}

impl std::error::Error for Refused {}
