//! Datagrams of rtnetlink, and the messages in them. Reading them never panics, and
//! allocates only for what an error says.

use super::error::Cause;
use super::retry::retry;
use ipvs::ipvs_sys::{HEADER_LEN, Messages, Payload};
use netlink_packet_core::NLM_F_DUMP_INTR;
use netlink_sys::Socket;
use nix::errno::Errno;

/// What a datagram is.
pub(super) enum Received<'a> {
    Datagram(&'a [u8]),
    Empty,
    /// Longer than the buffer.
    Truncated,
    /// Datagrams before this one were lost.
    Overrun,
}

impl<'a> Received<'a> {
    /// The datagram, where there has to be one: the kernel has queued its answers when a
    /// send returns.
    pub(super) fn answer(self) -> Result<&'a [u8], Cause> {
        match self {
            Self::Datagram(datagram) => Ok(datagram),
            Self::Empty => Err(Cause::NoAnswer),
            Self::Truncated => Err(Cause::Malformed),
            Self::Overrun => Err(Cause::Overrun),
        }
    }
}

/// Receives what is queued; never waits.
pub(super) fn receive<'a>(socket: &Socket, buffer: &'a mut [u8]) -> Result<Received<'a>, Cause> {
    let room = buffer.len();
    let flags = libc::MSG_DONTWAIT | libc::MSG_TRUNC;
    match retry(|| socket.recv(&mut &mut *buffer, flags)) {
        Ok(length) if length > room => Ok(Received::Truncated),
        Ok(length) => Ok(Received::Datagram(buffer.get(..length).unwrap_or_default())),
        Err(error) => match error.raw_os_error() {
            Some(libc::EAGAIN) => Ok(Received::Empty),
            Some(libc::ENOBUFS) => Ok(Received::Overrun),
            _ => Err(error.into()),
        },
    }
}

/// What a message says.
pub(super) enum Message<'a> {
    Error(Cause),
    Done,
    /// An object.
    Data {
        /// `RTM_*`.
        kind: u16,
        body: &'a [u8],
        /// What is listed changed during the listing.
        interrupted: bool,
    },
    /// An acknowledgement, or nothing.
    Other,
}

/// The messages of a datagram, each with its sequence number.
pub(super) fn messages(datagram: &[u8]) -> impl Iterator<Item = Result<(u32, Message<'_>), Cause>> {
    let mut rest = datagram;
    Messages::new(datagram).map(move |message| {
        let message = message.map_err(|_| Cause::Malformed)?;
        let header = message.header;
        let length = usize::try_from(header.length).unwrap_or(usize::MAX);
        let body = rest.get(HEADER_LEN..length).unwrap_or_default();
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        let interrupted = header.flags & NLM_F_DUMP_INTR != 0;
        let refused = |code: i32, text: Option<&[u8]>| {
            let text = text.map(|text| String::from_utf8_lossy(text).into());
            Message::Error(Cause::Refused { errno: Errno::from_raw(code.wrapping_neg()), text })
        };
        let message = match message.payload {
            Payload::Error { code, ext } => refused(code.get(), ext.text()),
            Payload::Done { code: 0, .. } if interrupted => Message::Error(Cause::Interrupted),
            Payload::Done { code: 0, .. } => Message::Done,
            Payload::Done { code, ext } => refused(code, ext.text()),
            Payload::Data { .. } => Message::Data { kind: header.message_type, body, interrupted },
            _ => Message::Other,
        };
        Ok((header.sequence, message))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFUSED: &[u8] = include_bytes!("testdata/refused_exists.bin");
    const ACKNOWLEDGED: &[u8] = include_bytes!("testdata/acknowledged.bin");
    const ADDRESSES: &[u8] = include_bytes!("testdata/addresses_v6.bin");
    const NO_INTERFACE: &[u8] = include_bytes!("testdata/addresses_no_interface.bin");

    fn all(datagram: &[u8]) -> Vec<(u32, Message<'_>)> {
        messages(datagram).map(|message| message.ok().unwrap()).collect()
    }

    #[test]
    fn a_refusal_has_the_error_number_and_the_kernels_text() {
        let all = all(REFUSED);
        let [(7, Message::Error(Cause::Refused { errno: Errno::EEXIST, text }))] = &all[..] else {
            panic!("another message");
        };
        assert_eq!(text.as_deref(), Some("ipv4: Address already assigned"));
        assert!(matches!(self::all(ACKNOWLEDGED)[..], [(7, Message::Other)]));
    }

    #[test]
    fn a_listing_that_ends_with_an_error_is_no_short_listing() {
        let enodev = Errno::ENODEV;
        assert!(matches!(
            all(NO_INTERFACE)[..],
            [(7, Message::Error(Cause::Refused { errno, text: None }))] if errno == enodev
        ));
    }

    #[test]
    fn a_listing_that_changed_underneath_is_told_by_each_of_its_parts() {
        let listed = all(ADDRESSES);
        let [(7, first), (7, second), (7, Message::Done)] = &listed[..] else {
            panic!("another listing");
        };
        for message in [first, second] {
            let Message::Data { kind, body, interrupted } = message else { panic!("no data") };
            assert_eq!((*kind, *interrupted), (libc::RTM_NEWADDR, false));
            assert!(body.len() == 56 || body.len() == 64);
        }
        // The flags of the first, and of the end.
        let mut datagram = ADDRESSES.to_vec();
        datagram[6] |= 0x10;
        assert!(matches!(
            all(&datagram)[..],
            [(_, Message::Data { interrupted: true, .. }), _, (_, Message::Done)]
        ));
        let mut datagram = ADDRESSES.to_vec();
        datagram[152 + 6] |= 0x10;
        assert!(matches!(all(&datagram)[..], [_, _, (_, Message::Error(Cause::Interrupted))]));
    }

    #[test]
    fn a_datagram_that_ends_within_a_message_is_an_error() {
        for length in 1..ADDRESSES.len() {
            let cut = messages(&ADDRESSES[..length]).last().unwrap();
            // The first message ends at 72 bytes, the second at 152.
            assert_eq!(cut.is_err(), ![72, 152].contains(&length), "{length}");
        }
    }
}
