//! A connection, what the kernel thinks of it, and how it is written. Allocates only by
//! growing a `Vec` that it is written to.

use super::Version;
use super::flags::Flags;
use super::options::{
    self, ENGINE_DATA, ENGINE_DATA_MAX, ENGINE_NAME, ENGINE_NAME_MAX, Others, SEQUENCES, Sequences,
};
use super::read::{KIND_V6, V1_MAX};
use super::rejected::Rejected;
use super::states::states;
use ipvs::ipvs_sys::put::{Count, Put};
use ipvs::{Endpoint, Family};
use std::fmt;
use std::net::IpAddr;

/// A connection or a template, borrowed from a message or to be written.
///
/// It judges nothing: [`Connection::check`] does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection<'a> {
    /// The protocol, as IP numbers them. The template of a service by firewall mark has 0.
    pub protocol: u8,
    /// Where the client sends from. The address of a template is masked by the service's
    /// netmask, and its port is 0.
    pub client: Endpoint,
    /// What the client sends to. The template of a service by firewall mark has the mark
    /// in the first four bytes of the address, and port 0.
    pub service: Endpoint,
    /// The real server that it goes to, of the same address family.
    pub destination: Endpoint,
    /// How packets are forwarded, and what else the kernel knows.
    pub flags: Flags,
    /// The state, as [`states`](super::states) numbers them.
    pub state: u16,
    /// The firewall mark of its first packet, by which a backup finds the service; 0 if
    /// there is none. Not in version 0.
    pub mark: u32,
    /// How long it lives without another packet, in seconds. 0 leaves it to the backup: by
    /// its state, and 180 s for a template. Not in version 0.
    pub timeout: u32,
    /// How far sequence numbers are shifted, where they are.
    pub sequences: Option<Sequences>,
    /// The name of the persistence engine of a template, at most 16 bytes; empty if it has
    /// none. A backup without that engine drops the template. Not in version 0.
    pub engine_name: &'a [u8],
    /// What the engine knows the template by, at most 255 bytes; for `sip` the Call-ID.
    /// Without it the name means nothing. Not in version 0.
    pub engine_data: &'a [u8],
    /// The options that this crate does not know. Not in version 0.
    pub others: Others<'a>,
}

/// Why a connection cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeError {
    /// Client, service and destination are not of one address family: no message can say
    /// that.
    Family,
    /// Version 0 has no room for this.
    Version0 {
        /// What there is no room for.
        what: &'static str,
    },
    /// In version 0 the flags say whether sequence numbers are shifted, and here they say
    /// something else than the connection.
    Sequences,
    /// A name is longer than the kernel takes it, or data is.
    EngineLength {
        /// Which of them.
        what: &'static str,
        /// Its length in bytes.
        length: usize,
        /// The most in bytes.
        max: usize,
    },
    /// It is longer than a datagram, or than a record can say.
    TooLong {
        /// Its length in bytes.
        length: usize,
        /// The most that would have been possible.
        room: usize,
    },
}

impl<'a> Connection<'a> {
    /// A connection in state 0 with masquerading, no other flag and the backup's timeout.
    pub const fn new(
        protocol: u8,
        client: Endpoint,
        service: Endpoint,
        destination: Endpoint,
    ) -> Self {
        Self {
            protocol,
            client,
            service,
            destination,
            flags: Flags::MASQUERADE,
            state: 0,
            mark: 0,
            timeout: 0,
            sequences: None,
            engine_name: &[],
            engine_data: &[],
            others: Others::NONE,
        }
    }

    /// Whether it is a template.
    pub const fn is_template(&self) -> bool {
        self.flags.contains(Flags::TEMPLATE)
    }

    /// Whether the kernel would take it, as far as the message tells: it also drops those
    /// of a persistence engine that it has not loaded.
    ///
    /// # Errors
    /// The first rule that it breaks, in the kernel's order. It loses the connection and
    /// nothing else.
    pub fn check(&self) -> Result<(), Rejected> {
        if let Some(unknown) = self.others.iter().find(|option| !option.may_be_skipped()) {
            return Err(Rejected::UnknownOption { kind: unknown.kind });
        }
        let flags = self.flags;
        if flags.contains(Flags::TEMPLATE | Flags::NO_CLIENT_PORT)
            || flags.contains(Flags::ONE_PACKET)
        {
            return Err(Rejected::Flags { flags });
        }
        let protocol = self.protocol;
        let states = states(protocol, self.is_template());
        let states = states.ok_or(Rejected::Protocol { protocol })?.len();
        if usize::from(self.state) >= states {
            return Err(Rejected::State { state: self.state, states });
        }
        if self.engine_name.is_empty() && !self.engine_data.is_empty() {
            return Err(Rejected::NoEngineName);
        }
        Ok(())
    }

    /// The length of its record in bytes, without padding.
    ///
    /// # Errors
    /// [`EncodeError`], if it cannot be written.
    pub(super) fn length(&self, version: Version) -> Result<usize, EncodeError> {
        self.can_be_written(version)?;
        let mut count = Count::default();
        self.write(version, &mut count);
        let (length, room) = (count.position(), usize::from(V1_MAX));
        if length > room { Err(EncodeError::TooLong { length, room }) } else { Ok(length) }
    }

    fn can_be_written(&self, version: Version) -> Result<(), EncodeError> {
        let family = self.client.family();
        if self.service.family() != family || self.destination.family() != family {
            return Err(EncodeError::Family);
        }
        for (what, bytes, max) in [
            ("engine name", self.engine_name, ENGINE_NAME_MAX),
            ("engine data", self.engine_data, ENGINE_DATA_MAX),
        ] {
            let length = bytes.len();
            if length > max {
                return Err(EncodeError::EngineLength { what, length, max });
            }
        }
        match version {
            Version::V0 => self.fits_v0(family),
            Version::V1 => Ok(()),
        }
    }

    fn fits_v0(&self, family: Family) -> Result<(), EncodeError> {
        for (what, is_there) in [
            ("IPv6", family == Family::V6),
            ("flags beyond 16 bits", u16::try_from(self.flags.bits()).is_err()),
            ("a firewall mark", self.mark != 0),
            ("a timeout", self.timeout != 0),
            ("a persistence engine", !(self.engine_name.is_empty() && self.engine_data.is_empty())),
            ("other options", self.others.iter().next().is_some()),
        ] {
            if is_there {
                return Err(EncodeError::Version0 { what });
            }
        }
        match self.sequences.is_some() == self.flags.has_sequences() {
            true => Ok(()),
            false => Err(EncodeError::Sequences),
        }
    }

    /// Writes its record, without padding.
    pub(super) fn write<P: Put>(&self, version: Version, out: &mut P) {
        match version {
            Version::V0 => self.write_v0(out),
            Version::V1 => self.write_v1(out),
        }
    }

    /// `ip_vs_sync.c: ip_vs_sync_conn_v0`.
    fn write_v0<P: Put>(&self, out: &mut P) {
        out.put(&[0, self.protocol]);
        self.ends().iter().for_each(|end| out.put(&end.port.to_be_bytes()));
        self.write_addresses(out);
        // The low half: `fits_v0` has seen that there is no other.
        let [_, _, high, low] = self.flags.bits().to_be_bytes();
        out.put(&[high, low]);
        out.put(&self.state.to_be_bytes());
        if let Some(sequences) = &self.sequences {
            out.put(sequences.words(u32::to_ne_bytes).as_flattened());
        }
    }

    /// `ip_vs_sync.c: ip_vs_sync_conn`.
    fn write_v1<P: Put>(&self, out: &mut P) {
        let start = out.position();
        let kind = match self.client.family() {
            Family::V4 => 0,
            Family::V6 => KIND_V6,
        };
        // The length follows.
        out.put(&[kind, self.protocol, 0, 0]);
        out.put(&self.flags.bits().to_be_bytes());
        out.put(&self.state.to_be_bytes());
        self.ends().iter().for_each(|end| out.put(&end.port.to_be_bytes()));
        out.put(&self.mark.to_be_bytes());
        out.put(&self.timeout.to_be_bytes());
        self.write_addresses(out);
        if let Some(sequences) = &self.sequences {
            options::write(SEQUENCES, sequences.words(u32::to_be_bytes).as_flattened(), out);
        }
        for (kind, data) in [(ENGINE_DATA, self.engine_data), (ENGINE_NAME, self.engine_name)] {
            if !data.is_empty() {
                options::write(kind, data, out);
            }
        }
        self.others.iter().for_each(|option| options::write(option.kind, option.data, out));
        let size = u16::try_from(out.position() - start).unwrap_or(u16::MAX);
        out.patch(start + 2, &size.to_be_bytes());
    }

    fn write_addresses<P: Put>(&self, out: &mut P) {
        for end in self.ends() {
            match end.address {
                IpAddr::V4(address) => out.put(&address.octets()),
                IpAddr::V6(address) => out.put(&address.octets()),
            }
        }
    }

    fn ends(&self) -> [Endpoint; 3] {
        [self.client, self.service, self.destination]
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Family => {
                f.write_str("client, service and destination are not of one address family")
            }
            Self::Version0 { what } => write!(f, "version 0 has no room for {what}"),
            Self::Sequences => {
                f.write_str("the flags and the connection disagree on shifted sequence numbers")
            }
            Self::EngineLength { what, length, max } => {
                write!(f, "{what} of {length} bytes: the kernel takes at most {max}")
            }
            Self::TooLong { length, room } => {
                write!(f, "connection of {length} bytes where {room} fit")
            }
        }
    }
}

impl std::error::Error for EncodeError {}
