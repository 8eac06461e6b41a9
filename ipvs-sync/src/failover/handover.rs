//! Handing over: of which routers, how far that is, and to whom.

use super::director::Director;
use super::event::{Action, Promotion};
use super::notice::{CannotTake, Held, Notice};
use super::peers::Peer;
use crate::peer::Standing;
use crate::vrrp::Time;
use crate::vrrp::router::State;
use std::net::IpAddr;
use std::time::Duration;

/// A handover that goes on, of routers that move together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Handover {
    pub(super) addresses: Vec<IpAddr>,
    /// The peer that asked for it.
    pub(super) to: Option<usize>,
    pub(super) began: Time,
    pub(super) step: Step,
}

/// Routers that have handed over, until it is known what came of that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Succession {
    addresses: Vec<IpAddr>,
    peer: usize,
    /// What the peer became of it is not known. All were asked at that time who is active.
    asked: Option<Time>,
}

/// What it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Whether anybody can take over, of peers that were asked at that time.
    Looks(Time),
    /// The connections here are being noted, before this peer takes them.
    Notes(usize),
    /// Whether that peer takes them.
    Prepares(usize),
    /// Whether that peer has them, and all can take over, of peers that were asked at that time.
    Chooses(usize, Time),
}

/// How long it may take until it is known who takes over. A long table is slow to read.
const LIMIT: Duration = Duration::from_secs(60);

impl Handover {
    pub(super) fn new(addresses: Vec<IpAddr>, to: Option<usize>, now: Time) -> Self {
        Self { addresses, to, began: now, step: Step::Looks(now) }
    }

    /// When it is given up.
    pub(super) fn limit(&self) -> Time {
        self.began + LIMIT
    }

    /// The peer that is to take over, or why none can; nothing while it must still be waited
    /// for what peers answer that were asked at that time.
    ///
    /// Every backup hears the resignation, and the one of highest priority takes over after
    /// its skew, which can be sooner than the successor is told to. So all of them must be
    /// ready. A peer that did not answer the question before is not waited for if another is
    /// ready.
    pub(super) fn successor(
        &self,
        peers: &[Peer],
        to: Option<usize>,
        since: Time,
    ) -> Option<Result<usize, Held>> {
        let is_backup = |peer: &Peer, address: IpAddr, is_ready| {
            let there = peer.standing(address, since);
            there.is_some_and(|there| there.state == State::Backup && there.is_ready == is_ready)
        };
        let has_answered = |peer: &Peer| peer.said_since(since).is_some();
        let is_known = |peer: &Peer| has_answered(peer) || peer.is_lost().is_some();
        let all = |peer: &Peer| self.addresses.iter().all(|at| is_backup(peer, *at, true));
        let lacks = |peer: &Peer| self.addresses.iter().any(|at| is_backup(peer, *at, false));
        let mut able = peers.iter().enumerate().filter(|(_, peer)| all(peer));
        let found = able.find(|(number, _)| to.is_none_or(|to| to == *number));
        match found {
            Some((peer, _)) if !peers.iter().any(lacks) && peers.iter().all(is_known) => {
                Some(Ok(peer))
            }
            _ => peers.iter().all(has_answered).then(|| Err(self.why_none(peers, since))),
        }
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
            let why = lost.or_else(|| self.addresses.iter().find_map(|at| of(peer, *at)));
            why.map(|why| (number, why))
        };
        Held::Peers(peers.iter().enumerate().filter_map(why).collect())
    }

    /// Whether a peer still takes the connections, as far as it said since then.
    fn is_taken(&self, peers: &[Peer], peer: usize, since: Time) -> bool {
        let of = |address: &IpAddr| peers.get(peer)?.standing(*address, since);
        let takes = |there: Standing| there.state == State::Backup && !there.is_ready;
        self.addresses.iter().filter_map(of).any(takes)
    }
}

impl Director {
    /// Routers are to hand over.
    pub(super) fn hand_over(&mut self, addresses: Vec<IpAddr>, to: Option<usize>) {
        let handed =
            |address: &IpAddr| self.handovers.iter().any(|it| it.addresses.contains(address));
        let new: Vec<IpAddr> = addresses.into_iter().filter(|address| !handed(address)).collect();
        let states: Vec<_> = new.iter().map(|address| self.state(*address)).collect();
        if states.iter().all(|state| *state == Some(State::Active)) && !new.is_empty() {
            self.handovers.push(Handover::new(new, to, self.now));
            return self.ask_all();
        }
        for (address, state) in new.into_iter().zip(states) {
            let why = if state.is_none() { Held::Unknown } else { Held::NotActive };
            self.tell(Notice::Held { address, why });
        }
    }

    /// The connections here have been noted, or not.
    pub(super) fn noted(&mut self, result: Result<(), String>) {
        self.is_noting = false;
        for mut handover in std::mem::take(&mut self.handovers) {
            match (handover.step, &result) {
                (Step::Notes(peer), Ok(())) => {
                    handover.step = self.prepare_peer(peer, &handover.addresses);
                }
                (Step::Notes(_), Err(reason)) => {
                    self.hold(&handover.addresses, &Held::NotNoted(reason.clone()));
                    continue;
                }
                _ => {}
            }
            self.handovers.push(handover);
        }
    }

    fn prepare_peer(&mut self, peer: usize, addresses: &[IpAddr]) -> Step {
        let prepare = |&address| Action::Prepare { peer, address };
        self.actions.extend(addresses.first().map(prepare));
        Step::Prepares(peer)
    }

    /// A peer takes the connections here again, or does not.
    pub(super) fn prepared(&mut self, address: IpAddr, peer: usize, result: Result<(), String>) {
        let is_it = |it: &Handover| {
            it.step == Step::Prepares(peer) && it.addresses.first() == Some(&address)
        };
        let Some(number) = self.handovers.iter().position(is_it) else { return };
        let mut handover = self.handovers.remove(number);
        match result {
            Ok(()) => {
                self.ask_all();
                handover.step = Step::Chooses(peer, self.now);
                self.handovers.push(handover);
            }
            Err(reason) => {
                let why = Held::Peers(vec![(peer, CannotTake::NotPrepared(reason))]);
                self.hold(&handover.addresses, &why);
            }
        }
    }

    /// What became of a peer that was told to take over.
    pub(super) fn promoted(&mut self, address: IpAddr, peer: usize, outcome: Promotion) {
        let is_it = |it: &Succession| it.peer == peer && it.addresses.first() == Some(&address);
        let Some(number) = self.successions.iter().position(is_it) else { return };
        let mut succession = self.successions.swap_remove(number);
        let (reason, asked) = match outcome {
            Promotion::Done => return,
            // What the peers said last is known already.
            Promotion::Declined(reason) => (reason, Time::ZERO),
            Promotion::Unknown(reason) => {
                self.ask_all();
                (reason, self.now)
            }
        };
        for &address in &succession.addresses {
            self.tell(Notice::NotTaken { address, peer, reason: reason.clone() });
        }
        succession.asked = Some(asked);
        self.successions.push(succession);
    }

    /// Routers from which nobody has taken over go on, as soon as that is known.
    pub(super) fn take_back(&mut self) {
        for succession in std::mem::take(&mut self.successions) {
            let Some(&address) = succession.addresses.first() else { continue };
            let Some(own) = self.routers.get(&address) else { continue };
            let is_said = |peer: &Peer, at| peer.said_since(at).is_some();
            let asked = succession.asked.filter(|at| self.peers.iter().all(|it| is_said(it, *at)));
            let Some(asked) = asked.filter(|_| own.state != State::Active) else {
                self.successions.push(succession);
                continue;
            };
            let since = own.since.max(asked);
            let is_elsewhere = self.peers.iter().any(|peer| peer.is_active(address, since));
            if own.state == State::Backup && !is_elsewhere {
                self.actions.push_back(Action::TakeOver { address });
            }
        }
    }

    /// A router is active again: what came of its handover matters no more.
    pub(super) fn is_back(&mut self, address: IpAddr) {
        self.successions.retain(|it| it.addresses.first() != Some(&address));
    }

    /// Routers that wait for a successor, or for the time to resign.
    pub(super) fn go_on_handing_over(&mut self) {
        let handovers = std::mem::take(&mut self.handovers);
        for mut handover in handovers {
            match self.go_on_with(&mut handover) {
                Some(Ok(peer)) => self.resign(handover, peer),
                Some(Err(why)) => self.hold(&handover.addresses, &why),
                None => self.handovers.push(handover),
            }
        }
    }

    /// The peer that takes over, or why none does; nothing while that is not known.
    fn go_on_with(&mut self, handover: &mut Handover) -> Option<Result<usize, Held>> {
        let mut states = handover.addresses.iter().map(|address| self.state(*address));
        if states.any(|state| state != Some(State::Active)) {
            return Some(Err(Held::NoLongerActive));
        }
        if self.now >= handover.limit() {
            return Some(Err(Held::TooLate(self.now - handover.began)));
        }
        match handover.step {
            Step::Looks(since) => match handover.successor(&self.peers, handover.to, since)? {
                Ok(peer) => handover.step = self.note(peer, &handover.addresses),
                Err(why) => return Some(Err(why)),
            },
            Step::Chooses(peer, since) if !handover.is_taken(&self.peers, peer, since) => {
                return handover.successor(&self.peers, Some(peer), since);
            }
            Step::Notes(_) | Step::Prepares(_) | Step::Chooses(..) => {}
        }
        None
    }

    /// The connections here are to be noted, unless they have been for another handover that
    /// goes on: what has come since counts as young then, which is no harm.
    fn note(&mut self, peer: usize, addresses: &[IpAddr]) -> Step {
        let is_noted = |it: &Handover| matches!(it.step, Step::Prepares(_) | Step::Chooses(..));
        if self.handovers.iter().any(is_noted) {
            return self.prepare_peer(peer, addresses);
        }
        // One that was given up may have wanted that.
        if !std::mem::replace(&mut self.is_noting, true) {
            self.actions.push_back(Action::Note);
        }
        Step::Notes(peer)
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
        self.successions.push(Succession { addresses, peer, asked: None });
    }

    fn hold(&mut self, addresses: &[IpAddr], why: &Held) {
        for &address in addresses {
            self.tell(Notice::Held { address, why: why.clone() });
        }
    }
}
