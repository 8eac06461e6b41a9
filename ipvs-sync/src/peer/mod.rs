//! What directors say to each other, and the encrypted stream that they say it over.
//!
//! A TCP connection is one exchange: who connects asks for one thing, the other answers.
//! What can be asked for is in [`Message`]: the connection table ([`resync`](crate::resync)
//! has it), what the virtual routers are, that one takes over, and a report of the node.
//! Virtual routers are named by their first virtual address: names and interfaces differ.
//!
//! Who lacks the [`Key`] learns nothing and changes nothing: it costs the director that
//! answers at most 3 seconds of a thread and one key agreement. [`Channel`] says more.

mod channel;
mod error;
mod key;
mod message;
mod pipe;
mod refused;
#[cfg(feature = "serde")]
mod report;
mod standing;
#[cfg(test)]
mod tests;

pub use channel::{Channel, LONGEST};
pub use error::Error;
pub use key::{Key, KeyError};
pub use message::{LeftOut, Message};
pub(crate) use pipe::{GREETING, Pipe, socket};
pub use refused::Refused;
#[cfg(feature = "serde")]
pub use report::ask_for_report;
pub use standing::Standing;
