//! A message that owns its bytes, for `genetlink` and `netlink-proto`.
//!
//! Their receive side cannot lend what it reads. The bytes are kept as they are
//! and read through the same views as everywhere, so nothing is lost and there
//! is one parser.

use crate::attr::Attrs;
use crate::command::{Body, Command, Genl};
use crate::error::DecodeError;
use crate::info::InfoAttrs;
use netlink_packet_core::{Emitable, ParseableParametrized};
use netlink_packet_generic::{GenlFamily, GenlHeader};

/// A request to the IPVS family or a reply from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedMessage {
    command: u8,
    version: u8,
    attributes: Vec<u8>,
}

impl OwnedMessage {
    /// The number of the command ([`Command::NUMBER`]).
    pub fn number(&self) -> u8 {
        self.command
    }

    /// The attributes of any message but GET_INFO's reply.
    pub fn body(&self) -> Result<Body<'_>, DecodeError> {
        Body::parse(self.attrs())
    }

    /// The attributes of GET_INFO's reply.
    pub fn info(&self) -> Result<InfoAttrs, DecodeError> {
        InfoAttrs::parse(self.attrs())
    }

    /// The attributes, unread.
    pub fn attrs(&self) -> Attrs<'_> {
        Attrs::new(&self.attributes, "message")
    }
}

impl<C: Command> From<Genl<C>> for OwnedMessage {
    fn from(command: Genl<C>) -> Self {
        let mut attributes = Vec::new();
        command.0.write(&mut attributes);
        Self { command: C::NUMBER, version: C::VERSION, attributes }
    }
}

impl GenlFamily for OwnedMessage {
    fn family_name() -> &'static str {
        "IPVS"
    }

    fn command(&self) -> u8 {
        self.command
    }

    fn version(&self) -> u8 {
        self.version
    }
}

impl Emitable for OwnedMessage {
    fn buffer_len(&self) -> usize {
        self.attributes.len()
    }

    fn emit(&self, buffer: &mut [u8]) {
        buffer.iter_mut().zip(&self.attributes).for_each(|(slot, byte)| *slot = *byte);
    }
}

impl ParseableParametrized<[u8], GenlHeader> for OwnedMessage {
    fn parse_with_param(
        bytes: &[u8],
        header: GenlHeader,
    ) -> Result<Self, netlink_packet_core::DecodeError> {
        Ok(Self { command: header.cmd, version: header.version, attributes: bytes.to_vec() })
    }
}
