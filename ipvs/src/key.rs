//! What a virtual service is found by.

use crate::ParseError;
use ipvs_sys::{DecodeError, ServiceAttrs};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::str::FromStr;

/// An address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Family {
    /// IPv4.
    #[cfg_attr(feature = "serde", serde(rename = "IPv4"))]
    V4,
    /// IPv6.
    #[cfg_attr(feature = "serde", serde(rename = "IPv6"))]
    V6,
}

/// An IP protocol by its number.
///
/// The kernel schedules [`TCP`](Self::TCP), [`UDP`](Self::UDP) and
/// [`SCTP`](Self::SCTP). Another tool can have put any number into the table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Protocol(u16);

/// An address and a port: of a virtual service or of a real server.
///
/// Parses from `10.0.0.1:80`, `[2001:db8::1]:443`, `10.0.0.1`, `2001:db8::1` and
/// `[2001:db8::1]`; the port is 0 where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// The address.
    pub address: IpAddr,
    /// The port. 0 for a service is every port, for a destination the service's.
    pub port: u16,
}

/// What a virtual service is found by: its address or a firewall mark.
///
/// Parses from and displays as `tcp 10.0.0.1:80`, `udp [2001:db8::1]:53`,
/// `fwmark 7` and `fwmark 7 ipv6`; without a protocol an address is TCP's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceKey {
    /// Packets of `protocol` to `endpoint`.
    Address {
        /// The protocol.
        protocol: Protocol,
        /// The virtual address and port.
        endpoint: Endpoint,
    },
    /// Packets of `family` that the firewall marked with `mark`. The services
    /// of one mark in both families are two.
    Mark {
        /// The mark.
        mark: NonZeroU32,
        /// The family.
        family: Family,
    },
}

impl Family {
    /// The family of an address.
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }

    /// Linux's number.
    pub(crate) fn number(self) -> u16 {
        match self {
            Self::V4 => AF_INET,
            Self::V6 => AF_INET6,
        }
    }

    pub(crate) fn from_number(number: u16) -> Option<Self> {
        match number {
            AF_INET => Some(Self::V4),
            AF_INET6 => Some(Self::V6),
            _ => None,
        }
    }
}

const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

impl Protocol {
    /// The Transmission Control Protocol.
    pub const TCP: Self = Self(6);
    /// The User Datagram Protocol.
    pub const UDP: Self = Self(17);
    /// The Stream Control Transmission Protocol.
    pub const SCTP: Self = Self(132);

    /// The number. More than 255 is no protocol, but the kernel keeps 16 bits.
    pub fn number(self) -> u16 {
        self.0
    }

    pub(crate) fn from_number(number: u16) -> Self {
        Self(number)
    }

    pub(crate) fn is_scheduled(self) -> bool {
        matches!(self, Self::TCP | Self::UDP | Self::SCTP)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::TCP => f.pad("tcp"),
            Self::UDP => f.pad("udp"),
            Self::SCTP => f.pad("sctp"),
            Self(number) => f.pad(&format!("protocol-{number}")),
        }
    }
}

impl fmt::Debug for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Protocol({self})")
    }
}

impl FromStr for Protocol {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let known = [Self::TCP, Self::UDP, Self::SCTP].into_iter();
        let mut named = known.filter(|known| text.eq_ignore_ascii_case(&known.to_string()));
        let numbered = || text.strip_prefix("protocol-")?.parse().ok().map(Self);
        named
            .next()
            .or_else(numbered)
            .ok_or_else(|| ParseError::expected("a protocol (tcp, udp or sctp)", text))
    }
}

impl Endpoint {
    /// An address and a port.
    pub fn new(address: impl Into<IpAddr>, port: u16) -> Self {
        Self { address: address.into(), port }
    }

    /// The family of the address.
    pub fn family(self) -> Family {
        Family::of(self.address)
    }

    #[inline(always)]
    pub(crate) fn octets(self) -> Octets {
        // As numbers: as bytes the compiler would move each by itself.
        let bits = match self.address {
            IpAddr::V4(v4) => u128::from(v4.to_bits()) << 96,
            IpAddr::V6(v6) => v6.to_bits(),
        };
        bits.to_be_bytes()
    }

    /// An endpoint from the kernel; `at` names the address in errors.
    pub(crate) fn from_wire(
        family: Family,
        addr: &[u8],
        port: u16,
        at: &'static str,
    ) -> Result<Self, DecodeError> {
        let want = if family == Family::V4 { 4 } else { 16 };
        let short = DecodeError::Length { at, want, have: addr.len() };
        let address = match family {
            Family::V4 => IpAddr::V4(Ipv4Addr::from(*addr.first_chunk::<4>().ok_or(short)?)),
            Family::V6 => IpAddr::V6(Ipv6Addr::from(*addr.first_chunk::<16>().ok_or(short)?)),
        };
        Ok(Self { address, port })
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Self {
        Self { address: address.ip(), port: address.port() }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SocketAddr::new(self.address, self.port).fmt(f)
    }
}

impl FromStr for Endpoint {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let expected = || ParseError::expected("an address with a port", text);
        // A scope is not part of what the kernel balances by.
        if text.contains('%') {
            return Err(expected());
        }
        if let Ok(with_port) = text.parse::<SocketAddr>() {
            return Ok(with_port.into());
        }
        let inside = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let address = match inside {
            Some(v6) => v6.parse::<Ipv6Addr>().map(IpAddr::V6).ok(),
            None => text.parse::<IpAddr>().ok(),
        };
        let address =
            address.ok_or_else(|| ParseError::expected("an address with a port", text))?;
        Ok(Self { address, port: 0 })
    }
}

impl ServiceKey {
    /// A TCP service.
    pub fn tcp(endpoint: Endpoint) -> Self {
        Self::Address { protocol: Protocol::TCP, endpoint }
    }

    /// A UDP service.
    pub fn udp(endpoint: Endpoint) -> Self {
        Self::Address { protocol: Protocol::UDP, endpoint }
    }

    /// An SCTP service.
    pub fn sctp(endpoint: Endpoint) -> Self {
        Self::Address { protocol: Protocol::SCTP, endpoint }
    }

    /// A service by firewall mark.
    pub fn fwmark(mark: NonZeroU32, family: Family) -> Self {
        Self::Mark { mark, family }
    }

    /// The address family.
    pub fn family(&self) -> Family {
        match self {
            Self::Address { endpoint, .. } => endpoint.family(),
            Self::Mark { family, .. } => *family,
        }
    }

    /// The bytes that [`ServiceKey::attrs`] borrows.
    #[inline(always)]
    pub(crate) fn octets(&self) -> Octets {
        match self {
            Self::Address { endpoint, .. } => endpoint.octets(),
            Self::Mark { .. } => [0; 16],
        }
    }

    #[inline(always)]
    pub(crate) fn attrs<'a>(&self, octets: &'a Octets) -> ServiceAttrs<'a> {
        let af = self.family().number();
        match self {
            Self::Address { protocol, endpoint } => {
                ServiceAttrs::by_address(af, protocol.0, octets, endpoint.port)
            }
            Self::Mark { mark, .. } => ServiceAttrs::by_fwmark(af, mark.get()),
        }
    }
}

impl TryFrom<&ServiceAttrs<'_>> for ServiceKey {
    type Error = DecodeError;

    fn try_from(attrs: &ServiceAttrs<'_>) -> Result<Self, DecodeError> {
        let family = attrs.af.and_then(Family::from_number);
        let family = required(family, "service/af")?;
        if let Some(mark) = attrs.fwmark.and_then(NonZeroU32::new) {
            return Ok(Self::Mark { mark, family });
        }
        let protocol = required(attrs.protocol, "service/protocol")?;
        let addr = required(attrs.addr, "service/addr")?;
        let port = required(attrs.port, "service/port")?;
        let endpoint = Endpoint::from_wire(family, addr, port, "service/addr")?;
        Ok(Self::Address { protocol: Protocol::from_number(protocol), endpoint })
    }
}

impl fmt::Display for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&match self {
            Self::Address { protocol, endpoint } => format!("{protocol} {endpoint}"),
            Self::Mark { mark, family: Family::V4 } => format!("fwmark {mark}"),
            Self::Mark { mark, family: Family::V6 } => format!("fwmark {mark} ipv6"),
        })
    }
}

impl FromStr for ServiceKey {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let expected =
            || ParseError::expected("a virtual service (`tcp 10.0.0.1:80`, `fwmark 7 ipv6`)", text);
        let words: Vec<&str> = text.split_whitespace().collect();
        match words[..] {
            ["fwmark", number] => Ok(Self::fwmark(mark(number).ok_or_else(expected)?, Family::V4)),
            ["fwmark", number, "ipv6"] => {
                Ok(Self::fwmark(mark(number).ok_or_else(expected)?, Family::V6))
            }
            [endpoint] => Ok(Self::tcp(endpoint.parse()?)),
            [protocol, endpoint] => {
                Ok(Self::Address { protocol: protocol.parse()?, endpoint: endpoint.parse()? })
            }
            _ => Err(expected()),
        }
    }
}

/// A firewall mark, decimal or, as firewall rules often have it, hexadecimal.
fn mark(text: &str) -> Option<NonZeroU32> {
    let number = match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => text.parse(),
    };
    NonZeroU32::new(number.ok()?)
}

/// An attribute that the kernel always sends.
pub(crate) fn required<V>(value: Option<V>, at: &'static str) -> Result<V, DecodeError> {
    value.ok_or(DecodeError::Missing { at })
}

/// The bytes of an address in network byte order, which a request borrows. As long as
/// the kernel's own (`nf_inet_addr`), of which IPv4 uses the first four: with one
/// length for both families the compiler knows where each attribute goes.
pub(crate) type Octets = [u8; 16];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_display_as_they_parse() {
        for text in [
            "tcp 10.0.0.1:80",
            "udp [2001:db8::1]:53",
            "sctp 10.0.0.1:0",
            "fwmark 7",
            "fwmark 4294967295 ipv6",
            "protocol-51 10.0.0.1:0",
        ] {
            assert_eq!(text.parse::<ServiceKey>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_mark_may_be_hexadecimal() {
        assert_eq!("fwmark 0x1F".parse(), "fwmark 31".parse::<ServiceKey>());
    }

    #[test]
    fn a_key_fills_a_column() {
        let key: ServiceKey = "fwmark 7".parse().unwrap();
        assert_eq!(format!("{key:<10}|"), "fwmark 7  |");
    }

    #[test]
    fn protocol_and_port_may_be_left_out() {
        let vip = Endpoint::new([10, 0, 0, 1], 0);
        assert_eq!("10.0.0.1".parse(), Ok(ServiceKey::tcp(vip)));
        assert_eq!("UDP 10.0.0.1".parse(), Ok(ServiceKey::udp(vip)));
        for text in ["2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:0"] {
            let v6 = "2001:db8::1".parse::<IpAddr>().unwrap();
            assert_eq!(text.parse(), Ok(Endpoint::new(v6, 0)));
        }
    }

    #[test]
    fn what_is_no_key_is_refused_with_its_text() {
        for text in [
            "",
            "tcp",
            "icmp 10.0.0.1:80",
            "10.0.0.1:80:1",
            "10.0.0.1:65536",
            "fwmark 0",
            "fwmark x",
            "fwmark 7 ipv4",
            "[10.0.0.1]",
            "tcp 10.0.0.1:80 wrr",
            "www.example:80",
        ] {
            let error = text.parse::<ServiceKey>().expect_err(text);
            assert!(text.contains(error.input()), "{error}");
        }
    }

    #[test]
    fn a_scope_of_an_ipv6_address_is_not_part_of_the_key() {
        let scoped: SocketAddr = "[fe80::1%3]:80".parse().unwrap();
        assert_eq!(Endpoint::from(scoped).to_string(), "[fe80::1]:80");
        assert!("[fe80::1%3]:80".parse::<Endpoint>().is_err());
    }
}
