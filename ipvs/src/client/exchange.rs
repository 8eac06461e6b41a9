//! Requests and their answers, matched by sequence number.

use super::Client;
use crate::diagnosis::{NoIpvs, Permission};
use crate::error::Failure;
use crate::transport::{Received, Transport};
use ipvs_sys::family::{GetFamily, NLCTRL, NewFamily};
use ipvs_sys::{Attrs, Command, ExtAck, Message, Messages, Payload, encode};

const REQUEST: u16 = 0x1;
const ACK: u16 = 0x4;
const DUMP: u16 = 0x300;
/// Set on a part of a listing that changed underneath (`NLM_F_DUMP_INTR`).
const INTERRUPTED: u16 = 0x10;

impl<T: Transport> Client<T> {
    /// Sends a command that is answered by an acknowledgement.
    pub(super) fn ack<C: Command>(&mut self, command: &C) -> Result<(), Failure> {
        self.exchange(command, ACK, |_| Ok(()))
    }

    /// Sends a command that is answered by one message, and reads that.
    pub(super) fn get<C: Command, R>(
        &mut self,
        command: &C,
        read: impl FnMut(Attrs<'_>) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        self.exchange(command, 0, read)
    }

    /// Sends a command that is answered by a list, and reads each part.
    ///
    /// After an error the rest of the list is still received, so that the
    /// socket is ready for the next.
    pub(super) fn dump<C: Command>(
        &mut self,
        command: &C,
        mut each: impl FnMut(Attrs<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.send(command, self.family, DUMP)?;
        let mut result = Ok(());
        loop {
            let datagram = match receive(&mut self.transport, &mut self.receive) {
                Ok(Some(datagram)) => datagram,
                Ok(None) => return first_of(result, Failure::NoAnswer),
                Err(failure @ Failure::Io(_)) => return first_of(result, failure),
                Err(failure) => {
                    result = first_of(result, failure);
                    continue;
                }
            };
            for message in Messages::new(datagram) {
                let message = match message {
                    Ok(message) if message.header.sequence == self.sequence => message,
                    Ok(_) => continue,
                    Err(error) => {
                        result = first_of(result, error.into());
                        continue;
                    }
                };
                if message.header.flags & INTERRUPTED != 0 {
                    result = first_of(result, Failure::DumpInterrupted);
                }
                match message.payload {
                    Payload::Data { attrs, .. } if result.is_ok() => result = each(attrs),
                    Payload::Done { code: 0, .. } => return result,
                    Payload::Done { code, .. } => {
                        return first_of(result, Failure::DumpFailed(code.saturating_neg()));
                    }
                    Payload::Error { code, ext } => {
                        return first_of(result, refusal(code.get(), ext));
                    }
                    _ => {}
                }
            }
        }
    }

    /// Asks for the number of the IPVS family.
    pub(super) fn resolve(&mut self) -> Result<u16, Failure> {
        let answer = self.exchange_with(&GetFamily { name: b"IPVS" }, NLCTRL, 0, |attrs| {
            Ok(NewFamily::parse(attrs)?.id)
        });
        match answer {
            Err(Failure::Errno { errno: libc::ENOENT, .. }) => Err(Failure::NoIpvs(NoIpvs::find())),
            other => other,
        }
    }

    fn exchange<C: Command, R>(
        &mut self,
        command: &C,
        flags: u16,
        mut read: impl FnMut(Attrs<'_>) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        let first = self.exchange_with(command, self.family, flags, &mut read);
        let Err(Failure::Errno { errno: libc::ENOENT, .. }) = first else { return first };
        // ENOENT is also the answer to a family number that no longer holds,
        // because the module was loaded anew.
        let family = self.resolve()?;
        if family == self.family {
            return first;
        }
        self.family = family;
        self.exchange_with(command, family, flags, read)
    }

    /// One send, one receive.
    fn exchange_with<C: Command, R>(
        &mut self,
        command: &C,
        family: u16,
        flags: u16,
        mut read: impl FnMut(Attrs<'_>) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        self.send(command, family, flags)?;
        while let Some(datagram) = receive(&mut self.transport, &mut self.receive)? {
            for message in Messages::new(datagram) {
                let Message { header, payload } = message?;
                if header.sequence != self.sequence {
                    // A late answer to a request that was given up.
                    continue;
                }
                match payload {
                    // A command with ACK has no data to read, so an empty run
                    // of attributes stands for it.
                    Payload::Ack(_) => return read(Attrs::new(&[], "acknowledgement")),
                    Payload::Data { attrs, .. } => return read(attrs),
                    Payload::Error { code, ext } => return Err(refusal(code.get(), ext)),
                    _ => {}
                }
            }
        }
        Err(Failure::NoAnswer)
    }

    fn send<C: Command>(&mut self, command: &C, family: u16, flags: u16) -> Result<(), Failure> {
        self.sequence = self.sequence.wrapping_add(1);
        self.send.clear();
        encode(command, family, flags | REQUEST, self.sequence, &mut self.send)?;
        Ok(self.transport.send(&self.send)?)
    }
}

/// The next datagram; `None` when nothing is queued.
fn receive<'a, T: Transport>(
    transport: &mut T,
    buffer: &'a mut [u8],
) -> Result<Option<&'a [u8]>, Failure> {
    let room = buffer.len();
    match transport.receive(buffer)? {
        Received::Datagram(len) => Ok(Some(buffer.get(..len).unwrap_or_default())),
        Received::Empty => Ok(None),
        Received::Truncated(len) => Err(Failure::Truncated { len, room }),
        Received::Overrun => Err(Failure::Overrun),
    }
}

/// Of several failures of one listing, the first.
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
