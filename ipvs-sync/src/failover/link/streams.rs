//! The streams that are open, so that they can be shut from another thread.

use socket2::{SockRef, Socket};
use std::collections::BTreeMap;
use std::io;
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The sockets that threads wait for. Once they are ended, so is each that is added.
#[derive(Debug, Default)]
pub(super) struct Streams(Mutex<Open>);

#[derive(Debug, Default)]
struct Open {
    is_over: bool,
    next: u64,
    sockets: BTreeMap<u64, Socket>,
}

/// One of them, until this is dropped.
pub(super) struct Entry<'a> {
    streams: &'a Streams,
    number: u64,
}

impl Streams {
    /// Has the socket shut at the end, if that comes before the entry is dropped.
    pub(super) fn add(&self, socket: &impl AsFd) -> io::Result<Entry<'_>> {
        Ok(Entry { streams: self, number: self.insert(socket)? })
    }

    /// Has the socket shut at the end.
    pub(super) fn also_end(&self, socket: &impl AsFd) -> io::Result<()> {
        self.insert(socket).map(drop)
    }

    fn insert(&self, socket: &impl AsFd) -> io::Result<u64> {
        let socket = SockRef::from(socket).try_clone()?;
        let mut open = self.open();
        if open.is_over {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        let number = open.next;
        open.next += 1;
        open.sockets.insert(number, socket);
        Ok(number)
    }

    pub(super) fn is_over(&self) -> bool {
        self.open().is_over
    }

    /// Whoever waits for one of the sockets goes on: to connect, to accept, to read or to
    /// write (`af_inet.c: inet_shutdown`).
    pub(super) fn end(&self) {
        let mut open = self.open();
        open.is_over = true;
        for socket in std::mem::take(&mut open.sockets).into_values() {
            // One whose peer is gone is shut already.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        // Nothing that is done under the lock leaves it half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        self.streams.open().sockets.remove(&self.number);
    }
}
