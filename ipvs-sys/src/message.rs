//! Datagram → messages → what each is: data, acknowledgement, error, end of a
//! dump. Never panics and never allocates, whatever the bytes.

use crate::attr::Attrs;
use crate::error::DecodeError;
use crate::put::{self, Put};
use netlink_packet_core::{
    NLM_F_ACK_TLVS, NLM_F_CAPPED, NLM_F_MULTIPART, NLMSG_DONE, NLMSG_ERROR, NLMSG_NOOP,
    NLMSG_OVERRUN,
};
use std::num::NonZeroI32;

/// The length of netlink's header in bytes.
pub const HEADER_LEN: usize = 16;
/// The messages below this type are netlink's own (`NLMSG_MIN_TYPE`).
const FIRST_FAMILY: u16 = 0x10;

const EXT_ACK_MESSAGE: u16 = 1;
const EXT_ACK_OFFSET: u16 = 2;

/// Netlink's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The length of the message in bytes, this header included.
    pub length: u32,
    /// The family's number, or one of netlink's own message types.
    pub message_type: u16,
    /// `NLM_F_*`.
    pub flags: u16,
    /// The sequence number; a reply has its request's.
    pub sequence: u32,
    /// The port of the socket that asked.
    pub port: u32,
}

/// One message of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Its header.
    pub header: Header,
    /// What it says.
    pub payload: Payload<'a>,
}

/// What a message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Payload<'a> {
    /// A request or reply of a generic-netlink family.
    Data {
        /// The command's number.
        command: u8,
        /// The family's version.
        version: u8,
        /// What follows the generic-netlink header.
        attrs: Attrs<'a>,
    },
    /// The request was carried out.
    Ack(ExtAck<'a>),
    /// The request failed.
    Error {
        /// The error number, negative as on the wire.
        code: NonZeroI32,
        /// What more the kernel says.
        ext: ExtAck<'a>,
    },
    /// The end of a dump.
    Done {
        /// 0, or negative the error that ended the dump too early.
        code: i32,
        /// What more the kernel says.
        ext: ExtAck<'a>,
    },
    /// Nothing.
    Noop,
    /// Data was lost.
    Overrun,
    /// A message type of netlink itself that is not known here.
    Other,
}

/// The attributes of an extended acknowledgement; without any unless the socket
/// has `NETLINK_EXT_ACK` and the kernel something to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtAck<'a>(pub Attrs<'a>);

impl<'a> ExtAck<'a> {
    /// One that says nothing.
    pub const NONE: Self = Self(Attrs::new(&[], "extended ack"));

    /// The kernel's text.
    pub fn text(&self) -> Option<&'a [u8]> {
        let found = self.0.flatten().find(|attr| attr.kind == EXT_ACK_MESSAGE);
        found.map(|attr| attr.string())
    }

    /// Where in the request the offending attribute starts, in bytes.
    pub fn offset(&self) -> Option<u32> {
        let found = self.0.flatten().find(|attr| attr.kind == EXT_ACK_OFFSET)?;
        found.u32_ne("extended ack/offset").ok()
    }
}

/// Whether a datagram is the acknowledgement of the request `sequence` and nothing
/// else: the usual answer to a change, without a look at all that it could be.
#[inline]
pub fn is_ack(datagram: &[u8], sequence: u32) -> bool {
    let Some(start) = datagram.first_chunk::<{ HEADER_LEN + 4 }>() else { return false };
    let [header @ .., c0, c1, c2, c3] = *start;
    let header = Header::from_bytes(header);
    header.message_type == NLMSG_ERROR
        && header.sequence == sequence
        && i32::from_ne_bytes([c0, c1, c2, c3]) == 0
        && usize::try_from(header.length).is_ok_and(|length| length == datagram.len())
}

/// The messages of a datagram, in order.
///
/// After an error the iteration ends: where the next message would start is not known.
#[derive(Clone, Copy, Debug)]
pub struct Messages<'a>(&'a [u8]);

impl<'a> Messages<'a> {
    /// The messages in `datagram`.
    pub fn new(datagram: &'a [u8]) -> Self {
        Self(datagram)
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Result<Message<'a>, DecodeError>;

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        // Taken, so that an error and the end both leave nothing behind.
        let bytes = std::mem::take(&mut self.0);
        if bytes.is_empty() {
            return None;
        }
        let (header, body, rest) = match split(bytes) {
            Ok(parts) => parts,
            Err(error) => return Some(Err(error)),
        };
        match Payload::parse(header, body) {
            Ok(payload) => {
                self.0 = rest;
                Some(Ok(Message { header, payload }))
            }
            Err(error) => Some(Err(error)),
        }
    }
}

/// The first message's header and body, and what follows it.
#[inline(always)]
fn split(bytes: &[u8]) -> Result<(Header, &[u8], &[u8]), DecodeError> {
    let at = "message";
    let Some((head, _)) = bytes.split_first_chunk::<HEADER_LEN>() else {
        return Err(DecodeError::Truncated { at, need: HEADER_LEN, have: bytes.len() });
    };
    let header = Header::from_bytes(*head);
    let length = usize::try_from(header.length).unwrap_or(usize::MAX);
    let Some(body) = bytes.get(HEADER_LEN..length) else {
        return Err(DecodeError::Truncated { at, need: length.max(HEADER_LEN), have: bytes.len() });
    };
    // `body` exists, so `length` is at most the slice's and cannot overflow.
    let rest = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    Ok((header, body, rest))
}

impl Header {
    #[inline(always)]
    fn from_bytes(bytes: [u8; HEADER_LEN]) -> Self {
        let [l0, l1, l2, l3, t0, t1, f0, f1, s0, s1, s2, s3, p0, p1, p2, p3] = bytes;
        Self {
            length: u32::from_ne_bytes([l0, l1, l2, l3]),
            message_type: u16::from_ne_bytes([t0, t1]),
            flags: u16::from_ne_bytes([f0, f1]),
            sequence: u32::from_ne_bytes([s0, s1, s2, s3]),
            port: u32::from_ne_bytes([p0, p1, p2, p3]),
        }
    }
}

impl<'a> Payload<'a> {
    #[inline(always)]
    fn parse(header: Header, body: &'a [u8]) -> Result<Self, DecodeError> {
        match header.message_type {
            NLMSG_NOOP => Ok(Self::Noop),
            NLMSG_OVERRUN => Ok(Self::Overrun),
            NLMSG_ERROR => Self::parse_error(header, body),
            NLMSG_DONE => Ok(Self::parse_done(header, body)),
            ..FIRST_FAMILY => Ok(Self::Other),
            _ => {
                let ([command, version, _, _], rest) = split_four(body, "message/generic header")?;
                Ok(Self::Data { command, version, attrs: Attrs::new(rest, "message") })
            }
        }
    }

    /// `af_netlink.c: netlink_ack`: the code, the header of the request, the
    /// rest of the request unless capped, attributes if flagged.
    #[inline(never)]
    fn parse_error(header: Header, body: &'a [u8]) -> Result<Self, DecodeError> {
        let (code, rest) = split_four(body, "error/code")?;
        let tlvs = if header.flags & NLM_F_ACK_TLVS == 0 {
            &[]
        } else if header.flags & NLM_F_CAPPED == 0 {
            split(rest).map_or(&[][..], |(_, _, tlvs)| tlvs)
        } else {
            rest.get(HEADER_LEN..).unwrap_or_default()
        };
        let ext = ExtAck(Attrs::new(tlvs, "extended ack"));
        Ok(match NonZeroI32::new(i32::from_ne_bytes(code)) {
            None => Self::Ack(ext),
            Some(code) => Self::Error { code, ext },
        })
    }

    /// The kernel may leave the code out (`af_netlink.c: netlink_dump_done`
    /// does not, older ones did).
    #[inline(never)]
    fn parse_done(header: Header, body: &'a [u8]) -> Self {
        let (code, rest) = split_four(body, "done/code").unwrap_or_default();
        let tlvs = if header.flags & NLM_F_ACK_TLVS == 0 { &[] } else { rest };
        Self::Done { code: i32::from_ne_bytes(code), ext: ExtAck(Attrs::new(tlvs, "extended ack")) }
    }
}

fn split_four<'a>(bytes: &'a [u8], at: &'static str) -> Result<([u8; 4], &'a [u8]), DecodeError> {
    match bytes.split_first_chunk() {
        Some((head, rest)) => Ok((*head, rest)),
        None => Err(DecodeError::Truncated { at, need: 4, have: bytes.len() }),
    }
}

/// Appends the kernel's answer to a request: an acknowledgement for code 0,
/// otherwise an error (negative). For fakes and recorders.
///
/// As with `NETLINK_CAP_ACK`, the answer has the request's header only.
pub fn encode_answer(request: Header, code: i32, out: &mut Vec<u8>) {
    encode_own(NLMSG_ERROR, NLM_F_CAPPED, request, code, &request.to_bytes(), out);
}

/// Appends the end of the dump that `request` asked for. For fakes and recorders.
pub fn encode_done(request: Header, code: i32, out: &mut Vec<u8>) {
    encode_own(NLMSG_DONE, NLM_F_MULTIPART, request, code, &[], out);
}

fn encode_own(
    message_type: u16,
    flags: u16,
    request: Header,
    code: i32,
    rest: &[u8],
    out: &mut Vec<u8>,
) {
    let start = out.len();
    let Header { sequence, port, .. } = request;
    out.put(&Header { length: 0, message_type, flags, sequence, port }.to_bytes());
    out.put(&code.to_ne_bytes());
    out.put(rest);
    // Of a header, a code and at most another header.
    let length = u32::try_from(out.len() - start).unwrap_or(u32::MAX);
    out.patch(start, &length.to_ne_bytes());
}

impl Header {
    fn to_bytes(self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        let mut out = put::Slice::new(&mut bytes);
        out.put(&self.length.to_ne_bytes());
        out.put(&self.message_type.to_ne_bytes());
        out.put(&self.flags.to_ne_bytes());
        out.put(&self.sequence.to_ne_bytes());
        out.put(&self.port.to_ne_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: Header =
        Header { length: 108, message_type: 0x20, flags: 5, sequence: 7, port: 9 };

    fn payloads(datagram: &[u8]) -> Vec<Result<Payload<'_>, DecodeError>> {
        Messages::new(datagram).map(|message| message.map(|message| message.payload)).collect()
    }

    fn message(message_type: u16, flags: u16, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(HEADER_LEN + body.len()).unwrap();
        let header = Header { length, message_type, flags, sequence: 7, port: 9 };
        let mut bytes = header.to_bytes().to_vec();
        bytes.extend(body);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    #[test]
    fn several_messages_come_out_in_order() {
        let mut datagram = Vec::new();
        encode_answer(REQUEST, 0, &mut datagram);
        encode_answer(REQUEST, -17, &mut datagram);
        encode_done(REQUEST, 0, &mut datagram);
        let code = NonZeroI32::new(-17).unwrap();
        assert_eq!(
            payloads(&datagram),
            [
                Ok(Payload::Ack(ExtAck::NONE)),
                Ok(Payload::Error { code, ext: ExtAck::NONE }),
                Ok(Payload::Done { code: 0, ext: ExtAck::NONE }),
            ]
        );
        for message in Messages::new(&datagram) {
            let header = message.unwrap().header;
            assert_eq!((header.sequence, header.port), (7, 9));
        }
    }

    #[test]
    fn an_acknowledgement_alone_is_seen_at_once() {
        let mut ack = Vec::new();
        encode_answer(REQUEST, 0, &mut ack);
        assert!(is_ack(&ack, 7));
        assert!(!is_ack(&ack, 8));
        assert!((0..ack.len()).all(|len| !is_ack(&ack[..len], 7)));
        assert!(!is_ack(&ack.repeat(2), 7));
        for other in [-17, 1] {
            let mut error = Vec::new();
            encode_answer(REQUEST, other, &mut error);
            assert!(!is_ack(&error, 7));
        }
        assert!(!is_ack(&message(NLMSG_DONE, 2, &ack[HEADER_LEN..]), 7));
    }

    #[test]
    fn a_dump_that_failed_says_so() {
        let mut datagram = Vec::new();
        encode_done(REQUEST, -4, &mut datagram);
        assert_eq!(payloads(&datagram), [Ok(Payload::Done { code: -4, ext: ExtAck::NONE })]);
    }

    #[test]
    fn done_without_a_code_is_a_good_end() {
        let datagram = message(NLMSG_DONE, 2, b"");
        assert_eq!(payloads(&datagram), [Ok(Payload::Done { code: 0, ext: ExtAck::NONE })]);
    }

    #[test]
    fn an_unpadded_last_message_is_read() {
        let mut body = vec![1, 1, 0, 0];
        put::attr(&mut body, 1, &[0xaa]);
        let mut datagram = message(0x20, 0, &body[..9]);
        datagram.truncate(HEADER_LEN + 9);
        let Ok(Payload::Data { command: 1, version: 1, mut attrs }) = payloads(&datagram)[0] else {
            panic!("not data");
        };
        assert_eq!(attrs.next().unwrap().unwrap().value, [0xaa]);
    }

    #[test]
    fn lengths_below_the_header_and_beyond_the_datagram_are_errors() {
        for (length, need) in [(0u32, 16), (15, 16), (37, 37), (u32::MAX, 0xffff_ffff)] {
            let mut datagram = Vec::new();
            encode_answer(REQUEST, 0, &mut datagram);
            datagram[..4].copy_from_slice(&length.to_ne_bytes());
            let error = DecodeError::Truncated { at: "message", need, have: 36 };
            assert_eq!(payloads(&datagram), [Err(error)]);
        }
    }

    #[test]
    fn data_without_a_generic_header_is_an_error() {
        let error = DecodeError::Truncated { at: "message/generic header", need: 4, have: 2 };
        let datagram = message(0x20, 0, &[1, 1]);
        assert_eq!(payloads(&datagram), [Err(error)]);
    }

    /// Of a kernel with `NETLINK_EXT_ACK` and `NETLINK_CAP_ACK` set: a code,
    /// the request's header, the attributes.
    #[test]
    fn extended_acks_are_read_capped_and_uncapped() {
        let mut tlvs = Vec::new();
        put::string(&mut tlvs, EXT_ACK_MESSAGE, b"Attribute failed policy validation");
        put::attr(&mut tlvs, EXT_ACK_OFFSET, &20u32.to_ne_bytes());
        let request = message(0x20, 5, &[12, 1, 0, 0, 5, 0, 4, 0, 1, 0, 0, 0]);
        for (flags, original) in [
            (NLM_F_ACK_TLVS | NLM_F_CAPPED, &request[..HEADER_LEN]),
            (NLM_F_ACK_TLVS, &request[..]),
        ] {
            let body = [&(-22i32).to_ne_bytes()[..], original, &tlvs].concat();
            let datagram = message(NLMSG_ERROR, flags, &body);
            let Ok(Payload::Error { code, ext }) = payloads(&datagram)[0] else {
                panic!("not an error");
            };
            assert_eq!(code.get(), -22);
            assert_eq!(ext.text(), Some(&b"Attribute failed policy validation"[..]));
            assert_eq!(ext.offset(), Some(20));
        }
    }

    #[test]
    fn a_message_after_one_of_odd_length_starts_at_the_next_multiple_of_four() {
        let mut datagram = message(0x20, 0, &[1, 1, 0, 0, 0xaa]);
        assert_eq!(datagram.len(), 24);
        encode_done(REQUEST, 0, &mut datagram);
        let read = payloads(&datagram);
        assert!(matches!(read[0], Ok(Payload::Data { .. })));
        assert_eq!(read[1..], [Ok(Payload::Done { code: 0, ext: ExtAck::NONE })]);
    }

    #[test]
    fn done_has_its_extended_ack_after_the_code_and_only_if_flagged() {
        let mut body = (-5i32).to_ne_bytes().to_vec();
        put::string(&mut body, EXT_ACK_MESSAGE, b"why");
        for (flags, text) in [(NLM_F_ACK_TLVS, Some(&b"why"[..])), (NLM_F_MULTIPART, None)] {
            let datagram = message(NLMSG_DONE, flags, &body);
            let Ok(Payload::Done { code: -5, ext }) = payloads(&datagram)[0] else {
                panic!("not the end");
            };
            assert_eq!(ext.text(), text);
        }
        // Too short for a code: nothing behind it either.
        let datagram = message(NLMSG_DONE, NLM_F_ACK_TLVS, &[1, 2]);
        assert_eq!(payloads(&datagram), [Ok(Payload::Done { code: 0, ext: ExtAck::NONE })]);
    }

    #[test]
    fn what_follows_an_error_is_no_extended_ack_unless_flagged() {
        let mut body = (-22i32).to_ne_bytes().to_vec();
        body.extend(REQUEST.to_bytes());
        put::string(&mut body, EXT_ACK_MESSAGE, b"not said");
        let datagram = message(NLMSG_ERROR, NLM_F_CAPPED, &body);
        let Ok(Payload::Error { ext, .. }) = payloads(&datagram)[0] else { panic!("no error") };
        assert_eq!((ext.text(), ext.offset()), (None, None));
    }

    #[test]
    fn netlinks_other_messages_are_told_apart() {
        assert_eq!(payloads(&message(NLMSG_NOOP, 0, b"")), [Ok(Payload::Noop)]);
        assert_eq!(payloads(&message(NLMSG_OVERRUN, 0, b"")), [Ok(Payload::Overrun)]);
        assert_eq!(payloads(&message(9, 0, b"")), [Ok(Payload::Other)]);
    }
}
