//! The idiom of the rust-netlink crates: attributes that own their values, in
//! vectors.

use crate::ours;
use ipvs_sys::Command;
use netlink_packet_core::{
    DecodeError, Emitable, NetlinkMessage, NetlinkPayload, Nla, NlaBuffer, NlasIterator,
    ParseableParametrized,
};
use netlink_packet_generic::{GenlFamily, GenlHeader, GenlMessage};

/// A request, as that idiom has it.
pub(crate) fn of<C: Command>(command: &C) -> Owned {
    let mut buffer = [0; 256];
    let length = ours::encode(command, &mut buffer);
    decode(buffer.get(..length).unwrap())
}

/// Reads a message.
pub(crate) fn decode(message: &[u8]) -> Owned {
    let message = NetlinkMessage::<GenlMessage<Owned>>::deserialize(message).unwrap();
    let NetlinkPayload::InnerMessage(message) = message.payload else { unreachable!() };
    message.payload
}

/// Reads the messages of a dump, but its end.
pub(crate) fn decode_all(mut datagram: &[u8]) -> Vec<Owned> {
    let mut all = Vec::new();
    while let Some(length) = datagram.first_chunk() {
        let length = usize::try_from(u32::from_ne_bytes(*length)).unwrap();
        let (message, rest) = datagram.split_at(length);
        if message.get(4..6) != Some(&DONE.to_ne_bytes()) {
            all.push(decode(message));
        }
        datagram = rest;
    }
    all
}

/// The type of the message at the end of a dump.
const DONE: u16 = 3;

/// As there, the message is built for each request and serialized into a new buffer.
pub(crate) fn encode(payload: &Owned, family: u16) -> Vec<u8> {
    let mut message = GenlMessage::from_payload(payload.clone());
    message.set_resolved_family_id(family);
    let mut message = NetlinkMessage::from(message);
    message.header.flags = 5;
    message.header.sequence_number = 1;
    message.finalize();
    let mut out = vec![0; message.buffer_len()];
    message.serialize(&mut out);
    out
}

/// A message as the rust-netlink crates have it.
#[derive(Clone, Debug)]
pub(crate) struct Owned {
    command: u8,
    attributes: Vec<Attribute>,
}

#[derive(Clone, Debug)]
struct Attribute {
    kind: u16,
    value: Value,
}

/// Numbers in place, the rest on the heap: what an `enum` of typed attributes costs.
#[derive(Clone, Debug)]
enum Value {
    U8(u8),
    U16(u16),
    U32(u32),
    U64(u64),
    Bytes(Vec<u8>),
    Nest(Vec<Attribute>),
}

impl Nla for Attribute {
    fn value_len(&self) -> usize {
        match &self.value {
            Value::U8(_) => 1,
            Value::U16(_) => 2,
            Value::U32(_) => 4,
            Value::U64(_) => 8,
            Value::Bytes(bytes) => bytes.len(),
            Value::Nest(attributes) => attributes.as_slice().buffer_len(),
        }
    }

    fn kind(&self) -> u16 {
        self.kind
    }

    fn emit_value(&self, buffer: &mut [u8]) {
        match &self.value {
            Value::U8(value) => buffer.copy_from_slice(&[*value]),
            Value::U16(value) => buffer.copy_from_slice(&value.to_ne_bytes()),
            Value::U32(value) => buffer.copy_from_slice(&value.to_ne_bytes()),
            Value::U64(value) => buffer.copy_from_slice(&value.to_ne_bytes()),
            Value::Bytes(value) => buffer.copy_from_slice(value),
            Value::Nest(attributes) => attributes.as_slice().emit(buffer),
        }
    }
}

/// At `depth` 0 services, destinations and daemons are nests, at 1 the counters.
fn parse(bytes: &[u8], depth: u8) -> Result<Vec<Attribute>, DecodeError> {
    NlasIterator::new(bytes)
        .map(|nla| {
            let nla: NlaBuffer<&[u8]> = nla?;
            let (kind, value) = (nla.kind(), nla.value());
            let nested = match depth {
                0 => matches!(kind, 1..=3),
                _ => depth == 1 && matches!(kind, 10 | 12),
            };
            let value = if nested {
                Value::Nest(parse(value, depth + 1)?)
            } else if let [value] = value {
                Value::U8(*value)
            } else if let Ok(value) = value.try_into() {
                Value::U16(u16::from_ne_bytes(value))
            } else if let Ok(value) = value.try_into() {
                Value::U32(u32::from_ne_bytes(value))
            } else if let Ok(value) = value.try_into() {
                Value::U64(u64::from_ne_bytes(value))
            } else {
                Value::Bytes(value.to_vec())
            };
            Ok(Attribute { kind, value })
        })
        .collect()
}

/// What is told of the kernel has numbers of its own for its attributes, and no nests.
const SET_INFO: u8 = 14;
const FLAT: u8 = 2;

impl GenlFamily for Owned {
    fn family_name() -> &'static str {
        "IPVS"
    }

    fn command(&self) -> u8 {
        self.command
    }

    fn version(&self) -> u8 {
        1
    }
}

impl Emitable for Owned {
    fn buffer_len(&self) -> usize {
        self.attributes.as_slice().buffer_len()
    }

    fn emit(&self, buffer: &mut [u8]) {
        self.attributes.as_slice().emit(buffer);
    }
}

impl ParseableParametrized<[u8], GenlHeader> for Owned {
    fn parse_with_param(bytes: &[u8], header: GenlHeader) -> Result<Self, DecodeError> {
        let depth = if header.cmd == SET_INFO { FLAT } else { 0 };
        Ok(Self { command: header.cmd, attributes: parse(bytes, depth)? })
    }
}
