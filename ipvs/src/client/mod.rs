//! The client: one socket, one request at a time.
//!
//! In steady state a change is one send and one receive and allocates nothing.

mod daemons;
mod destinations;
mod exchange;
mod services;
mod table;

use crate::error::{Error, ErrorKind, Failure, Operation, Subject};
use crate::transport::{Netlink, Transport};
use std::fmt;

/// Controls the IPVS of one network namespace.
///
/// It blocks no longer than the kernel takes to carry a command out: every
/// answer is queued before the send returns. It can be sent to another thread;
/// for use by several, give each its own or guard one with a mutex.
pub struct Client<T = Netlink> {
    transport: T,
    /// The number that the kernel gave to the IPVS family.
    family: u16,
    sequence: u32,
    /// Whether a listing was begun whose end has not been received.
    listing: bool,
    send: Vec<u8>,
    receive: Box<[u8]>,
}

/// How often a put tries again when others add and delete the same in between.
const PUT_ATTEMPTS: usize = 8;

/// What an upsert did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Put {
    /// There was none.
    Added,
    /// There was one.
    Edited,
}

/// The kernel cuts a listing into datagrams of about a page, or of the largest
/// buffer that was ever offered on the socket (`af_netlink.c: netlink_dump`).
/// 8 KiB take what it sends at first on machines with pages of 4 KiB and of
/// 64 KiB. A larger one makes the listing of services cheaper and that of a few
/// destinations, the usual kind, dearer: the kernel clears as much for each.
const RECEIVE_BUFFER: usize = 8192;

impl Client {
    /// Opens a socket in the calling thread's network namespace.
    ///
    /// Loads nothing by itself; from Linux 5.17 or so the kernel loads the module
    /// `ip_vs` when it is asked for the family.
    ///
    /// # Errors
    ///
    /// [`Error::is_no_ipvs`], with what to do about it. Permission is first
    /// checked by the kernel when a command is sent.
    pub fn connect() -> Result<Self, Error> {
        Self::with_transport(Netlink::open().map_err(|error| refused(error.into()))?)
    }
}

impl<T: Transport> Client<T> {
    /// A client over another transport.
    ///
    /// # Errors
    ///
    /// As [`Client::connect`].
    pub fn with_transport(transport: T) -> Result<Self, Error> {
        let mut client = Self {
            transport,
            family: 0,
            sequence: 0,
            listing: false,
            send: Vec::new(),
            receive: vec![0; RECEIVE_BUFFER].into_boxed_slice(),
        };
        client.family = client.resolve().map_err(refused)?;
        Ok(client)
    }

    /// Adds, and edits what is there already; `absent` is what an edit finds
    /// when it is gone again. Adding comes first: EEXIST has one meaning.
    fn put(
        &mut self,
        add: impl Fn(&mut Self) -> Result<(), Error>,
        edit: impl Fn(&mut Self) -> Result<(), Error>,
        absent: ErrorKind,
    ) -> Result<Put, Error> {
        let mut result = add(self).map(|()| Put::Added);
        for _ in 0..PUT_ATTEMPTS {
            result = match result {
                Err(error) if error.is_already_exists() => edit(self).map(|()| Put::Edited),
                Err(error) if error.kind() == absent => add(self).map(|()| Put::Added),
                result => return result,
            };
        }
        result
    }

    /// The transport, given back.
    pub fn into_transport(self) -> T {
        self.transport
    }
}

fn refused(failure: Failure) -> Error {
    Error::new(Operation::Connect, Subject::nothing(), failure)
}

impl<T> fmt::Debug for Client<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("family", &self.family).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_can_go_to_another_thread() {
        fn sendable<S: Send>() {}
        sendable::<Client>();
        sendable::<Error>();
    }
}
