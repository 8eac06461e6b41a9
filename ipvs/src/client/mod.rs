//! The client: one request at a time, or many in one datagram.
//!
//! In steady state a change is one send and one receive and allocates nothing.

mod batch;
mod daemons;
mod destinations;
mod lane;
mod listing;
mod plan;
mod services;
mod snapshot;
mod table;

pub(crate) use lane::Room;
use lane::{ACK, LONGEST, Lane, Request};

use crate::Namespace;
use crate::error::{Error, ErrorKind, Failure, Operation, Subject};
use crate::transport::{Netlink, Transport};
use crate::{Change, Rule};
use ipvs_sys::{Attrs, Payload};
use nix::unistd::{SysconfVar, sysconf};
use std::fmt;
use std::io;

/// Controls the IPVS of one network namespace.
///
/// It blocks no longer than the kernel takes to carry a command out: every
/// answer is queued before the send returns. It can be sent to another thread;
/// for use by several, give each its own or guard one with a mutex.
pub struct Client<T = Netlink> {
    /// The number that the kernel gave to the IPVS family.
    family: u16,
    lane: Lane<T>,
    /// For long listings, with a large receive buffer.
    wide: Option<Lane<T>>,
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

/// The length of the usual receive buffer.
///
/// The kernel cuts a listing into datagrams of at most one page, without its own
/// overhead, or of the largest buffer that was ever offered on the socket. It
/// takes and clears memory for each in powers of two (`af_netlink.c:
/// netlink_dump`), so a buffer that is just as long as what fits a page makes the
/// usual listing, of a few destinations, cheapest: with the whole page's length
/// it takes a second one. Where pages are larger, it stops at 8 KiB.
fn usual_buffer() -> usize {
    match sysconf(SysconfVar::PAGE_SIZE) {
        Ok(Some(4096)) if cfg!(target_pointer_width = "64") => 4096 - SHARED_INFO,
        _ => 8192,
    }
}

/// The kernel's overhead in the page of a datagram, at least
/// (`skbuff.h: skb_shared_info`).
const SHARED_INFO: usize = 320;

impl Client {
    /// Opens two sockets, one of them for long listings, in the calling thread's
    /// network namespace.
    ///
    /// Loads nothing by itself; from Linux 5.17 or so the kernel loads the module
    /// `ip_vs` when it is asked for the family.
    ///
    /// # Errors
    ///
    /// [`Error::is_no_ipvs`], with what to do about it. Permission is first
    /// checked by the kernel when a command is sent.
    pub fn connect() -> Result<Self, Error> {
        let refuse = |error: io::Error| refused(error.into());
        let mut client = Self::with_transport(Netlink::open().map_err(refuse)?)?;
        // The listing is there at the latest now that the module is loaded.
        client.lane.transport.find_listing();
        Ok(client.with_second(Netlink::without_listing().map_err(refuse)?))
    }

    /// Opens a socket in another network namespace. The calling thread stays
    /// where it is.
    ///
    /// # Errors
    ///
    /// As [`Client::connect`], and [`ErrorKind::Namespace`].
    pub fn connect_in(namespace: &Namespace) -> Result<Self, Error> {
        namespace.run(Self::connect).unwrap_or_else(|error| Err(refused(error.into())))
    }
}

impl<T: Transport> Client<T> {
    /// A client over another transport.
    ///
    /// # Errors
    ///
    /// As [`Client::connect`].
    pub fn with_transport(transport: T) -> Result<Self, Error> {
        let mut lane = Lane::new(transport, usual_buffer());
        let family = lane.resolve().map_err(refused)?;
        Ok(Self { family, lane, wide: None })
    }

    /// The same with a second transport, to the same kernel and network namespace,
    /// for listings that may be long.
    pub fn with_second(self, transport: T) -> Self {
        Self { wide: Some(Lane::new(transport, LONGEST)), ..self }
    }

    /// Carries a change out, if its values keep their rules.
    fn change(&mut self, change: &Change) -> Result<(), Error> {
        self.checked_change(change, change.check())
    }

    fn checked_change(&mut self, change: &Change, check: Result<(), Rule>) -> Result<(), Error> {
        self.checked_ack(check, change).map_err(|failure| change.error(failure))
    }

    /// Sends a command that is answered by an acknowledgement, if its values
    /// keep their rules.
    fn checked_ack(
        &mut self,
        check: Result<(), Rule>,
        request: &impl Request,
    ) -> Result<(), Failure> {
        check?;
        self.ack(request)
    }

    /// Sends a command that is answered by an acknowledgement.
    fn ack(&mut self, request: &impl Request) -> Result<(), Failure> {
        self.again_if_reloaded(|lane, family| {
            lane.exchange(request, family, ACK, |payload| match payload {
                Payload::Ack(_) => Some(Ok(())),
                _ => None,
            })
        })
    }

    /// Sends a command that is answered by one message, and reads that.
    fn get<R>(
        &mut self,
        request: &impl Request,
        read: impl Fn(Attrs<'_>) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        self.again_if_reloaded(|lane, family| {
            lane.exchange(request, family, 0, |payload| match payload {
                Payload::Data { attrs, .. } => Some(read(attrs)),
                _ => None,
            })
        })
    }

    /// Sends a command that is answered by a list, and reads each part. Returns
    /// how long the list was, in bytes.
    fn dump(
        &mut self,
        request: &impl Request,
        mut each: impl FnMut(Attrs<'_>) -> Result<(), Failure>,
    ) -> Result<usize, Failure> {
        self.again_if_reloaded(|lane, family| lane.list(request, family, &mut each))
    }

    /// The same for a list that may be long.
    fn wide_dump(
        &mut self,
        request: &impl Request,
        mut each: impl FnMut(Attrs<'_>) -> Result<(), Failure>,
    ) -> Result<usize, Failure> {
        self.with_renewal(|client| {
            let lane = client.wide.as_mut().unwrap_or(&mut client.lane);
            lane.list(request, client.family, &mut each)
        })
    }

    fn again_if_reloaded<R>(
        &mut self,
        mut operate: impl FnMut(&mut Lane<T>, u16) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        self.with_renewal(|client| operate(&mut client.lane, client.family))
    }

    /// Does it again if the family's number no longer held.
    fn with_renewal<R>(
        &mut self,
        mut operate: impl FnMut(&mut Self) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        match operate(self) {
            Ok(done) => Ok(done),
            Err(failure) => self.again_if_renewed(failure, operate),
        }
    }

    #[cold]
    fn again_if_renewed<R>(
        &mut self,
        failure: Failure,
        mut operate: impl FnMut(&mut Self) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        let unknown = matches!(failure, Failure::Errno { errno: libc::ENOENT, .. });
        if unknown && self.renew_family()? { operate(self) } else { Err(failure) }
    }

    /// Looks the family's number up again after ENOENT, and returns whether it is
    /// another: when the module was loaded anew the kernel answers so, as it also
    /// does for other reasons, and has done nothing.
    fn renew_family(&mut self) -> Result<bool, Failure> {
        let family = self.lane.resolve()?;
        let renewed = family != self.family;
        self.family = family;
        Ok(renewed)
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
        self.lane.transport
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
