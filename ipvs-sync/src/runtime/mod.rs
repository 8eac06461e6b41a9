//! Virtual routers that run: the state machine with its sockets, addresses and time.
//!
//! ```no_run
//! use ipvs_sync::runtime::{Event, Options, Settings, spawn};
//! use ipvs_sync::vrrp::router::{Config, State};
//! use ipvs_sync::vrrp::{Interval, Priority, Rank, Version, VirtualAddresses, Vrid};
//! use std::time::Duration;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let rank = Rank::Backup(Priority::new(150)?);
//! let addresses = VirtualAddresses::new([[10, 0, 0, 7].into()])?;
//! let version = Version::V3(Interval::from_centis(10)?);
//! let config = Config::new(Vrid::new(7)?, rank, addresses, version, [10, 0, 0, 1].into())?;
//!
//! let routers = spawn([Settings::new("eth0".parse()?, config)], Options::default())?;
//! while let Some(record) = routers.next(Duration::from_secs(60)) {
//!     if let Event::State { to: State::Active, cause, .. } = record.event {
//!         println!("{}: active: {cause}", record.time);
//!         break;
//!     }
//! }
//! // Resigns, removes the address and ends the threads.
//! routers.stop();
//! # Ok(())
//! # }
//! ```
//!
//! [`spawn`] starts two threads, the only ones that the library ever starts but those of a
//! [`Link`](crate::failover::Link):
//!
//! - `vrrp-adverts` receives and sends advertisements. It waits for its sockets, commands
//!   and the time, and for nothing else: it takes no lock that another may hold, does no
//!   address change and writes no log. Before a router is told the time, it is told all
//!   that has arrived, with the kernel's time of arrival.
//! - `vrrp-addresses` adds, removes and announces addresses in the order in which the
//!   routers want that, asks for them and hears the answers, hears what changes of the interfaces, and does all that the user
//!   sees: records, answers, logs (by `tracing`).
//!
//! What a process that crashed has left is taken over: a router that starts as a backup
//! removes its virtual addresses, one that becomes active takes those that are there for
//! its own.
//!
//! An active router has all of its addresses, or is active no longer. If one is refused,
//! now or when it is put back, it hands over ([`Cause::NotInstalled`]) and leaves whoever
//! takes over alone, as one that was told to [resign](Handle::resign). If nobody does, it
//! tries again, once a second at most. So it does if somebody deletes them as often as they
//! are [put back](WhenDeleted::PutBack).
//!
//! [`Cause::NotInstalled`]: crate::vrrp::router::Cause::NotInstalled
//!
//! An advertisement has all addresses, in several IPv6 fragments if they are many.
//! keepalived 2.2.7 takes none that is longer than its interface sends, nor with another
//! number of addresses than it sends itself: beside it, a virtual router of IPv6 on an
//! Ethernet has at most 89.
//!
//! Packets that are dropped are counted by reason ([`Status`]), also those for which the
//! kernel's queue had no room. One in a second of each interface is logged with how many
//! were not.

mod adverts;
mod alarm;
mod error;
mod handle;
mod holding;
mod limit;
mod message;
mod owned;
mod port;
mod question;
mod queue;
mod record;
mod settings;
mod signing;
mod spawn;
mod unit;
mod voice;
mod worker;

pub use error::Error;
pub use handle::Handle;
pub use record::{Event, Record, Status};
pub use settings::{Settings, WhenDeleted};
pub use spawn::{Options, spawn};
