//! The kernel's sync daemons as they are wanted, reached and kept.
//!
//! The kernel starts and stops a daemon and says nothing after that. It does not notice
//! that the interface of one was deleted, and what a master has not sent when it is stopped
//! is lost. [`Daemons`] knows what is wanted of each role and, told what runs, what is to be
//! done; [`Daemons::run`] does it over a client.
//!
//! ```no_run
//! use ipvs::{Client, Role, SyncDaemon};
//! use ipvs_sync::daemon::Daemons;
//! use ipvs_sync::net::{Rtnetlink, now};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (mut client, mut links) = (Client::connect()?, Rtnetlink::open()?);
//! let mut daemons = Daemons::new(now());
//! for role in [Role::Master, Role::Backup] {
//!     daemons.want(SyncDaemon::new(role, "eth1".parse()?, 7))?;
//! }
//! loop {
//!     for event in daemons.run(&mut client, &links.interfaces()?, now()) {
//!         println!("{event}");
//!     }
//!     // Or until something changes: an interface (`net::Events`), or what is wanted.
//!     std::thread::sleep(daemons.poll_timeout().since(now()));
//! }
//! # }
//! ```
//!
//! # What to know
//!
//! - Both roles may run at once, each with its own id. A master beside a backup loses
//!   nothing when roles change; with the sysctl `backup_only` it would stop balancing.
//! - Services and destinations are to be there before the backup starts: what it hears of
//!   others is not counted with them (`ip_vs_sync.c: ip_vs_proc_conn`).
//! - A destination of another address family than its service and a daemon exclude each
//!   other (`ip_vs_ctl.c: ip_vs_genl_new_daemon`): the start is refused, and tried again.
//! - A change of parameters stops the daemon and starts another. What a master has not sent
//!   then is lost, up to three seconds of it.

mod run;
#[cfg(test)]
mod tests;

pub use run::Event;

use crate::net::{Interface, procfs};
use crate::proto;
use crate::vrrp::Time;
use ipvs::{Family, InterfaceName, Role, Rule, SyncDaemon};
use std::io;
use std::net::IpAddr;
use std::time::Duration;

/// How long a master runs on when it is no longer wanted, so that it sends what it has: it
/// keeps a datagram that is not full for two seconds and looks every second
/// (`ip_vs_sync.c: IPVS_SYNC_FLUSH_TIME, IPVS_SYNC_CHECK_PERIOD`).
pub const LINGER: Duration = Duration::from_secs(4);

/// After how long the kernel is looked at again: it tells of nothing by itself.
pub const INTERVAL: Duration = Duration::from_secs(5);

/// What is wanted of the sync daemons of one network namespace, and what is known of them.
#[derive(Clone, Debug)]
pub struct Daemons {
    master: Kept,
    backup: Kept,
    /// When to look at the kernel again.
    look: Time,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Start this daemon.
    Start(SyncDaemon),
    /// Stop the daemon of this role.
    Stop(Role),
}

/// A role.
#[derive(Clone, Copy, Debug)]
struct Kept {
    wanted: Wanted,
    /// The number of the interface that the daemon which runs was started on, or found on.
    index: Option<u32>,
}

#[derive(Clone, Copy, Debug)]
enum Wanted {
    Running(SyncDaemon),
    /// It may run on to this time.
    Stopped {
        at: Time,
    },
}

impl Daemons {
    /// None is wanted: what runs already is stopped, a master after [`LINGER`], unless it
    /// is wanted before the first [`run`](Self::run).
    pub fn new(now: Time) -> Self {
        let kept = |at| Kept { wanted: Wanted::Stopped { at }, index: None };
        Self { master: kept(now + LINGER), backup: kept(now), look: now }
    }

    /// The daemon of its role is to run with these parameters. One that does so already
    /// goes on; one with others is stopped first.
    ///
    /// # Errors
    /// The [`Rule`] that it breaks. What was wanted is still wanted then.
    pub fn want(&mut self, daemon: SyncDaemon) -> Result<(), Rule> {
        daemon.check()?;
        self.kept_mut(daemon.role).wanted = Wanted::Running(daemon);
        self.look = Time::ZERO;
        Ok(())
    }

    /// No daemon of the role is to run. A backup is stopped at once, a master after
    /// [`LINGER`]; wanted again before that, it goes on.
    pub fn leave(&mut self, role: Role, now: Time) {
        let at = match role {
            Role::Master => now + LINGER,
            Role::Backup => now,
        };
        let kept = self.kept_mut(role);
        if let Wanted::Running(_) = kept.wanted {
            kept.wanted = Wanted::Stopped { at };
            self.look = self.look.min(at);
        }
    }

    /// Nothing comes to the daemon of the role that runs, nor from it ([`is_heard`]): it is
    /// stopped, and started anew if it is wanted, as soon as its interface is there.
    pub fn found_dead(&mut self, role: Role) {
        self.kept_mut(role).index = Some(GONE);
        self.look = Time::ZERO;
    }

    /// When to [`run`](Self::run) again, at the latest. Earlier it does what is due: when an
    /// interface has come or gone, and after each [`want`](Self::want) and
    /// [`leave`](Self::leave).
    pub fn poll_timeout(&self) -> Time {
        self.look
    }

    /// What is to be done for a role, if anything is: `running` are the daemons that run,
    /// `interfaces` all interfaces of the network namespace.
    fn next(
        &self,
        role: Role,
        running: &[SyncDaemon],
        interfaces: &[Interface],
        now: Time,
    ) -> Option<Step> {
        let kept = self.kept(role);
        let running = running.iter().find(|running| running.role == role);
        match (kept.wanted, running) {
            (Wanted::Running(wanted), Some(running)) => {
                // Without its interface no other would start.
                let index = index(interfaces, wanted.interface)?;
                let is_same = is_as_wanted(running, &wanted) && kept.index == Some(index);
                (!is_same).then_some(Step::Stop(role))
            }
            (Wanted::Running(wanted), None) => {
                index(interfaces, wanted.interface).map(|_| Step::Start(wanted))
            }
            (Wanted::Stopped { at }, Some(running)) => {
                let is_dead = index(interfaces, running.interface) != kept.index;
                (now >= at || is_dead).then_some(Step::Stop(role))
            }
            (Wanted::Stopped { .. }, None) => None,
        }
    }

    /// Takes down which interface a daemon runs on that ran before, the one that has its
    /// name now, and that one is gone: with its number or another, it does not come back to
    /// the daemon.
    fn observe(&mut self, role: Role, running: &[SyncDaemon], interfaces: &[Interface]) {
        let running = running.iter().find(|running| running.role == role);
        let kept = self.kept_mut(role);
        kept.index = running.map(|running| match index(interfaces, running.interface) {
            Some(index) => kept.index.unwrap_or(index),
            None => GONE,
        });
    }

    /// Takes down which interface a daemon was started on: rather an earlier one of its
    /// name than a later one, on which it does not run.
    fn started(&mut self, daemon: &SyncDaemon, interfaces: &[Interface]) {
        self.kept_mut(daemon.role).index = index(interfaces, daemon.interface);
    }

    fn kept(&self, role: Role) -> &Kept {
        match role {
            Role::Master => &self.master,
            Role::Backup => &self.backup,
        }
    }

    fn kept_mut(&mut self, role: Role) -> &mut Kept {
        match role {
            Role::Master => &mut self.master,
            Role::Backup => &mut self.backup,
        }
    }
}

/// Whether somebody hears a backup's group on its interface, in the network namespace of the
/// calling thread. If nobody does, the interface was deleted since the backup was started, and
/// that backup and a master on the same are dead (`igmp.c: ip_mc_destroy_dev`), whether another
/// has its name now or not: whoever finds them when it starts says so to
/// [`Daemons::found_dead`].
///
/// # Errors
/// What the system says of `/proc/net/igmp` and `igmp6`.
pub fn is_heard(backup: &SyncDaemon) -> io::Result<bool> {
    let group = backup.group.unwrap_or(IpAddr::V4(proto::GROUP));
    Ok(procfs::groups(backup.interface)?.contains(&group))
}

/// The number of no interface.
const GONE: u32 = 0;

/// The number of the interface with this name.
fn index(interfaces: &[Interface], name: InterfaceName) -> Option<u32> {
    let found = interfaces.iter().find(|interface| interface.name == name);
    found.map(|interface| interface.index)
}

/// Whether a daemon that runs has the parameters that are wanted, where none is named the
/// kernel's own (`ip_vs_sync.c: start_sync_thread`).
fn is_as_wanted(running: &SyncDaemon, wanted: &SyncDaemon) -> bool {
    let group = wanted.group.unwrap_or(IpAddr::V4(proto::GROUP));
    let headers = match Family::of(group) {
        Family::V4 => 28,
        Family::V6 => 48,
    };
    let is_long_enough = match (wanted.max_len, wanted.role) {
        (Some(_), _) => running.max_len == wanted.max_len,
        (None, Role::Master) => running.max_len == Some(1500 - headers),
        // More if the interface had a larger MTU when it started.
        (None, Role::Backup) => running.max_len >= Some(1500 - headers),
    };
    is_long_enough
        && running.interface == wanted.interface
        && running.id == wanted.id
        && running.group == Some(group)
        && running.port == wanted.port.or(Some(proto::PORT))
        && running.ttl == wanted.ttl.or(Some(1))
}
