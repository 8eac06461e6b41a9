//! A socket on the kernel: requests in, answers out.

use super::answer::{self, Address, Refusal};
use super::dump::{self, Dump};
use super::fault::{self, Fate};
use super::policy::{self, Message};
use super::queue::Queue;
use super::{Kernel, commands, family, listing};
use crate::Operation;
use crate::transport::{Received, Transport};
use ipvs_sys::family::{GetFamily, NLCTRL};
use ipvs_sys::{Command as _, Flush, Header};
use std::fmt;
use std::io::{self, Cursor, Read};

/// The longest datagram that can be sent: `net.core.wmem_default` less 32
/// (`af_netlink.c: netlink_sendmsg`).
const LONGEST: usize = 212_960;
/// Below are the message types of netlink itself.
const FIRST_FAMILY: u16 = 0x10;
const REQUEST: u16 = 0x1;
const ACK: u16 = 0x4;
const ECHO: u16 = 0x8;
const DUMP: u16 = 0x300;
/// Netlink's header and the generic one, in bytes.
pub(super) const HEADERS: usize = 20;

/// A socket on a [`Kernel`], with the options of
/// [`Netlink`](crate::transport::Netlink)'s and buffers of Linux's default sizes.
pub struct Socket {
    kernel: Kernel,
    /// What the kernel calls the socket.
    port: u32,
    queue: Queue,
    /// The listing that has not ended.
    dump: Option<Dump>,
}

/// What becomes of a request that is not refused.
enum Accepted {
    /// It was carried out. There may be a reply, and something that the
    /// acknowledgement is to say.
    Done { reply: Option<Vec<u8>>, note: Vec<u8> },
    /// It is a listing; its end is the acknowledgement.
    Listing,
}

impl Socket {
    pub(super) fn new(kernel: Kernel) -> Self {
        let (port, version) = {
            let mut state = kernel.state();
            state.sockets += 1;
            (state.sockets, state.version)
        };
        Self { kernel, port, queue: Queue::new(version), dump: None }
    }

    /// One request (`af_netlink.c: netlink_rcv_skb`).
    fn request(&mut self, header: Header, head: &[u8; 16], body: &[u8]) {
        let mut fate = self.fate(header, body);
        std::mem::take(&mut fate.before).into_iter().for_each(|change| change(&self.kernel));
        let queued = self.queue.len();
        let accepted = match fate.errno {
            Some(errno) => Err(errno.into()),
            None => self.carry_out(header, body, &mut fate),
        };
        let listing = matches!(accepted, Ok(Accepted::Listing));
        let verdict = match accepted {
            Ok(Accepted::Listing) => None,
            Ok(Accepted::Done { reply, note }) => {
                reply.into_iter().for_each(|reply| self.queue.answer(reply));
                (header.flags & ACK != 0).then_some((0, note))
            }
            Err(Refusal { errno, note }) => Some((errno, note)),
        };
        if let Some((errno, note)) = verdict {
            self.queue.answer(answer::acknowledgement(head, header, self.port, errno, &note));
        }
        if fate.no_answer || fate.overrun {
            self.queue.drop_since(queued);
            if listing {
                self.dump = None;
            }
        }
        if fate.overrun {
            self.queue.overrun();
        }
        if fate.truncated {
            self.queue.cut_since(queued);
        }
    }

    /// What the faults that were injected make of a request.
    fn fate(&self, header: Header, body: &[u8]) -> Fate {
        let mut state = self.kernel.state();
        let listing = header.flags & DUMP == DUMP;
        let operation = match body.first() {
            _ if header.flags & REQUEST == 0 => None,
            Some(&GetFamily::NUMBER) if header.message_type == NLCTRL => Some(Operation::Connect),
            Some(&command) if header.message_type == state.family => {
                fault::operation(command, listing)
            }
            _ => None,
        };
        operation.map_or_else(Fate::default, |operation| state.fate(operation))
    }

    fn carry_out(
        &mut self,
        header: Header,
        body: &[u8],
        fate: &mut Fate,
    ) -> Result<Accepted, Refusal> {
        if header.flags & REQUEST == 0 || header.message_type < FIRST_FAMILY {
            return Ok(Accepted::Done { reply: None, note: Vec::new() });
        }
        let kernel = self.kernel.clone();
        let mut state = kernel.state();
        if header.message_type != NLCTRL && header.message_type != state.family {
            return Err(libc::ENOENT.into());
        }
        let Some(([command, _, reserved @ ..], attrs)) = body.split_first_chunk::<4>() else {
            return Err(libc::EINVAL.into());
        };
        let (command, listing) = (*command, header.flags & DUMP == DUMP);
        let to =
            Address { family: header.message_type, sequence: header.sequence, port: self.port };
        if header.message_type == NLCTRL {
            let reply = family::answer(&state, command, listing, attrs, to)?;
            return Ok(Accepted::Done { reply: Some(reply), note: Vec::new() });
        }
        // `genetlink.c: genl_family_rcv_msg`.
        check_reserved(header, command, *reserved)?;
        match listing {
            true if dump::exists(command) => {
                drop(state);
                self.begin(Dump::new(header, command, attrs, fate))
            }
            false if commands::exists(command) => {
                let mut message = Message::parse(attrs, HEADERS)?;
                let result = commands::execute(&mut state, command, &mut message, to);
                let note = message.note;
                match result {
                    Ok(reply) => Ok(Accepted::Done { reply, note }),
                    Err(refusal) => Err(Refusal { note, ..refusal }),
                }
            }
            _ => Err(libc::EOPNOTSUPP.into()),
        }
    }

    /// `af_netlink.c: __netlink_dump_start`.
    fn begin(&mut self, dump: Dump) -> Result<Accepted, Refusal> {
        if self.dump.is_some() {
            return Err(libc::EBUSY.into());
        }
        self.dump = Some(dump);
        if self.queue.is_full() {
            return Err(libc::ENOBUFS.into());
        }
        self.go_on();
        Ok(Accepted::Listing)
    }

    /// Queues the next part of the listing.
    fn go_on(&mut self) {
        let Some(dump) = &mut self.dump else { return };
        if dump.is_begun() {
            for change in std::mem::take(&mut dump.between) {
                change(&self.kernel);
            }
        }
        let part = dump.part(&self.kernel.state(), self.port, self.queue.room());
        self.queue.part(part.bytes);
        if part.last {
            self.dump = None;
        }
    }
}

impl Transport for Socket {
    fn send(&mut self, datagram: &[u8]) -> io::Result<()> {
        if datagram.is_empty() {
            return Err(io::Error::from_raw_os_error(libc::ENODATA));
        }
        if datagram.len() > LONGEST {
            return Err(io::Error::from_raw_os_error(libc::EMSGSIZE));
        }
        let mut rest = datagram;
        while let Some((head, after)) = rest.split_first_chunk::<16>() {
            let header = header(*head);
            let length = usize::try_from(header.length).unwrap_or(usize::MAX);
            // Fewer than a header or more than there are: the end.
            let Some(body) = rest.get(head.len()..length) else { break };
            self.request(header, head, body);
            rest = after.get(body.len().next_multiple_of(4)..).unwrap_or_default();
        }
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Received> {
        let received = self.queue.receive(buffer);
        let took = matches!(received, Received::Datagram(_) | Received::Truncated(_));
        if took && self.queue.is_half_empty() {
            self.go_on();
        }
        Ok(received)
    }

    fn listing(&mut self) -> Option<Box<dyn Read + '_>> {
        Some(Box::new(Cursor::new(listing::text(&self.kernel.state()))))
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket").field("port", &self.port).finish_non_exhaustive()
    }
}

fn header(bytes: [u8; 16]) -> Header {
    let [l0, l1, l2, l3, t0, t1, f0, f1, s0, s1, s2, s3, p0, p1, p2, p3] = bytes;
    Header {
        length: u32::from_ne_bytes([l0, l1, l2, l3]),
        message_type: u16::from_ne_bytes([t0, t1]),
        flags: u16::from_ne_bytes([f0, f1]),
        sequence: u32::from_ne_bytes([s0, s1, s2, s3]),
        port: u32::from_ne_bytes([p0, p1, p2, p3]),
    }
}

/// `genetlink.c: genl_header_check`, which is for commands that came after it.
fn check_reserved(header: Header, command: u8, reserved: [u8; 2]) -> Result<(), Refusal> {
    let refused = |text: &[u8]| Err(Refusal { errno: libc::EINVAL, note: policy::text(text) });
    if command <= Flush::NUMBER {
        return Ok(());
    }
    if reserved != [0, 0] {
        return refused(b"genlmsghdr.reserved field is not 0");
    }
    let listing = if header.flags & DUMP == DUMP { DUMP } else { 0 };
    if header.flags & !(listing | REQUEST | ACK | ECHO) != 0 {
        return refused(b"ambiguous or reserved bits set in nlmsg_flags");
    }
    Ok(())
}
