//! What is known of the other directors.

use crate::peer::Standing;
use crate::vrrp::Time;
use crate::vrrp::router::State;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// Another director.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Peer {
    /// The last answer, and when it was asked for.
    said: Option<(Time, Result<Vec<Standing>, String>)>,
    /// Its routers, as it said last, if it ever answered.
    known: Option<BTreeMap<IpAddr, Standing>>,
    /// When it was asked what it has not answered yet.
    asked: Option<Time>,
    /// When to ask again.
    next: Time,
    /// The transfer that runs.
    pub(super) transfer: Option<Transfer>,
    /// When the last transfer began of those that brought all.
    pub(super) taken: Option<Time>,
    /// Not to try again before, because one has just failed.
    pub(super) not_before: Time,
    /// Since when an active router here lacks what it had.
    pub(super) owes: Option<Time>,
    /// When a rival was heard that it may be. It has not answered since.
    pub(super) suspected: Option<Time>,
    /// When it came into reach again with a router that is active there and here: what it has
    /// is taken without waiting until one of them has given way.
    pub(super) rival: Option<Time>,
}

/// A transfer of a peer's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Transfer {
    pub(super) began: Time,
    /// Whether the peer had given way, so that nothing that it owes comes after this.
    pub(super) pays: bool,
}

/// How often a peer is asked. Sync messages that are lost for less than that are not
/// missed: the kernel repeats them only for connections that have packets.
const INTERVAL: Duration = Duration::from_secs(1);

impl Peer {
    /// Nothing is known of it.
    pub(super) fn new(now: Time) -> Self {
        Self {
            said: None,
            asked: None,
            next: now,
            transfer: None,
            taken: None,
            not_before: Time::ZERO,
            owes: None,
            suspected: None,
            known: None,
            rival: None,
        }
    }

    /// When to ask it, unless its answer is awaited.
    pub(super) fn next(&self) -> Option<Time> {
        self.asked.is_none().then_some(self.next)
    }

    /// It is to be asked at once, or as soon as it has answered.
    pub(super) fn ask_now(&mut self, now: Time) {
        self.next = self.next.min(now);
    }

    /// Whether it is to be asked now; it counts as asked then.
    pub(super) fn asks(&mut self, now: Time) -> bool {
        let asks = self.next().is_some_and(|next| next <= now);
        if asks {
            self.asked = Some(now);
            self.next = now + INTERVAL;
        }
        asks
    }

    /// It answered. Returns whether it can be reached now and could not before, or the
    /// reverse.
    pub(super) fn answers(&mut self, result: Result<Vec<Standing>, String>) -> bool {
        let Some(asked) = self.asked.take() else { return false };
        if let Ok(said) = &result {
            let known = said.iter().map(|standing| (standing.address, *standing));
            self.known = Some(known.collect());
            self.suspected = self.suspected.filter(|since| *since > asked);
        }
        let before = self.said.as_ref().map(|(_, said)| said.is_ok());
        let changes = before != Some(result.is_ok());
        self.said = Some((asked, result));
        changes
    }

    /// Whether a router was active there beside the one here, which is since then, by what the
    /// answer says that has just come. Not again while it owes and is still active.
    pub(super) fn was_rival(&self, says: &Standing, since: Time) -> bool {
        let is_active = says.state == State::Active;
        if is_active && self.asked >= Some(since) && self.owes.is_none_or(|owed| owed < since) {
            return true;
        }
        // It was not asked while it may have been.
        let was_unseen = self.suspected.is_some() || self.is_lost().is_some();
        let known = self.known.as_ref().and_then(|known| known.get(&says.address));
        let Some(before) = known else {
            return is_active || was_unseen && says.activated.is_some();
        };
        let went_on = before.state == State::Active && was_unseen && !is_active;
        says.activated.is_some() && (says.activated != before.activated || went_on)
    }

    /// What it said when it was asked at that time or later.
    pub(super) fn said_since(&self, since: Time) -> Option<&Result<Vec<Standing>, String>> {
        self.said.as_ref().filter(|(asked, _)| *asked >= since).map(|(_, said)| said)
    }

    /// Whether it answered when it was asked at that time or later.
    pub(super) fn answered(&self, since: Time) -> bool {
        matches!(self.said_since(since), Some(Ok(_)))
    }

    /// What a router is there, if that is known.
    pub(super) fn standing(&self, address: IpAddr, since: Time) -> Option<Standing> {
        let said = self.said_since(since)?.as_ref().ok()?;
        said.iter().find(|standing| standing.address == address).copied()
    }

    /// Whether it said so when it was asked at that time or later.
    pub(super) fn is_active(&self, address: IpAddr, since: Time) -> bool {
        self.standing(address, since).is_some_and(|standing| standing.state == State::Active)
    }

    /// When it was asked what it answered last, or did not.
    pub(super) fn asked_last(&self) -> Time {
        self.said.as_ref().map_or(Time::ZERO, |(asked, _)| *asked)
    }

    /// Why it did not answer the last question, if it did not.
    pub(super) fn is_lost(&self) -> Option<&str> {
        let (_, said) = self.said.as_ref()?;
        said.as_ref().err().map(String::as_str)
    }

    /// Whether all that it had at that time is here.
    pub(super) fn has_given(&self, since: Time) -> bool {
        self.taken.is_some_and(|taken| taken >= since)
    }
}
