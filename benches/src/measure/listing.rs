//! Reading a whole table: the services, and of each the destinations. All ways read the
//! same one.

use crate::counting;
use crate::floor::message::{KEY, Template, list_services};
use crate::floor::{self, Floor};
use crate::netns;
use crate::processes;
use crate::restore;
use crate::sample::{Calls, Sample, Start};
use crate::shape::{Shape, whole};
use anyhow::{Context as _, Result};
use std::time::Instant;

/// The floor, with the buffer that is the cheapest for each kind of listing where
/// services have few destinations.
pub(crate) fn floor(shape: Shape) -> Result<Sample> {
    let mut listing = Listing::open()?;
    let start = Instant::now();
    let calls = listing.read(shape)?;
    Ok(Sample::since(start, 1, calls))
}

/// What the floor lists a table with.
pub(crate) struct Listing {
    services: Floor,
    destinations: Floor,
    pub(crate) family: u16,
}

impl Listing {
    pub(crate) fn open() -> Result<Self> {
        let (services, destinations) = (Floor::open(SERVICES)?, Floor::open(DESTINATIONS)?);
        Ok(Self { services, destinations, family: floor::family()? })
    }

    /// Lists the services and the destinations of each.
    pub(crate) fn read(&mut self, shape: Shape) -> Result<Calls> {
        let keys = floor_services(&mut self.services, self.family)?;
        let listed = floor_destinations(&mut self.destinations, self.family, &keys)?;
        whole(listed, shape)?;
        let (services, destinations) = (self.services.calls, self.destinations.calls);
        Ok(Calls {
            sends: services.sends + destinations.sends,
            receives: services.receives + destinations.receives,
        })
    }
}

/// Our client's two listings.
pub(crate) fn ours(shape: Shape) -> Result<Sample> {
    let (mut client, calls) = counting::client()?;
    let start = Instant::now();
    let services = client.services()?;
    let mut table = Vec::with_capacity(services.len());
    for entry in services {
        table.push((entry, client.destinations(&entry.service.key())?));
    }
    let sample = Sample::since(start, 1, calls.get());
    whole(table.iter().map(|(_, destinations)| destinations.len()).sum(), shape)?;
    Ok(sample)
}

/// Our verified snapshot.
pub(crate) fn snapshot(shape: Shape) -> Result<Sample> {
    let (mut client, calls) = counting::client()?;
    let start = Instant::now();
    let snapshot = client.snapshot()?;
    let sample = Sample::since(start, 1, calls.get());
    whole(snapshot.destination_count(), shape)?;
    Ok(sample)
}

/// What `ipvsadm` does to show the table; the text goes nowhere.
pub(crate) fn ipvsadm(option: &str) -> Result<Sample> {
    let start = Start::now()?;
    processes::run(&format!("/sbin/ipvsadm {option}"))?;
    start.end(1, None)
}

/// Makes a namespace with a table in it.
pub(crate) fn filled(shape: Shape) -> Result<()> {
    netns::fresh()?;
    restore::fill(&mut Floor::open(floor::ANSWERS)?, floor::family()?, shape, restore::BATCH)
}

/// Lists the services and keeps what names each.
pub(crate) fn floor_services(floor: &mut Floor, family: u16) -> Result<Vec<[u8; KEY]>> {
    let mut keys = Vec::new();
    let mut whole = true;
    floor.send(&list_services(family))?;
    // The nest's header, and the four attributes that come first in it
    // (`ip_vs_ctl.c: ip_vs_genl_fill_service`).
    floor.list(|body| match body.get(4..).and_then(|body| body.first_chunk()) {
        Some(key) => keys.push(*key),
        None => whole = false,
    })?;
    whole.then_some(keys).context("a service without a key")
}

/// Lists the destinations of each service and counts them.
pub(crate) fn floor_destinations(
    floor: &mut Floor,
    family: u16,
    keys: &[[u8; KEY]],
) -> Result<usize> {
    let mut request = Template::list_destinations(family);
    let mut listed = 0;
    for (sequence, key) in (1..).zip(keys) {
        floor.send(request.with_key(sequence, key))?;
        floor.list(|_| listed += 1)?;
    }
    Ok(listed)
}

/// Large datagrams take fewer receives.
const SERVICES: usize = 32_768;
/// With pages of 4 KiB the smallest datagram that the kernel makes for a listing
/// (`NLMSG_GOODSIZE`). For every service it allocates one, clears it and fills
/// little of it; a larger one takes more than a page.
const DESTINATIONS: usize = 3_776;
