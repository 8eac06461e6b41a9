//! The size of a table.

use anyhow::Result;
use ipvs::{Destination, Endpoint, Scheduler, Service, ServiceKey, Table};
use std::fmt;
use std::net::Ipv4Addr;

/// So many TCP services, each with so many destinations, all with weight 1 and
/// masquerading under `wrr`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) services: u32,
    pub(crate) destinations: u32,
}

/// An IPv4 address and a port.
pub(crate) type Place = (u32, u16);

/// Where the first service is.
pub(crate) const SERVICE: Place = (u32::from_be_bytes([10, 0, 0, 1]), 80);
/// Where the first destination is.
pub(crate) const DESTINATION: Place = (u32::from_be_bytes([192, 168, 0, 1]), 80);
/// A service that stays, so that the others are neither the first nor the last:
/// those make the kernel hook into its packet path (`ip_vs_ctl.c:
/// ip_vs_register_hooks`), which takes longer than all else.
pub(crate) const ANCHOR: Place = (u32::from_be_bytes([10, 9, 9, 9]), 9);

/// Services at one address.
const PORTS: u32 = 60_000;

impl Shape {
    pub(crate) const BROAD: Self = Self { services: 1_000, destinations: 10 };
    pub(crate) const BROADER: Self = Self { services: 10_000, destinations: 2 };
    pub(crate) const DEEP: Self = Self { services: 1, destinations: 2_000 };

    /// Where each service is.
    pub(crate) fn services(self) -> impl Iterator<Item = Place> {
        let (address, _) = SERVICE;
        // Below 60,001, so it always fits.
        let port = |i: u32| u16::try_from(1 + i % PORTS).unwrap_or(u16::MAX);
        (0..self.services).map(move |i| (address + i / PORTS, port(i)))
    }

    /// Where each destination of a service is.
    pub(crate) fn destinations(self) -> impl Iterator<Item = Place> {
        let (address, port) = DESTINATION;
        (0..self.destinations).map(move |i| (address + i, port))
    }

    /// Services and destinations together.
    pub(crate) fn objects(self) -> u32 {
        self.services * (1 + self.destinations)
    }

    /// The same as our client takes it.
    pub(crate) fn table(self) -> Result<Table> {
        let mut table = Table::new();
        for place in self.services() {
            let service = service(place);
            table.add_service(service)?;
            for place in self.destinations() {
                table.add_destination(&service.key(), destination(place))?;
            }
        }
        Ok(table)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.services, self.destinations)
    }
}

/// A service as our client takes it.
pub(crate) fn service(place: Place) -> Service {
    Service::new(ServiceKey::tcp(endpoint(place))).with_scheduler(Scheduler::Wrr)
}

/// A destination as our client takes it.
pub(crate) fn destination(place: Place) -> Destination {
    Destination::new(endpoint(place))
}

/// Makes sure that as many destinations were listed as there are.
pub(crate) fn whole(listed: usize, shape: Shape) -> Result<()> {
    let there = shape.services * shape.destinations;
    anyhow::ensure!(usize::try_from(there) == Ok(listed), "{listed} of {there} were listed");
    Ok(())
}

/// A place as our client takes it.
pub(crate) fn endpoint((address, port): Place) -> Endpoint {
    Endpoint::new(Ipv4Addr::from(address), port)
}
