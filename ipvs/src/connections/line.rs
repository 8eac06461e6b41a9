//! One line of the connection table.

use super::{Connection, EngineData, Origin, State};
use crate::{Endpoint, EngineName, Family, Protocol, ServiceKey};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

/// Why a line cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LineProblem {
    /// The first line is not the kernel's title line.
    Title,
    /// It has more bytes than the kernel's longest. The rest of it is skipped.
    TooLong,
    /// The file ends in the middle of it.
    Unfinished,
    /// It ends before this field.
    Missing(&'static str),
    /// This field is not what the kernel writes there.
    Malformed(&'static str),
    /// There is more behind the last field.
    Surplus,
}

/// Reads a line without its newline, of either file: in `ip_vs_conn` there may
/// be a persistence engine behind the seconds, in `ip_vs_conn_sync` there is the
/// origin before them (`ip_vs_conn.c: ip_vs_conn_seq_show,
/// ip_vs_conn_sync_seq_show`).
pub(super) fn parse(line: &[u8]) -> Result<Connection, LineProblem> {
    let mut fields = Fields(line);
    let protocol = fields.read("protocol", protocol)?;
    let client = fields.endpoint("client address", "client port")?;
    let service = service(protocol, fields.endpoint("virtual address", "virtual port")?);
    let destination = fields.endpoint("destination address", "destination port")?;
    let state = fields.read("state", State::from_name)?;
    let origin = match fields.peek() {
        Some(b'0'..=b'9') | None => None,
        Some(_) => Some(fields.read("origin", origin)?),
    };
    let expires = Duration::from_secs(fields.read("seconds", decimal)?);
    let engine = match (fields.0, origin) {
        (b"", _) => None,
        (rest, None) => Some(engine(rest).ok_or(LineProblem::Malformed("persistence engine"))?),
        (_, Some(_)) => return Err(LineProblem::Surplus),
    };
    Ok(Connection { client, service, destination, state, expires, engine, origin })
}

/// Fields between spaces; those that are padded have more than one.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn peek(&self) -> Option<u8> {
        self.0.iter().copied().find(|byte| *byte != b' ')
    }

    fn read<V>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(&'a [u8]) -> Option<V>,
    ) -> Result<V, LineProblem> {
        let start = self.0.iter().position(|byte| *byte != b' ');
        let (_, text) = self.0.split_at(start.ok_or(LineProblem::Missing(field))?);
        let end = text.iter().position(|byte| *byte == b' ').unwrap_or(text.len());
        let (text, rest) = text.split_at(end);
        self.0 = rest;
        read(text).ok_or(LineProblem::Malformed(field))
    }

    fn endpoint(
        &mut self,
        address_field: &'static str,
        port_field: &'static str,
    ) -> Result<Endpoint, LineProblem> {
        let address = self.read(address_field, address)?;
        Ok(Endpoint { address, port: self.read(port_field, hex16)? })
    }
}

/// `ip_vs_core.c: ip_vs_proto_name`.
fn protocol(text: &[u8]) -> Option<Protocol> {
    Some(Protocol::from_number(match text {
        b"IP" => ANY_PROTOCOL,
        b"ICMP" => 1,
        b"TCP" => 6,
        b"UDP" => 17,
        b"ICMPv6" => 58,
        b"SCTP" => 132,
        _ => u16::try_from(decimal(text.strip_prefix(b"IP_")?)?).ok()?,
    }))
}

/// The template of a service by firewall mark has the mark where others have
/// an address, in its first four bytes (`ip_vs_core.c: ip_vs_sched_persist`).
fn service(protocol: Protocol, endpoint: Endpoint) -> ServiceKey {
    let bits = match endpoint.address {
        IpAddr::V4(v4) => v4.to_bits(),
        IpAddr::V6(v6) => match v6.segments() {
            [high, low, 0, 0, 0, 0, 0, 0] => (u32::from(high) << 16) | u32::from(low),
            _ => 0,
        },
    };
    match (protocol.number(), endpoint.port, NonZeroU32::new(bits)) {
        (ANY_PROTOCOL, 0, Some(mark)) => {
            ServiceKey::Mark { mark, family: Family::of(endpoint.address) }
        }
        _ => ServiceKey::Address { protocol, endpoint },
    }
}

/// IPPROTO_IP.
const ANY_PROTOCOL: u16 = 0;

/// `0A000001`, or eight groups of four digits with colons between them.
fn address(text: &[u8]) -> Option<IpAddr> {
    if text.len() == 8 {
        return hex(text).map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits)));
    }
    let mut groups = text.split(|byte| *byte == b':');
    let mut segments = [0; 8];
    for segment in &mut segments {
        *segment = hex16(groups.next()?)?;
    }
    groups.next().is_none().then(|| IpAddr::V6(Ipv6Addr::from(segments)))
}

fn hex16(text: &[u8]) -> Option<u16> {
    if text.len() == 4 { u16::try_from(hex(text)?).ok() } else { None }
}

/// Digits of a number that fits.
fn hex(text: &[u8]) -> Option<u32> {
    text.iter().try_fold(0, |number, digit| Some((number << 4) | char::from(*digit).to_digit(16)?))
}

fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |number, digit| {
        let digit = char::from(*digit).to_digit(10)?;
        number.checked_mul(10)?.checked_add(digit.into())
    })
}

fn origin(text: &[u8]) -> Option<Origin> {
    match text {
        b"LOCAL" => Some(Origin::Local),
        b"SYNC" => Some(Origin::Sync),
        _ => None,
    }
}

/// A space, the engine's name, a space, and its data to the end of the line,
/// whatever they are.
fn engine(rest: &[u8]) -> Option<EngineData> {
    let rest = rest.strip_prefix(b" ")?;
    let (name, data) = rest.split_at(rest.iter().position(|byte| *byte == b' ')?);
    let data = data.strip_prefix(b" ")?;
    Some(EngineData { engine: EngineName::from_kernel(name)?, data: data.into() })
}

impl fmt::Display for LineProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Title => f.write_str("this is not the title line of a connection table"),
            Self::TooLong => f.write_str("the line is longer than any that the kernel writes"),
            Self::Unfinished => f.write_str("the file ends in the middle of the line"),
            Self::Missing(field) => write!(f, "there is no {field}"),
            Self::Malformed(field) => write!(f, "the {field} cannot be read"),
            Self::Surplus => f.write_str("there is more behind the last field"),
        }
    }
}
