//! One router, or several that move together, told and asked in the same way.

use super::{Action, Config, Event, Group, Router};
use crate::vrrp::{Rule, Time};

/// One router, or several that move together.
#[derive(Clone, Debug)]
pub(crate) enum Machine {
    One(Box<Router>),
    Group(Group),
}

impl Machine {
    pub(crate) fn new(group: Option<&str>, configs: Vec<Config>) -> Self {
        match <[Config; 1]>::try_from(configs) {
            Ok([config]) if group.is_none() => Self::One(Box::new(Router::new(config))),
            Ok(configs) => Self::Group(Group::new(configs)),
            Err(configs) => Self::Group(Group::new(configs)),
        }
    }

    pub(crate) fn handle(&mut self, now: Time, event: Event) {
        match self {
            Self::One(router) => router.handle(now, event),
            Self::Group(group) => group.handle(now, event),
        }
    }

    pub(crate) fn handle_member(
        &mut self,
        now: Time,
        member: usize,
        event: Event,
    ) -> Result<(), Rule> {
        match self {
            Self::One(router) => router.handle(now, event),
            Self::Group(group) => group.handle_member(now, member, event)?,
        }
        Ok(())
    }

    pub(crate) fn reconfigure(
        &mut self,
        now: Time,
        member: usize,
        config: Config,
    ) -> Result<(), Rule> {
        match self {
            Self::One(router) if member == 0 => router.reconfigure(now, config),
            Self::One(_) => Err(Rule::Member { index: member, count: 1 }),
            Self::Group(group) => group.reconfigure(now, member, config),
        }
    }

    pub(crate) fn poll(&mut self) -> Option<(usize, Action)> {
        match self {
            Self::One(router) => router.poll().map(|action| (0, action)),
            Self::Group(group) => group.poll(),
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Time> {
        match self {
            Self::One(router) => router.poll_timeout(),
            Self::Group(group) => group.poll_timeout(),
        }
    }

    pub(crate) fn router(&self, member: usize) -> Option<&Router> {
        match self {
            Self::One(router) => (member == 0).then_some(router),
            Self::Group(group) => group.members().get(member),
        }
    }
}
