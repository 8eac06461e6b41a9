//! Doing what is due, over a client.

use super::{Daemons, INTERVAL, Step, Wanted};
use crate::net::Interface;
use crate::vrrp::Time;
use ipvs::transport::Transport;
use ipvs::{Client, Error, Role, SyncDaemon};
use std::fmt;

/// What happened in a [`Daemons::run`].
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The daemons that run could not be read, and nothing was done for a role.
    Unread(Error),
    /// A daemon was started.
    Started(SyncDaemon),
    /// The daemon of a role was stopped.
    Stopped(Role),
    /// What was to be done failed. It is tried again.
    Failed(Error),
}

impl Daemons {
    /// Does what is due at `now`, and tells what came of it; `interfaces` are all of the
    /// client's network namespace, as `net::Rtnetlink::interfaces` reads them.
    ///
    /// What fails does not keep the other role from being served.
    pub fn run<T: Transport>(
        &mut self,
        client: &mut Client<T>,
        interfaces: &[Interface],
        now: Time,
    ) -> Vec<Event> {
        let mut events = Vec::new();
        for role in [Role::Master, Role::Backup] {
            // What is to be stopped for another to be started takes two steps.
            for _ in 0..2 {
                let Some(event) = self.step(role, client, interfaces, now) else { break };
                let is_stopped = matches!(event, Event::Stopped(_));
                events.push(event);
                if !is_stopped {
                    break;
                }
            }
        }
        self.look = now + INTERVAL;
        if let Wanted::Stopped { at } = self.master.wanted {
            if at > now {
                self.look = self.look.min(at);
            }
        }
        events
    }

    fn step<T: Transport>(
        &mut self,
        role: Role,
        client: &mut Client<T>,
        interfaces: &[Interface],
        now: Time,
    ) -> Option<Event> {
        let running = match client.daemons() {
            Ok(running) => running,
            Err(error) => return Some(Event::Unread(error)),
        };
        self.observe(role, &running, interfaces);
        let step = self.next(role, &running, interfaces, now)?;
        let done = match step {
            Step::Start(daemon) => client.start_daemon(&daemon).map(|()| {
                self.started(&daemon, interfaces);
                Event::Started(daemon)
            }),
            Step::Stop(role) => client.stop_daemon(role).map(|()| Event::Stopped(role)),
        };
        Some(done.unwrap_or_else(Event::Failed))
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unread(error) | Self::Failed(error) => error.fmt(f),
            Self::Started(daemon) => write!(f, "started sync daemon {daemon}"),
            Self::Stopped(role) => write!(f, "stopped sync daemon {role}"),
        }
    }
}
