//! The commands of the IPVS family, and the ways a command becomes bytes.
//!
//! A request and its reply that carry the same attributes are one type: the
//! kernel answers GET_SERVICE with NEW_SERVICE, GET_DAEMON with NEW_DAEMON,
//! GET_CONFIG with SET_CONFIG and GET_INFO with SET_INFO.

use crate::attr::{Attr, Attrs};
use crate::daemon::DaemonAttrs;
use crate::destination::DestinationAttrs;
use crate::error::{DecodeError, TooLong};
use crate::info::InfoAttrs;
use crate::put::{Count, Put, Slice};
use crate::service::ServiceAttrs;
use crate::timeouts::TimeoutAttrs;
use netlink_packet_core::Emitable;
use netlink_packet_generic::GenlFamily;

const SERVICE: u16 = 1;
const DESTINATION: u16 = 2;
const DAEMON: u16 = 3;

/// Something that can be sent to a generic-netlink family, or comes from it.
pub trait Command {
    /// The family's name, by which its number is found ([`crate::family`]).
    const FAMILY: &'static str = "IPVS";
    /// The family's version.
    const VERSION: u8 = 1;
    /// The command's number.
    const NUMBER: u8;

    /// Writes the attributes: all that follows the generic-netlink header.
    fn write<P: Put>(&self, out: &mut P);
}

/// Appends a whole message to `out`, both headers and padding included.
///
/// `family` is the number that the kernel gave to [`Command::FAMILY`], `flags`
/// are netlink's `NLM_F_*`. The port is left 0, as the kernel fills it in.
///
/// # Errors
///
/// [`TooLong`], and `out` is as before, if names or addresses of absurd length
/// make attributes that their 16-bit lengths cannot express.
#[inline(always)]
pub fn encode<C: Command>(
    command: &C,
    family: u16,
    flags: u16,
    sequence: u32,
    out: &mut Vec<u8>,
) -> Result<(), TooLong> {
    let start = out.len();
    let room = u16::MAX.into();
    let len = message(command, family, flags, sequence, out);
    if len > room {
        out.truncate(start);
        return Err(TooLong { len, room });
    }
    Ok(())
}

/// Writes a whole message to the start of `buffer`, as [`encode`] does, and
/// returns its length in bytes. A request takes at most 256, unless it has counters:
/// a view that was read and is written back has them, and the kernel does not want
/// them.
///
/// # Errors
///
/// [`TooLong`] if it does not fit; what is in `buffer` then is not a message.
#[inline(always)]
pub fn encode_into<C: Command>(
    command: &C,
    family: u16,
    flags: u16,
    sequence: u32,
    buffer: &mut [u8],
) -> Result<usize, TooLong> {
    let room = buffer.len().min(u16::MAX.into());
    let len = message(command, family, flags, sequence, &mut Slice::new(buffer));
    if len > room { Err(TooLong { len, room }) } else { Ok(len) }
}

#[inline(always)]
fn message<C: Command, P: Put>(
    command: &C,
    family: u16,
    flags: u16,
    sequence: u32,
    out: &mut P,
) -> usize {
    let start = out.position();
    let ([t0, t1], [f0, f1]) = (family.to_ne_bytes(), flags.to_ne_bytes());
    let [s0, s1, s2, s3] = sequence.to_ne_bytes();
    let (number, version) = (C::NUMBER, C::VERSION);
    out.put(&[0, 0, 0, 0, t0, t1, f0, f1, s0, s1, s2, s3, 0, 0, 0, 0, number, version, 0, 0]);
    command.write(out);
    let len = out.position() - start;
    out.patch(start, &u32::try_from(len).unwrap_or(u32::MAX).to_ne_bytes());
    len
}

/// Lets a command travel as `NetlinkMessage<GenlMessage<Genl<C>>>`, with the
/// bytes that [`encode`] gives.
///
/// This way has no error for names of absurd length: their attributes get the
/// length 65,535, which the kernel refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Genl<C>(pub C);

impl<C: Command> GenlFamily for Genl<C> {
    fn family_name() -> &'static str {
        C::FAMILY
    }

    fn command(&self) -> u8 {
        C::NUMBER
    }

    fn version(&self) -> u8 {
        C::VERSION
    }
}

impl<C: Command> Emitable for Genl<C> {
    fn buffer_len(&self) -> usize {
        let mut count = Count::default();
        self.0.write(&mut count);
        count.position()
    }

    fn emit(&self, buffer: &mut [u8]) {
        self.0.write(&mut Slice::new(buffer));
    }
}

/// The last attribute of a kind, which is the one that counts.
#[inline]
fn last<'a>(attrs: Attrs<'a>, kind: u16) -> Result<Option<Attr<'a>>, DecodeError> {
    let mut found = None;
    for attr in attrs {
        let attr = attr?;
        if attr.kind == kind {
            found = Some(attr);
        }
    }
    Ok(found)
}

/// The attributes of any request or reply but GET_INFO's, whose reply has its
/// own numbers ([`InfoAttrs`]).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Body<'a> {
    /// The service, or the key of one.
    pub service: Option<ServiceAttrs<'a>>,
    /// The destination, or the key of one.
    pub destination: Option<DestinationAttrs<'a>>,
    /// The sync daemon.
    pub daemon: Option<DaemonAttrs<'a>>,
    /// The timeouts.
    pub timeouts: TimeoutAttrs,
}

impl<'a> Body<'a> {
    /// Reads the service and passes over all else: for listings.
    #[inline]
    pub fn service(attrs: Attrs<'a>) -> Result<Option<ServiceAttrs<'a>>, DecodeError> {
        match last(attrs, SERVICE)? {
            Some(attr) => ServiceAttrs::parse(attr.nested("service")).map(Some),
            None => Ok(None),
        }
    }

    /// Reads the destination and passes over all else: for listings.
    #[inline(always)]
    pub fn destination(attrs: Attrs<'a>) -> Result<Option<DestinationAttrs<'a>>, DecodeError> {
        match last(attrs, DESTINATION)? {
            Some(attr) => DestinationAttrs::parse(attr.nested("destination")).map(Some),
            None => Ok(None),
        }
    }

    /// Reads what follows the generic-netlink header. Unknown attributes are skipped.
    #[inline]
    pub fn parse(attrs: Attrs<'a>) -> Result<Self, DecodeError> {
        let mut body = Self::default();
        for attr in attrs {
            let attr = attr?;
            match attr.kind {
                SERVICE => body.service = Some(ServiceAttrs::parse(attr.nested("service"))?),
                DESTINATION => {
                    body.destination = Some(DestinationAttrs::parse(attr.nested("destination"))?);
                }
                DAEMON => body.daemon = Some(DaemonAttrs::parse(attr.nested("daemon"))?),
                _ => body.timeouts.take(attr)?,
            }
        }
        Ok(body)
    }
}

/// Adds a service; also the reply to [`GetService`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewService<'a>(pub ServiceAttrs<'a>);

/// Replaces the scheduler, flags, timeout, netmask and persistence engine of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetService<'a>(pub ServiceAttrs<'a>);

/// Deletes a service and its destinations. Needs the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DelService<'a>(pub ServiceAttrs<'a>);

/// Asks for one service by its key, or with `NLM_F_DUMP` and no key for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GetService<'a>(pub Option<ServiceAttrs<'a>>);

/// Adds a destination to a service, which its key names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewDestination<'a> {
    /// The key of the service. Absent in the reply to [`GetDestination`].
    pub service: Option<ServiceAttrs<'a>>,
    /// The destination.
    pub destination: DestinationAttrs<'a>,
}

/// Replaces the weight, forwarding, thresholds and tunnel of a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetDestination<'a> {
    /// The key of the service.
    pub service: ServiceAttrs<'a>,
    /// The destination.
    pub destination: DestinationAttrs<'a>,
}

/// Deletes a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DelDestination<'a> {
    /// The key of the service.
    pub service: ServiceAttrs<'a>,
    /// The key of the destination.
    pub destination: DestinationAttrs<'a>,
}

/// With `NLM_F_DUMP`, asks for the destinations of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GetDestination<'a>(pub ServiceAttrs<'a>);

/// Starts a sync daemon; also the reply to [`GetDaemon`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewDaemon<'a>(pub DaemonAttrs<'a>);

/// Stops a sync daemon. Needs its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DelDaemon<'a>(pub DaemonAttrs<'a>);

/// With `NLM_F_DUMP`, asks for the sync daemons that run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GetDaemon;

/// Sets timeouts; also the reply to [`GetConfig`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetConfig(pub TimeoutAttrs);

/// Asks for the timeouts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GetConfig;

/// The reply to [`GetInfo`]; as a request the kernel refuses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetInfo(pub InfoAttrs);

/// Asks for version and size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GetInfo;

/// Zeroes the counters of a service and its destinations, or without a key all counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zero<'a>(pub Option<ServiceAttrs<'a>>);

/// Deletes all services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flush;

impl Command for NewService<'_> {
    const NUMBER: u8 = 1;

    #[inline(always)]
    fn write<P: Put>(&self, out: &mut P) {
        self.0.write(SERVICE, out);
    }
}

impl Command for SetService<'_> {
    const NUMBER: u8 = 2;

    #[inline(always)]
    fn write<P: Put>(&self, out: &mut P) {
        self.0.write(SERVICE, out);
    }
}

impl Command for DelService<'_> {
    const NUMBER: u8 = 3;

    #[inline(always)]
    fn write<P: Put>(&self, out: &mut P) {
        self.0.write(SERVICE, out);
    }
}

impl Command for GetService<'_> {
    const NUMBER: u8 = 4;

    #[inline(always)]
    fn write<P: Put>(&self, out: &mut P) {
        if let Some(service) = &self.0 {
            service.write(SERVICE, out);
        }
    }
}

impl Command for NewDestination<'_> {
    const NUMBER: u8 = 5;

    #[inline(always)]
    fn write<P: Put>(&self, out: &mut P) {
        if let Some(service) = &self.service {
            service.write(SERVICE, out);
        }
        self.destination.write(DESTINATION, out);
    }
}

impl Command for SetDestination<'_> {
    const NUMBER: u8 = 6;

    #[inline(always)]
    fn write<P: Put>(&self, out: &mut P) {
        self.service.write(SERVICE, out);
        self.destination.write(DESTINATION, out);
    }
}

impl Command for DelDestination<'_> {
    const NUMBER: u8 = 7;

    #[inline(always)]
    fn write<P: Put>(&self, out: &mut P) {
        self.service.write(SERVICE, out);
        self.destination.write(DESTINATION, out);
    }
}

impl Command for GetDestination<'_> {
    const NUMBER: u8 = 8;

    #[inline(always)]
    fn write<P: Put>(&self, out: &mut P) {
        self.0.write(SERVICE, out);
    }
}

impl Command for NewDaemon<'_> {
    const NUMBER: u8 = 9;

    fn write<P: Put>(&self, out: &mut P) {
        self.0.write(DAEMON, out);
    }
}

impl Command for DelDaemon<'_> {
    const NUMBER: u8 = 10;

    fn write<P: Put>(&self, out: &mut P) {
        self.0.write(DAEMON, out);
    }
}

impl Command for GetDaemon {
    const NUMBER: u8 = 11;

    fn write<P: Put>(&self, _: &mut P) {}
}

impl Command for SetConfig {
    const NUMBER: u8 = 12;

    fn write<P: Put>(&self, out: &mut P) {
        self.0.write(out);
    }
}

impl Command for GetConfig {
    const NUMBER: u8 = 13;

    fn write<P: Put>(&self, _: &mut P) {}
}

impl Command for SetInfo {
    const NUMBER: u8 = 14;

    fn write<P: Put>(&self, out: &mut P) {
        self.0.write(out);
    }
}

impl Command for GetInfo {
    const NUMBER: u8 = 15;

    fn write<P: Put>(&self, _: &mut P) {}
}

impl Command for Zero<'_> {
    const NUMBER: u8 = 16;

    fn write<P: Put>(&self, out: &mut P) {
        if let Some(service) = &self.0 {
            service.write(SERVICE, out);
        }
    }
}

impl Command for Flush {
    const NUMBER: u8 = 17;

    fn write<P: Put>(&self, _: &mut P) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::put::{attr, nest};

    /// Every number, one byte too short, is an error that names it.
    #[test]
    fn a_short_value_is_named_by_its_path() {
        let cases: [(u16, u16, usize, &str); 27] = [
            (1, 1, 2, "service/af"),
            (1, 2, 2, "service/protocol"),
            (1, 4, 2, "service/port"),
            (1, 5, 4, "service/fwmark"),
            (1, 8, 4, "service/timeout"),
            (1, 9, 4, "service/netmask"),
            (2, 2, 2, "destination/port"),
            (2, 3, 4, "destination/forwarding"),
            (2, 4, 4, "destination/weight"),
            (2, 5, 4, "destination/upper threshold"),
            (2, 6, 4, "destination/lower threshold"),
            (2, 7, 4, "destination/active connections"),
            (2, 8, 4, "destination/inactive connections"),
            (2, 9, 4, "destination/persistent connections"),
            (2, 11, 2, "destination/address family"),
            (2, 13, 1, "destination/tunnel type"),
            (2, 14, 2, "destination/tunnel port"),
            (2, 15, 2, "destination/tunnel flags"),
            (3, 1, 4, "daemon/state"),
            (3, 3, 4, "daemon/sync id"),
            (3, 4, 2, "daemon/max len"),
            (3, 5, 4, "daemon/group"),
            (3, 6, 16, "daemon/group6"),
            (3, 7, 2, "daemon/port"),
            (3, 8, 1, "daemon/ttl"),
            (0, 4, 4, "timeout/tcp"),
            (0, 5, 4, "timeout/tcp fin"),
        ];
        for (outer, kind, want, at) in cases {
            let value = vec![0; want - 1];
            let mut bytes = Vec::new();
            match outer {
                0 => attr(&mut bytes, kind, &value),
                _ => nest(&mut bytes, outer, |out| attr(out, kind, &value)),
            }
            let error = DecodeError::Length { at, want, have: want - 1 };
            assert_eq!(Body::parse(Attrs::new(&bytes, "message")), Err(error));
        }
        let mut bytes = Vec::new();
        attr(&mut bytes, 6, &[0; 3]);
        let error = DecodeError::Length { at: "timeout/udp", want: 4, have: 3 };
        assert_eq!(Body::parse(Attrs::new(&bytes, "message")), Err(error));
    }
}
