//! Sync messages: how the kernel's sync daemons tell each other their connections.
//!
//! Reading never panics and never allocates, whatever the bytes. Writing allocates only by
//! growing the datagram's buffer.
//!
//! A master sends its connections by UDP to a multicast group, and a backup puts them into
//! its own connection table (`ip_vs_sync.c`). Nothing is answered, counted or
//! authenticated: what a backup does not like it drops without a word. Here each reason has
//! a name, [`Rejected`].
//!
//! | | version 0 | version 1 |
//! |---|---|---|
//! | chosen by the sysctl `sync_version` | 0 | 1, the default |
//! | IPv4 connections and templates | yes | yes |
//! | IPv6, firewall marks, timeouts, persistence engines | no | yes |
//! | deltas of sequence numbers | in the sender's byte order | yes |
//!
//! A backup takes both. Numbers are in network byte order unless said otherwise.
//!
//! ```
//! use ipvs_sync::proto::{Connection, Datagram, Flags, Version, receive};
//!
//! let connection = Connection {
//!     state: 1,
//!     timeout: 900,
//!     ..Connection::new(6, "192.0.2.9:50000".parse()?, "10.0.0.1:80".parse()?,
//!         "192.168.0.1:8080".parse()?)
//! };
//! let mut datagram = Datagram::new(Version::V1, 7, 1472);
//! assert!(datagram.push(&connection)?);
//!
//! let message = receive(datagram.as_bytes(), 7)?;
//! for received in message.connections() {
//!     let received = received?;
//!     assert_eq!(received, connection);
//!     // The kernel would take it.
//!     received.check()?;
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod connection;
mod datagram;
mod flags;
mod message;
mod options;
mod read;
mod rejected;
mod states;
#[cfg(test)]
mod tests;

pub use connection::{Connection, EncodeError};
pub use datagram::Datagram;
pub use flags::Flags;
pub use message::{Connections, Message, receive};
pub use options::{OtherOption, Others, Sequence, Sequences};
pub use rejected::{Loss, Rejected};
pub use states::states;

use std::fmt;
use std::net::Ipv4Addr;

/// The group that the kernel sends to if none is chosen.
pub const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 81);

/// The UDP port that the kernel sends to if none is chosen: the first of as many as the
/// sysctl `sync_ports` says.
pub const PORT: u16 = 8848;

/// A version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// The first, of IPv4 only.
    V0,
    /// That of Linux from 2.6.39 on.
    V1,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::V0 => "version 0",
            Self::V1 => "version 1",
        })
    }
}
