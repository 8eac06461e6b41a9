//! Requests to the kernel's rtnetlink, and its answers.
//!
//! Messages are written by `netlink-packet-route`. What is read of them is little, and is
//! read attribute by attribute: one that is not as expected does not lose the others.

use super::datagram::{Message, Received, messages, receive};
use super::error::{Cause, Error};
use super::operation::Operation;
use super::retry::retry;
use netlink_packet_core::{NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NetlinkMessage};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::address::AddressMessage;
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};
use nix::errno::Errno;
use std::fmt;
use std::io;

/// Finds interfaces and changes their addresses, in the network namespace of the thread
/// that opened it.
///
/// Each call returns when the kernel has carried it out. It can be sent to another
/// thread.
pub struct Rtnetlink {
    socket: Socket,
    sequence: u32,
    send: Vec<u8>,
    receive: Vec<u8>,
}

impl Rtnetlink {
    /// Opens a socket. That needs no privilege; changes need CAP_NET_ADMIN.
    ///
    /// # Errors
    /// What the system says.
    pub fn open() -> Result<Self, Error> {
        let socket = open().map_err(|error| Error::new(Operation::OpenRtnetlink, None, error))?;
        Ok(Self { socket, sequence: 0, send: Vec::new(), receive: vec![0; LONGEST] })
    }

    /// Whether this thread may change addresses here, without a change. Otherwise that
    /// would be known only when the addresses are needed.
    ///
    /// # Errors
    /// [`Error::is_permission`].
    pub fn check_privilege(&mut self) -> Result<(), Error> {
        // The privilege is looked at first (`rtnetlink.c: rtnetlink_rcv_msg`), and no
        // interface has the number 0.
        let nothing = RouteNetlinkMessage::DelAddress(AddressMessage::default());
        match self.change(nothing, 0) {
            Err(cause @ Cause::Refused { errno: Errno::EPERM, .. }) => {
                Err(Error::new(Operation::CheckPrivilege, None, cause))
            }
            _ => Ok(()),
        }
    }

    /// One change.
    pub(super) fn change(&mut self, change: RouteNetlinkMessage, flags: u16) -> Result<(), Cause> {
        let mut results = self.changes([change], flags)?;
        results.pop().unwrap_or(Err(Cause::NoAnswer))
    }

    /// Many changes, and the result of each in their order. A failure stops none of the
    /// others.
    pub(super) fn changes(
        &mut self,
        changes: impl IntoIterator<Item = RouteNetlinkMessage>,
        flags: u16,
    ) -> Result<Vec<Result<(), Cause>>, Cause> {
        let mut changes = changes.into_iter().peekable();
        let mut results = Vec::new();
        while changes.peek().is_some() {
            let first = results.len();
            self.send.clear();
            let mut batch = changes.by_ref().take(BATCH).peekable();
            while let Some(change) = batch.next() {
                // Of those that went well only the last is answered, so no answer is
                // none: errors are answered always (`af_netlink.c: netlink_rcv_skb`).
                let ack = if batch.peek().is_none() { NLM_F_ACK } else { 0 };
                self.sequence = self.sequence.wrapping_add(1);
                encode(change, NLM_F_REQUEST | ack | flags, self.sequence, &mut self.send);
                results.push(Ok(()));
            }
            retry(|| self.socket.send(&self.send, 0))?;
            let sent = results.get_mut(first..).unwrap_or_default();
            collect(&self.socket, &mut self.receive, self.sequence, sent)?;
        }
        Ok(results)
    }

    /// Asks for one object, whose message is read.
    pub(super) fn get<R>(
        &mut self,
        request: RouteNetlinkMessage,
        read: impl Fn(&[u8]) -> Option<R>,
    ) -> Result<R, Cause> {
        self.request(request, NLM_F_REQUEST)?;
        loop {
            for message in messages(receive(&self.socket, &mut self.receive)?.answer()?) {
                match message? {
                    (sequence, _) if sequence != self.sequence => {}
                    (_, Message::Error(cause)) => return Err(cause),
                    (_, Message::Data { body, .. }) => return read(body).ok_or(Cause::Malformed),
                    _ => {}
                }
            }
        }
    }

    /// Asks for all objects of a kind, and has each message read. Those that were read
    /// before an error are not all.
    pub(super) fn dump(
        &mut self,
        request: RouteNetlinkMessage,
        mut each: impl FnMut(&[u8]),
    ) -> Result<(), Cause> {
        self.request(request, NLM_F_REQUEST | NLM_F_DUMP)?;
        // The listing is received to its end after an error too: before that, the kernel
        // gives no other on this socket.
        let mut result = Ok(());
        loop {
            let datagram = match receive(&self.socket, &mut self.receive)? {
                Received::Datagram(datagram) => datagram,
                Received::Empty => return Err(Cause::NoAnswer),
                Received::Truncated => {
                    result = Err(Cause::Malformed);
                    continue;
                }
                Received::Overrun => {
                    result = Err(Cause::Overrun);
                    continue;
                }
            };
            for message in messages(datagram) {
                match message? {
                    (sequence, _) if sequence != self.sequence => {}
                    (_, Message::Error(cause)) => return Err(cause),
                    (_, Message::Done) => return result,
                    (_, Message::Data { interrupted: true, .. }) => {
                        result = result.and(Err(Cause::Interrupted));
                    }
                    (_, Message::Data { body, .. }) => each(body),
                    (_, Message::Other) => {}
                }
            }
        }
    }

    fn request(&mut self, request: RouteNetlinkMessage, flags: u16) -> Result<(), Cause> {
        self.send.clear();
        self.sequence = self.sequence.wrapping_add(1);
        encode(request, flags, self.sequence, &mut self.send);
        retry(|| self.socket.send(&self.send, 0))?;
        Ok(())
    }
}

/// How many changes are sent at a time: the receive queue of the default size holds 256
/// errors.
const BATCH: usize = 128;
/// What the kernel makes of a listing at a time, at most (`af_netlink.c:
/// netlink_recvmsg`).
const LONGEST: usize = 32 * 1024;

fn open() -> io::Result<Socket> {
    let socket = Socket::new(NETLINK_ROUTE)?;
    // To the kernel: binds a free port, and refuses datagrams of anyone else.
    socket.connect(&SocketAddr::new(0, 0))?;
    // Errors without a copy of the request, and with the kernel's explanation.
    socket.set_cap_ack(true)?;
    socket.set_ext_ack(true)?;
    // Listings of one interface only, where one is asked for.
    socket.set_netlink_get_strict_chk(true)?;
    Ok(socket)
}

fn encode(message: RouteNetlinkMessage, flags: u16, sequence: u32, out: &mut Vec<u8>) {
    let mut message = NetlinkMessage::from(message);
    message.header.flags = flags;
    message.header.sequence_number = sequence;
    message.finalize();
    let start = out.len();
    out.resize(start + message.buffer_len().next_multiple_of(4), 0);
    message.serialize(out.get_mut(start..).unwrap_or_default());
}

/// Receives the answers to changes up to that of the last, which is always there.
fn collect(
    socket: &Socket,
    buffer: &mut [u8],
    last: u32,
    results: &mut [Result<(), Cause>],
) -> Result<(), Cause> {
    loop {
        for message in messages(receive(socket, buffer)?.answer()?) {
            let (sequence, message) = message?;
            let from_end = usize::try_from(last.wrapping_sub(sequence)).unwrap_or(usize::MAX);
            // Others are late answers to what was given up.
            let result = results.iter_mut().rev().nth(from_end);
            if let (Message::Error(cause), Some(result)) = (message, result) {
                *result = Err(cause);
            }
            if sequence == last {
                return Ok(());
            }
        }
    }
}

impl fmt::Debug for Rtnetlink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rtnetlink")
    }
}
