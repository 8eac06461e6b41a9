//! The sockets and address changes of virtual routers and of sync, the only I/O.
//!
//! | what | with |
//! |---|---|
//! | send and receive advertisements | [`AdvertSocket`] |
//! | tell the neighbours where an address is | [`Announcer`], and [`arp`] and [`ndp`] for the frames |
//! | ask the neighbours who has an address | [`Prober`] |
//! | find interfaces, list, add and remove addresses | [`Rtnetlink`] |
//! | hear what changes | [`Events`] |
//! | answer with the virtual router's MAC address | [`VirtualMac`] |
//! | send and receive sync messages | [`SyncSender`], [`SyncListener`] |
//! | the time | [`now`] |
//!
//! Each of these is of the network namespace of the thread that opens it, and stays of
//! it: for another, open it in [`ipvs::Namespace::run`].
//!
//! ```no_run
//! use ipvs::Namespace;
//! use ipvs_sync::net::{AdvertSocket, Received, Rtnetlink, group};
//! use ipvs_sync::vrrp::Family;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let name = "eth0".parse()?;
//! let open = || AdvertSocket::multicast(&Rtnetlink::open()?.interface(name)?, Family::V4);
//! let mut socket = Namespace::named("blue")?.run(open)??;
//! // A virtual router 7 that resigns.
//! let packet = [0x31, 7, 0, 1, 0, 100, 0xc4, 0x8c, 10, 0, 0, 7];
//! socket.send([10, 0, 0, 1].into(), group(Family::V4), &packet)?;
//! while let Received::Advertisement(heard) = socket.receive()? {
//!     println!("{}: {:?} from {}", heard.arrival, heard.payload, heard.source);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! To send and to receive never waits for anything. To open a socket that joins a group, or
//! to drop it, takes the kernel's lock of all interfaces (RTNL). A change by [`Rtnetlink`] waits
//! until the kernel has carried it out, which can take milliseconds, and longer when
//! others change much: both belong into another thread than the advertisements.

mod addresses;
mod advert;
mod announcer;
pub mod arp;
mod capability;
mod clock;
mod datagram;
mod error;
mod events;
mod frame;
mod links;
mod macvlan;
pub mod ndp;
mod operation;
mod packet_socket;
mod parent;
mod prober;
pub(crate) mod procfs;
mod realtime;
mod retry;
mod rtnetlink;
mod sync_socket;
mod sysctl;

pub use addresses::{AddressEntry, InterfaceAddress, Outcome, PrefixTooLong};
pub use advert::{AdvertSocket, Advertisement, Received, group};
pub use announcer::Announcer;
pub use capability::Capability;
pub use clock::now;
pub use error::{Error, ErrorKind};
pub use events::{Event, Events};
pub use links::Interface;
pub use macvlan::VirtualMac;
pub use operation::Operation;
pub use parent::ParentSettings;
pub use prober::Prober;
pub(crate) use realtime::run_in_real_time;
pub use rtnetlink::Rtnetlink;
pub use sync_socket::{Reach, SyncListener, SyncSender};
