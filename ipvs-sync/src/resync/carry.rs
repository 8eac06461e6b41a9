//! From a line of the connection table to what a sync message says of it.

use crate::peer::LeftOut;
use crate::proto::{Connection, Flags, states};
use ipvs::connections::{self, State};
use ipvs::{Endpoint, Family, ServiceKey};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What can be told of a connection by what procfs shows of it; `None` if it cannot be,
/// which is counted.
///
/// Procfs shows neither the firewall mark of a connection, except for a template's, nor how
/// far sequence numbers are shifted. How packets are forwarded the backup takes from its
/// own destination (`ip_vs_conn.c: ip_vs_bind_dest`).
pub(super) fn carry<'a>(
    entry: &'a connections::Connection,
    left_out: &mut LeftOut,
) -> Option<Connection<'a>> {
    let (protocol, service, mark) = match entry.service {
        ServiceKey::Address { protocol, endpoint } => match u8::try_from(protocol.number()) {
            Ok(protocol) => (protocol, endpoint, 0),
            Err(_) => return unknown(left_out),
        },
        // The kernel has it in the place of the address (`ip_vs_core.c:
        // ip_vs_sched_persist`).
        ServiceKey::Mark { mark, family } => {
            (0, Endpoint::new(address(mark.get(), family), 0), mark.get())
        }
    };
    if entry.destination.family() != service.family() || entry.client.family() != service.family() {
        left_out.mixed_families += 1;
        return None;
    }
    let is_template = entry.is_template();
    let Some(state) = number(protocol, is_template, entry.state) else { return unknown(left_out) };
    let flags = match (is_template, is_active(protocol, entry.state)) {
        (true, _) => Flags::TEMPLATE,
        (false, true) => Flags::MASQUERADE,
        (false, false) => Flags::INACTIVE,
    };
    let mut connection = Connection {
        flags,
        state,
        mark,
        // 0 would be as long as a fresh one.
        timeout: u32::try_from(entry.expires.as_secs()).unwrap_or(u32::MAX).max(1),
        ..Connection::new(protocol, entry.client, service, entry.destination)
    };
    if let Some(engine) = &entry.engine {
        connection.engine_name = engine.engine.as_bytes();
        connection.engine_data = &engine.data;
    }
    match connection.check() {
        Ok(()) => Some(connection),
        Err(_) => unknown(left_out),
    }
}

fn unknown<'a>(left_out: &mut LeftOut) -> Option<Connection<'a>> {
    left_out.unknown += 1;
    None
}

fn address(mark: u32, family: Family) -> IpAddr {
    match family {
        Family::V4 => Ipv4Addr::from_bits(mark).into(),
        Family::V6 => Ipv6Addr::from_bits(u128::from(mark) << 96).into(),
    }
}

fn number(protocol: u8, is_template: bool, state: State) -> Option<u16> {
    let states = states(protocol, is_template)?;
    // The only one of AH and ESP has no name (`ip_vs_proto.c: ip_vs_state_name`).
    let found = match states {
        [State::None] => Some(0),
        states => states.iter().position(|known| *known == state),
    };
    found.and_then(|number| u16::try_from(number).ok())
}

/// Whether it counts as active (`ip_vs_proto_tcp.c: tcp_state_active_table`,
/// `ip_vs_proto_sctp.c: set_sctp_state`).
fn is_active(protocol: u8, state: State) -> bool {
    const TCP: u8 = 6;
    match state {
        State::Established => true,
        State::SynSent | State::SynReceived | State::SynAck => protocol == TCP,
        _ => false,
    }
}
