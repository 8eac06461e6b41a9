//! The kernel's connection-sync daemons.

use crate::key::required;
use crate::name::InterfaceName;
use crate::{Family, ParseError, Rule};
use ipvs_sys::{DaemonAttrs, DecodeError};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// What a sync daemon does. One of each may run in a network namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Sends connections to the multicast group.
    Master,
    /// Receives connections from it.
    Backup,
}

/// A sync daemon with its parameters. Where one is `None`, the kernel chooses;
/// of a daemon that runs, all are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields, rename_all = "kebab-case"))]
pub struct SyncDaemon {
    /// What it does.
    pub role: Role,
    /// The interface that the group is reached by.
    pub interface: InterfaceName,
    /// The id, 0 to 255. A backup with id 0 takes messages of every id.
    pub id: u32,
    /// The longest message in bytes, without IP and UDP headers: 1 to 65,507
    /// for a master, from 1,024 for a backup. By default 1,472 (IPv4) or 1,452
    /// (IPv6) for a master, by the interface's MTU for a backup.
    pub max_len: Option<u16>,
    /// The multicast group, 224.0.0.81 by default.
    pub group: Option<IpAddr>,
    /// The UDP port, 8848 by default.
    pub port: Option<u16>,
    /// The TTL or hop limit, 1 by default.
    pub ttl: Option<u8>,
}

impl Role {
    pub(crate) fn number(self) -> u32 {
        match self {
            Self::Master => DaemonAttrs::MASTER,
            Self::Backup => DaemonAttrs::BACKUP,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Master => "master",
            Self::Backup => "backup",
        })
    }
}

impl FromStr for Role {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        match text {
            "master" => Ok(Self::Master),
            "backup" => Ok(Self::Backup),
            _ => Err(ParseError::expected("a sync daemon's role (master, backup)", text)),
        }
    }
}

impl SyncDaemon {
    /// A daemon with the kernel's defaults.
    pub fn new(role: Role, interface: InterfaceName, id: u8) -> Self {
        Self { role, interface, id: id.into(), max_len: None, group: None, port: None, ttl: None }
    }

    /// Whether the kernel would start it.
    ///
    /// # Errors
    ///
    /// The first [`Rule`] that it breaks. The client checks before it sends.
    pub fn check(&self) -> Result<(), Rule> {
        if self.id > u8::MAX.into() {
            return Err(Rule::SyncId { id: self.id });
        }
        if let Some(group) = self.group {
            if !group.is_multicast() {
                return Err(Rule::SyncGroupMulticast { group });
            }
        }
        // The kernel would take the nearest length that it allows.
        let min = if self.role == Role::Backup { 1024 } else { 1 };
        let max = if self.family() == Family::V6 { 65_487 } else { 65_507 };
        if let Some(len) = self.max_len.filter(|len| !(min..=max).contains(len)) {
            return Err(Rule::SyncMaxLen { len, min, max });
        }
        // 0 is the kernel's word for its default, not a value.
        for (what, value) in [("port", self.port), ("ttl", self.ttl.map(u16::from))] {
            if value == Some(0) {
                return Err(Rule::SyncParameterZero { what });
            }
        }
        Ok(())
    }

    /// The family of the group.
    pub fn family(&self) -> Family {
        self.group.map_or(Family::V4, Family::of)
    }

    pub(crate) fn attrs(&self) -> DaemonAttrs<'_> {
        let (group4, group6) = match self.group {
            Some(IpAddr::V4(group)) => (Some(group.octets()), None),
            Some(IpAddr::V6(group)) => (None, Some(group.octets())),
            None => (None, None),
        };
        DaemonAttrs {
            state: Some(self.role.number()),
            interface: Some(self.interface.as_bytes()),
            sync_id: Some(self.id),
            max_len: self.max_len,
            group4,
            group6,
            port: self.port,
            ttl: self.ttl,
        }
    }
}

impl TryFrom<&DaemonAttrs<'_>> for SyncDaemon {
    type Error = DecodeError;

    fn try_from(attrs: &DaemonAttrs<'_>) -> Result<Self, DecodeError> {
        let role = match attrs.state {
            Some(DaemonAttrs::MASTER) => Role::Master,
            Some(DaemonAttrs::BACKUP) => Role::Backup,
            _ => return Err(DecodeError::Missing { at: "daemon/state" }),
        };
        let interface = required(attrs.interface, "daemon/interface")?;
        let group4 = attrs.group4.map(IpAddr::from);
        Ok(Self {
            role,
            interface: InterfaceName::from_wire(interface),
            id: required(attrs.sync_id, "daemon/sync id")?,
            max_len: attrs.max_len,
            group: group4.or_else(|| attrs.group6.map(IpAddr::from)),
            port: attrs.port,
            ttl: attrs.ttl,
        })
    }
}

/// As `master id 7 on eth0`.
impl fmt::Display for SyncDaemon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} id {} on {}", self.role, self.id, self.interface)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_is_named() {
        let daemon = SyncDaemon::new(Role::Master, "eth0".parse().unwrap(), 7);
        assert_eq!(daemon.check(), Ok(()));
        let refused = [
            (SyncDaemon { id: 256, ..daemon }, "sync id 256 out of range: 0 to 255"),
            (
                SyncDaemon { group: Some([10, 0, 0, 1].into()), ..daemon },
                "sync group 10.0.0.1 is not a multicast address",
            ),
            (
                SyncDaemon { port: Some(0), ..daemon },
                "port 0: leave it out to have the kernel's default",
            ),
            (
                SyncDaemon { ttl: Some(0), ..daemon },
                "ttl 0: leave it out to have the kernel's default",
            ),
            (
                SyncDaemon { max_len: Some(0), ..daemon },
                "maximum length of 0 bytes out of range: 1 to 65507",
            ),
            (
                SyncDaemon { max_len: Some(1023), role: Role::Backup, ..daemon },
                "maximum length of 1023 bytes out of range: 1024 to 65507",
            ),
        ];
        for (daemon, message) in refused {
            assert_eq!(daemon.check().unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn a_daemon_comes_back_from_its_attributes() {
        for group in ["224.0.0.81", "ff02::81"] {
            let daemon = SyncDaemon {
                max_len: Some(1400),
                group: Some(group.parse().unwrap()),
                port: Some(8849),
                ttl: Some(3),
                ..SyncDaemon::new(Role::Backup, "eth0".parse().unwrap(), 7)
            };
            assert_eq!(SyncDaemon::try_from(&daemon.attrs()), Ok(daemon));
        }
    }
}
