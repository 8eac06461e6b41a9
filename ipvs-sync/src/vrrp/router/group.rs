//! Virtual routers that move together.

use super::backup::Backup;
use super::{Action, Cause, Config, Event, Membership, Role, Router, State};
use crate::vrrp::{Rule, Time};

/// Virtual routers of one host, mostly on different networks, of which all are active or
/// none is: a director needs both its outer and its inner address.
///
/// They become active when each of them would be by itself. So a network whose active
/// router is silent takes over nothing while the same host is heard on another: the other
/// members would only be sent back. If one leaves the active state, so do the others,
/// and resign. If one is at fault, so are all.
///
/// Each member's actions keep their order. Of several members that have something to do
/// the advertisements are first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Group(Vec<Router>);

impl Group {
    /// A group of stopped routers. They are named by their number in this order, from 0.
    pub fn new(configs: impl IntoIterator<Item = Config>) -> Self {
        let member = |config| Router { membership: Membership::Member, ..Router::new(config) };
        Self(configs.into_iter().map(member).collect())
    }

    /// Something happened to all: [`Event::Start`], [`Event::Tick`] and the like.
    pub fn handle(&mut self, now: Time, event: Event) {
        let was_active = self.any(State::Active);
        for member in &mut self.0 {
            member.handle(now, event.clone());
        }
        self.follow(now, was_active);
    }

    /// Something happened to one: [`Event::Heard`], [`Event::Link`] and the like. What
    /// becomes of it becomes of all.
    ///
    /// # Errors
    /// [`Rule::Member`].
    pub fn handle_member(&mut self, now: Time, index: usize, event: Event) -> Result<(), Rule> {
        let was_active = self.any(State::Active);
        self.member(index)?.handle(now, event);
        self.follow(now, was_active);
        Ok(())
    }

    /// As [`Router::reconfigure`], of one.
    ///
    /// # Errors
    /// [`Rule::Member`] and [`Rule::OtherRouter`].
    pub fn reconfigure(&mut self, now: Time, index: usize, config: Config) -> Result<(), Rule> {
        let was_active = self.any(State::Active);
        self.member(index)?.reconfigure(now, config)?;
        self.follow(now, was_active);
        Ok(())
    }

    /// The next thing to do, and for which of them.
    #[must_use]
    pub fn poll(&mut self) -> Option<(usize, Action)> {
        let advertises =
            |member: &Router| matches!(member.actions.front(), Some(Action::Advertise { .. }));
        let acts = |member: &Router| !member.actions.is_empty();
        let index = self.0.iter().position(advertises).or_else(|| self.0.iter().position(acts))?;
        let action = self.0.get_mut(index)?.poll()?;
        Some((index, action))
    }

    /// As [`Router::poll_timeout`], for all: [`Group::handle`] takes the tick.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        self.0.iter().filter_map(Router::poll_timeout).min()
    }

    /// Its members.
    pub fn members(&self) -> &[Router] {
        &self.0
    }

    fn member(&mut self, index: usize) -> Result<&mut Router, Rule> {
        let count = self.0.len();
        self.0.get_mut(index).ok_or(Rule::Member { index, count })
    }

    fn any(&self, state: State) -> bool {
        self.0.iter().any(|member| member.state() == state)
    }

    fn all(&self, state: State) -> bool {
        self.0.iter().all(|member| member.state() == state)
    }

    /// All become what one of them became.
    fn follow(&mut self, now: Time, was_active: bool) {
        let is_faulty = self.0.iter().any(|member| member.own_fault().is_some());
        for member in &mut self.0 {
            member.membership = if is_faulty { Membership::OfFaulty } else { Membership::Member };
            member.judge(now);
        }
        if !was_active {
            let is_told = self.any(State::Active);
            let is_due = self.0.iter().all(|member| member.ready().is_some());
            if is_told || is_due {
                for member in &mut self.0 {
                    member.join(now);
                }
            }
        }
        if !self.all(State::Active) {
            for member in &mut self.0 {
                member.leave(now);
            }
        }
    }
}

impl Router {
    /// Why it would be active if its group were.
    fn ready(&self) -> Option<&Cause> {
        match &self.role {
            Role::Backup(backup) => backup.is_ready(),
            _ => None,
        }
    }

    fn join(&mut self, now: Time) {
        if self.state() == State::Backup {
            let cause = self.ready().cloned().unwrap_or(Cause::Promoted);
            self.become_active(now, cause);
        }
    }

    fn leave(&mut self, now: Time) {
        if self.state() == State::Active {
            self.actions.extend([Action::Advertise { priority: 0 }, Action::Remove]);
            self.become_other(Role::Backup(Backup::listening(now, now)), Cause::GroupLeft);
        }
    }
}
