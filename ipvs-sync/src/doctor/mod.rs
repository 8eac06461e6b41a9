//! What breaks sync without a word, found on one node and between two.
//!
//! The kernel's sync daemons start with nearly any parameters, and count and report nothing
//! of what is lost then. A [`Report`] is what a node is; [`examine`] says what is wrong with
//! one, [`compare`] what is between two and [`compare_all`] what is with all together, each
//! as a [`Finding`] that says what breaks.
//!
//! ```no_run
//! use ipvs::Client;
//! use ipvs_sync::doctor::{Report, compare, examine};
//! use ipvs_sync::net::Rtnetlink;
//!
//! # fn report_of_peer() -> Report { unimplemented!() }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let here = Report::gather(&mut Client::connect()?, &mut Rtnetlink::open()?)?;
//! let peer: Report = report_of_peer();
//! for finding in examine(&here).into_iter().chain(compare(&here, &peer)) {
//!     println!("{}: {finding}", finding.severity());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! What goes over the wire is counted by a [`Tap`].
//!
//! # What cannot be found
//!
//! - That a master's interface was made anew: the kernel tells only its name. Of a backup it
//!   is seen, unless somebody else hears the group; and [`daemon`](crate::daemon) keeps both.
//! - With how many ports daemons run: `sync_ports` counts when they are started, and is what
//!   is compared.
//! - Whether two interfaces are of one link: a [`Tap`] that hears the peer shows that.

mod compare;
mod examine;
mod finding;
mod gather;
mod report;
mod sentence;
mod tap;
#[cfg(test)]
mod tests;

pub use compare::{compare, compare_all};
pub use examine::examine;
pub use finding::{Finding, Node, Services, Severity, Unsaid};
pub use gather::GatherError;
pub use report::{Attached, Report, Running, Served, Settings, Source, Synced, Target};
pub use tap::{FORGET, Heard, Rates, SENDERS, Tap, WINDOW};
