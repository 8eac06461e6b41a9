//! What is wrong with one node.

use super::finding::{Finding, Services, Unsaid};
use super::report::{Attached, Report, Running, Served, Settings, Source, Target};
use ipvs::{Family, Forwarding, Role, ServiceKey};

/// What is wrong with a node, whatever the other is: what concerns its daemons first, then
/// its sysctls, then its services.
pub fn examine(report: &Report) -> Vec<Finding> {
    let mut found = Vec::new();
    let (master, backup) = (report.daemon(Role::Master), report.daemon(Role::Backup));
    if master.is_none() && backup.is_none() {
        found.push(Finding::NoDaemon);
        found.extend(mixed_family(&report.services));
    }
    if let Some(master) = master {
        interface(report, Role::Master, &master, &mut found);
        as_master(report, &master, &mut found);
        told_when(&report.settings, &mut found);
        version(report, &mut found);
        let one_packet = Services::of(report, |served| served.one_packet);
        found.extend(one_packet.map(|services| Finding::OnePacket { services }));
    }
    if let Some(backup) = backup {
        interface(report, Role::Backup, &backup, &mut found);
        as_backup(report, &backup, &mut found);
    }
    if master.is_some() && backup.is_some() && report.settings.backup_only {
        found.push(Finding::BackupOnly);
    }
    found
}

/// What is wrong with the interface of a daemon, which the kernel does not look at again
/// after the start.
fn interface(report: &Report, role: Role, daemon: &Running, found: &mut Vec<Finding>) {
    let (interface, group) = (daemon.interface, daemon.group);
    let Some(Attached { interface: link, groups, .. }) = report.interface(interface) else {
        found.push(Finding::NoInterface { role, interface });
        return;
    };
    if !link.is_running {
        found.push(Finding::NotRunning { role, interface, is_up: link.is_up });
    }
    if !link.has_multicast {
        found.push(Finding::NoMulticast { role, interface });
    }
    match role {
        Role::Master => no_source(report, found),
        // Memberships go with the interface (`igmp.c: ip_mc_destroy_dev`).
        Role::Backup if !groups.contains(&group) => {
            found.push(Finding::NoMember { interface, group });
        }
        Role::Backup => {}
    }
}

fn as_master(report: &Report, master: &Running, found: &mut Vec<Finding>) {
    if master.id > 255 {
        found.push(Finding::IdTooLong { role: Role::Master, id: master.id });
    }
    let most = longest_counted(report);
    if master.max_len > most {
        found.push(Finding::CountWraps { max_len: master.max_len, most });
    }
    let packet = master.longest_packet();
    let mtu = report.interface(master.interface).map(|attached| attached.interface.mtu);
    if let Some(mtu) = mtu.filter(|mtu| packet > *mtu) {
        found.push(Finding::Fragments { interface: master.interface, packet, mtu });
    }
    if master.ttl > 1 {
        found.push(Finding::FarReach { ttl: master.ttl });
    }
    let messages = report.settings.sync_qlen_max;
    if messages < SHORT_QUEUE {
        found.push(Finding::ShortQueue { messages });
    }
    socket(&report.settings, Role::Master, report.settings.wmem_max, found);
}

fn as_backup(report: &Report, backup: &Running, found: &mut Vec<Finding>) {
    match backup.id {
        0 => found.push(Finding::AnyId),
        id @ 256.. => found.push(Finding::IdTooLong { role: Role::Backup, id }),
        _ => {}
    }
    socket(&report.settings, Role::Backup, report.settings.rmem_max, found);
    if report.drops > 0 {
        found.push(Finding::Dropped { messages: report.drops });
    }
    if report.services.is_empty() {
        found.push(Finding::NoServices);
    }
    for told in &report.synced {
        // Connections come and go between the two readings.
        if told.counted < told.listed.div_ceil(2) {
            let (destination, listed, counted) = (told.endpoint, told.listed, told.counted);
            found.push(Finding::Unbound { destination, listed, counted });
        }
    }
    conntrack(report, found);
}

/// What connection tracking makes of connections that it has not seen begin: it takes them
/// from their middle, or they are invalid. Those to this node are never taken
/// (`ip_vs_xmit.c: ip_vs_nat_xmit`).
fn conntrack(report: &Report, found: &mut Vec<Finding>) {
    if !report.settings.conntrack {
        return;
    }
    let masqueraded = |is_so: fn(&Target) -> bool| {
        Services::of(report, |served| {
            let mut destinations = served.destinations.iter();
            destinations.any(|it| it.forwarding == Forwarding::Masquerade && is_so(it))
        })
    };
    if report.settings.conntrack_tcp_loose == Some(false) {
        found.extend(masqueraded(|_| true).map(|services| Finding::Conntrack { services }));
    }
    let local = masqueraded(|target| target.is_local);
    found.extend(local.map(|services| Finding::ConntrackLocal { services }));
}

/// A master is bound to the address that its interface, or another where that has none, had
/// at its start (`ip_vs_sync.c: bind_mcastif_addr`). From one that is gone nothing is sent
/// (`route.c: ip_route_output_key_hash_rcu`); IPv6 does not mind.
fn no_source(report: &Report, found: &mut Vec<Finding>) {
    let is_lost = |source: &Source| source.address.is_ipv4() && !source.is_local;
    // Which of them is the master's is not told.
    if report.sources.iter().all(is_lost) {
        let first = report.sources.first();
        found.extend(first.map(|source| Finding::NoSource { address: source.address }));
    }
}

/// The longest message that has no room for more than 255 connections of the shortest kind
/// that the services can have (`ip_vs_sync.c: ip_vs_sync_conn`, `nr_conns`).
fn longest_counted(report: &Report) -> u16 {
    let is_v6 = |served: &Served| served.service.family() == Family::V6;
    if report.settings.sync_version == 0 {
        4 + 255 * 24
    } else if !report.services.is_empty() && report.services.iter().all(is_v6) {
        8 + 255 * 72
    } else {
        8 + 255 * 36
    }
}

/// The buffer of a socket (`ip_vs_sync.c: set_sock_size`).
fn socket(settings: &Settings, role: Role, limit: Option<u32>, found: &mut Vec<Finding>) {
    let bytes = settings.sync_sock_size;
    if bytes < SMALL_SOCKET {
        // One of them says it of both.
        if !found.contains(&Finding::SmallSocket { bytes }) {
            found.push(Finding::SmallSocket { bytes });
        }
    } else if let Some(limit) = limit.filter(|limit| *limit < SMALL_SOCKET) {
        found.push(Finding::SocketLimit { role, bytes, limit });
    }
}

/// When an established connection is told (`ip_vs_sync.c: ip_vs_sync_conn_needed`): with a
/// period by its packets alone, and a refresh only makes it rarer; without one by time.
fn told_when(settings: &Settings, found: &mut Vec<Finding>) {
    let threshold = settings.sync_threshold;
    let refresh_period = settings.sync_refresh_period;
    let is_by_time = threshold.period == 0 && refresh_period > 0;
    let packet = if threshold.packets == 0 { threshold.period } else { threshold.packets };
    if !is_by_time && packet > LATE_PACKET {
        found.push(Finding::LateFirst { packet });
    }
    // One that is told at each packet is told as often as it lives on.
    if !is_by_time && threshold.period != 1 {
        found.push(Finding::NoRefresh { threshold });
    } else if refresh_period > 0 && settings.sync_retries == 0 {
        found.push(Finding::NoRetries { refresh_period });
    }
}

fn version(report: &Report, found: &mut Vec<Finding>) {
    if report.settings.sync_version != 0 {
        return;
    }
    let is_v6 = |served: &Served| served.service.family() == Family::V6;
    let is_mark = |served: &Served| matches!(served.service, ServiceKey::Mark { .. });
    let unsaid = [
        Some(Unsaid::Timeouts),
        Services::of(report, is_v6).map(Unsaid::Ipv6),
        Services::of(report, |served| is_mark(served) && !is_v6(served)).map(Unsaid::Marks),
        Services::of(report, |served| served.engine.is_some() && !is_v6(served))
            .map(Unsaid::Engines),
    ];
    found.extend(unsaid.into_iter().flatten().map(|unsaid| Finding::Version0 { unsaid }));
}

/// What makes the kernel refuse to start a daemon (`ip_vs_ctl.c: ip_vs_genl_new_daemon`).
fn mixed_family(services: &[Served]) -> Option<Finding> {
    services.iter().find_map(|served| {
        let family = served.service.family();
        let mixed = served.destinations.iter().find(|target| target.endpoint.family() != family)?;
        let destination = mixed.endpoint;
        Some(Finding::MixedFamily { service: served.service, destination })
    })
}

impl Services {
    /// Those of a node that are so, if any is.
    pub(super) fn of(report: &Report, is_so: impl Fn(&Served) -> bool) -> Option<Self> {
        let mut all = report.services.iter().filter(|served| is_so(served));
        let first = all.next()?.service;
        Some(Self { first, count: 1 + all.count() })
    }
}

/// At 40 connections in a message, fewer than 4,000 connections.
const SHORT_QUEUE: u64 = 100;
/// The least that bursts of tens of thousands of connections fit into, in bytes.
const SMALL_SOCKET: u32 = 4 << 20;
/// The packet of a TCP client after which its connection is established and has data.
const LATE_PACKET: u32 = 3;
