//! How packets reach a destination.

use crate::{ParseError, Rule};
use ipvs_sys::DestinationAttrs;
use std::fmt;
use std::num::NonZeroU16;
use std::str::FromStr;

/// How packets reach a destination.
///
/// Displays as `masquerade`, `local`, `direct-route`, `ipip`, `gue:6080:+c`,
/// `gre:-c` or `bypass` and parses from that; `masq`, `route` and `tunnel`, the
/// words of `ipvsadm`, are read as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Forwarding {
    /// Network address translation: the director rewrites address and port, and
    /// replies pass through it.
    #[default]
    Masquerade,
    /// To a socket of the director itself.
    Local,
    /// Unchanged to the server's link-layer address; replies go past the director.
    DirectRoute,
    /// Encapsulated; replies go past the director.
    Tunnel(Tunnel),
    /// Past the balancer; the kernel's own, for transparent caches.
    Bypass,
    /// What another tool set and this crate does not know.
    Other(UnknownForwarding),
}

/// How packets are encapsulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Tunnel {
    /// IP in IP.
    Ipip,
    /// Generic UDP encapsulation to `port`.
    Gue {
        /// The UDP port.
        port: NonZeroU16,
        /// The checksum mode.
        checksum: Checksum,
    },
    /// Generic routing encapsulation. Remote checksum is GUE's only.
    Gre {
        /// Whether packets carry a checksum.
        checksum: bool,
    },
}

/// The checksum of a GUE tunnel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Checksum {
    /// `-c`: none.
    #[default]
    Off,
    /// `+c`: of the UDP datagram.
    On,
    /// `r+c`: by remote checksum offload.
    Remote,
}

/// A forwarding method or tunnel that this crate does not know, as the kernel
/// has it. It comes from the kernel only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnknownForwarding(pub(crate) Wire);

/// The kernel's four numbers.
///
/// A destination keeps these: the tunnel's outlast another forwarding method.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Wire {
    pub(crate) method: u32,
    pub(crate) tunnel_kind: u8,
    pub(crate) tunnel_port: u16,
    pub(crate) tunnel_flags: u16,
}

impl Forwarding {
    /// An IP-in-IP tunnel.
    pub const IPIP: Self = Self::Tunnel(Tunnel::Ipip);

    /// Whether packets keep the service's port.
    pub(crate) fn keeps_port(self) -> bool {
        matches!(self, Self::DirectRoute | Self::Tunnel(_) | Self::Local)
    }
}

impl From<Forwarding> for Wire {
    fn from(forwarding: Forwarding) -> Self {
        let method = |method| Self { method, ..Self::default() };
        match forwarding {
            Forwarding::Masquerade => method(DestinationAttrs::MASQUERADE),
            Forwarding::Local => method(DestinationAttrs::LOCAL),
            Forwarding::DirectRoute => method(DestinationAttrs::DIRECT_ROUTE),
            Forwarding::Bypass => method(DestinationAttrs::BYPASS),
            Forwarding::Other(UnknownForwarding(wire)) => wire,
            Forwarding::Tunnel(tunnel) => {
                let (tunnel_kind, tunnel_port, tunnel_flags) = match tunnel {
                    Tunnel::Ipip => (DestinationAttrs::TUNNEL_IPIP, 0, 0),
                    Tunnel::Gue { port, checksum } => {
                        (DestinationAttrs::TUNNEL_GUE, port.get(), checksum.flags())
                    }
                    Tunnel::Gre { checksum } => {
                        (DestinationAttrs::TUNNEL_GRE, 0, u16::from(checksum))
                    }
                };
                let method = DestinationAttrs::TUNNEL;
                Self { method, tunnel_kind, tunnel_port, tunnel_flags }
            }
        }
    }
}

impl From<Wire> for Forwarding {
    fn from(wire: Wire) -> Self {
        let other = Self::Other(UnknownForwarding(wire));
        match wire.method {
            DestinationAttrs::MASQUERADE => Self::Masquerade,
            DestinationAttrs::LOCAL => Self::Local,
            DestinationAttrs::DIRECT_ROUTE => Self::DirectRoute,
            DestinationAttrs::BYPASS => Self::Bypass,
            DestinationAttrs::TUNNEL => wire.tunnel().map_or(other, Self::Tunnel),
            _ => other,
        }
    }
}

impl Wire {
    fn tunnel(self) -> Option<Tunnel> {
        match self.tunnel_kind {
            DestinationAttrs::TUNNEL_IPIP => Some(Tunnel::Ipip),
            DestinationAttrs::TUNNEL_GUE => Some(Tunnel::Gue {
                port: NonZeroU16::new(self.tunnel_port)?,
                checksum: Checksum::from_flags(self.tunnel_flags)?,
            }),
            DestinationAttrs::TUNNEL_GRE => match Checksum::from_flags(self.tunnel_flags)? {
                Checksum::Off => Some(Tunnel::Gre { checksum: false }),
                Checksum::On => Some(Tunnel::Gre { checksum: true }),
                Checksum::Remote => None,
            },
            _ => None,
        }
    }
}

impl Checksum {
    fn flags(self) -> u16 {
        match self {
            Self::Off => 0,
            Self::On => DestinationAttrs::TUNNEL_CHECKSUM,
            Self::Remote => DestinationAttrs::TUNNEL_REMOTE_CHECKSUM,
        }
    }

    fn from_flags(flags: u16) -> Option<Self> {
        [Self::Off, Self::On, Self::Remote].into_iter().find(|mode| mode.flags() == flags)
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Off => "-c",
            Self::On => "+c",
            Self::Remote => "r+c",
        })
    }
}

impl fmt::Display for Forwarding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Masquerade => f.pad("masquerade"),
            Self::Local => f.pad("local"),
            Self::DirectRoute => f.pad("direct-route"),
            Self::Bypass => f.pad("bypass"),
            Self::Tunnel(Tunnel::Ipip) => f.pad("ipip"),
            Self::Tunnel(Tunnel::Gue { port, checksum }) => {
                f.pad(&format!("gue:{port}:{checksum}"))
            }
            Self::Tunnel(Tunnel::Gre { checksum: true }) => f.pad("gre:+c"),
            Self::Tunnel(Tunnel::Gre { checksum: false }) => f.pad("gre:-c"),
            Self::Other(UnknownForwarding(wire)) => f.pad(&format!(
                "unknown:{}:{}:{}:{}",
                wire.method, wire.tunnel_kind, wire.tunnel_port, wire.tunnel_flags
            )),
        }
    }
}

impl FromStr for Forwarding {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let what = "a forwarding method (masquerade, local, direct-route, ipip, gue:6080:+c, \
                    gre:-c, bypass)";
        let expected = || ParseError::expected(what, text);
        let words: Vec<&str> = text.split(':').collect();
        Ok(match words[..] {
            ["masquerade" | "masq"] => Self::Masquerade,
            ["local"] => Self::Local,
            ["direct-route" | "route"] => Self::DirectRoute,
            ["bypass"] => Self::Bypass,
            ["ipip" | "tunnel"] => Self::IPIP,
            ["gre", "-c"] => Self::Tunnel(Tunnel::Gre { checksum: false }),
            ["gre", "+c"] => Self::Tunnel(Tunnel::Gre { checksum: true }),
            ["gue", port, mode] => {
                let checksum = match mode {
                    "-c" => Checksum::Off,
                    "+c" => Checksum::On,
                    "r+c" => Checksum::Remote,
                    _ => return Err(expected()),
                };
                let port = port.parse::<u16>().map_err(|_| expected())?;
                let port =
                    NonZeroU16::new(port).ok_or_else(|| ParseError::rule(Rule::GuePort, text))?;
                Self::Tunnel(Tunnel::Gue { port, checksum })
            }
            _ => return Err(expected()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_display_as_they_parse_and_survive_the_wire() {
        for text in [
            "masquerade",
            "local",
            "direct-route",
            "bypass",
            "ipip",
            "gue:6080:-c",
            "gue:6080:+c",
            "gue:65535:r+c",
            "gre:-c",
            "gre:+c",
        ] {
            let forwarding: Forwarding = text.parse().unwrap();
            assert_eq!(forwarding.to_string(), text);
            assert_eq!(Forwarding::from(Wire::from(forwarding)), forwarding);
        }
    }

    #[test]
    fn the_words_of_ipvsadm_are_read() {
        assert_eq!("masq".parse(), Ok(Forwarding::Masquerade));
        assert_eq!("route".parse(), Ok(Forwarding::DirectRoute));
        assert_eq!("tunnel".parse(), Ok(Forwarding::IPIP));
    }

    #[test]
    fn what_is_no_method_is_refused() {
        for text in ["", "gue", "gue:0:+c", "gue:1", "gue:1:+x", "gre:r+c", "ipip:1", "nat"] {
            assert!(text.parse::<Forwarding>().is_err(), "{text}");
        }
        let error = "gue:0:+c".parse::<Forwarding>().unwrap_err();
        assert_eq!(error.to_string(), "`gue:0:+c`: a gue tunnel needs a UDP port other than 0");
    }

    #[test]
    fn unknown_numbers_are_kept() {
        for wire in [
            Wire { method: 7, ..Wire::default() },
            Wire { method: 2, tunnel_kind: 3, tunnel_port: 9, tunnel_flags: 0 },
            Wire { method: 2, tunnel_kind: 1, tunnel_port: 0, tunnel_flags: 0 },
            Wire { method: 2, tunnel_kind: 2, tunnel_port: 0, tunnel_flags: 2 },
        ] {
            assert_eq!(Forwarding::from(wire), Forwarding::Other(UnknownForwarding(wire)));
            assert_eq!(Wire::from(Forwarding::from(wire)), wire);
        }
    }
}
