//! The only I/O: datagrams to and from the kernel.

use netlink_sys::protocols::NETLINK_GENERIC;
use netlink_sys::{Socket, SocketAddr};
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek as _};

/// Carries datagrams. [`Netlink`] is the kernel; others are fakes, recorders
/// and counters.
pub trait Transport {
    /// Sends one datagram of one or more messages. The kernel has carried them
    /// out and queued every answer when this returns (`af_netlink.c:
    /// netlink_unicast_kernel`).
    fn send(&mut self, datagram: &[u8]) -> io::Result<()>;

    /// Receives the next datagram that is queued, into `buffer`. Never blocks,
    /// and gives [`Received::Empty`] in the end: every other outcome takes
    /// something off the queue. The client never offers a
    /// shorter buffer than before.
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Received>;

    /// How many changes a batch sends at a time at most: as many as the receive
    /// queue holds answers to for certain, and as the send buffer takes at up to
    /// 200 bytes each (a datagram longer than that is EMSGSIZE).
    ///
    /// As long as this is not overridden, what a socket of Linux's default size
    /// holds with room to spare.
    fn capacity(&self) -> usize {
        128
    }

    /// The kernel's own listing as text (`/proc/net/ip_vs`), from its start, by
    /// which a snapshot is verified. `None` where there is none; a snapshot then
    /// reads everything twice.
    fn listing(&mut self) -> Option<Box<dyn Read + '_>> {
        None
    }
}

/// What came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// A datagram of so many bytes, whole; at most the buffer's length.
    Datagram(usize),
    /// Nothing is queued.
    Empty,
    /// The datagram has so many bytes, more than the buffer. The rest is lost.
    Truncated(usize),
    /// The kernel could not queue all answers; some are lost. Told once for
    /// each time that happens.
    Overrun,
}

/// A generic-netlink socket in the network namespace of the thread that opened it.
pub struct Netlink {
    socket: Socket,
    /// The table as text; of the same namespace, whichever thread reads it.
    listing: Option<File>,
}

impl Netlink {
    /// Opens a socket.
    pub fn open() -> io::Result<Self> {
        let mut netlink = Self::without_listing()?;
        netlink.find_listing();
        Ok(netlink)
    }

    /// A socket for which [`Transport::listing`] has none.
    pub(crate) fn without_listing() -> io::Result<Self> {
        let socket = Socket::new(NETLINK_GENERIC)?;
        // To the kernel: binds a free port, and refuses datagrams of anyone else.
        socket.connect(&SocketAddr::new(0, 0))?;
        // Answers to errors without a copy of the request, and with the
        // kernel's explanation where it has one.
        socket.set_cap_ack(true)?;
        socket.set_ext_ack(true)?;
        Ok(Self { socket, listing: None })
    }

    /// Looks for the listing in the calling thread's namespace, unless it was
    /// found before. It is there once the module is loaded.
    pub(crate) fn find_listing(&mut self) {
        if self.listing.is_none() {
            self.listing = File::open(LISTING).ok();
        }
    }
}

/// Not `/proc/net`, which is the namespace of the process' first thread.
const LISTING: &str = "/proc/thread-self/net/ip_vs";

impl Transport for Netlink {
    #[inline]
    fn send(&mut self, datagram: &[u8]) -> io::Result<()> {
        // Netlink sends a datagram whole or not at all.
        retry(|| self.socket.send(datagram, 0)).map(drop)
    }

    #[inline]
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Received> {
        let flags = libc::MSG_DONTWAIT | libc::MSG_TRUNC;
        let room = buffer.len();
        match retry(|| self.socket.recv(&mut &mut *buffer, flags)) {
            Ok(len) if len > room => Ok(Received::Truncated(len)),
            Ok(len) => Ok(Received::Datagram(len)),
            Err(error) => match error.raw_os_error() {
                Some(libc::EAGAIN) => Ok(Received::Empty),
                Some(libc::ENOBUFS) => Ok(Received::Overrun),
                _ => Err(error),
            },
        }
    }

    fn capacity(&self) -> usize {
        capacity(self.socket.get_rx_buf_sz().unwrap_or_default())
    }

    fn listing(&mut self) -> Option<Box<dyn Read + '_>> {
        let file = self.listing.as_mut()?;
        file.rewind().ok()?;
        Some(Box::new(file))
    }
}

fn capacity(receive_queue: usize) -> usize {
    (receive_queue / ANSWER).clamp(1, MOST)
}

/// What an answer takes of the receive queue at most, in bytes: 768 on Linux 6.1,
/// 896 on 6.12 (`skbuff.h: SKB_TRUESIZE`).
const ANSWER: usize = 1024;
/// More commands in a datagram save nothing any more.
const MOST: usize = 128;

impl fmt::Debug for Netlink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Netlink")
    }
}

#[inline]
fn retry<R>(mut call: impl FnMut() -> io::Result<R>) -> io::Result<R> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ipvs_sys::family::{GetFamily, NLCTRL};
    use ipvs_sys::{Messages, Payload, encode};

    /// Needs no privilege and no IPVS: every kernel has `nlctrl`.
    fn ask(netlink: &mut Netlink, family: &[u8]) {
        let mut datagram = Vec::new();
        encode(&GetFamily { name: family }, NLCTRL, 1, 1, &mut datagram).unwrap();
        netlink.send(&datagram).unwrap();
    }

    #[test]
    fn an_answer_is_there_when_send_returns_and_nothing_after_it() {
        let mut netlink = Netlink::open().unwrap();
        let mut buffer = [0; 8192];
        assert_eq!(netlink.receive(&mut buffer).unwrap(), Received::Empty);
        ask(&mut netlink, b"nlctrl");
        let Received::Datagram(len) = netlink.receive(&mut buffer).unwrap() else {
            panic!("no answer");
        };
        let message = Messages::new(&buffer[..len]).next().unwrap().unwrap();
        assert!(matches!(message.payload, Payload::Data { command: 1, .. }));
        assert_eq!(netlink.receive(&mut buffer).unwrap(), Received::Empty);
    }

    #[test]
    fn a_buffer_one_byte_too_short_is_noticed() {
        let mut netlink = Netlink::open().unwrap();
        let mut buffer = [0; 8192];
        ask(&mut netlink, b"nlctrl");
        let Received::Datagram(len) = netlink.receive(&mut buffer).unwrap() else {
            panic!("no answer");
        };
        ask(&mut netlink, b"nlctrl");
        let received = netlink.receive(&mut buffer[..len - 1]).unwrap();
        assert_eq!(received, Received::Truncated(len));
    }

    #[test]
    fn more_answers_than_the_queue_holds_are_an_overrun() {
        let mut netlink = Netlink::open().unwrap();
        for _ in 0..2_000 {
            ask(&mut netlink, b"no such family");
        }
        let mut buffer = [0; 8192];
        let mut seen = Vec::new();
        loop {
            match netlink.receive(&mut buffer).unwrap() {
                Received::Datagram(_) => {}
                Received::Empty => break,
                other => seen.push(other),
            }
        }
        assert_eq!(seen, [Received::Overrun]);
    }
}
