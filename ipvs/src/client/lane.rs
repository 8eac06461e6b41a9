//! One transport: requests and their answers, matched by sequence number.

use crate::Change;
use crate::diagnosis::{NoIpvs, Permission};
use crate::error::Failure;
use crate::transport::{Received, Transport};
use ipvs_sys::family::{GetFamily, NLCTRL, NewFamily};
use ipvs_sys::{Attrs, Command, ExtAck, Message, Messages, Payload, TooLong, encode_into, is_ack};
use std::io;

/// A transport with the buffers and numbers of what goes over it.
pub(super) struct Lane<T> {
    pub(super) transport: T,
    sequence: u32,
    /// Whether a listing was begun whose end has not been received.
    listing: bool,
    send: Vec<u8>,
    receive: Box<[u8]>,
}

/// What is written to the start of its room, with its length returned.
pub(super) trait Request {
    fn encode(
        &self,
        family: u16,
        flags: u16,
        sequence: u32,
        room: &mut Room,
    ) -> Result<usize, TooLong>;
}

impl<C: Command> Request for C {
    #[inline]
    fn encode(
        &self,
        family: u16,
        flags: u16,
        sequence: u32,
        room: &mut Room,
    ) -> Result<usize, TooLong> {
        encode_into(self, family, flags, sequence, room)
    }
}

impl Request for Change {
    #[inline]
    fn encode(
        &self,
        family: u16,
        flags: u16,
        sequence: u32,
        room: &mut Room,
    ) -> Result<usize, TooLong> {
        self.encode(family, flags, sequence, room)
    }
}

pub(super) const ACK: u16 = 0x4;
const REQUEST: u16 = 0x1;
const DUMP: u16 = 0x300;
/// Set on a part of a listing that changed underneath (`NLM_F_DUMP_INTR`).
const INTERRUPTED: u16 = 0x10;

/// The longest datagram that the kernel makes for a listing
/// (`af_netlink.c: netlink_recvmsg` caps what it remembers of a reader's buffer). A
/// buffer that holds it makes the listing of many services cheap, as the kernel
/// walks its table from the start for each datagram.
pub(super) const LONGEST: usize = 32 * 1024;

impl<T: Transport> Lane<T> {
    /// A lane that offers a receive buffer of so many bytes.
    pub(super) fn new(transport: T, buffer: usize) -> Self {
        let receive = vec![0; buffer].into_boxed_slice();
        Self { transport, sequence: 0, listing: false, send: vec![0; REQUEST_ROOM], receive }
    }

    /// Asks for the number of the IPVS family.
    pub(super) fn resolve(&mut self) -> Result<u16, Failure> {
        let get = GetFamily { name: b"IPVS" };
        let answer = self.exchange(&get, NLCTRL, 0, |payload| match payload {
            Payload::Data { attrs, .. } => {
                Some(NewFamily::parse(attrs).map(|family| family.id).map_err(Failure::from))
            }
            _ => None,
        });
        match answer {
            Err(Failure::Errno { errno: libc::ENOENT, .. }) => Err(Failure::NoIpvs(NoIpvs::find())),
            other => other,
        }
    }

    /// One send, one receive: the first answer that `read` takes.
    pub(super) fn exchange<R>(
        &mut self,
        request: &impl Request,
        family: u16,
        flags: u16,
        read: impl Fn(Payload<'_>) -> Option<Result<R, Failure>>,
    ) -> Result<R, Failure> {
        self.send(request, family, flags)?;
        while let Some(datagram) = receive(&mut self.transport, &mut self.receive)? {
            if is_ack(datagram, self.sequence) {
                if let Some(read) = read(Payload::Ack(ExtAck::NONE)) {
                    return read;
                }
            }
            if let Some(read) = answer(datagram, self.sequence, &read)? {
                return Ok(read);
            }
        }
        Err(Failure::NoAnswer)
    }

    /// Sends a command that is answered by a list, and reads each part. Returns
    /// how long the list was, in bytes.
    ///
    /// After an error the rest of the list is still received, so that the
    /// socket is ready for the next.
    pub(super) fn list(
        &mut self,
        request: &impl Request,
        family: u16,
        mut each: impl FnMut(Attrs<'_>) -> Result<(), Failure>,
    ) -> Result<usize, Failure> {
        match self.list_once(request, family, &mut each) {
            Err(Failure::Errno { errno: libc::EBUSY, .. }) => {
                // The end of an earlier listing was lost to an overrun: the kernel
                // goes on with it whenever something is received.
                self.listing = true;
                self.list_once(request, family, &mut each)
            }
            result => result,
        }
    }

    fn list_once(
        &mut self,
        request: &impl Request,
        family: u16,
        each: &mut impl FnMut(Attrs<'_>) -> Result<(), Failure>,
    ) -> Result<usize, Failure> {
        self.send(request, family, DUMP)?;
        self.listing = true;
        let (mut result, mut bytes) = (Ok(()), 0);
        while self.listing {
            let datagram = match receive(&mut self.transport, &mut self.receive) {
                Ok(Some(datagram)) => datagram,
                Ok(None) => {
                    self.listing = false;
                    result = first_of(result, Failure::NoAnswer);
                    break;
                }
                Err(failure @ Failure::Io(_)) => return Err(failure),
                Err(failure) => {
                    result = first_of(result, failure);
                    continue;
                }
            };
            let mut has_data = false;
            for message in Messages::new(datagram) {
                let Message { header, payload } = match message {
                    Ok(message) if message.header.sequence == self.sequence => message,
                    Ok(_) => continue,
                    Err(error) => {
                        result = first_of(result, error.into());
                        continue;
                    }
                };
                if header.flags & INTERRUPTED != 0 {
                    result = first_of(result, Failure::DumpInterrupted);
                }
                match payload {
                    Payload::Data { attrs, .. } => {
                        has_data = true;
                        if result.is_ok() {
                            if let Err(failure) = each(attrs) {
                                result = Err(failure);
                            }
                        }
                    }
                    Payload::Done { code, .. } => {
                        self.listing = false;
                        if code != 0 {
                            result = first_of(result, Failure::DumpFailed(code.saturating_neg()));
                        }
                    }
                    Payload::Error { code, ext } => {
                        self.listing = false;
                        result = first_of(result, refusal(code.get(), ext));
                    }
                    _ => {}
                }
            }
            bytes += if has_data { datagram.len() } else { 0 };
        }
        self.make_room(&result);
        result.map(|()| bytes)
    }

    /// Sends changes in one datagram, of which the kernel acknowledges the last,
    /// and gives `each` what it answers, with the position of the change: why it
    /// failed, or that the last was carried out.
    ///
    /// # Errors
    ///
    /// Answers were lost. A change for which none came may have failed too.
    pub(super) fn exchange_all<'c>(
        &mut self,
        changes: impl ExactSizeIterator<Item = &'c Change>,
        family: u16,
        mut each: impl FnMut(usize, Result<(), Failure>),
    ) -> Result<(), Failure> {
        self.end_listing()?;
        let first = self.sequence.wrapping_add(1);
        let (mut len, mut left) = (0, changes.len());
        if self.send.len() < left * REQUEST_ROOM {
            self.send.resize(left * REQUEST_ROOM, 0);
        }
        for change in changes {
            left -= 1;
            self.sequence = self.sequence.wrapping_add(1);
            let flags = if left == 0 { REQUEST | ACK } else { REQUEST };
            let room = room(self.send.get_mut(len..).unwrap_or_default())?;
            len += change.encode(family, flags, self.sequence, room).map_err(unsendable)?;
        }
        self.transport.send(self.send.get(..len).unwrap_or_default())?;
        let (mut result, mut answered) = (Ok(()), false);
        while !answered {
            let datagram = match receive(&mut self.transport, &mut self.receive) {
                Ok(Some(datagram)) => datagram,
                Ok(None) => return first_of(result, Failure::NoAnswer),
                Err(failure @ Failure::Io(_)) => return Err(failure),
                Err(failure) => {
                    result = first_of(result, failure);
                    continue;
                }
            };
            for message in Messages::new(datagram) {
                let Message { header, payload } = match message {
                    Ok(message) => message,
                    Err(error) => {
                        result = first_of(result, error.into());
                        break;
                    }
                };
                let position = header.sequence.wrapping_sub(first);
                if position > self.sequence.wrapping_sub(first) {
                    // A late answer to a request that was given up.
                    continue;
                }
                answered |= header.sequence == self.sequence;
                let position = usize::try_from(position).unwrap_or(usize::MAX);
                match payload {
                    Payload::Ack(_) => each(position, Ok(())),
                    Payload::Error { code, ext } => each(position, Err(refusal(code.get(), ext))),
                    _ => {}
                }
            }
        }
        result
    }

    fn send(&mut self, request: &impl Request, family: u16, flags: u16) -> Result<(), Failure> {
        self.end_listing()?;
        self.sequence = self.sequence.wrapping_add(1);
        let len = request
            .encode(family, flags | REQUEST, self.sequence, room(&mut self.send)?)
            .map_err(unsendable)?;
        Ok(self.transport.send(self.send.get(..len).unwrap_or_default())?)
    }

    /// The kernel refuses a second listing on a socket before the first has
    /// ended. One is left open when a caller's closure panics, or when its end was
    /// lost.
    fn end_listing(&mut self) -> Result<(), Failure> {
        while self.listing {
            match receive(&mut self.transport, &mut self.receive) {
                Ok(None) => self.listing = false,
                Err(failure @ Failure::Io(_)) => return Err(failure),
                // Whatever else is left of it is of no interest.
                Ok(Some(_)) | Err(_) => {}
            }
        }
        Ok(())
    }

    /// After a datagram that was longer than expected: the next listing finds a
    /// buffer that holds any.
    fn make_room(&mut self, result: &Result<(), Failure>) {
        if let Err(Failure::Truncated { .. }) = result {
            if self.receive.len() < LONGEST {
                self.receive = vec![0; LONGEST].into_boxed_slice();
            }
        }
    }
}

/// The room for one request. Of a known length, so that the compiler knows what fits.
pub(crate) type Room = [u8; REQUEST_ROOM];

/// More than any request of ours takes: names are of sixteen bytes at most.
const REQUEST_ROOM: usize = 256;

#[inline]
fn room(buffer: &mut [u8]) -> io::Result<&mut Room> {
    let room = buffer.len();
    buffer.first_chunk_mut().ok_or_else(|| unsendable(TooLong { len: REQUEST_ROOM, room }))
}

fn unsendable(error: TooLong) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, error)
}

/// The next datagram; `None` when nothing is queued.
fn receive<'a, T: Transport>(
    transport: &mut T,
    buffer: &'a mut [u8],
) -> Result<Option<&'a [u8]>, Failure> {
    let room = buffer.len();
    match transport.receive(buffer)? {
        Received::Datagram(len) => match buffer.get(..len) {
            Some(datagram) => Ok(Some(datagram)),
            None => Err(Failure::Truncated { len, room }),
        },
        Received::Truncated(len) => Err(Failure::Truncated { len, room }),
        Received::Empty => Ok(None),
        Received::Overrun => Err(Failure::Overrun),
    }
}

/// The first answer to the request `sequence` in a datagram that `read` takes. Apart,
/// so that the usual answer to a change is looked at without room for all this.
#[inline(never)]
fn answer<R>(
    datagram: &[u8],
    sequence: u32,
    read: impl Fn(Payload<'_>) -> Option<Result<R, Failure>>,
) -> Result<Option<R>, Failure> {
    for message in Messages::new(datagram) {
        let Message { header, payload } = message?;
        if header.sequence != sequence {
            // A late answer to a request that was given up.
            continue;
        }
        if let Payload::Error { code, ext } = payload {
            return Err(refusal(code.get(), ext));
        }
        if let Some(read) = read(payload) {
            return read.map(Some);
        }
    }
    Ok(None)
}

/// Of several failures, the first.
fn first_of(result: Result<(), Failure>, failure: Failure) -> Result<(), Failure> {
    result.and(Err(failure))
}

fn refusal(code: i32, ext: ExtAck<'_>) -> Failure {
    match code.saturating_neg() {
        libc::EPERM => Failure::Permission(Permission::find()),
        errno => {
            let text = ext.text().map(|text| String::from_utf8_lossy(text).into());
            Failure::Errno { errno, text }
        }
    }
}
