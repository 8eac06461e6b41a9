//! Reading what a node is.

use super::report::{Attached, Report, Running, Served, Settings, Source, Synced, Target};
use crate::net::{self, AddressEntry, Rtnetlink, procfs};
use crate::vrrp::Family;
use ipvs::connections::{self, Origin, ReadError, Reader};
use ipvs::sysctl::{Sysctl, SysctlError, Sysctls};
use ipvs::transport::Transport;
use ipvs::{Client, Endpoint, Role, Snapshot, SnapshotService};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{self, BufRead};
use std::net::IpAddr;

/// Why a node could not be read.
#[derive(Debug)]
#[non_exhaustive]
pub enum GatherError {
    /// Its table or its daemons.
    Table(ipvs::Error),
    /// A sysctl.
    Sysctl(SysctlError),
    /// Its interfaces.
    Interfaces(net::Error),
    /// Its connections.
    Connections(ReadError),
    /// A file of procfs.
    Procfs(io::Error),
}

impl Report {
    /// Reads what this node is: all of it in the network namespace of the calling thread, of
    /// which the client and `links` have to be too.
    ///
    /// Services are read by a snapshot before the connection table and one after it, and the
    /// table once as a stream: with a million connections that takes seconds.
    ///
    /// # Errors
    /// [`GatherError`].
    pub fn gather<T: Transport>(
        client: &mut Client<T>,
        links: &mut Rtnetlink,
    ) -> Result<Self, GatherError> {
        let before = client.snapshot()?;
        let listed = listed(connections::open_origins()?, &before)?;
        let snapshot = client.snapshot()?;
        let mut addresses = links.all_addresses(Family::V4)?;
        addresses.extend(links.all_addresses(Family::V6)?);
        let own: Own = addresses.iter().map(|entry| entry.address.address()).collect();
        let mut report = Self {
            kernel: procfs::kernel_release()?,
            daemons: client.daemons()?,
            interfaces: Vec::new(),
            sources: Vec::new(),
            settings: settings()?,
            services: services(&snapshot, &own),
            synced: synced(&listed, &before, &snapshot),
            drops: 0,
        };
        report.interfaces = attached(&report, links, &addresses)?;
        if let Some(master) = report.daemon(Role::Master) {
            report.sources = sources(&master, &own)?;
        }
        if let Some(backup) = report.daemon(Role::Backup) {
            report.drops = drops(&backup, &report.settings)?;
        }
        Ok(report)
    }
}

fn settings() -> Result<Settings, SysctlError> {
    let sysctls = Sysctls::here();
    let conntrack = match sysctls.get(Sysctl::CONNTRACK) {
        Err(error) if error.is_absent() => false,
        result => result?,
    };
    Ok(Settings {
        backup_only: sysctls.get(Sysctl::BACKUP_ONLY)?,
        conntrack,
        expire_nodest_conn: sysctls.get(Sysctl::EXPIRE_NODEST_CONN)?,
        expire_quiescent_template: sysctls.get(Sysctl::EXPIRE_QUIESCENT_TEMPLATE)?,
        sloppy_sctp: sysctls.get(Sysctl::SLOPPY_SCTP)?,
        sloppy_tcp: sysctls.get(Sysctl::SLOPPY_TCP)?,
        sync_persist_mode: sysctls.get(Sysctl::SYNC_PERSIST_MODE)?,
        sync_ports: sysctls.get(Sysctl::SYNC_PORTS)?,
        sync_qlen_max: sysctls.get(Sysctl::SYNC_QLEN_MAX)?,
        sync_refresh_period: sysctls.get(Sysctl::SYNC_REFRESH_PERIOD)?,
        sync_retries: sysctls.get(Sysctl::SYNC_RETRIES)?,
        sync_sock_size: sysctls.get(Sysctl::SYNC_SOCK_SIZE)?,
        sync_threshold: sysctls.get(Sysctl::SYNC_THRESHOLD)?,
        sync_version: sysctls.get(Sysctl::SYNC_VERSION)?,
        rmem_max: procfs::number("core/rmem_max"),
        wmem_max: procfs::number("core/wmem_max"),
        conntrack_tcp_loose: procfs::number("netfilter/nf_conntrack_tcp_loose")
            .map(|number| number != 0),
    })
}

/// The addresses of the node.
type Own = BTreeSet<IpAddr>;

fn services(snapshot: &Snapshot, own: &Own) -> Vec<Served> {
    let served = snapshot.services().map(|found| {
        let service = found.entry.service;
        let persistence = service.persistence();
        let targets = found.destinations.iter().map(|entry| Target {
            endpoint: entry.destination.endpoint(),
            forwarding: entry.destination.forwarding(),
            is_local: is_local(entry.destination.endpoint().address, own),
        });
        Served {
            service: service.key(),
            one_packet: service.one_packet(),
            persistent: persistence.is_some(),
            engine: persistence.and_then(|persistence| persistence.engine),
            destinations: targets.collect(),
        }
    });
    served.collect()
}

fn is_local(address: IpAddr, own: &Own) -> bool {
    address.is_loopback() || own.contains(&address)
}

/// How many connections there are of each destination, and whether another node told any:
/// those of services that have it. One that was deleted takes its count with it and leaves
/// its connections.
fn listed<R: BufRead>(
    connections: Reader<R>,
    snapshot: &Snapshot,
) -> Result<BTreeMap<Endpoint, (u64, bool)>, GatherError> {
    let of_service = |service: SnapshotService<'_>| {
        let key = service.entry.service.key();
        let endpoints = service.destinations.iter().map(|entry| entry.destination.endpoint());
        endpoints.map(|endpoint| (key, endpoint)).collect::<Vec<_>>()
    };
    let there: BTreeSet<_> = snapshot.services().flat_map(of_service).collect();
    let mut listed: BTreeMap<_, (u64, bool)> = BTreeMap::new();
    for connection in connections {
        let connection = match connection {
            Ok(connection) => connection,
            Err(error) if error.line().is_some() => continue,
            Err(error) => return Err(error.into()),
        };
        // Templates have no port of a client, and are not counted.
        let is_template = connection.client.port == 0;
        if !is_template && there.contains(&(connection.service, connection.destination)) {
            let (count, is_told) = listed.entry(connection.destination).or_default();
            *count += 1;
            *is_told |= connection.origin == Some(Origin::Sync);
        }
    }
    Ok(listed)
}

/// What was listed between these two snapshots. A connection that came or went meanwhile is
/// counted in one of them.
fn synced(
    listed: &BTreeMap<Endpoint, (u64, bool)>,
    before: &Snapshot,
    after: &Snapshot,
) -> Vec<Synced> {
    let (before, after) = (counted(before), counted(after));
    let count = |of: &BTreeMap<Endpoint, u64>, endpoint| of.get(endpoint).copied().unwrap_or(0);
    let told = listed.iter().filter(|(_, (_, is_told))| *is_told);
    let synced = told.map(|(endpoint, (listed, _))| Synced {
        endpoint: *endpoint,
        listed: *listed,
        counted: count(&before, endpoint).max(count(&after, endpoint)),
    });
    synced.collect()
}

/// How many connections each destination counts, of all services.
fn counted(snapshot: &Snapshot) -> BTreeMap<Endpoint, u64> {
    let mut counted: BTreeMap<_, u64> = BTreeMap::new();
    for entry in snapshot.services().flat_map(|service| service.destinations) {
        let connections = entry.connections;
        let count = u64::from(connections.active) + u64::from(connections.inactive);
        *counted.entry(entry.destination.endpoint()).or_default() += count;
    }
    counted
}

fn attached(
    report: &Report,
    links: &mut Rtnetlink,
    addresses: &[AddressEntry],
) -> Result<Vec<Attached>, GatherError> {
    let mut attached = Vec::new();
    for interface in links.interfaces()? {
        if report.daemons.iter().any(|daemon| daemon.interface == interface.name) {
            let addresses = addresses
                .iter()
                .filter(|entry| entry.interface == interface.index && entry.is_usable);
            let addresses = addresses.map(|entry| entry.address).collect();
            let groups = procfs::groups(interface.name)?;
            attached.push(Attached { interface, addresses, groups });
        }
    }
    Ok(attached)
}

fn sources(master: &Running, own: &Own) -> io::Result<Vec<Source>> {
    let sources = procfs::sources(master.group, master.port)?.into_iter();
    Ok(sources.map(|address| Source { address, is_local: is_local(address, own) }).collect())
}

fn drops(backup: &Running, settings: &Settings) -> io::Result<u64> {
    procfs::drops(backup.group, backup.ports(settings.sync_ports))
}

impl GatherError {
    /// Whether a capability or permission is missing.
    pub fn is_permission(&self) -> bool {
        match self {
            Self::Table(error) => error.is_permission(),
            Self::Sysctl(error) => error.is_permission(),
            Self::Interfaces(error) => error.is_permission(),
            Self::Connections(error) => error.is_permission(),
            Self::Procfs(error) => error.kind() == io::ErrorKind::PermissionDenied,
        }
    }
}

impl From<ipvs::Error> for GatherError {
    fn from(error: ipvs::Error) -> Self {
        Self::Table(error)
    }
}

impl From<SysctlError> for GatherError {
    fn from(error: SysctlError) -> Self {
        Self::Sysctl(error)
    }
}

impl From<net::Error> for GatherError {
    fn from(error: net::Error) -> Self {
        Self::Interfaces(error)
    }
}

impl From<ReadError> for GatherError {
    fn from(error: ReadError) -> Self {
        Self::Connections(error)
    }
}

impl From<io::Error> for GatherError {
    fn from(error: io::Error) -> Self {
        Self::Procfs(error)
    }
}

impl fmt::Display for GatherError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table(error) => error.fmt(f),
            Self::Sysctl(error) => error.fmt(f),
            Self::Interfaces(error) => error.fmt(f),
            Self::Connections(error) => error.fmt(f),
            Self::Procfs(error) => write!(f, "read procfs: {error}"),
        }
    }
}

impl std::error::Error for GatherError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(match self {
            Self::Table(error) => error,
            Self::Sysctl(error) => error,
            Self::Interfaces(error) => error,
            Self::Connections(error) => error,
            Self::Procfs(error) => error,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ipvs::fake::Kernel;
    use ipvs::{Connections, Destination, Service, ServiceKey};
    use std::io::Cursor;

    const TITLE: &str =
        "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Origin Expires\n";

    /// A connection to the destination 192.168.0.1:80.
    fn line(client_port: u16, service: &str, origin: &str) -> String {
        let client = format!("C0000201 {client_port:04X}");
        format!("TCP {client} {service} C0A80001 0050 ESTABLISHED {origin:<6}     900\n")
    }

    fn destination() -> Endpoint {
        "192.168.0.1:80".parse().unwrap()
    }

    /// A kernel whose services have the destination and count so many connections of it.
    fn kernel(services: &[(&str, u32)]) -> Kernel {
        let kernel = Kernel::new();
        let mut client = kernel.client().unwrap();
        for (key, active) in services {
            let key: ServiceKey = key.parse().unwrap();
            client.add_service(&Service::new(key)).unwrap();
            client.add_destination(&key, &Destination::new(destination())).unwrap();
            let connections = Connections { active: *active, ..Connections::default() };
            kernel.set_connections(&key, destination(), connections);
        }
        kernel
    }

    fn snapshot(kernel: &Kernel) -> Snapshot {
        kernel.client().unwrap().snapshot().unwrap()
    }

    fn read(lines: &str, before: &Snapshot, after: &Snapshot) -> Vec<Synced> {
        let reader = Reader::new(Cursor::new(format!("{TITLE}{lines}")));
        synced(&listed(reader, before).unwrap(), before, after)
    }

    #[test]
    fn connections_of_a_service_that_was_deleted_are_not_those_of_another() {
        // To 10.0.0.1:80, which is there, and to 10.0.0.2:80, which is not.
        let lines = (1..=9).map(|port| line(port, "0A000002 0050", "LOCAL")).collect::<String>()
            + &line(10, "0A000001 0050", "SYNC");
        let there = snapshot(&kernel(&[("tcp 10.0.0.1:80", 1)]));
        let synced = read(&lines, &there, &there);
        assert_eq!(synced, [Synced { endpoint: destination(), listed: 1, counted: 1 }]);
    }

    #[test]
    fn a_destination_counts_the_connections_of_all_its_services() {
        let lines = [line(1, "0A000001 0050", "SYNC"), line(2, "0A000002 0050", "LOCAL")].concat();
        let there = snapshot(&kernel(&[("tcp 10.0.0.1:80", 1), ("tcp 10.0.0.2:80", 1)]));
        let synced = read(&lines, &there, &there);
        assert_eq!(synced, [Synced { endpoint: destination(), listed: 2, counted: 2 }]);
    }

    #[test]
    fn connections_that_come_or_go_while_the_table_is_read_are_counted() {
        let one = [("tcp 10.0.0.1:80", 1)];
        let (with, without) = (snapshot(&kernel(&one)), snapshot(&kernel(&[(one[0].0, 0)])));
        let lines = line(1, "0A000001 0050", "SYNC");
        for (before, after) in [(&with, &without), (&without, &with)] {
            assert_eq!(read(&lines, before, after)[0].counted, 1);
        }
        // One that was told before its destination was there is in neither.
        assert_eq!(read(&lines, &without, &without)[0].counted, 0);
        // Where no other told anything there is nothing to be said.
        assert_eq!(read(&line(1, "0A000001 0050", "LOCAL"), &without, &without), []);
    }
}
