//! Our client over the real socket, with its system calls counted.

use crate::sample::Calls;
use anyhow::Result;
use ipvs::Client;
use ipvs::transport::{Netlink, Received, Transport};
use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

/// Counts sends and receives.
#[derive(Debug)]
pub(crate) struct Counting {
    netlink: Netlink,
    calls: Rc<Cell<Calls>>,
}

/// A client in the namespace of the calling thread, and the calls that it has
/// made since it was connected.
pub(crate) fn client() -> Result<(Client<Counting>, Rc<Cell<Calls>>)> {
    let calls = Rc::new(Cell::new(Calls::default()));
    let open = || io::Result::Ok(Counting { netlink: Netlink::open()?, calls: Rc::clone(&calls) });
    let client = Client::with_transport(open()?)?.with_second(open()?);
    calls.take();
    Ok((client, calls))
}

impl Transport for Counting {
    fn send(&mut self, datagram: &[u8]) -> io::Result<()> {
        let calls = self.calls.get();
        self.calls.set(Calls { sends: calls.sends + 1, ..calls });
        self.netlink.send(datagram)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Received> {
        let calls = self.calls.get();
        self.calls.set(Calls { receives: calls.receives + 1, ..calls });
        self.netlink.receive(buffer)
    }

    fn capacity(&self) -> usize {
        self.netlink.capacity()
    }

    fn listing(&mut self) -> Option<Box<dyn Read + '_>> {
        let calls = Rc::clone(&self.calls);
        let reader = self.netlink.listing()?;
        Some(Box::new(CountingReader { reader, calls }))
    }
}

/// Counts reads of a file as receives.
struct CountingReader<'a> {
    reader: Box<dyn Read + 'a>,
    calls: Rc<Cell<Calls>>,
}

impl Read for CountingReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let calls = self.calls.get();
        self.calls.set(Calls { receives: calls.receives + 1, ..calls });
        self.reader.read(buffer)
    }
}
