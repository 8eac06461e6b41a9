//! What a node is, as far as sync depends on it.

use crate::net::{Interface, InterfaceAddress};
use crate::proto;
use ipvs::sysctl::SyncThreshold;
use ipvs::{Endpoint, EngineName, Family, Forwarding, InterfaceName, Role, ServiceKey, SyncDaemon};
use std::net::IpAddr;
use std::ops::RangeInclusive;

/// What a node is, as far as sync depends on it.
///
/// With the feature `serde` it can be written, sent to the other node and read there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub struct Report {
    /// The release of its kernel, such as `6.12.95-cloud-amd64`.
    pub kernel: String,
    /// The sync daemons that run, with the parameters in effect.
    pub daemons: Vec<SyncDaemon>,
    /// The interfaces of the daemons, those that are there.
    pub interfaces: Vec<Attached>,
    /// The addresses from which messages are sent to the group of a master that runs.
    pub sources: Vec<Source>,
    /// Its sysctls.
    pub settings: Settings,
    /// Its services, in the order of their keys.
    pub services: Vec<Served>,
    /// The destinations of the connections that others told, as far as the table has them.
    pub synced: Vec<Synced>,
    /// How many datagrams a backup that runs has lost because its receive queue was full, at
    /// least: it is not told from other sockets that hear the same.
    pub drops: u64,
}

/// An interface of a daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub struct Attached {
    /// The interface.
    pub interface: Interface,
    /// Its addresses that can be used, of both families.
    pub addresses: Vec<InterfaceAddress>,
    /// The multicast groups that somebody hears on it, of both families.
    pub groups: Vec<IpAddr>,
}

/// An address from which messages are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub struct Source {
    /// The address.
    pub address: IpAddr,
    /// It is one of the node still.
    pub is_local: bool,
}

/// The sysctls that sync depends on, of `net.ipv4.vs` unless said otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub struct Settings {
    /// `backup_only`.
    pub backup_only: bool,
    /// `conntrack`; off where the kernel lacks it.
    pub conntrack: bool,
    /// `expire_nodest_conn`.
    pub expire_nodest_conn: bool,
    /// `expire_quiescent_template`.
    pub expire_quiescent_template: bool,
    /// `sloppy_sctp`.
    pub sloppy_sctp: bool,
    /// `sloppy_tcp`.
    pub sloppy_tcp: bool,
    /// `sync_persist_mode`.
    pub sync_persist_mode: bool,
    /// `sync_ports`. What daemons run with is that of when they were started.
    pub sync_ports: u32,
    /// `sync_qlen_max`, in messages.
    pub sync_qlen_max: u64,
    /// `sync_refresh_period`, in seconds.
    pub sync_refresh_period: u32,
    /// `sync_retries`.
    pub sync_retries: u32,
    /// `sync_sock_size`, in bytes; 0 for the system's.
    pub sync_sock_size: u32,
    /// `sync_threshold`.
    pub sync_threshold: SyncThreshold,
    /// `sync_version`.
    pub sync_version: u32,
    /// `net.core.rmem_max`, in bytes; `None` where the namespace does not show it.
    pub rmem_max: Option<u32>,
    /// `net.core.wmem_max`, in bytes; `None` where the namespace does not show it.
    pub wmem_max: Option<u32>,
    /// `net.netfilter.nf_conntrack_tcp_loose`; `None` without connection tracking.
    pub conntrack_tcp_loose: Option<bool>,
}

/// A service, by what a backup finds it, and its destinations, by.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub struct Served {
    /// Its key.
    pub service: ServiceKey,
    /// Each packet is scheduled on its own.
    pub one_packet: bool,
    /// It remembers clients.
    pub persistent: bool,
    /// Its persistence engine.
    pub engine: Option<EngineName>,
    /// Its destinations, in the order of their endpoints.
    pub destinations: Vec<Target>,
}

/// A destination of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub struct Target {
    /// Its address and port.
    pub endpoint: Endpoint,
    /// How packets get there.
    pub forwarding: Forwarding,
    /// Its address is one of the node itself.
    pub is_local: bool,
}

/// A destination of connections that another node told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub struct Synced {
    /// Its address and port.
    pub endpoint: Endpoint,
    /// How many connections the connection table has of it, without templates and those of
    /// services that do not have it.
    pub listed: u64,
    /// How many the destination counts, active and not, of all services. The kernel counts
    /// a connection that it was told only with a destination that was there.
    pub counted: u64,
}

impl Report {
    /// The daemon of this role, if it runs.
    pub fn daemon(&self, role: Role) -> Option<Running> {
        let found = self.daemons.iter().find(|daemon| daemon.role == role)?;
        Some(Running::of(found))
    }

    /// The interface with this name, if it was there.
    pub fn interface(&self, name: InterfaceName) -> Option<&Attached> {
        self.interfaces.iter().find(|attached| attached.interface.name == name)
    }

    /// The service with this key.
    pub fn service(&self, key: ServiceKey) -> Option<&Served> {
        self.services.iter().find(|served| served.service == key)
    }
}

impl Settings {
    /// How many ports daemons have that are started now: the kernel takes no more than 64
    /// (`ip_vs_sync.c: sysctl_sync_ports, IPVS_SYNC_PORTS_MAX`).
    pub fn ports(&self) -> u32 {
        ports(self.sync_ports)
    }
}

fn ports(sync_ports: u32) -> u32 {
    sync_ports.clamp(1, 64)
}

/// A daemon that runs. What its report leaves out is the kernel's default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Running {
    /// Its interface.
    pub interface: InterfaceName,
    /// Its id. Messages have room for 0 to 255.
    pub id: u32,
    /// Its group.
    pub group: IpAddr,
    /// Its first UDP port.
    pub port: u16,
    /// Its TTL or hop limit.
    pub ttl: u8,
    /// Its longest message in bytes.
    pub max_len: u16,
}

impl Running {
    /// A daemon as the kernel told it.
    pub fn of(daemon: &SyncDaemon) -> Self {
        let group = daemon.group.unwrap_or(IpAddr::V4(proto::GROUP));
        let default = match Family::of(group) {
            Family::V4 => 1472,
            Family::V6 => 1452,
        };
        Self {
            interface: daemon.interface,
            id: daemon.id,
            group,
            port: daemon.port.unwrap_or(proto::PORT),
            ttl: daemon.ttl.unwrap_or(1),
            max_len: daemon.max_len.unwrap_or(default),
        }
    }

    /// Its ports, if it was started with `sync_ports` as this.
    pub fn ports(&self, sync_ports: u32) -> RangeInclusive<u16> {
        let more = u16::try_from(ports(sync_ports) - 1).unwrap_or(0);
        self.port..=self.port.saturating_add(more)
    }

    /// How long its longest packet is, with the headers of IP and UDP.
    pub(super) fn longest_packet(&self) -> u32 {
        u32::from(self.max_len) + if self.group.is_ipv4() { 28 } else { 48 }
    }
}
