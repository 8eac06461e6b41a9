//! Requests and their answers, matched by sequence number.

use super::Client;
use crate::Rule;
use crate::diagnosis::{NoIpvs, Permission};
use crate::error::Failure;
use crate::transport::{Received, Transport};
use ipvs_sys::family::{GetFamily, NLCTRL, NewFamily};
use ipvs_sys::{Attrs, Command, ExtAck, Message, Messages, Payload, encode};
use std::io;

const REQUEST: u16 = 0x1;
const ACK: u16 = 0x4;
const DUMP: u16 = 0x300;
/// Set on a part of a listing that changed underneath (`NLM_F_DUMP_INTR`).
const INTERRUPTED: u16 = 0x10;

impl<T: Transport> Client<T> {
    /// Sends a command that is answered by an acknowledgement, if its values
    /// keep their rules.
    pub(super) fn checked_ack<C: Command>(
        &mut self,
        check: Result<(), Rule>,
        command: &C,
    ) -> Result<(), Failure> {
        check?;
        self.ack(command)
    }

    /// Sends a command that is answered by an acknowledgement.
    pub(super) fn ack<C: Command>(&mut self, command: &C) -> Result<(), Failure> {
        self.again_if_reloaded(|client| {
            client.exchange(command, client.family, ACK, |payload| match payload {
                Payload::Ack(_) => Some(Ok(())),
                _ => None,
            })
        })
    }

    /// Sends a command that is answered by one message, and reads that.
    pub(super) fn get<C: Command, R>(
        &mut self,
        command: &C,
        read: impl Fn(Attrs<'_>) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        self.again_if_reloaded(|client| {
            client.exchange(command, client.family, 0, |payload| match payload {
                Payload::Data { attrs, .. } => Some(read(attrs)),
                _ => None,
            })
        })
    }

    /// Sends a command that is answered by a list, and reads each part. Returns
    /// how long the list was, in bytes.
    ///
    /// After an error the rest of the list is still received, so that the
    /// socket is ready for the next.
    pub(super) fn dump<C: Command>(
        &mut self,
        command: &C,
        mut each: impl FnMut(Attrs<'_>) -> Result<(), Failure>,
    ) -> Result<usize, Failure> {
        self.again_if_reloaded(|client| client.list(command, &mut each))
    }

    fn list<C: Command>(
        &mut self,
        command: &C,
        each: &mut impl FnMut(Attrs<'_>) -> Result<(), Failure>,
    ) -> Result<usize, Failure> {
        self.send(command, self.family, DUMP)?;
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
                            result = each(attrs);
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
        result.map(|()| bytes)
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

    /// Does it again if the family's number no longer held, because the module
    /// was loaded anew: the kernel then answers ENOENT, as it also does for other
    /// reasons, and has done nothing.
    fn again_if_reloaded<R>(
        &mut self,
        mut operate: impl FnMut(&mut Self) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        let first = operate(self);
        let Err(Failure::Errno { errno: libc::ENOENT, .. }) = first else { return first };
        let family = self.resolve()?;
        if family == self.family {
            return first;
        }
        self.family = family;
        operate(self)
    }

    /// One send, one receive: the first answer that `read` takes.
    fn exchange<C: Command, R>(
        &mut self,
        command: &C,
        family: u16,
        flags: u16,
        read: impl Fn(Payload<'_>) -> Option<Result<R, Failure>>,
    ) -> Result<R, Failure> {
        self.send(command, family, flags)?;
        while let Some(datagram) = receive(&mut self.transport, &mut self.receive)? {
            for message in Messages::new(datagram) {
                let Message { header, payload } = message?;
                if header.sequence != self.sequence {
                    // A late answer to a request that was given up.
                    continue;
                }
                if let Payload::Error { code, ext } = payload {
                    return Err(refusal(code.get(), ext));
                }
                if let Some(read) = read(payload) {
                    return read;
                }
            }
        }
        Err(Failure::NoAnswer)
    }

    fn send<C: Command>(&mut self, command: &C, family: u16, flags: u16) -> Result<(), Failure> {
        // The kernel refuses a second listing on a socket before the first has
        // ended. One is left open when a caller's closure panics.
        while self.listing {
            match receive(&mut self.transport, &mut self.receive) {
                Ok(None) => self.listing = false,
                Err(failure @ Failure::Io(_)) => return Err(failure),
                // Whatever else is left of it is of no interest.
                Ok(Some(_)) | Err(_) => {}
            }
        }
        self.sequence = self.sequence.wrapping_add(1);
        self.send.clear();
        encode(command, family, flags | REQUEST, self.sequence, &mut self.send)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
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
        Received::Datagram(len) => match buffer.get(..len) {
            Some(datagram) => Ok(Some(datagram)),
            None => Err(Failure::Truncated { len, room }),
        },
        Received::Truncated(len) => Err(Failure::Truncated { len, room }),
        Received::Empty => Ok(None),
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
