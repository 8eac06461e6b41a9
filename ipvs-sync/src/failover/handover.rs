//! Handing over: of which routers, how far that is, and to whom.

use super::claim::Claimant;
use super::director::{Director, is_there};
use super::event::Action;
use super::notice::{CannotTake, Held, Notice};
use super::peers::Peer;
use super::succession::Succession;
use crate::vrrp::Time;
use crate::vrrp::router::State;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// A handover that goes on, of routers that move together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Handover {
    pub(super) addresses: Vec<IpAddr>,
    /// The peer that it is for, since that asked for it.
    to: Option<usize>,
    /// Those that asked for it, and have no answer yet.
    claimants: Vec<Claimant>,
    began: Time,
    step: Step,
    /// The peers that were asked to take the connections here again, and what they said.
    takers: BTreeMap<usize, Option<Result<(), String>>>,
}

/// What it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Whether anybody can take over, of peers that were asked at that time.
    Looks(Time),
    /// The connections here are being noted.
    Notes,
    /// Whether peers take the connections.
    Prepares,
    /// Whether they have them, of peers that were asked at that time.
    Chooses(Time),
}

/// What is to be done with it next.
enum Next {
    /// Somebody can take over.
    Note,
    Resign {
        peer: usize,
    },
    Hold(Held),
}

/// How long it may take until it is known who takes over. A long table is slow to read, and to
/// send.
pub(super) const LIMIT: Duration = Duration::from_secs(300);

impl Handover {
    fn new(addresses: Vec<IpAddr>, by: Option<Claimant>, now: Time) -> Self {
        Self {
            addresses,
            to: by.map(|by| by.peer),
            claimants: by.into_iter().collect(),
            began: now,
            step: Step::Looks(now),
            takers: BTreeMap::new(),
        }
    }

    /// When it is given up.
    pub(super) fn limit(&self) -> Time {
        self.began + LIMIT
    }

    /// Nothing while it waits.
    fn next(&self, peers: &[Peer]) -> Option<Next> {
        let next = match self.step {
            Step::Looks(since) => self.successor(peers, since, |_| true)?.map(|_| Next::Note),
            Step::Chooses(since) if !self.is_being_taken(peers, since) => {
                let has_taken = |peer| matches!(self.takers.get(&peer), Some(Some(Ok(()))));
                self.successor(peers, since, has_taken)?.map(|peer| Next::Resign { peer })
            }
            Step::Notes | Step::Prepares | Step::Chooses(_) => return None,
        };
        Some(next.unwrap_or_else(Next::Hold))
    }

    /// The peer that is to take over, or why none can; nothing while it must still be waited
    /// for what peers answer that were asked at that time.
    ///
    /// Every backup hears the resignation, and the one of highest priority takes over after
    /// its skew, which can be sooner than the successor is told to. So all of them must be
    /// ready. A peer that did not answer the question before is not waited for if another is
    /// ready.
    fn successor(
        &self,
        peers: &[Peer],
        since: Time,
        may: impl Fn(usize) -> bool,
    ) -> Option<Result<usize, Held>> {
        let has_answered = |peer: &Peer| peer.said_since(since).is_some();
        let is_known = |peer: &Peer| has_answered(peer) || peer.is_lost().is_some();
        let lacks = |peer: &Peer| self.is_backup(peer, since, false);
        let is_meant = |number: usize| self.to.is_none_or(|to| to == number) && may(number);
        let is_over = match self.able(peers, since).find(|number| is_meant(*number)) {
            Some(peer) if !peers.iter().any(lacks) && peers.iter().all(is_known) => {
                return Some(Ok(peer));
            }
            // It waits for an answer, and nobody else is meant.
            None if self.to.and_then(|to| peers.get(to)).is_some_and(has_answered) => true,
            _ => peers.iter().all(has_answered),
        };
        is_over.then(|| Err(self.why_none(peers, since)))
    }

    /// The peers that can take over, as far as they said since then.
    fn able<'p>(&'p self, peers: &'p [Peer], since: Time) -> impl Iterator<Item = usize> + 'p {
        let is_able = move |peer: &Peer| {
            let mut there = self.addresses.iter().map(|at| peer.standing(*at, since));
            there.all(|there| there.is_some_and(|it| it.state == State::Backup && it.is_ready))
        };
        peers.iter().enumerate().filter(move |(_, peer)| is_able(peer)).map(|(number, _)| number)
    }

    /// Whether one of the routers is a backup there, and ready or not.
    fn is_backup(&self, peer: &Peer, since: Time, is_ready: bool) -> bool {
        let mut there = self.addresses.iter().filter_map(|at| peer.standing(*at, since));
        there.any(|there| there.state == State::Backup && there.is_ready == is_ready)
    }

    /// Whether a peer still takes the connections.
    fn is_being_taken(&self, peers: &[Peer], since: Time) -> bool {
        let taker = |(number, said): (&usize, &Option<_>)| {
            peers.get(*number).filter(|_| matches!(said, Some(Ok(()))))
        };
        let mut takers = self.takers.iter().filter_map(taker);
        takers.any(|peer| self.is_backup(peer, since, false))
    }

    /// Why no peer can take over, of each that cannot.
    fn why_none(&self, peers: &[Peer], since: Time) -> Held {
        if peers.is_empty() {
            return Held::Alone;
        }
        let of = |peer: &Peer, address: IpAddr| match peer.standing(address, since) {
            None => Some(CannotTake::HasNot),
            Some(there) if there.state != State::Backup => Some(CannotTake::Is(there.state)),
            Some(there) if there.is_ready => None,
            Some(_) => Some(CannotTake::NotReady),
        };
        let why = |(number, peer): (usize, &Peer)| {
            let lost = peer.is_lost().map(|reason| CannotTake::Lost(reason.to_owned()));
            let refused = || match self.takers.get(&number) {
                Some(Some(Err(reason))) => Some(CannotTake::NotPrepared(reason.clone())),
                _ => None,
            };
            let here = || self.addresses.iter().find_map(|at| of(peer, *at));
            let why = lost.or_else(refused).or_else(here);
            why.map(|why| (number, why))
        };
        Held::Peers(peers.iter().enumerate().filter_map(why).collect())
    }
}

impl Director {
    /// Routers are to hand over, to whom a peer has asked for.
    pub(super) fn hand_over(&mut self, addresses: Vec<IpAddr>, by: Option<Claimant>) {
        let does = |it: &&mut Handover| addresses.iter().all(|at| it.addresses.contains(at));
        if let Some(handover) = self.handovers.iter_mut().find(does) {
            handover.claimants.extend(by);
            return self.grant_claims();
        }
        let handed = |at: &IpAddr| self.handovers.iter().any(|it| it.addresses.contains(at));
        let addresses: Vec<IpAddr> = addresses.into_iter().filter(|at| !handed(at)).collect();
        let is_active = |address: &IpAddr| self.state(*address) == Some(State::Active);
        if addresses.iter().all(is_active) && !addresses.is_empty() {
            self.handovers.push(Handover::new(addresses, by, self.now));
            return self.ask_all();
        }
        if let (Some(by), Some(&other)) = (by, addresses.iter().find(|at| !is_active(at))) {
            self.answer(by, Err(is_there(other, self.state(other))));
        }
        for address in addresses {
            let is_known = self.state(address).is_some();
            let why = if is_known { Held::NotActive } else { Held::Unknown };
            self.tell(Notice::Held { address, why });
        }
    }

    /// The connections here have been noted, or not.
    pub(super) fn noted(&mut self, result: Result<(), String>) {
        self.is_noting = false;
        for mut handover in std::mem::take(&mut self.handovers) {
            match &result {
                _ if handover.step != Step::Notes => {}
                Ok(()) => self.have_taken(&mut handover),
                Err(reason) => {
                    self.hold(handover, &Held::NotNoted(reason.clone()));
                    continue;
                }
            }
            self.handovers.push(handover);
        }
    }

    /// Every peer that can take over is to take the connections here again: any may be the one
    /// that does, by its skew.
    fn have_taken(&mut self, handover: &mut Handover) {
        let Some(&address) = handover.addresses.first() else { return };
        let takers: Vec<usize> = handover.able(&self.peers, Time::ZERO).collect();
        if takers.is_empty() {
            // Those that could no longer can: it is seen anew why.
            handover.step = Step::Looks(self.now);
            return self.ask_all();
        }
        for peer in takers {
            handover.takers.insert(peer, None);
            self.actions.push_back(Action::Prepare { peer, address });
        }
        handover.step = Step::Prepares;
    }

    /// A peer takes the connections here again, or does not.
    pub(super) fn prepared(&mut self, address: IpAddr, peer: usize, result: Result<(), String>) {
        let is_it = |it: &&mut Handover| {
            it.step == Step::Prepares && it.addresses.first() == Some(&address)
        };
        let Some(handover) = self.handovers.iter_mut().find(is_it) else { return };
        if let Some(said) = handover.takers.get_mut(&peer) {
            *said = Some(result);
        }
        if handover.takers.values().all(Option::is_some) {
            handover.step = Step::Chooses(self.now);
            self.ask_all();
        }
    }

    /// Handovers that wait for peers, or whose time is over.
    pub(super) fn go_on_handing_over(&mut self) {
        for mut handover in self.handovers.clone() {
            let is_active = |address: &IpAddr| self.state(*address) == Some(State::Active);
            let next = if !handover.addresses.iter().all(is_active) {
                Some(Next::Hold(Held::NoLongerActive))
            } else if self.now >= handover.limit() {
                Some(Next::Hold(Held::TooLate(self.now - handover.began)))
            } else {
                handover.next(&self.peers)
            };
            let Some(next) = next else { continue };
            self.handovers.retain(|other| other.addresses != handover.addresses);
            match next {
                Next::Note => {
                    self.note(&mut handover);
                    self.handovers.push(handover);
                    self.grant_claims();
                }
                Next::Resign { peer } => self.resign(handover, peer),
                Next::Hold(why) => self.hold(handover, &why),
            }
        }
    }

    /// Who asked is told that it is handed over when it is known that somebody can take over.
    fn grant_claims(&mut self) {
        let known = self.handovers.iter_mut().filter(|it| !matches!(it.step, Step::Looks(_)));
        for by in known.flat_map(|it| std::mem::take(&mut it.claimants)) {
            self.actions.push_back(Action::Answer { request: by.request, result: Ok(()) });
        }
    }

    /// The connections here are to be noted, unless they have been for a handover that still
    /// needs that: what has come since counts as young then, which is no harm.
    fn note(&mut self, handover: &mut Handover) {
        let needs = |it: &Handover| matches!(it.step, Step::Prepares | Step::Chooses(_));
        if self.handovers.iter().any(needs) || self.successions.iter().any(Succession::is_open) {
            return self.have_taken(handover);
        }
        handover.step = Step::Notes;
        // For one that was given up they may be being noted.
        if !std::mem::replace(&mut self.is_noting, true) {
            self.actions.push_back(Action::Note);
        }
    }

    fn resign(&mut self, handover: Handover, peer: usize) {
        let Handover { addresses, to, .. } = handover;
        if let Some(&address) = addresses.first() {
            let resign = Action::Resign { address, gives_way: to.is_some() };
            self.actions.extend([resign, Action::Promote { peer, address }]);
        }
        for &address in &addresses {
            self.tell(Notice::HandedOver { address, peer });
        }
        self.successions.push(Succession::new(addresses, peer));
    }

    fn hold(&mut self, handover: Handover, why: &Held) {
        for by in handover.claimants {
            let named = |peer| match peer == by.peer {
                true => "the director that asks".to_owned(),
                false => "another peer".to_owned(),
            };
            self.answer(by, Err(why.text(named)));
        }
        for address in handover.addresses {
            self.tell(Notice::Held { address, why: why.clone() });
        }
    }
}
