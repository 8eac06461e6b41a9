//! Failover for IPVS: keeps a virtual address alive when its director dies, and
//! the connections with it.
//!
//! What is here:
//!
//! - [`vrrp`]: the Virtual Router Redundancy Protocol, as a state machine that
//!   takes the time and packets as arguments and returns what to do
//! - [`proto`]: the messages by which the kernel's sync daemons tell each other
//!   their connections, as views and builders
//! - [`daemon`]: the kernel's sync daemons, as they are wanted
//! - [`doctor`]: what breaks sync without a word, found on one node and between two
//! - [`peer`]: what directors say to each other, encrypted and authenticated
//! - [`resync`]: the whole connection table, for a director that has come or come back
//! - [`failover`]: when a backup knows all connections, handover to one that does, and the
//!   link to the other directors
//! - [`net`]: the sockets and address changes, the only I/O besides
//! - [`runtime`]: virtual routers that run, in two threads
//! - the program `ipvs-syncd`, with the feature `syncd`: a daemon over these
//!
//! The kernel's sync daemons can be started, stopped and listed today with
//! `ipvs::Client`:
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use ipvs::{Client, Role, SyncDaemon};
//!
//! let mut client = Client::connect()?;
//! client.start_daemon(&SyncDaemon::new(Role::Master, "eth0".parse()?, 7))?;
//! for daemon in client.daemons()? {
//!     println!("{daemon}");
//! }
//! # Ok(())
//! # }
//! ```

mod checksum;
pub mod daemon;
pub mod doctor;
pub mod failover;
pub mod net;
pub mod peer;
pub mod proto;
pub mod resync;
pub mod runtime;
pub mod vrrp;
