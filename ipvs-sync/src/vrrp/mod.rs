//! The Virtual Router Redundancy Protocol: version 2 (RFC 3768) and version 3
//! (RFC 9568), without any I/O.
//!
//! Nothing here sees a socket or a clock: packets are bytes that come in and go
//! out, and the time is an argument.

mod addresses;
mod interval;
pub mod packet;
mod priority;
pub mod router;
mod rule;
#[cfg(any(test, feature = "sim"))]
pub mod sim;
mod time;
mod version;
mod vrid;

pub use addresses::{Family, VirtualAddresses};
pub use interval::{Interval, Seconds};
pub use priority::{Priority, Rank};
pub use rule::Rule;
pub use time::Time;
pub use version::Version;
pub use vrid::Vrid;
