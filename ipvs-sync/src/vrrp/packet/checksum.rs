//! The checksum, and what it covers.
//!
//! Version 2 covers its message. Version 3 over IPv6 covers a pseudo-header too (RFC 8200
//! §8.1), and all that follows the message, as kernels compute it (`IPV6_CHECKSUM`). Over
//! IPv4 routers differ: RFC 5798 §5.2.8 names the pseudo-header of IPv6, which most read
//! as one of IPv4, and RFC 9568 §5.2.8 has the message alone.

use super::carrier::{Ends, GROUP_V4, PROTOCOL};
use crate::checksum::Sum;
use std::fmt;

/// What the checksum of version 3 covers over IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Coverage {
    /// The message (RFC 9568 §5.2.8).
    Message,
    /// The message after a pseudo-header of source, destination, protocol and length of
    /// the message (RFC 5798 §5.2.8).
    PseudoHeader,
    /// The same with 224.0.0.18 for its destination though the packet goes to another:
    /// keepalived's to unicast peers before 1.3.7.
    GroupPseudoHeader,
}

/// Which of them a router uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Checksum {
    /// Only [`Coverage::Message`].
    Message,
    /// Only [`Coverage::PseudoHeader`], which is keepalived's default.
    PseudoHeader,
    /// Each is right when received; sent is what the peer sent last, and
    /// [`Coverage::Message`] before anything was heard from it.
    #[default]
    Auto,
}

impl Coverage {
    /// Each, in the order in which a received checksum is compared with them.
    pub(super) const EACH: [Self; 3] = [Self::Message, Self::PseudoHeader, Self::GroupPseudoHeader];

    /// The sum of what is covered before the message of so many bytes.
    pub(super) fn before(self, ends: Ends, length: usize) -> Sum {
        match (self, ends) {
            (Self::GroupPseudoHeader, Ends::V4 { source, .. }) => {
                pseudo_header(Ends::V4 { source, destination: GROUP_V4 }, length)
            }
            (Self::Message, Ends::V4 { .. }) => Sum::default(),
            _ => pseudo_header(ends, length),
        }
    }
}

impl Checksum {
    /// Whether a checksum that covers this is right.
    pub const fn accepts(self, coverage: Coverage) -> bool {
        match self {
            Self::Message => matches!(coverage, Coverage::Message),
            Self::PseudoHeader => matches!(coverage, Coverage::PseudoHeader),
            Self::Auto => true,
        }
    }

    /// What the checksum is to cover in an advertisement to a peer from which `heard` was
    /// the [coverage](super::Accepted::coverage) last accepted.
    pub const fn sends(self, heard: Option<Coverage>) -> Coverage {
        match (self, heard) {
            (Self::Auto, Some(coverage)) => coverage,
            (Self::Message | Self::Auto, _) => Coverage::Message,
            (Self::PseudoHeader, _) => Coverage::PseudoHeader,
        }
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Message => "the message only (RFC 9568)",
            Self::PseudoHeader => "a pseudo-header too (RFC 5798)",
            Self::GroupPseudoHeader => "a pseudo-header to 224.0.0.18 (keepalived before 1.3.7)",
        })
    }
}

/// The pseudo-header of RFC 8200 §8.1, and the same for IPv4: where its zeros are makes no
/// difference to the sum.
pub(super) fn pseudo_header(ends: Ends, length: usize) -> Sum {
    let mut sum = Sum::default();
    match ends {
        Ends::V4 { source, destination } => {
            sum.add(&source.octets());
            sum.add(&destination.octets());
        }
        Ends::V6 { source, destination } => {
            sum.add(&source.octets());
            sum.add(&destination.octets());
        }
    }
    sum.add(&[0, PROTOCOL]);
    sum.add(&length.to_be_bytes());
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(bytes: &[u8]) -> u16 {
        Sum::of(&[bytes]).folded()
    }

    #[test]
    fn the_pseudo_header_has_ends_protocol_and_length() {
        let (source, destination) = (Ipv4Addr::new(10, 0, 0, 1), GROUP_V4);
        let bytes = [10, 0, 0, 1, 224, 0, 0, 18, 0, 112, 0, 12];
        assert_eq!(pseudo_header(Ends::V4 { source, destination }, 12).folded(), sum(&bytes));
        let long = pseudo_header(Ends::V4 { source, destination }, 0x1_0002).folded();
        assert_eq!(long, sum(&[10, 0, 0, 1, 224, 0, 0, 18, 0, 112, 0, 1, 0, 2]));
    }

    // shows: 9568-5.2.8-1
    #[test]
    fn what_was_heard_last_is_sent_only_under_auto() {
        for heard in [None, Some(Coverage::GroupPseudoHeader)] {
            assert_eq!(Checksum::Message.sends(heard), Coverage::Message);
            assert_eq!(Checksum::PseudoHeader.sends(heard), Coverage::PseudoHeader);
            assert_eq!(Checksum::Auto.sends(heard), heard.unwrap_or(Coverage::Message));
        }
    }

    use std::net::Ipv4Addr;
}
