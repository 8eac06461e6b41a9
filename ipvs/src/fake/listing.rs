//! `/proc/net/ip_vs`, byte by byte (`ip_vs_ctl.c: ip_vs_info_seq_show`).

use super::CONNECTION_TABLE_SIZE;
use super::state::{State, Virtual};
use crate::{DestinationEntry, Endpoint, Protocol, ServiceKey};
use ipvs_sys::{DestinationAttrs, ServiceFlags};
use std::fmt::Write as _;
use std::net::IpAddr;

/// The whole listing.
pub(super) fn text(state: &State) -> String {
    let mut text = format!(
        "IP Virtual Server version 1.2.1 (size={CONNECTION_TABLE_SIZE})\n\
         Prot LocalAddress:Port Scheduler Flags\n  \
         -> RemoteAddress:Port Forward Weight ActiveConn InActConn\n"
    );
    for found in &state.services {
        text += &service(found);
        found.destinations.iter().rev().for_each(|entry| text += &destination(entry));
    }
    text
}

fn service(found: &Virtual) -> String {
    let service = &found.entry.service;
    let octets = service.key().octets();
    let attrs = service.attrs(&octets);
    let flags = attrs.flags.map_or(0, |word| word.flags);
    let scheduler = service.scheduler();
    let ops = if service.one_packet() { "ops " } else { "" };
    let mut line = match service.key() {
        ServiceKey::Mark { mark, .. } => format!("FWM  {mark:08X} {scheduler} {ops}"),
        ServiceKey::Address { protocol, endpoint } => {
            let protocol = protocol_name(protocol);
            let at = address(endpoint);
            match endpoint.address {
                IpAddr::V4(_) => format!("{protocol}  {at} {scheduler} {ops} "),
                IpAddr::V6(_) => format!("{protocol}  {at} {scheduler} "),
            }
        }
    };
    if flags & ServiceFlags::PERSISTENT != 0 {
        let netmask = u32::from_be_bytes(attrs.netmask.unwrap_or_default());
        let ticks = i32::from_ne_bytes(found.ticks.to_ne_bytes());
        // Writing to a `String` does not fail.
        let _ = write!(line, "persistent {ticks} {netmask:08X}");
    }
    line.push('\n');
    line
}

fn destination(entry: &DestinationEntry) -> String {
    let destination = &entry.destination;
    let octets = destination.endpoint().octets();
    let forward = match destination.attrs(&octets).forwarding {
        Some(DestinationAttrs::LOCAL) => "Local",
        Some(DestinationAttrs::TUNNEL) => "Tunnel",
        Some(DestinationAttrs::DIRECT_ROUTE) => "Route",
        _ => "Masq",
    };
    format!(
        "  -> {}      {forward:<7} {:<6} {:<10} {:<10}\n",
        address(destination.endpoint()),
        destination.weight().value(),
        entry.connections.active,
        entry.connections.inactive,
    )
}

fn address(Endpoint { address, port }: Endpoint) -> String {
    match address {
        IpAddr::V4(v4) => format!("{:08X}:{port:04X}", v4.to_bits()),
        IpAddr::V6(v6) => {
            let groups: Vec<String> =
                v6.segments().iter().map(|group| format!("{group:04x}")).collect();
            format!("[{}]:{port:04X}", groups.join(":"))
        }
    }
}

/// `ip_vs_core.c: ip_vs_proto_name`.
fn protocol_name(protocol: Protocol) -> String {
    let name = match protocol.number() {
        0 => "IP",
        1 => "ICMP",
        6 => "TCP",
        17 => "UDP",
        58 => "ICMPv6",
        132 => "SCTP",
        number => return format!("IP_{number}"),
    };
    name.to_owned()
}
