//! The least that a client can do: one socket, messages made in advance, every
//! answer looked at.

pub(crate) mod message;

use crate::sample::Calls;
use anyhow::{Context as _, Result, bail, ensure};
use ipvs_sys::family::{GetFamily, NLCTRL, NewFamily};
use ipvs_sys::{Payload, encode};
use netlink_sys::protocols::NETLINK_GENERIC;
use netlink_sys::{Socket, SocketAddr};

/// A netlink socket, and one buffer for what it receives.
pub(crate) struct Floor {
    socket: Socket,
    buffer: Box<[u8]>,
    pub(crate) calls: Calls,
}

/// A buffer for answers to changes.
pub(crate) const ANSWERS: usize = 4096;

impl Floor {
    /// Opens a socket that receives into a buffer of so many bytes. The kernel
    /// makes the datagrams of a listing as large as the largest buffer that was
    /// ever offered on the socket, so this is the only one.
    pub(crate) fn open(room: usize) -> Result<Self> {
        let mut socket = Socket::new(NETLINK_GENERIC)?;
        socket.bind(&SocketAddr::new(0, 0))?;
        socket.set_cap_ack(true)?;
        let buffer = vec![0; room].into_boxed_slice();
        Ok(Self { socket, buffer, calls: Calls::default() })
    }

    /// Sends one datagram.
    pub(crate) fn send(&mut self, datagram: &[u8]) -> Result<()> {
        self.calls.sends += 1;
        let sent = self.socket.send(datagram, 0).context("send")?;
        ensure!(sent == datagram.len(), "sent {sent} of {} bytes", datagram.len());
        Ok(())
    }

    /// Receives one datagram, whole.
    pub(crate) fn receive(&mut self) -> Result<&[u8]> {
        self.calls.receives += 1;
        let len = self.socket.recv(&mut &mut *self.buffer, libc::MSG_TRUNC).context("receive")?;
        self.buffer.get(..len).with_context(|| format!("a datagram of {len} bytes is cut"))
    }

    /// Receives one acknowledgement.
    pub(crate) fn ack(&mut self) -> Result<()> {
        let datagram = self.receive()?;
        match datagram.first_chunk::<20>() {
            // A header, and the error number 0.
            Some([_, _, _, _, 2, 0, _, _, _, _, _, _, _, _, _, _, 0, 0, 0, 0]) => Ok(()),
            _ => bail!("no acknowledgement but {datagram:?}"),
        }
    }

    /// Receives the datagrams of a listing to its end and gives `each` what
    /// follows the headers of every message.
    pub(crate) fn list(&mut self, mut each: impl FnMut(&[u8])) -> Result<()> {
        loop {
            let mut datagram = self.receive()?;
            while let Some((header, _)) = datagram.split_first_chunk::<16>() {
                let [a, b, c, d, low, high, ..] = *header;
                match u16::from_ne_bytes([low, high]) {
                    DONE => return Ok(()),
                    ERROR => bail!("the listing ends with an error: {datagram:?}"),
                    _ => {}
                }
                let length = usize::try_from(u32::from_ne_bytes([a, b, c, d]))?;
                each(datagram.get(20..length).context("a message of a listing is cut")?);
                datagram = datagram.get(length.next_multiple_of(4)..).unwrap_or_default();
            }
        }
    }
}

/// Asks for the number of the IPVS family, over a socket of its own.
pub(crate) fn family() -> Result<u16> {
    let mut floor = Floor::open(8192)?;
    let mut request = Vec::new();
    encode(&GetFamily { name: b"IPVS" }, NLCTRL, 1, 1, &mut request)?;
    floor.send(&request)?;
    let answer = ipvs_sys::Messages::new(floor.receive()?).next().context("no answer")??;
    match answer.payload {
        Payload::Data { attrs, .. } => Ok(NewFamily::parse(attrs)?.id),
        other => bail!("the kernel has no IPVS: {other:?}"),
    }
}

const ERROR: u16 = 2;
const DONE: u16 = 3;
