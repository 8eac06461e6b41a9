//! Sends announcements as frames.

use super::error::{Cause, Error};
use super::links::Interface;
use super::operation::Operation;
use super::retry::retry;
use super::{arp, ndp, packet_socket};
use socket2::Socket;
use std::fs::File;
use std::io;
use std::net::IpAddr;
use std::os::unix::fs::FileExt as _;

/// Tells all neighbours of an interface that addresses are at its MAC address. It never
/// waits.
#[derive(Debug)]
pub struct Announcer {
    socket: Socket,
    interface: Interface,
    mac: [u8; 6],
    /// Whether the interface forwards packets of IPv6; nothing if it has no IPv6.
    forwarding: Option<File>,
}

impl Announcer {
    /// Opens a socket for this interface. Its MAC address is the one that `interface` has:
    /// when that changes, another announcer is needed.
    ///
    /// # Errors
    /// [`Error::is_permission`] without CAP_NET_RAW,
    /// [`ErrorKind::NotEthernet`](super::ErrorKind::NotEthernet), or what the system says.
    pub fn open(interface: &Interface) -> Result<Self, Error> {
        let failed = |cause| Error::new(Operation::OpenAnnouncer, Some(interface.name), cause);
        let mac = interface.mac.ok_or_else(|| failed(Cause::NotEthernet))?;
        let socket = packet_socket::sending(interface).map_err(|error| failed(error.into()))?;
        let forwarding = format!("/proc/sys/net/ipv6/conf/{}/forwarding", interface.name);
        Ok(Self { socket, interface: *interface, mac, forwarding: File::open(forwarding).ok() })
    }

    /// Announces an address once: by a gratuitous ARP, or an unsolicited neighbour
    /// advertisement. Nothing is sent where neighbours are not found so.
    ///
    /// # Errors
    /// [`ErrorKind::InterfaceDown`](super::ErrorKind::InterfaceDown),
    /// [`ErrorKind::Busy`](super::ErrorKind::Busy), or what the system says. It was not
    /// sent then, and is not kept.
    pub fn announce(&self, address: IpAddr) -> Result<(), Error> {
        if !self.interface.has_arp {
            return Ok(());
        }
        let sent = match address {
            IpAddr::V4(address) => self.send(&arp::announcement(self.mac, address)),
            IpAddr::V6(address) => {
                self.send(&ndp::announcement(self.mac, address, self.is_router()))
            }
        };
        let operation = Operation::Announce { address };
        sent.map_err(|error| Error::new(operation, Some(self.interface.name), error))
    }

    fn send(&self, frame: &[u8]) -> io::Result<()> {
        // A frame is sent whole or not at all.
        retry(|| self.socket.send(frame)).map(drop)
    }

    /// Read anew each time: it may be changed while this runs.
    fn is_router(&self) -> bool {
        let mut text = [0];
        let read = self.forwarding.as_ref().map(|file| file.read_at(&mut text, 0));
        matches!(read, Some(Ok(1))) && text != *b"0"
    }
}
