//! A client for IPVS, Linux's in-kernel layer-4 load balancer.
//!
//! ```no_run
//! use ipvs::{Client, Destination, Scheduler, Service, ServiceKey, Weight};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut client = Client::connect()?;
//!
//! let key: ServiceKey = "tcp 10.0.0.1:80".parse()?;
//! client.add_service(&Service::new(key).with_scheduler(Scheduler::Wrr))?;
//!
//! let first = Destination::new("192.168.0.1:80".parse()?);
//! let second = Destination::new("192.168.0.2:80".parse()?);
//! client.add_destination(&key, &first)?;
//! client.add_destination(&key, &second.with_weight(Weight::from(3)))?;
//!
//! // No new connections for the first; the ones it has live on.
//! client.set_weight(&key, first.endpoint(), Weight::ZERO)?;
//!
//! for entry in client.destinations(&key)? {
//!     println!("{}: {} active", entry.destination, entry.connections.active);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # From the thesis
//!
//! The idea, to drive IPVS from a language instead of a command line, is that
//! of a thesis of 2014 with objects in mruby. What they do, and how it is said here:
//!
//! | mruby-ipvs | here |
//! |---|---|
//! | `IPVS::Service.new('addr' => '10.0.0.1:80')`: TCP, wlc, no persistence | `Service::new("10.0.0.1:80".parse()?)` |
//! | port left out: 0 | `"10.0.0.1".parse::<ServiceKey>()?` |
//! | `'protocol' => 'UDP', 'sched_name' => 'wrr'` | `Service::new("udp 10.0.0.1:53".parse()?)` and [`with_scheduler`](Service::with_scheduler) |
//! | `service.add_service` | [`client.add_service(&service)?`](Client::add_service) |
//! | `IPVS::Dest.new('addr' => '192.168.0.1:80')`: weight 1, masquerading | `Destination::new("192.168.0.1:80".parse()?)` |
//! | `'weight' => 3, 'conn' => 'DR'` | [`with_weight`](Destination::with_weight), [`with_forwarding`](Destination::with_forwarding) |
//! | `service.add_dest(dest)`, errors ignored | [`client.add_destination(&key, &dest)?`](Client::add_destination), errors explained |
//! | `dest.weight = 3` on a live destination | [`client.set_weight(&key, dest.endpoint(), Weight::from(3))?`](Client::set_weight) |
//! | `dest.conn = 'TUN'` | [`client.update_destination(&key, endpoint, \|dest\| dest.with_forwarding(Forwarding::IPIP))?`](Client::update_destination) |
//! | `service.del_dest(dest)`, `service.del_service` | [`delete_destination`](Client::delete_destination), [`delete_service`](Client::delete_service) |
//! | `IPVS.services` | [`client.services()?`](Client::services) |
//! | `service.sched_name`, `dest.weight`: read back | [`service.scheduler()`](Service::scheduler), [`dest.weight()`](Destination::weight) of what [`services`](Client::services) and [`destinations`](Client::destinations) read |
//! | `service.equal?(other)`, without destinations | `service == other` |
//! | `service.deep_equal?(other)`, with destinations | `service == other`, and the `BTreeSet`s of their destinations are equal |
//! | `service.dests.include?(dest)` | `dests.contains(&dest)` |
//! | `Daemon.new('state' => 'master', 'ifname' => 'eth0').start` | [`client.start_daemon(&SyncDaemon::new(Role::Master, "eth0".parse()?, 0))?`](Client::start_daemon) |
//!
//! # What is here
//!
//! | to | there is |
//! |---|---|
//! | change many things at once | [`Batch`], sent in few datagrams, with the outcome of each change |
//! | read the table and be sure of it | [`Client::snapshot`], verified not to have changed while it was read |
//! | write down what is wanted | [`Table`], in code, from TOML or JSON (features) or the lines of `ipvsadm -S` |
//! | get there | [`Plan`], the difference: shown, applied in a safe order, taken back if a step fails |
//! | take a server out, or bring it back gently | [`Drain`] and [`Ramp`], many at a time by [`Tasks`] |
//! | see what changes | [`Watch`], which turns snapshots into events and rates |
//! | look at connections | [`connections`], the kernel's table as a stream |
//! | read and set `net.ipv4.vs` | [`sysctl`] |
//! | do it in another network namespace | [`Namespace`] and [`Client::connect_in`] |
//! | test without a kernel | `fake::Kernel` (feature `fake`), held to the real one by the same tests |
//!
//! # What to know
//!
//! Values are checked before they are sent, by [`Service::check`] and its like:
//! the kernel answers most mistakes with a bare EINVAL and accepts others. An
//! [`Error`] says the operation, the object, and what the error number means for
//! it.
//!
//! What is read is kept as the kernel has it, so that writing it back changes
//! nothing, whatever tool made it. Schedulers, flags, protocols and forwarding
//! methods that this crate does not know are kept too.
//!
//! The kernel asks for CAP_NET_ADMIN in the initial user namespace, for reading
//! too. The table is that of the network namespace in which the client was opened.

#![forbid(unsafe_code)]

mod batch;
mod change;
mod client;
pub mod connections;
mod daemon;
mod destination;
mod diagnosis;
mod drain;
mod error;
#[cfg(feature = "fake")]
pub mod fake;
#[cfg(feature = "serde")]
mod form;
mod forwarding;
mod key;
mod name;
mod namespace;
mod pace;
mod persistence;
mod plan;
mod ramp;
mod rule;
mod scheduler;
mod service;
mod settings;
mod snapshot;
pub mod sysctl;
mod table;
mod tasks;
pub mod transport;
mod watch;

pub use batch::{Batch, OnFailure, Outcome, Outcomes};
pub use change::Change;
pub use client::{Client, Put};
pub use daemon::{Role, SyncDaemon};
pub use destination::{Connections, Destination, DestinationEntry, Thresholds, Weight};
pub use drain::{AtDeadline, Drain, DrainAction, DrainOutcome, WaitFor};
pub use error::{Error, ErrorKind, Operation};
pub use forwarding::{Checksum, Forwarding, Tunnel, UnknownForwarding};
/// The messages, which `for_each_service` and `for_each_destination` lend.
pub use ipvs_sys;
pub use ipvs_sys::Stats;
pub use key::{Endpoint, Family, Protocol, ServiceKey};
pub use name::{EngineName, InterfaceName, Name};
pub use namespace::{Namespace, NamespaceError, NamespaceProblem};
pub use persistence::{Netmask, Persistence};
pub use plan::{Applied, Before, Kinds, Plan, PlanOptions, Recovery, Step, StepResult, Surplus};
pub use ramp::{Ramp, RampOutcome};
pub use rule::{ParseError, Rule};
pub use scheduler::{Scheduler, SchedulerFlags, SchedulerName};
pub use service::{Service, ServiceEntry};
pub use settings::{Info, Timeouts};
pub use snapshot::{Snapshot, SnapshotService};
pub use table::{Table, TableError, TableProblem, TableService};
pub use tasks::{Task, TaskEvent, Tasks};
pub use watch::{Event, Observation, Rate, Watch};

/// The example in the README is compiled with the doctests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
