//! What can be wrong with bytes, and with a message that does not fit.

use std::fmt;

/// Why bytes are not the message they should be.
///
/// `at` is the attribute's path from the top of the message, such as
/// `service/port`. Nothing is allocated to build or copy an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// A header announces more bytes than there are, or fewer than itself.
    Truncated {
        /// What was being read.
        at: &'static str,
        /// The bytes that the header announces, or that a header takes.
        need: usize,
        /// The bytes that are left.
        have: usize,
    },
    /// A value is shorter than its type.
    Length {
        /// The attribute.
        at: &'static str,
        /// The length of its type in bytes.
        want: usize,
        /// The length of its value in bytes.
        have: usize,
    },
    /// An attribute that gives the message its meaning is absent.
    Missing {
        /// The attribute.
        at: &'static str,
    },
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { at, need, have } => {
                write!(f, "{at}: {need} bytes announced, {have} left")
            }
            Self::Length { at, want, have } => {
                write!(f, "{at}: value of {have} bytes where its type takes {want}")
            }
            Self::Missing { at } => write!(f, "{at}: attribute missing"),
        }
    }
}

impl std::error::Error for DecodeError {}

impl From<DecodeError> for netlink_packet_core::DecodeError {
    fn from(error: DecodeError) -> Self {
        error.to_string().into()
    }
}

/// A message longer than its buffer, or than the 65,535 bytes that a nest's length
/// can express.
///
/// No request needs more than 256 bytes: unless the buffer is shorter, counters or a
/// name or address of absurd length were put into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong {
    /// The length that the message would have, in bytes.
    pub len: usize,
    /// The most that would have been possible.
    pub room: usize,
}

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "message of {} bytes where at most {} fit", self.len, self.room)
    }
}

impl std::error::Error for TooLong {}
