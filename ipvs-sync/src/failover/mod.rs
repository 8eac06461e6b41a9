//! Failover that keeps connections: when a backup knows them all, and how an active router
//! hands over to one that does.
//!
//! Virtual routers by themselves know nothing of connections. A [`Director`] knows what the
//! others have and opens their [gates](crate::vrrp::router::Config::with_sync_gate). It is
//! as pure as they are: it takes events with the time at which they are told, and says what
//! to do and when it wants to be told the time again. A [`Link`] does what it wants of the
//! other directors, and answers them.
//!
//! ```
//! use ipvs_sync::failover::{Action, Director, Event};
//! use ipvs_sync::peer::Standing;
//! use ipvs_sync::vrrp::Time;
//! use ipvs_sync::vrrp::router::State;
//!
//! let address = "10.0.0.7".parse()?;
//! let mut director = Director::new(Time::ZERO, 1, None);
//! let mut told = |event| {
//!     director.handle(Time::ZERO, event);
//!     std::iter::from_fn(|| director.poll()).collect::<Vec<Action>>()
//! };
//!
//! // A director has come back, and is a backup.
//! let asks = told(Event::State { address, state: State::Backup, has_handed_over: false });
//! assert_eq!(asks, [Action::Ask { peer: 0 }]);
//! // The other one is active, so that its connections are wanted.
//! let activated = Some(Time::from_micros(7));
//! let there = vec![Standing { address, state: State::Active, is_ready: false, activated }];
//! let transfers = told(Event::Answer { peer: 0, result: Ok(there) });
//! assert!(transfers.contains(&Action::Transfer { peer: 0 }));
//! told(Event::Transferred { peer: 0, result: Ok(()) });
//! // With them it may take over, if its priority is higher.
//! let claims = told(Event::Looked { address, preempts: Some(150) });
//! assert_eq!(claims, [Action::Claim { peer: 0, address, priority: 150 }]);
//! # Ok::<(), std::net::AddrParseError>(())
//! ```
//!
//! # When a backup is ready
//!
//! | it is ready when, after it became a backup, | because |
//! |---|---|
//! | it took the whole table of the peer that says it is active, of each if more do | sync messages bring what comes later |
//! | it was active itself and handed over | it knows all that its successor began with |
//! | the deadline has passed: for its own gate only, nobody hands over to it | the operator chose so; it goes on trying |
//!
//! | it is so no longer when | because |
//! |---|---|
//! | it leaves the state | another may become active in between |
//! | the kernel's backup daemon was started anew | it did not hear what was sent before |
//! | a peer does not answer, and no other says it is active | its sync messages may not arrive either |
//! | a peer answers again, and is active | its sync messages did not arrive meanwhile |
//! | the active one is about to hand over | sync messages do not tell of all; the table is taken again |
//!
//! Peers are asked every second. Sync messages that are lost for less than that go unnoticed;
//! the kernel sends those of connections that have packets again.
//!
//! Readiness matters only where another is active: a backup that hears nobody takes over
//! at once, ready or not.
//!
//! A backup that is ready and has a higher priority than the active router asks it to hand
//! over, as the operator can: it would lose the connections of the last seconds if it just
//! took over. It asks every five seconds, and only if that one does not say within 20 that it
//! hands over, or has not within five minutes of saying so, its gate opens.
//!
//! # Planned handover
//!
//! Sync messages tell of a connection up to three seconds after its third packet, and of none
//! that has had fewer, nor where `sync_persist_mode` leaves all out but templates
//! (`ip_vs_sync.c: ip_vs_sync_conn_needed`). So:
//!
//! 1. The active director asks its peers afresh. There must be a backup, and each backup
//!    that answers must be ready.
//! 2. It notes which connections it has, and then has the backups take its whole table again.
//! 3. It asks again, until they have. Then the router resigns, so that nobody has the
//!    addresses, and the first of them in the order of the peers is told to take over: in this
//!    order, since a router that takes over from one of higher priority would be sent back.
//! 4. With that word go the connections that were not noted. The other gives them to its
//!    kernel, and takes over.
//!
//! If the word is late or lost, the backup of highest priority takes over after its skew as
//! after any resignation, without the youngest; that is why all of them must be ready. It is
//! late where the table is so long that reading it takes longer than the skew (0.6 s with
//! priority 100 and an interval of one second).
//!
//! Otherwise nothing changes, and the operator is told why, of each peer. If the successor
//! refuses, or does not answer, the router takes over again as soon as all have been asked,
//! unless another is active. Routers that move together hand over together.
//!
//! # After a partition
//!
//! The router that gives way takes the table of the one that stays. The one that stays
//! takes the tables of its peers too, when they have given way: clients that had connected
//! there now come here. If a peer answers before the routers hear each other, what it has is
//! taken at once besides: otherwise it is missing here until the first packet after that.
//! Taking them needs the backup daemon beside the active router
//! ([`Director::take_beside_active`]).
//! Which peers have been active beside the router here they say themselves
//! ([`Standing::activated`](crate::peer::Standing::activated)), so that one heard that is no peer
//! costs nothing.

mod claim;
mod director;
mod event;
mod handover;
mod link;
mod notice;
mod own;
mod peers;
mod succession;
#[cfg(test)]
mod tests;

pub use director::Director;
pub use event::{Action, Event};
pub use link::{Counters, Link, LinkError, Settings, Told};
pub use notice::{CannotTake, Held, Notice};
