//! Putting connections into datagrams. Allocates only by growing the datagram's buffer.

use super::Version;
use super::connection::{Connection, EncodeError};
use ipvs::ipvs_sys::put::Put as _;

/// A datagram in the making, with as many connections as fit.
///
/// Full or not, it can be sent at any time; cleared, it takes the next connections into
/// the same buffer.
///
/// ```
/// # use ipvs_sync::proto::{Connection, Datagram, EncodeError, Version};
/// # fn send(datagram: &[u8]) {}
/// fn send_all(connections: &[Connection<'_>]) -> Result<(), EncodeError> {
///     let mut datagram = Datagram::new(Version::V1, 7, 1472);
///     for connection in connections {
///         if !datagram.push(connection)? {
///             send(datagram.as_bytes());
///             datagram.clear();
///             datagram.push(connection)?;
///         }
///     }
///     send(datagram.as_bytes());
///     Ok(())
/// }
/// # send_all(&[]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    version: Version,
    id: u8,
    max: u16,
    count: u8,
    bytes: Vec<u8>,
}

impl Datagram {
    /// An empty one of a master with this sync id, of at most `max` bytes without IP and
    /// UDP headers: no more than the longest message of the backups, whose default depends
    /// on the MTU and is 1472 or more.
    pub fn new(version: Version, id: u8, max: u16) -> Self {
        let mut datagram = Self { version, id, max, count: 0, bytes: Vec::new() };
        datagram.clear();
        datagram
    }

    /// Puts a connection into it, and says whether it fits: no more than 255 do, and no
    /// more bytes than were said.
    ///
    /// # Errors
    /// [`EncodeError`], also if an empty datagram is too short for it. The datagram is as
    /// it was.
    pub fn push(&mut self, connection: &Connection<'_>) -> Result<bool, EncodeError> {
        let length = connection.length(self.version)?;
        let start = match self.version {
            Version::V0 => self.bytes.len(),
            Version::V1 => self.bytes.len().next_multiple_of(4),
        };
        let Some(size) = u16::try_from(start + length).ok().filter(|size| *size <= self.max) else {
            let room = usize::from(self.max).saturating_sub(start);
            return match self.count {
                0 => Err(EncodeError::TooLong { length, room }),
                _ => Ok(false),
            };
        };
        let Some(count) = self.count.checked_add(1) else { return Ok(false) };
        self.bytes.resize(start, 0);
        connection.write(self.version, &mut self.bytes);
        self.count = count;
        self.bytes.patch(SIZE_AT, &size.to_be_bytes());
        self.bytes.patch(self.count_at(), &[count]);
        Ok(true)
    }

    /// Takes everything out of it.
    pub fn clear(&mut self) {
        self.count = 0;
        self.bytes.clear();
        match self.version {
            Version::V0 => self.bytes.put(&[0, self.id, 0, 4]),
            Version::V1 => self.bytes.put(&[0, self.id, 0, 8, 0, 1, 0, 0]),
        }
    }

    /// How many connections it has.
    pub fn count(&self) -> u8 {
        self.count
    }

    /// What is to be sent.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where the number of connections is.
    fn count_at(&self) -> usize {
        match self.version {
            Version::V0 => 0,
            Version::V1 => 4,
        }
    }
}

const SIZE_AT: usize = 2;
