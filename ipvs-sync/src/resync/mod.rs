//! The whole connection table, for a director that has come or come back.
//!
//! A backup hears only of connections that have packets while it runs. What was made before
//! it learns here: the joining director asks the active one, which reads its table and sends
//! it, and gives it to its own kernel as sync messages; what did not arrive is sent again.
//!
//! ```no_run
//! use ipvs::{Client, connections};
//! use ipvs_sync::peer::Key;
//! use ipvs_sync::resync::{Receiver, Sender};
//! use std::net::{TcpListener, TcpStream};
//! use std::path::Path;
//!
//! fn active() -> Result<(), Box<dyn std::error::Error>> {
//!     let mut sender = Sender::new(Key::read(Path::new("/etc/ipvs-sync/key"))?);
//!     for stream in TcpListener::bind("10.5.0.1:8849")?.incoming() {
//!         if let Err(error) = sender.serve(stream?, connections::open, |_| {}) {
//!             println!("{error}");
//!         }
//!     }
//!     Ok(())
//! }
//!
//! fn joining() -> Result<(), Box<dyn std::error::Error>> {
//!     let mut receiver = Receiver::new(Key::read(Path::new("/etc/ipvs-sync/key"))?);
//!     let stream = TcpStream::connect("10.5.0.1:8849")?;
//!     let report = receiver.run(stream, &mut Client::connect()?, Vec::new, |_| {})?;
//!     println!("{report}");
//!     Ok(())
//! }
//! ```
//!
//! # What to know
//!
//! - On the joining director services and destinations are to be there first, and the
//!   backup daemon runs. A connection without a destination would be worth nothing, so it
//!   is not taken, and counted; without any destination a transfer of connections fails.
//! - A connection arrives with its addresses, its state and what is left of its timeout, a
//!   template also with the data of its persistence engine. Procfs does not show how far
//!   sequence numbers are shifted: a connection of FTP that is here already, by the kernel's
//!   sync messages, is left as it is, and one that is not is taken and counted, and stalls if
//!   its addresses were rewritten; so does one so young that it is told with the word to take
//!   over. Nor does it show the firewall mark, which is found again by the destination if only
//!   one leads to it.
//! - A connection of FTP data that waits for the client's port looks like a template in
//!   procfs, and arrives as one. It is of no use then.
//! - It is said over the encrypted stream of [`peer`](crate::peer). Who lacks the key learns
//!   nothing and changes nothing.
//! - Reading a long table is slow up to Linux 6.12 at least, see [`ipvs::connections`].
//! - Nothing is kept for each connection on either side.

mod carry;
mod destinations;
mod error;
mod injector;
mod present;
mod receiver;
mod recent;
mod report;
mod sender;
mod shifted;
#[cfg(test)]
mod tests;
mod told;

pub use error::Error;
pub(crate) use present::Present;
pub use receiver::Receiver;
#[cfg(test)]
pub(crate) use receiver::hear;
pub use recent::Recent;
pub(crate) use recent::{EXCHANGE, take_recent};
pub use report::{Progress, Report};
pub use sender::{Counters, Sender};
pub(crate) use sender::{send_recent, send_tables};
pub use told::Told;
