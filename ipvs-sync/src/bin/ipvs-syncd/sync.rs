//! Connection sync: the kernel's sync daemons, kept as the configuration wants them.

use crate::config::{self, Daemons as Which};
use crate::events::What;
use crate::state;
use ipvs::sysctl::{Sysctl, Sysctls};
use ipvs::{Client, Error, InterfaceName, Namespace, Role, SyncDaemon};
use ipvs_sync::daemon::{Daemons, Event, is_heard};
use ipvs_sync::net::{Interface, now};
use ipvs_sync::vrrp::Time;
use ipvs_sync::vrrp::router::State;

/// The kernel's sync daemons. Where no configuration has had any they are left alone.
#[derive(Default)]
pub(crate) struct Sync {
    kept: Option<Kept>,
}

pub(crate) struct Kept {
    client: Client,
    daemons: Daemons,
    config: config::Sync,
    /// The configuration no longer has them: they are forgotten when they are gone.
    is_leaving: bool,
    /// The backup is wanted, and does not run or nothing comes through its interface.
    is_deaf: bool,
    /// What `by-state` goes by.
    is_active: bool,
    is_backup: bool,
    /// The states of the virtual routers want no backup.
    is_active_only: bool,
    /// The kernel balances nothing while the backup runs, as it was read last.
    backup_only: bool,
    /// Those that run, as they were read last.
    running: Vec<SyncDaemon>,
    master: Told,
    backup: Told,
    /// What kept them from being as they are wanted, the last time.
    failing: Vec<String>,
    failures: u64,
}

/// The daemons that are to be kept: where none were, or others than were.
pub(crate) enum Prepared {
    New(Box<Kept>),
    Same(Option<config::Sync>),
}

/// What happened to a role.
struct Told {
    since: Time,
    started: u64,
    stopped: u64,
}

const ROLES: [Role; 2] = [Role::Master, Role::Backup];

impl Sync {
    /// What [`set`](Self::set) takes, with all that may fail done.
    pub(crate) fn prepare(
        &self,
        config: Option<config::Sync>,
        namespace: Option<&Namespace>,
    ) -> Result<Prepared, Error> {
        Ok(match (config, &self.kept) {
            (Some(config), None) => Prepared::New(Box::new(Kept::new(config, namespace)?)),
            (config, _) => Prepared::Same(config),
        })
    }

    /// These from now on. They are started and stopped by the next [`run`](Self::run).
    pub(crate) fn set(&mut self, prepared: Prepared) {
        match (prepared, &mut self.kept) {
            (Prepared::New(kept), _) => self.kept = Some(*kept),
            (Prepared::Same(Some(config)), Some(kept)) => kept.set(config),
            (Prepared::Same(None), Some(kept)) => kept.leave(),
            (Prepared::Same(_), None) => {}
        }
    }

    /// Goes by the states of the virtual routers, if it is to. While a table is wanted, the
    /// backup is that takes it.
    pub(crate) fn follow(&mut self, states: impl Iterator<Item = State>, wants_table: bool) {
        if let Some(kept) = &mut self.kept {
            kept.follow(states, wants_table);
        }
    }

    /// Whether a backup may be started to take a table while a virtual router is active.
    pub(crate) fn takes_beside_active(&self) -> bool {
        let is_alone = |kept: &Kept| kept.config.daemons == Which::ByState && kept.is_active_only;
        !self.kept.as_ref().is_some_and(|kept| is_alone(kept) && kept.backup_only)
    }

    /// Whether what others tell does not arrive, though it should.
    pub(crate) fn is_deaf(&self) -> bool {
        self.kept.as_ref().is_some_and(|kept| kept.is_deaf)
    }

    /// Does what is due, or all if the interfaces are others than before.
    pub(crate) fn run(
        &mut self,
        interfaces: &[Interface],
        namespace: Option<&Namespace>,
        is_changed: bool,
    ) -> Vec<What> {
        let Some(kept) = &mut self.kept else { return Vec::new() };
        if !is_changed && now() < kept.daemons.poll_timeout() {
            return Vec::new();
        }
        kept.backup_only = backup_only(namespace);
        let told = kept.run(interfaces);
        if self.is_leaving() && self.kept.as_ref().is_some_and(|kept| kept.running.is_empty()) {
            self.kept = None;
        }
        told
    }

    /// When there is something to do.
    pub(crate) fn next(&self) -> Option<Time> {
        self.kept.as_ref().map(|kept| kept.daemons.poll_timeout())
    }

    /// Whether some are yet to be stopped.
    pub(crate) fn is_leaving(&self) -> bool {
        self.kept.as_ref().is_some_and(|kept| kept.is_leaving)
    }

    pub(crate) fn state(&self) -> Option<state::Sync> {
        self.kept.as_ref().map(Kept::state)
    }
}

impl Kept {
    fn new(config: config::Sync, namespace: Option<&Namespace>) -> Result<Self, Error> {
        let mut client = match namespace {
            Some(namespace) => Client::connect_in(namespace)?,
            None => Client::connect()?,
        };
        let (running, now) = (client.daemons()?, now());
        let mut daemons = Daemons::new(now);
        for role in dead(&running, namespace) {
            tracing::warn!(%role, "the sync daemon that runs is dead: its interface was deleted");
            daemons.found_dead(role);
        }
        let told = || Told { since: now, started: 0, stopped: 0 };
        let mut this = Self {
            client,
            daemons,
            config,
            is_leaving: false,
            is_deaf: false,
            is_active: false,
            is_backup: true,
            is_active_only: false,
            backup_only: backup_only(namespace),
            running,
            master: told(),
            backup: told(),
            failing: Vec::new(),
            failures: 0,
        };
        this.want();
        Ok(this)
    }

    fn set(&mut self, config: config::Sync) {
        self.config = config;
        self.is_leaving = false;
        self.want();
    }

    fn leave(&mut self) {
        self.is_leaving = true;
        self.want();
    }

    fn follow(&mut self, states: impl Iterator<Item = State>, wants_table: bool) {
        let (mut is_active, mut is_backup) = (false, false);
        for state in states {
            match state {
                State::Active => is_active = true,
                _ => is_backup = true,
            }
        }
        // Where none runs there may be one that could not be started.
        is_backup |= !is_active;
        self.is_active_only = !is_backup;
        is_backup |= wants_table;
        if (is_active, is_backup) != (self.is_active, self.is_backup) {
            (self.is_active, self.is_backup) = (is_active, is_backup);
            self.want();
        }
    }

    fn want(&mut self) {
        for role in ROLES {
            if !self.wants(role) {
                self.daemons.leave(role, now());
            } else if let Err(rule) = self.daemons.want(self.config.daemon(role)) {
                // The configuration was checked for this.
                tracing::error!(%role, %rule, "sync daemon");
            }
        }
    }

    fn wants(&self, role: Role) -> bool {
        let is_used = match (self.config.daemons, role) {
            (Which::Both, _) => true,
            (Which::ByState, Role::Master) => self.is_active,
            (Which::ByState, Role::Backup) => self.is_backup,
        };
        is_used && !self.is_leaving
    }

    fn run(&mut self, interfaces: &[Interface]) -> Vec<What> {
        let mut told = Vec::new();
        let mut failing = Vec::new();
        for event in self.daemons.run(&mut self.client, interfaces, now()) {
            match event {
                Event::Started(daemon) => {
                    let of_role = self.told_mut(daemon.role);
                    of_role.since = now();
                    of_role.started += 1;
                    told.push(What::SyncStarted(daemon));
                }
                Event::Stopped(role) => {
                    let of_role = self.told_mut(role);
                    of_role.since = now();
                    of_role.stopped += 1;
                    told.push(What::SyncStopped(role));
                }
                failed => failing.push(failed.to_string()),
            }
        }
        let is_wanted = ROLES.into_iter().any(|role| self.wants(role));
        let name = self.config.daemon(Role::Master).interface;
        let cut_off = cut_off(name, interfaces).filter(|_| is_wanted);
        let is_cut_off = cut_off.is_some();
        failing.extend(cut_off);
        // What cannot be read for one role cannot for the other, and all is tried again.
        failing.dedup();
        let new = failing.iter().filter(|text| !self.failing.contains(text));
        told.extend(new.cloned().map(What::SyncFailed));
        self.failures += u64::try_from(failing.len()).unwrap_or(u64::MAX);
        self.failing = failing;
        if let Ok(running) = self.client.daemons() {
            self.running = running;
        }
        let runs = self.running.iter().any(|running| running.role == Role::Backup);
        self.is_deaf = self.wants(Role::Backup) && (is_cut_off || !runs);
        told
    }

    fn state(&self) -> state::Sync {
        let daemon = |role| {
            let SyncDaemon { interface, id, .. } = self.config.daemon(role);
            let Told { since, started, stopped } = self.told(role);
            state::Daemon {
                role: role.to_string(),
                interface: interface.to_string(),
                id,
                wanted: self.wants(role),
                running: self.running.iter().any(|running| running.role == role),
                since_seconds: now().since(*since).as_secs_f64(),
                started: *started,
                stopped: *stopped,
            }
        };
        state::Sync {
            daemons: ROLES.into_iter().map(daemon).collect(),
            failures: self.failures,
            errors: self.failing.clone(),
        }
    }

    fn told(&self, role: Role) -> &Told {
        match role {
            Role::Master => &self.master,
            Role::Backup => &self.backup,
        }
    }

    fn told_mut(&mut self, role: Role) -> &mut Told {
        match role {
            Role::Master => &mut self.master,
            Role::Backup => &mut self.backup,
        }
    }
}

/// `net.ipv4.vs.backup_only`; no if it cannot be read.
fn backup_only(namespace: Option<&Namespace>) -> bool {
    let sysctls = match namespace {
        Some(namespace) => Sysctls::of(namespace),
        None => Sysctls::here(),
    };
    sysctls.get(Sysctl::BACKUP_ONLY).unwrap_or(false)
}

/// The roles of the daemons that run though their interface was deleted.
fn dead(running: &[SyncDaemon], namespace: Option<&Namespace>) -> Vec<Role> {
    let Some(backup) = running.iter().find(|daemon| daemon.role == Role::Backup) else {
        return Vec::new();
    };
    let heard = match namespace {
        Some(namespace) => namespace.run(|| is_heard(backup)).unwrap_or(Ok(true)),
        None => is_heard(backup),
    };
    // What cannot be known is left as it is.
    if heard.unwrap_or(true) {
        return Vec::new();
    }
    let interface = backup.interface;
    let of_it = running.iter().filter(|daemon| daemon.interface == interface);
    of_it.map(|daemon| daemon.role).collect()
}

/// Why nothing goes through the interface. Without it no daemon is started; what runs goes
/// on all the same, and nobody tells it what it misses.
fn cut_off(name: InterfaceName, interfaces: &[Interface]) -> Option<String> {
    match interfaces.iter().find(|interface| interface.name == name) {
        None => Some(format!("sync daemons: there is no interface {name}")),
        Some(interface) if !interface.is_running => {
            let why = if interface.is_up { "has no carrier" } else { "is down" };
            Some(format!("sync daemons: the interface {name} {why}"))
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(is_up: bool, is_running: bool) -> Interface {
        Interface {
            index: 2,
            name: "eth1".parse().unwrap(),
            mac: None,
            mtu: 1500,
            is_up,
            is_running,
            has_arp: true,
            has_multicast: true,
            macvlan_of: None,
        }
    }

    #[test]
    fn a_daemon_is_cut_off_without_its_interface_and_where_nothing_goes_through_it() {
        let with = |interfaces: &[Interface]| cut_off("eth1".parse().unwrap(), interfaces);
        assert_eq!(with(&[interface(true, true)]), None);
        let why = |text: &str| Some(format!("sync daemons: {text}"));
        assert_eq!(with(&[]), why("there is no interface eth1"));
        let other = Interface { name: "eth2".parse().unwrap(), ..interface(true, true) };
        assert_eq!(with(&[other]), why("there is no interface eth1"));
        assert_eq!(with(&[interface(false, false)]), why("the interface eth1 is down"));
        assert_eq!(with(&[interface(true, false)]), why("the interface eth1 has no carrier"));
    }
}
