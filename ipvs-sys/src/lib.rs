//! The generic-netlink protocol of IPVS, Linux's in-kernel layer-4 load balancer.
//!
//! Decoding never panics and never allocates, whatever the bytes: messages are
//! views that borrow them. Encoding allocates only by growing the caller's
//! buffer. There is no I/O here; the `ipvs` crate has the client.
//!
//! A request is a [`Command`] around borrowed attributes. [`encode`] appends it
//! to a buffer; [`Genl`] lets it travel through `netlink-packet-generic` with the
//! same bytes. What the kernel sends is read by [`Messages`] and [`Body`]. Both
//! sides of the conversation are covered: a request can be decoded and a reply
//! encoded. Counters stay bytes until they are asked for
//! ([`DestinationAttrs::counters`]).
//!
//! ```
//! use ipvs_sys::{Body, Messages, NewService, Payload, ServiceAttrs, ServiceFlags, encode};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Adds tcp 192.0.2.1:443 with weighted round robin.
//! let request = NewService(ServiceAttrs {
//!     scheduler: Some(b"wrr"),
//!     flags: Some(ServiceFlags { flags: 0, mask: u32::MAX }),
//!     timeout: Some(0),
//!     netmask: Some([255; 4]),
//!     ..ServiceAttrs::by_address(2, 6, &[192, 0, 2, 1], 443)
//! });
//! let family = 35; // as the kernel answers to `GetFamily { name: b"IPVS" }`
//! let flags = 0x1 | 0x4; // NLM_F_REQUEST, NLM_F_ACK
//! let mut datagram = Vec::new();
//! encode(&request, family, flags, 1, &mut datagram)?;
//!
//! // The other side reads it without copying.
//! for message in Messages::new(&datagram) {
//!     let Payload::Data { command, attrs, .. } = message?.payload else { continue };
//!     assert_eq!(command, 1);
//!     let service = Body::parse(attrs)?.service.ok_or("no service")?;
//!     assert_eq!(service.port, Some(443));
//!     assert_eq!(service.scheduler, Some(&b"wrr"[..]));
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Sources: `net/netfilter/ipvs/ip_vs_ctl.c`, `include/uapi/linux/ip_vs.h`,
//! `lib/nlattr.c`, `net/netlink/{af_netlink,genetlink}.c`. The numbers are the
//! same in every kernel from 5.10 to 7.3. IPVS does not set `NLA_F_NESTED`, sends
//! no notifications, and explains its own errors by their number only.

#![forbid(unsafe_code)]

mod attr;
mod command;
mod daemon;
mod destination;
mod error;
pub mod family;
mod info;
mod message;
#[cfg(feature = "owned")]
mod owned;
pub mod put;
mod service;
mod stats;
mod timeouts;

pub use attr::{Attr, Attrs};
pub use command::{
    Body, Command, DelDaemon, DelDestination, DelService, Flush, Genl, GetConfig, GetDaemon,
    GetDestination, GetInfo, GetService, NewDaemon, NewDestination, NewService, SetConfig,
    SetDestination, SetInfo, SetService, Zero, encode, encode_into,
};
pub use daemon::DaemonAttrs;
pub use destination::DestinationAttrs;
pub use error::{DecodeError, TooLong};
pub use info::InfoAttrs;
pub use message::{
    ExtAck, HEADER_LEN, Header, Message, Messages, Payload, encode_answer, encode_done, is_ack,
};
#[cfg(feature = "owned")]
pub use owned::OwnedMessage;
pub use service::{ServiceAttrs, ServiceFlags};
pub use stats::Stats;
pub use timeouts::TimeoutAttrs;
