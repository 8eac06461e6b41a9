//! What two directors say to each other, once it is decrypted. Never panics and never
//! allocates, whatever the bytes.

use super::refused::Refused;
use std::net::{IpAddr, Ipv6Addr};

/// A message, which borrows its bytes. Numbers are in network byte order.
///
/// ```text
/// table     1, version 1, skip (8)
/// data      2, read (8), a sync message of version 1 or nothing
/// end       3, read (8), left out (3 * 8)
/// thanks    4
/// routers   5, version 1
/// promote   6, version 1, address (16, one of IPv4 mapped into IPv6)
/// report    7, version 1
/// part      8, bytes of an answer, or nothing behind the last of them
/// declined  9, the reason as UTF-8
/// claim     10, version 1, address (16, as in promote), priority (1)
/// prepare   11, version 1, address (16, as in promote)
/// reading   12
/// ```
///
/// Who connects asks one thing. A table is answered by data and an end; the others by an
/// answer in parts, which for routers is a [`Standing`](super::Standing) for each, for a
/// promotion, a claim or a preparation nothing, and for a report JSON. Each may be declined.
/// Behind a promotion the one who asks sends data and an end: the connections that are too young
/// to be known there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// Of the director that asks: send the connection table.
    Table {
        /// How many connections of it are passed over: those that came before the
        /// stream broke.
        skip: u64,
    },
    /// Of the director that answers, or hands over: connections.
    Data {
        /// How many of its table it has read, those of this message and those that were
        /// passed over or left out included.
        read: u64,
        /// A sync message; empty while nothing is to be told but that it goes on.
        datagram: &'a [u8],
    },
    /// Of the same director: these were all.
    End {
        /// How many connections its table has.
        read: u64,
        /// How many of them were left out.
        left_out: LeftOut,
    },
    /// Of the director that asks: it has all that it wants.
    Thanks,
    /// Of the director that asks: it reads its own table, and asks again when it has.
    Reading,
    /// Of the director that asks: say what the virtual routers are.
    Routers,
    /// Of the director that asks: take over.
    Promote {
        /// The first virtual address of the router that is to.
        address: IpAddr,
    },
    /// Of the director that asks: hand over to it, if the priority there is lower.
    Claim {
        /// The first virtual address of the router that is to.
        address: IpAddr,
        /// The priority of the router of the director that asks.
        priority: u8,
    },
    /// Of the director that asks: take its connections again, since it is about to hand over.
    Prepare {
        /// The first virtual address of the router that does.
        address: IpAddr,
    },
    /// Of the director that asks: say what the node is.
    Report,
    /// Of the director that answers: a part of the answer; an empty one is behind the last.
    Part {
        /// It.
        bytes: &'a [u8],
    },
    /// Of the director that answers: it does not do that.
    Declined {
        /// Why, for the operator.
        reason: &'a str,
    },
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
            TABLE => {
                let [skip] = numbers(versioned(rest, wrong)?).ok_or(wrong)?;
                Ok(Self::Table { skip })
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
            READING => match rest {
                [] => Ok(Self::Reading),
                _ => Err(wrong),
            },
            ROUTERS => match versioned(rest, wrong)? {
                [] => Ok(Self::Routers),
                _ => Err(wrong),
            },
            PROMOTE => Ok(Self::Promote { address: address(versioned(rest, wrong)?, wrong)? }),
            CLAIM => {
                let (priority, octets) = versioned(rest, wrong)?.split_last().ok_or(wrong)?;
                Ok(Self::Claim { address: address(octets, wrong)?, priority: *priority })
            }
            PREPARE => Ok(Self::Prepare { address: address(versioned(rest, wrong)?, wrong)? }),
            REPORT => match versioned(rest, wrong)? {
                [] => Ok(Self::Report),
                _ => Err(wrong),
            },
            PART => Ok(Self::Part { bytes: rest }),
            DECLINED => {
                let reason = std::str::from_utf8(rest).map_err(|_| Refused::Text)?;
                Ok(Self::Declined { reason })
            }
            kind => Err(Refused::Kind { kind }),
        }
    }

    /// Writes it behind what is there.
    pub fn write(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Table { skip } => {
                out.extend([TABLE, VERSION]);
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
            Self::Reading => out.push(READING),
            Self::Routers => out.extend([ROUTERS, VERSION]),
            Self::Promote { address } => {
                out.extend([PROMOTE, VERSION]);
                out.extend(written_address(address));
            }
            Self::Claim { address, priority } => {
                out.extend([CLAIM, VERSION]);
                out.extend(written_address(address));
                out.push(priority);
            }
            Self::Prepare { address } => {
                out.extend([PREPARE, VERSION]);
                out.extend(written_address(address));
            }
            Self::Report => out.extend([REPORT, VERSION]),
            Self::Part { bytes } => {
                out.push(PART);
                out.extend(bytes);
            }
            Self::Declined { reason } => {
                out.push(DECLINED);
                out.extend(reason.as_bytes());
            }
        }
    }
}

impl LeftOut {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.unreadable.saturating_add(self.mixed_families).saturating_add(self.unknown)
    }
}

/// What is behind the version of a request.
fn versioned(bytes: &[u8], wrong: Refused) -> Result<&[u8], Refused> {
    let (version, rest) = bytes.split_first().ok_or(wrong)?;
    match *version {
        VERSION => Ok(rest),
        version => Err(Refused::Version { version }),
    }
}

fn address(bytes: &[u8], wrong: Refused) -> Result<IpAddr, Refused> {
    bytes.try_into().map(read_address).map_err(|_| wrong)
}

pub(super) fn read_address(octets: [u8; 16]) -> IpAddr {
    Ipv6Addr::from(octets).to_canonical()
}

pub(super) fn written_address(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
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

const TABLE: u8 = 1;
const DATA: u8 = 2;
const END: u8 = 3;
const THANKS: u8 = 4;
const ROUTERS: u8 = 5;
const PROMOTE: u8 = 6;
const REPORT: u8 = 7;
const PART: u8 = 8;
const DECLINED: u8 = 9;
const CLAIM: u8 = 10;
const PREPARE: u8 = 11;
const READING: u8 = 12;

const VERSION: u8 = 1;
