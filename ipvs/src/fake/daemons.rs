//! The sync daemons: `ip_vs_sync.c: start_sync_thread` without the sockets.

use super::answer::{self, Refusal};
use super::policy::{self, Message, Rule, Values};
use crate::name::InterfaceName;
use crate::{Family, Role, SyncDaemon};
use ipvs_sys::DaemonAttrs;
use std::collections::BTreeMap;
use std::net::IpAddr;

const GROUP: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(224, 0, 0, 81));
const PORT: u16 = 8848;

const NEST: usize = 3;
const ATTRS: usize = 9;
/// `ip_vs_ctl.c: ip_vs_daemon_policy`.
const RULES: [Rule; ATTRS] = [
    Rule::Any,
    Rule::Number(4),
    Rule::Name(15),
    Rule::Number(4),
    Rule::Number(2),
    Rule::Number(4),
    Rule::Number(16),
    Rule::Number(2),
    Rule::Number(1),
];

/// Those that run, and the interfaces that they can run on.
pub(super) struct Daemons {
    master: Option<SyncDaemon>,
    backup: Option<SyncDaemon>,
    /// The interfaces' MTUs.
    pub(super) interfaces: BTreeMap<InterfaceName, u32>,
}

impl Default for Daemons {
    fn default() -> Self {
        let interfaces = [(&b"lo"[..], 65_536), (b"eth0", 1500)];
        let named = |(name, mtu)| (InterfaceName::from_wire(name), mtu);
        Self { master: None, backup: None, interfaces: interfaces.map(named).into() }
    }
}

impl Daemons {
    /// In the order of a listing.
    pub(super) fn running(&self) -> impl Iterator<Item = &SyncDaemon> {
        self.master.iter().chain(&self.backup)
    }

    pub(super) fn stop_all(&mut self) {
        (self.master, self.backup) = (None, None);
    }

    /// `ip_vs_ctl.c: ip_vs_genl_new_daemon`; `mixed` is whether a destination
    /// is not of its service's family.
    pub(super) fn start(&mut self, message: &mut Message<'_>, mixed: bool) -> Result<(), Refusal> {
        let values = message.nest(NEST, &RULES)?;
        let [_, state, interface, id, max_len, .., port, ttl] = values;
        let name = policy::name(interface);
        let (Some(state), Some(name), Some(id)) = (policy::u32_ne(state), name, policy::u32_ne(id))
        else {
            return Err(libc::EINVAL.into());
        };
        let group = group(&values)?;
        if mixed {
            return Err(libc::EINVAL.into());
        }
        let interface = InterfaceName::from_wire(name);
        let mtu = *self.interfaces.get(&interface).ok_or(libc::ENODEV)?;
        let (role, slot) = self.slot(state)?;
        if slot.is_some() {
            return Err(libc::EEXIST.into());
        }
        let group = group.unwrap_or(GROUP);
        let not_zero = |number: u16| Some(number).filter(|number| *number != 0);
        *slot = Some(SyncDaemon {
            role,
            interface,
            id,
            max_len: Some(max_len_of(role, group, policy::u16_ne(max_len).unwrap_or(0), mtu)),
            group: Some(group),
            port: policy::u16_ne(port).and_then(not_zero).or(Some(PORT)),
            ttl: policy::first(ttl).map(|[ttl]| ttl).filter(|ttl| *ttl != 0).or(Some(1)),
        });
        Ok(())
    }

    /// `ip_vs_ctl.c: ip_vs_genl_del_daemon`.
    pub(super) fn stop(&mut self, message: &mut Message<'_>) -> Result<(), Refusal> {
        let [_, state, ..] = message.nest(NEST, &RULES)?;
        let (_, slot) = self.slot(policy::u32_ne(state).ok_or(libc::EINVAL)?)?;
        slot.take().map(drop).ok_or_else(|| libc::ESRCH.into())
    }

    fn slot(&mut self, state: u32) -> Result<(Role, &mut Option<SyncDaemon>), Refusal> {
        match state {
            DaemonAttrs::MASTER => Ok((Role::Master, &mut self.master)),
            DaemonAttrs::BACKUP => Ok((Role::Backup, &mut self.backup)),
            _ => Err(libc::EINVAL.into()),
        }
    }
}

fn group(values: &Values<'_, ATTRS>) -> Result<Option<IpAddr>, Refusal> {
    let [.., group4, group6, _, _] = *values;
    let group = match (policy::first::<4>(group4), policy::first::<16>(group6)) {
        (Some(v4), _) => Some(IpAddr::from(v4)),
        (None, Some(v6)) => Some(answer::address(Family::V6, v6)),
        (None, None) => None,
    };
    if group.is_some_and(|group| !group.is_multicast()) {
        return Err(libc::EINVAL.into());
    }
    Ok(group)
}

/// The longest message, without the IP and UDP headers.
fn max_len_of(role: Role, group: IpAddr, asked: u16, mtu: u32) -> u16 {
    let headers = if group.is_ipv4() { 28 } else { 48 };
    let longest = u16::MAX - headers;
    match (role, asked) {
        (Role::Master, 0) => 1500 - headers,
        (Role::Backup, 0) => {
            let mtu = u16::try_from(mtu).unwrap_or(u16::MAX);
            mtu.max(1500) - headers
        }
        (Role::Master, asked) => asked.min(longest),
        (Role::Backup, asked) => asked.clamp(1024, longest),
    }
}
