//! An IPVS kernel in memory, for tests without a real one.
//!
//! [`Kernel`] keeps services, destinations, sync daemons and timeouts, and
//! speaks the kernel's own messages: a [`Client`] over one of its sockets is the
//! client that a program uses, with the same replies, the same error numbers and
//! the same order of checks.
//!
//! ```
//! use ipvs::fake::{Fault, Kernel};
//! use ipvs::{Client, Destination, Error, Operation, Service, ServiceKey};
//! use ipvs::transport::Transport;
//!
//! /// What is to be tested: all the servers, and none when one cannot be added.
//! fn publish<T: Transport>(
//!     client: &mut Client<T>,
//!     key: ServiceKey,
//!     servers: &[Destination],
//! ) -> Result<(), Error> {
//!     client.add_service(&Service::new(key))?;
//!     for server in servers {
//!         if let Err(error) = client.add_destination(&key, server) {
//!             client.delete_service(&key)?;
//!             return Err(error);
//!         }
//!     }
//!     Ok(())
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let kernel = Kernel::new();
//! let key = "tcp 192.0.2.1:80".parse()?;
//! let servers = ["10.0.0.1:80", "10.0.0.2:80"].map(|text| Destination::new(text.parse().unwrap()));
//!
//! publish(&mut kernel.client()?, key, &servers)?;
//! assert_eq!(kernel.client()?.destinations(&key)?.len(), 2);
//!
//! // The second of the next two destinations finds no memory.
//! kernel.client()?.flush()?;
//! const ENOMEM: i32 = 12;
//! kernel.inject(Operation::AddDestination, 2, Fault::Errno(ENOMEM));
//! let error = publish(&mut kernel.client()?, key, &servers).unwrap_err();
//! assert_eq!(error.raw_os_error(), Some(ENOMEM));
//! assert_eq!(kernel.client()?.services()?, []);
//! # Ok(())
//! # }
//! ```
//!
//! # What it is like
//!
//! A Debian kernel of one [`Version`], in a network namespace with loopback and
//! no other route. The tests of this crate run on it and on the real ones, and
//! random sequences of requests, malformed ones among them, get the same bytes
//! from each.
//!
//! Answers wait in a queue of the default size, so that many at once are lost
//! as they are by the kernel. Listings come in parts as long as the largest
//! buffer offered, one at a time for each socket, and are not kept from changes
//! in between. Destinations are listed newest first, services in an order that
//! does not change and is none of theirs.
//!
//! # What it is not
//!
//! There are no packets: connections and counters are what
//! [`Kernel::set_connections`] and its like say, at once and not every two
//! seconds. There is no time: nothing takes long, and a destination that was
//! deleted comes back without what it had (the kernel keeps it for minutes,
//! `ip_vs_ctl.c: ip_vs_trash_get_dest`). There are no routes: an address is
//! taken for a host's unless it is unspecified, multicast, broadcast (of
//! 127.0.0.0/8 too), link-local or IPv4-mapped. Sync daemons open no sockets,
//! so those errors do not come by themselves. Everybody may do everything: no
//! EPERM. Of the family `nlctrl`, only the request for one family is answered.

mod answer;
mod commands;
mod daemons;
mod dump;
mod family;
mod fault;
mod listing;
mod policy;
mod queue;
mod request;
mod socket;
mod state;

pub use fault::{Fault, Meanwhile};
pub use socket::Socket;

use crate::{
    Client, Connections, DestinationEntry, Endpoint, Error, InterfaceName, Operation, ServiceKey,
    Stats,
};
use state::{State, Virtual};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// `ip_vs_conn_tab_bits` is 12 by default.
const CONNECTION_TABLE_SIZE: u32 = 4096;

/// An IPVS kernel in memory. A clone is another handle on the same.
#[derive(Clone)]
pub struct Kernel(Arc<Mutex<State>>);

/// A kernel that is imitated. They differ in the schedulers that Debian builds
/// (`twos`) and in how many answers a queue holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Version {
    /// Linux 6.1.
    V6_1,
    /// Linux 6.12.
    #[default]
    V6_12,
}

impl Kernel {
    /// Linux 6.12 with an empty table and the interfaces `lo` and `eth0`.
    pub fn new() -> Self {
        Self::of(Version::default())
    }

    /// The same of this version.
    pub fn of(version: Version) -> Self {
        Self(Arc::new(Mutex::new(State::new(version))))
    }

    /// A new socket. Each has a queue of its own.
    pub fn socket(&self) -> Socket {
        Socket::new(self.clone())
    }

    /// A client with a socket of its own.
    ///
    /// # Errors
    ///
    /// What was injected at [`Operation::Connect`].
    pub fn client(&self) -> Result<Client<Socket>, Error> {
        Client::with_transport(self.socket())
    }

    /// Something goes wrong with the `nth` request from now on, 1 being the
    /// next, of this operation or, with `None`, of any.
    ///
    /// The operation is what a request does by itself: [`Operation::GetDestination`]
    /// and [`Operation::ListDestinations`] send the same request, which is the latter's.
    pub fn inject(&self, operation: impl Into<Option<Operation>>, nth: usize, fault: Fault) {
        let operation = match operation.into() {
            Some(Operation::GetDestination) => Some(Operation::ListDestinations),
            operation => operation,
        };
        self.state().plan(operation, nth, fault);
    }

    /// The module is taken out and loaded again: the table is empty, timeouts
    /// are the defaults, no sync daemon runs, and the family has another number.
    pub fn reload(&self) {
        self.state().reload();
    }

    /// There is such an interface, on which sync daemons can run.
    pub fn add_interface(&self, name: InterfaceName, mtu: u32) {
        self.state().daemons.interfaces.insert(name, mtu);
    }

    /// There is no such interface. A sync daemon that runs on it does not mind.
    pub fn remove_interface(&self, name: InterfaceName) {
        self.state().daemons.interfaces.remove(&name);
    }

    /// A destination has these connections.
    ///
    /// # Panics
    ///
    /// If there is no such destination.
    pub fn set_connections(&self, key: &ServiceKey, endpoint: Endpoint, connections: Connections) {
        self.edit_destination(key, endpoint, |entry| entry.connections = connections);
    }

    /// A destination has these counters and rates.
    ///
    /// # Panics
    ///
    /// If there is no such destination.
    pub fn set_destination_stats(&self, key: &ServiceKey, endpoint: Endpoint, stats: Stats) {
        self.edit_destination(key, endpoint, |entry| entry.stats = stats);
    }

    /// A service has these counters and rates. They are not the sum of its
    /// destinations'.
    ///
    /// # Panics
    ///
    /// If there is no such service.
    pub fn set_service_stats(&self, key: &ServiceKey, stats: Stats) {
        let known = self.edit_service(key, |found| found.entry.stats = stats);
        assert!(known.is_some(), "there is no service {key}");
    }

    fn edit_destination(
        &self,
        key: &ServiceKey,
        endpoint: Endpoint,
        edit: impl FnOnce(&mut DestinationEntry),
    ) {
        let known = self.edit_service(key, |found| found.find_mut(endpoint).map(edit));
        assert!(known.flatten().is_some(), "{key} has no destination {endpoint}");
    }

    fn edit_service<R>(&self, key: &ServiceKey, edit: impl FnOnce(&mut Virtual) -> R) -> Option<R> {
        self.state().find_mut(key).map(edit)
    }

    /// Nothing is left half-done where a thread can panic.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Kernel {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("Kernel")
            .field("version", &state.version)
            .field("services", &state.services.len())
            .finish_non_exhaustive()
    }
}
