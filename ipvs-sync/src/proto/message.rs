//! A message as it is received. Never panics and never allocates, whatever the bytes.

use super::Version;
use super::connection::Connection;
use super::read::{read_v0, read_v1};
use super::rejected::Rejected;

/// A message, which borrows its datagram.
///
/// ```text
///         version 0                  version 1
///  0      number of connections      0
///  1      sync id                    sync id
///  2, 3   length of the datagram     length of the datagram
///  4      records                    number of connections
///  5                                 1
///  6, 7                              0
///  8                                 records, each at a multiple of 4
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// The version.
    pub version: Version,
    /// The sync id of the master.
    pub id: u8,
    /// How many connections it says that it has. It is what is left of the number modulo
    /// 256 if the master's longest message has room for more.
    pub count: u8,
    records: &'a [u8],
}

/// The connections of a message. After an error there are no more.
#[derive(Clone, Copy, Debug)]
pub struct Connections<'a> {
    version: Version,
    left: u8,
    rest: &'a [u8],
}

/// Reads a datagram as a backup with this sync id does, which takes every one if that is 0
/// (`ip_vs_sync.c: ip_vs_process_message`).
///
/// # Errors
/// [`Rejected::Header`], [`Rejected::Size`] and [`Rejected::SyncId`]: the first of these
/// that holds.
pub fn receive(datagram: &[u8], id: u8) -> Result<Message<'_>, Rejected> {
    let have = datagram.len();
    let Some((&[first, theirs, size1, size2], after)) = datagram.split_first_chunk() else {
        return Err(Rejected::Header { have });
    };
    let size = u16::from_be_bytes([size1, size2]);
    if usize::from(size) != have {
        return Err(Rejected::Size { size, have });
    }
    if id != 0 && id != theirs {
        return Err(Rejected::SyncId { id: theirs, own: id });
    }
    Ok(match (first, after) {
        (0, &[count, 1, 0, 0, ref records @ ..]) => {
            Message { version: Version::V1, id: theirs, count, records }
        }
        _ => Message { version: Version::V0, id: theirs, count: first, records: after },
    })
}

impl<'a> Message<'a> {
    /// The connections, as many as it counts.
    pub fn connections(&self) -> Connections<'a> {
        Connections { version: self.version, left: self.count, rest: self.records }
    }
}

impl<'a> Connections<'a> {
    /// The bytes that have not been read. Behind the last connection the kernel ignores
    /// them; there are some if the master's longest message has room for more connections
    /// than a byte can count.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Connections<'a> {
    type Item = Result<Connection<'a>, Rejected>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let read = match self.version {
            Version::V0 => read_v0(self.rest),
            Version::V1 => read_v1(self.rest),
        };
        Some(match read {
            Ok((connection, rest)) => {
                self.rest = rest;
                Ok(connection)
            }
            Err(rejected) => {
                self.left = 0;
                Err(rejected)
            }
        })
    }
}
