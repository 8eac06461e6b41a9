//! What changes of interfaces and addresses.

use super::addresses::{self, AddressEntry};
use super::datagram::{Message, Received, messages, receive};
use super::error::{Cause, Error};
use super::links::{self, Interface};
use super::operation::Operation;
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

/// Hears of changes of interfaces and addresses, whoever makes them. It never waits: poll
/// its descriptor to know when something has come.
pub struct Events {
    socket: Socket,
    buffer: Vec<u8>,
    /// Of a datagram of several.
    queue: VecDeque<Event>,
}

/// A change. The same may be told more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// An interface is new or changed, and is so now.
    Link(Interface),
    /// An interface is gone, and was so.
    LinkGone(Interface),
    /// An address is new or changed, and is so now.
    Address(AddressEntry),
    /// An address is gone, and was so.
    AddressGone(AddressEntry),
    /// Changes were lost: too many came before they were read. List what matters anew;
    /// what is told after this is not older than such a listing.
    Lost,
}

impl Events {
    /// Opens a socket. It tells what changes from then on, so what matters is listed
    /// after it was opened. No privilege is needed.
    ///
    /// # Errors
    /// What the system says.
    pub fn open() -> Result<Self, Error> {
        let socket = open().map_err(|error| Error::new(Operation::Watch, None, error))?;
        Ok(Self { socket, buffer: vec![0; LONGEST], queue: VecDeque::new() })
    }

    /// The next change, if there is one.
    ///
    /// # Errors
    /// What the system says.
    pub fn poll(&mut self) -> Result<Option<Event>, Error> {
        while self.queue.is_empty() {
            match self.receive() {
                Ok(true) => {}
                Ok(false) => break,
                Err(cause) => return Err(Error::new(Operation::Watch, None, cause)),
            }
        }
        Ok(self.queue.pop_front())
    }

    /// Receives a datagram; whether there was one.
    fn receive(&mut self) -> Result<bool, Cause> {
        match receive(&self.socket, &mut self.buffer)? {
            Received::Empty => return Ok(false),
            Received::Datagram(datagram) => {
                let mut events = VecDeque::new();
                if messages(datagram)
                    .try_for_each(|message| {
                        events.extend(event(&message?.1));
                        Ok::<(), Cause>(())
                    })
                    .is_ok()
                {
                    self.queue = events;
                    return Ok(true);
                }
            }
            Received::Truncated | Received::Overrun => {}
        }
        // What is queued is from before the loss, and a listing is newer. The kernel
        // queues nothing more until all of it is taken (`af_netlink.c: netlink_overrun`).
        while !matches!(receive(&self.socket, &mut self.buffer)?, Received::Empty) {}
        self.queue.push_back(Event::Lost);
        Ok(true)
    }
}

/// `None` for what is not known here.
fn event(message: &Message<'_>) -> Option<Event> {
    let Message::Data { kind, body, .. } = message else { return None };
    match *kind {
        libc::RTM_NEWLINK => links::read(body).map(Event::Link),
        libc::RTM_DELLINK => links::read(body).map(Event::LinkGone),
        libc::RTM_NEWADDR => addresses::read(body).map(Event::Address),
        libc::RTM_DELADDR => addresses::read(body).map(Event::AddressGone),
        _ => None,
    }
}

fn open() -> io::Result<Socket> {
    let socket = Socket::new(NETLINK_ROUTE)?;
    // Binds a free port, and takes datagrams of the kernel only.
    socket.connect(&SocketAddr::new(0, 0))?;
    for group in [libc::RTNLGRP_LINK, libc::RTNLGRP_IPV4_IFADDR, libc::RTNLGRP_IPV6_IFADDR] {
        socket.add_membership(group)?;
    }
    Ok(socket)
}

/// The kernel tells of one object at a time; the longest are interfaces with thousands of
/// virtual functions.
const LONGEST: usize = 32 * 1024;

impl AsFd for Events {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Events")
    }
}
