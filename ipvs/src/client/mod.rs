//! The client: one socket, one request at a time.
//!
//! In steady state a change is one send and one receive and allocates nothing.

mod daemons;
mod destinations;
mod exchange;
mod services;
mod table;

use crate::error::{Error, Failure, Operation, Subject};
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
    send: Vec<u8>,
    receive: Box<[u8]>,
}

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
/// 64 KiB. More would make listings of a few destinations, the usual kind, dearer.
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
        let error = |failure| Error::new(Operation::Connect, Subject::nothing(), failure);
        let netlink = Netlink::open().map_err(|io| error(Failure::Io(io)))?;
        Self::with_transport(netlink)
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
            send: Vec::new(),
            receive: vec![0; RECEIVE_BUFFER].into_boxed_slice(),
        };
        match client.resolve() {
            Ok(family) => client.family = family,
            Err(failure) => {
                return Err(Error::new(Operation::Connect, Subject::nothing(), failure));
            }
        }
        Ok(client)
    }

    /// The transport, given back.
    pub fn into_transport(self) -> T {
        self.transport
    }
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
