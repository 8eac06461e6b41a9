//! Packets: versions 2 and 3, over IPv4 and IPv6.
//!
//! Reading never panics and never allocates, whatever the bytes. Writing allocates only by
//! growing the caller's buffer.

mod advertisement;
#[cfg(feature = "hmac")]
pub mod auth_hmac;
mod carrier;
mod checksum;
mod counters;
mod receive;
mod rejected;
mod terms;
#[cfg(test)]
mod tests;
mod view;

pub use advertisement::{Advertisement, EncodeError};
pub use carrier::{Carrier, Ends, GROUP_V4, GROUP_V6, HOP_LIMIT, PROTOCOL};
pub use checksum::{Checksum, Coverage};
pub use counters::{Counters, Reason};
pub use receive::{Accepted, Expected, receive};
pub use rejected::{Difference, Finding, Rejected};
pub use terms::{Password, Terms};
pub use view::Packet;
