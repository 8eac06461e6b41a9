//! Reading a record. Never panics and never allocates, whatever the bytes.

use super::connection::Connection;
use super::flags::Flags;
use super::options::{Options, SEQUENCES_LEN, Sequences};
use super::rejected::Rejected;
use ipvs::Endpoint;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The length of a record of version 0 without sequence numbers, in bytes.
pub(super) const V0_LEN: usize = 24;
/// The length of a record of version 1 for IPv4 without options, in bytes.
pub(super) const V1_V4_LEN: usize = 36;
/// The same for IPv6.
pub(super) const V1_V6_LEN: usize = 72;
/// `SVER_MASK`: the longest record of version 1, in bytes.
pub(super) const V1_MAX: u16 = 0x0fff;

/// `STYPE_F_INET6`.
pub(super) const KIND_V6: u8 = 1;

/// A connection and the bytes behind its record.
type Read<'a> = Result<(Connection<'a>, &'a [u8]), Rejected>;

/// Reads a record of version 0 (`ip_vs_sync.c: ip_vs_process_message_v0`).
pub(super) fn read_v0(bytes: &[u8]) -> Read<'_> {
    let mut fields = Fields(first(bytes, V0_LEN)?);
    let [_, protocol] = fields.next();
    let ports = [fields.u16(), fields.u16(), fields.u16()];
    let addresses = [fields.v4(), fields.v4(), fields.v4()];
    let flags = Flags::from_bits(fields.u16().into());
    let state = fields.u16();
    let need = if flags.has_sequences() { V0_LEN + SEQUENCES_LEN } else { V0_LEN };
    let sequences = first(bytes, need)?.get(V0_LEN..).unwrap_or_default();
    let sequences = Sequences::read(sequences, u32::from_ne_bytes);
    let connection = Connection { flags, state, sequences, ..between(addresses, ports, protocol) };
    Ok((connection, bytes.get(need..).unwrap_or_default()))
}

/// Reads a record of version 1 (`ip_vs_sync.c: ip_vs_process_message,
/// ip_vs_proc_sync_conn`).
pub(super) fn read_v1(bytes: &[u8]) -> Read<'_> {
    let mut fields = Fields(first(bytes, V1_V4_LEN)?);
    let [kind, protocol] = fields.next();
    let word = fields.u16();
    let size = usize::from(word & V1_MAX);
    let record = first(bytes, size)?;
    let [high, _] = word.to_be_bytes();
    let version = high >> 4;
    if version != 0 {
        return Err(Rejected::RecordVersion { version });
    }
    let flags = Flags::from_bits(fields.u32());
    let state = fields.u16();
    let ports = [fields.u16(), fields.u16(), fields.u16()];
    let (mark, timeout) = (fields.u32(), fields.u32());

    let need = match kind {
        0 => V1_V4_LEN,
        _ if kind & KIND_V6 != 0 => V1_V6_LEN,
        _ => return Err(Rejected::RecordKind { kind }),
    };
    let (fixed, options) =
        record.split_at_checked(need).ok_or(Rejected::RecordSize { size, need })?;
    let mut fields = Fields(fixed.get(ADDRESSES_AT..).unwrap_or_default());
    let addresses = match kind {
        0 => [fields.v4(), fields.v4(), fields.v4()],
        _ => [fields.v6(), fields.v6(), fields.v6()],
    };
    let options = Options::read(options)?;
    let connection = Connection {
        flags,
        state,
        mark,
        timeout,
        sequences: options.sequences,
        engine_name: options.engine_name.unwrap_or_default(),
        engine_data: options.engine_data.unwrap_or_default(),
        others: options.others,
        ..between(addresses, ports, protocol)
    };
    // The last record needs no padding.
    Ok((connection, bytes.get(size.next_multiple_of(4)..).unwrap_or_default()))
}

/// The first bytes of those that are left.
fn first(bytes: &[u8], need: usize) -> Result<&[u8], Rejected> {
    bytes.get(..need).ok_or(Rejected::Truncated { need, have: bytes.len() })
}

/// A connection with these addresses and ports of client, service and destination.
fn between<'a>(addresses: [IpAddr; 3], ports: [u16; 3], protocol: u8) -> Connection<'a> {
    let [client, service, destination] = addresses;
    let [client_port, service_port, destination_port] = ports;
    Connection::new(
        protocol,
        Endpoint::new(client, client_port),
        Endpoint::new(service, service_port),
        Endpoint::new(destination, destination_port),
    )
}

/// Where the addresses of version 1 begin.
const ADDRESSES_AT: usize = 24;

/// What is left of the fields of a record, of which all are there.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    /// The next bytes; 0 if they are not there.
    fn next<const N: usize>(&mut self) -> [u8; N] {
        let Some((bytes, rest)) = self.0.split_first_chunk() else { return [0; N] };
        self.0 = rest;
        *bytes
    }

    fn u16(&mut self) -> u16 {
        u16::from_be_bytes(self.next())
    }

    fn u32(&mut self) -> u32 {
        u32::from_be_bytes(self.next())
    }

    fn v4(&mut self) -> IpAddr {
        Ipv4Addr::from(self.next::<4>()).into()
    }

    fn v6(&mut self) -> IpAddr {
        Ipv6Addr::from(self.next::<16>()).into()
    }
}
