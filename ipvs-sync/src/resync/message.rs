//! What the two directors say to each other, once it is decrypted. Never panics and never
//! allocates, whatever the bytes.

use super::refused::Refused;
use crate::proto::{self, Message as SyncMessage};

/// A message, which borrows its bytes. Numbers are in network byte order.
///
/// ```text
/// request   1, version 1, skip (8)
/// data      2, read (8), a sync message of version 1 or nothing
/// end       3, read (8), left out (3 * 8)
/// thanks    4
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// Of the joining director: send the table.
    Request {
        /// How many connections of it are passed over: those that came before the
        /// stream broke.
        skip: u64,
    },
    /// Of the active director: connections.
    Data {
        /// How many of its table it has read, those of this message and those that were
        /// passed over or left out included.
        read: u64,
        /// A sync message; empty while nothing is to be told but that it goes on.
        datagram: &'a [u8],
    },
    /// Of the active director: these were all.
    End {
        /// How many connections its table has.
        read: u64,
        /// How many of them were left out.
        left_out: LeftOut,
    },
    /// Of the joining director: it has all that it wants.
    Thanks,
}

/// How many connections of a table cannot be told, and why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LeftOut {
    /// Lines of procfs that cannot be read: a persistence engine's data had a newline.
    pub unreadable: u64,
    /// Those whose destination is of another address family than the service: no sync
    /// message can say that.
    pub mixed_families: u64,
    /// Those of a protocol or in a state that no sync message has a number for.
    pub unknown: u64,
}

impl<'a> Message<'a> {
    /// Reads a message.
    ///
    /// # Errors
    /// [`Refused::Kind`], [`Refused::Version`] and [`Refused::Length`].
    pub fn read(bytes: &'a [u8]) -> Result<Self, Refused> {
        let (kind, rest) = bytes.split_first().ok_or(Refused::Length { length: 0 })?;
        let wrong = Refused::Length { length: bytes.len() };
        match *kind {
            REQUEST => {
                let (version, rest) = rest.split_first().ok_or(wrong)?;
                if *version != VERSION {
                    return Err(Refused::Version { version: *version });
                }
                let [skip] = numbers(rest).ok_or(wrong)?;
                Ok(Self::Request { skip })
            }
            DATA => {
                let (read, datagram) = rest.split_first_chunk().ok_or(wrong)?;
                Ok(Self::Data { read: u64::from_be_bytes(*read), datagram })
            }
            END => {
                let [read, unreadable, mixed_families, unknown] = numbers(rest).ok_or(wrong)?;
                let left_out = LeftOut { unreadable, mixed_families, unknown };
                Ok(Self::End { read, left_out })
            }
            THANKS => match rest {
                [] => Ok(Self::Thanks),
                _ => Err(wrong),
            },
            kind => Err(Refused::Kind { kind }),
        }
    }

    /// Writes it behind what is there.
    pub fn write(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Request { skip } => {
                out.extend([REQUEST, VERSION]);
                out.extend(skip.to_be_bytes());
            }
            Self::Data { read, datagram } => {
                out.push(DATA);
                out.extend(read.to_be_bytes());
                out.extend(datagram);
            }
            Self::End { read, left_out } => {
                let LeftOut { unreadable, mixed_families, unknown } = left_out;
                out.push(END);
                for number in [read, unreadable, mixed_families, unknown] {
                    out.extend(number.to_be_bytes());
                }
            }
            Self::Thanks => out.push(THANKS),
        }
    }
}

impl LeftOut {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.unreadable.saturating_add(self.mixed_families).saturating_add(self.unknown)
    }
}

/// What the joining director has heard of a table, and whether that can be.
#[derive(Clone, Copy, Debug, Default)]
pub struct Told {
    read: u64,
    end: Option<LeftOut>,
}

impl Told {
    /// Takes a message down and returns the connections in it, none if it is the end.
    ///
    /// # Errors
    /// [`Refused::Order`] for what does not come then, and [`Refused::Datagram`]. Nothing
    /// was taken down.
    pub fn hear<'a>(&mut self, bytes: &'a [u8]) -> Result<Option<SyncMessage<'a>>, Refused> {
        match Message::read(bytes)? {
            Message::Data { read, datagram } if self.end.is_none() && read >= self.read => {
                let told = match datagram {
                    [] => None,
                    datagram => Some(proto::receive(datagram, 0).map_err(Refused::Datagram)?),
                };
                let count = told.map_or(0, |told| u64::from(told.count));
                if count > read - self.read {
                    return Err(Refused::Order);
                }
                self.read = read;
                Ok(told)
            }
            Message::End { read, left_out } if self.end.is_none() && read >= self.read => {
                self.read = read;
                self.end = Some(left_out);
                Ok(None)
            }
            _ => Err(Refused::Order),
        }
    }

    /// How many of its table the active director has read.
    pub fn read(&self) -> u64 {
        self.read
    }

    /// How many it left out, once all has been heard.
    pub fn end(&self) -> Option<LeftOut> {
        self.end
    }
}

/// As many numbers as there are, and nothing behind them.
fn numbers<const N: usize>(bytes: &[u8]) -> Option<[u64; N]> {
    let mut numbers = [0; N];
    let mut rest = bytes;
    for number in &mut numbers {
        let (bytes, after) = rest.split_first_chunk()?;
        *number = u64::from_be_bytes(*bytes);
        rest = after;
    }
    rest.is_empty().then_some(numbers)
}

const REQUEST: u8 = 1;
const DATA: u8 = 2;
const END: u8 = 3;
const THANKS: u8 = 4;

const VERSION: u8 = 1;
