//! Persistence: the connections of one client go to one destination.

use crate::name::EngineName;
use crate::{Family, ParseError, Rule};
use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// How long and by what a client is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Persistence {
    /// How long after its last connection, in seconds.
    pub timeout: u32,
    /// Which addresses count as one client; `None`: each is one.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub netmask: Option<Netmask>,
    /// By what else than the address, such as `sip`, the SIP Call-ID.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub engine: Option<EngineName>,
}

/// The part of an address by which clients are told apart.
///
/// Parses from `255.255.255.0` for IPv4 and `64` for IPv6, and displays so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Netmask(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Kind {
    V4(Ipv4Addr),
    V6(u32),
}

impl Persistence {
    /// Persistence by address for so many seconds. The kernel takes 1 to 4,294,967.
    pub fn seconds(timeout: u32) -> Self {
        Self { timeout, netmask: None, engine: None }
    }

    /// The same with clients told apart by `netmask`.
    pub fn with_netmask(self, netmask: Netmask) -> Self {
        Self { netmask: Some(netmask), ..self }
    }

    /// The same by an engine.
    pub fn with_engine(self, engine: EngineName) -> Self {
        Self { engine: Some(engine), ..self }
    }
}

impl Netmask {
    /// An IPv4 netmask.
    ///
    /// # Errors
    ///
    /// [`Rule::NetmaskContiguous`].
    pub fn v4(netmask: Ipv4Addr) -> Result<Self, Rule> {
        let bits = netmask.to_bits();
        if bits.leading_ones() + bits.trailing_zeros() < 32 {
            return Err(Rule::NetmaskContiguous { netmask });
        }
        Ok(Self(Kind::V4(netmask)))
    }

    /// A prefix length: 0 to 32 for IPv4, 1 to 128 for IPv6.
    ///
    /// # Errors
    ///
    /// [`Rule::PrefixRange`].
    pub fn prefix(family: Family, prefix: u8) -> Result<Self, Rule> {
        match (family, prefix) {
            (Family::V4, 0) => Ok(Self(Kind::V4(Ipv4Addr::UNSPECIFIED))),
            (Family::V4, 1..=32) => {
                Ok(Self(Kind::V4(Ipv4Addr::from_bits(u32::MAX << (32 - prefix)))))
            }
            (Family::V6, 1..=128) => Ok(Self(Kind::V6(prefix.into()))),
            _ => Err(Rule::PrefixRange { prefix, family }),
        }
    }

    /// The family.
    pub fn family(self) -> Family {
        match self.0 {
            Kind::V4(_) => Family::V4,
            Kind::V6(_) => Family::V6,
        }
    }

    pub(crate) fn full(family: Family) -> Self {
        Self(match family {
            Family::V4 => Kind::V4(Ipv4Addr::BROADCAST),
            Family::V6 => Kind::V6(128),
        })
    }

    pub(crate) fn from_wire(family: Family, bytes: [u8; 4]) -> Self {
        Self(match family {
            Family::V4 => Kind::V4(Ipv4Addr::from(bytes)),
            Family::V6 => Kind::V6(u32::from_ne_bytes(bytes)),
        })
    }

    pub(crate) fn to_wire(self) -> [u8; 4] {
        match self.0 {
            Kind::V4(netmask) => netmask.octets(),
            Kind::V6(prefix) => prefix.to_ne_bytes(),
        }
    }
}

impl fmt::Display for Netmask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Kind::V4(netmask) => netmask.fmt(f),
            Kind::V6(prefix) => prefix.fmt(f),
        }
    }
}

impl FromStr for Netmask {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let netmask = match (text.parse::<Ipv4Addr>(), text.parse::<u8>()) {
            (Ok(v4), _) => Self::v4(v4),
            (_, Ok(prefix)) => Self::prefix(Family::V6, prefix),
            _ => {
                let what = "a netmask (255.255.255.0) or an IPv6 prefix length (1 to 128)";
                return Err(ParseError::expected(what, text));
            }
        };
        netmask.map_err(|rule| ParseError::rule(rule, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn netmasks_display_as_they_parse() {
        for text in ["255.255.255.0", "0.0.0.0", "255.255.255.255", "1", "64", "128"] {
            assert_eq!(text.parse::<Netmask>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_the_kernel_would_take_or_refuse_without_a_word_is_named() {
        let refused = [
            ("255.0.255.0", "`255.0.255.0`: netmask 255.0.255.0 has zeros before ones"),
            ("0", "`0`: prefix length 0 out of range: 1 to 128 for IPv6"),
            ("129", "`129`: prefix length 129 out of range: 1 to 128 for IPv6"),
            ("/24", "`/24` is not a netmask (255.255.255.0) or an IPv6 prefix length (1 to 128)"),
        ];
        for (text, message) in refused {
            assert_eq!(text.parse::<Netmask>().unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn a_prefix_is_a_netmask() {
        assert_eq!(Netmask::prefix(Family::V4, 24), Ok("255.255.255.0".parse().unwrap()));
        assert_eq!(Netmask::prefix(Family::V4, 32), Ok(Netmask::full(Family::V4)));
        assert_eq!(Netmask::prefix(Family::V4, 0), Ok("0.0.0.0".parse().unwrap()));
        let refused = Rule::PrefixRange { prefix: 33, family: Family::V4 };
        assert_eq!(Netmask::prefix(Family::V4, 33), Err(refused));
    }
}
