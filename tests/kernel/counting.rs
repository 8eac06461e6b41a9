//! A transport that counts, around the real socket.

use ipvs::Client;
use ipvs::transport::{Netlink, Received, Transport};
use std::io::{self, Read};

/// Counts calls and looks for family requests.
pub(crate) struct Counting {
    netlink: Netlink,
    pub(crate) sends: usize,
    pub(crate) receives: usize,
    pub(crate) lookups: usize,
}

impl Counting {
    /// A client in the namespace of the calling thread.
    pub(crate) fn client() -> Client<Self> {
        let netlink = Netlink::open().unwrap();
        Client::with_transport(Self { netlink, sends: 0, receives: 0, lookups: 0 }).unwrap()
    }
}

impl Transport for Counting {
    fn send(&mut self, datagram: &[u8]) -> io::Result<()> {
        self.sends += 1;
        let messages = ipvs_sys::Messages::new(datagram).flatten();
        self.lookups +=
            messages.filter(|found| found.header.message_type == ipvs_sys::family::NLCTRL).count();
        self.netlink.send(datagram)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Received> {
        self.receives += 1;
        self.netlink.receive(buffer)
    }

    fn capacity(&self) -> usize {
        self.netlink.capacity()
    }

    fn listing(&mut self) -> Option<Box<dyn Read + '_>> {
        self.netlink.listing()
    }
}
