//! The director: what it is told, and what it wants done.

use super::claim::Claimant;
use super::event::{Action, Event};
use super::handover::Handover;
use super::notice::Notice;
use super::own::{Own, Ready};
use super::peers::{Peer, Transfer};
use super::succession::Succession;
use crate::peer::Standing;
use crate::vrrp::Time;
use crate::vrrp::router::State;
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

/// One of several directors with the same virtual routers: see [the module](super).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Director {
    deadline: Option<Duration>,
    takes_beside_active: bool,
    pub(super) peers: Vec<Peer>,
    pub(super) routers: BTreeMap<IpAddr, Own>,
    pub(super) handovers: Vec<Handover>,
    /// Whether an [`Action::Note`] has not been answered.
    pub(super) is_noting: bool,
    /// The handovers of which it is not known yet whether the successor took over.
    pub(super) successions: Vec<Succession>,
    pub(super) actions: VecDeque<Action>,
    /// The time that it was told last.
    pub(super) now: Time,
}

/// How long after a transfer that failed another is tried.
const AGAIN: Duration = Duration::from_secs(5);

impl Director {
    /// One with so many peers and no virtual router yet. A router of higher priority does
    /// not wait for connections longer than `deadline`, or without one for as long as it
    /// takes.
    pub fn new(now: Time, peers: usize, deadline: Option<Duration>) -> Self {
        let peers = std::iter::repeat_with(|| Peer::new(now)).take(peers).collect();
        Self {
            deadline,
            takes_beside_active: true,
            peers,
            routers: BTreeMap::new(),
            handovers: Vec::new(),
            is_noting: false,
            successions: Vec::new(),
            actions: VecDeque::new(),
            now,
        }
    }

    /// Whether tables are taken while a router is active here, as they are at first. Not where
    /// nothing is balanced while the backup daemon runs that takes them (the sysctl
    /// `backup_only`): what was connected to rivals is lost then rather than all.
    pub fn take_beside_active(&mut self, takes: bool) {
        self.takes_beside_active = takes;
    }

    /// Something happened, and is told at `now`, which is never before the time of an
    /// event that was told earlier.
    pub fn handle(&mut self, now: Time, event: Event) {
        self.now = now;
        match event {
            Event::State { address, state, has_handed_over } => {
                self.is_in(address, state, has_handed_over);
            }
            Event::Gone { address } => drop(self.routers.remove(&address)),
            Event::Looked { address, preempts } => self.looked(address, preempts),
            Event::DualActive { address } => self.had_rival(address),
            Event::BackupStarted => {
                self.lose(now, |_| true, "the backup daemon was started anew");
            }
            Event::Answer { peer, result } => {
                self.answers(peer, result);
                self.look(peer);
            }
            Event::Transferred { peer, result } => self.transferred(peer, result),
            Event::HandOver { addresses } => self.hand_over(addresses, None),
            Event::ClaimAsked { request, peer, address, priority, own_priority, addresses } => {
                let claimant = Claimant { peer, request, priority };
                self.claim_asked(claimant, address, own_priority, addresses);
            }
            Event::Noted { result } => self.noted(result),
            Event::PrepareAsked { request, address } => self.prepare(request, address),
            Event::Prepared { peer, address, result } => self.prepared(address, peer, result),
            Event::PromoteAsked { request, address } => self.take_over(request, address),
            Event::Claimed { peer, address, result } => self.claimed(address, peer, result),
            Event::Promoted { peer, address, result } => self.promoted(address, peer, result),
            Event::Tick => {}
        }
        self.judge();
        self.give_up_claims();
        self.go_on_handing_over();
        self.take_back();
        self.transfer();
        self.ask();
    }

    /// The next thing to do. After each event all of them are to be polled.
    #[must_use]
    pub fn poll(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When it wants to be told [`Event::Tick`]; never, if nothing else happens, if there
    /// is none. After each event it may be another time.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        let asks = self.peers.iter().filter_map(Peer::next);
        let tries = self.peers.iter().map(|peer| peer.not_before).filter(|at| *at > self.now);
        let deadlines = self.routers.values().filter_map(|own| own.deadline(self.deadline));
        let claims = self.routers.values().filter_map(Own::claims_until);
        let handovers = self.handovers.iter().map(Handover::limit).chain(claims);
        asks.chain(tries).chain(deadlines).chain(handovers).min()
    }

    /// The virtual routers here, as the peers are to be told when they ask.
    pub fn standings(&self) -> Vec<Standing> {
        let standing = |(address, own): (&IpAddr, &Own)| Standing {
            address: *address,
            state: own.state,
            is_ready: own.ready == Ready::Yes,
            activated: own.activated,
        };
        self.routers.iter().map(standing).collect()
    }

    /// Whether connections of a rival are missing here, where a router is active: a backup
    /// daemon must run to take them. One that does not answer gives none: with the kernel's
    /// `backup_only` this node would balance nothing for as long as that is dead.
    pub fn wants_tables(&self) -> bool {
        let is_missed = |peer: &&Peer| peer.owes.is_some() || peer.rival.is_some();
        let mut missed = self.peers.iter().filter(is_missed);
        self.takes_beside_active && missed.any(|peer| peer.answered(Time::ZERO))
    }

    fn is_in(&mut self, address: IpAddr, state: State, has_handed_over: bool) {
        let now = self.now;
        let own = self.routers.entry(address).or_insert_with(|| Own::new(now));
        if own.state == state {
            return;
        }
        let lacks = state == State::Active && own.ready != Ready::Yes;
        (own.state, own.ready) = (state, Ready::No);
        (own.claim, own.handed_over) = (None, None);
        self.actions.extend(own.gate(address, false));
        if state == State::Active {
            own.activated = Some(now);
        }
        if state == State::Backup {
            (own.since, own.waits) = (now, now);
            let may_owe = |peer: &Peer| peer.owes.is_some() || peer.suspected.is_some();
            if has_handed_over && !self.peers.iter().any(may_owe) {
                own.ready = Ready::Yes;
                own.handed_over = Some(now);
            }
            self.ask_all();
        }
        if state == State::Active {
            self.end_succession(address);
        }
        if lacks {
            // One that does not answer is dead, or a rival.
            self.want_tables(|_, peer| peer.is_lost().is_none());
        }
    }

    /// Whether it was a peer, and which of them, they say themselves.
    fn had_rival(&mut self, address: IpAddr) {
        if self.state(address) == Some(State::Active) {
            self.peers.iter_mut().for_each(|peer| peer.suspected = Some(self.now));
            self.ask_all();
        }
    }

    /// The active router here lacks what these peers have: it is to be had from each when that
    /// is not active any more.
    fn want_tables(&mut self, of: impl Fn(usize, &Peer) -> bool) {
        let mut forgoes = false;
        for (number, peer) in self.peers.iter_mut().enumerate() {
            if of(number, peer) {
                let owed = peer.owes.replace(self.now);
                let is_there = peer.answered(Time::ZERO);
                forgoes |= owed.is_none() && is_there && !self.takes_beside_active;
                // Once more if it just has been, so that a backup daemon can be started.
                peer.ask_now(self.now);
            }
        }
        if forgoes {
            self.tell(Notice::Forgone);
        }
    }

    fn answers(&mut self, number: usize, result: Result<Vec<Standing>, String>) {
        let Some(peer) = self.peers.get_mut(number) else { return };
        let since = |address: &IpAddr| {
            let own = self.routers.get(address)?;
            own.activated.filter(|_| own.state == State::Active)
        };
        let is_rival = result
            .iter()
            .flatten()
            .any(|says| since(&says.address).is_some_and(|since| peer.was_rival(says, since)));
        let was_lost = peer.is_lost().is_some();
        let changes = peer.answers(result);
        let owed = peer.owes.is_some();
        if is_rival {
            self.want_tables(|other, _| other == number);
        }
        if changes {
            self.comes_or_goes(number, was_lost);
            let is_reached = self.peers.get(number).is_some_and(|peer| peer.is_lost().is_none());
            if is_reached && owed && !self.takes_beside_active {
                self.tell(Notice::Forgone);
            }
        }
    }

    /// A peer can be reached and could not before, or the reverse.
    fn comes_or_goes(&mut self, number: usize, was_lost: bool) {
        let Some(peer) = self.peers.get_mut(number) else { return };
        // It is asked once more, so that a backup daemon can be started.
        peer.rival = are_rivals(&self.routers, peer, Time::ZERO).then_some(self.now);
        if was_lost {
            peer.owes = peer.owes.map(|_| self.now);
        }
        if peer.rival.is_some() || was_lost && peer.owes.is_some() {
            peer.ask_now(self.now);
        }
        let peer = peer.clone();
        match peer.is_lost() {
            Some(reason) => self.tell(Notice::Lost { peer: number, reason: reason.to_owned() }),
            None => {
                self.tell(Notice::Reached { peer: number });
                let is_there = |address| peer.is_active(address, Time::ZERO);
                self.lose(peer.asked_last(), is_there, "the active router was out of reach");
            }
        }
    }

    fn transferred(&mut self, number: usize, result: Result<(), String>) {
        let again = self.now + AGAIN;
        let Some(peer) = self.peers.get_mut(number) else { return };
        let Some(Transfer { began, pays }) = peer.transfer.take() else { return };
        match result {
            Ok(()) => {
                peer.taken = Some(began);
                peer.owes = peer.owes.filter(|since| !pays || *since > began);
                peer.rival = peer.rival.filter(|since| *since > began);
            }
            Err(reason) => {
                peer.not_before = again;
                self.tell(Notice::TransferFailed { peer: number, reason });
            }
        }
    }

    /// The connections that are here may lack what sync messages do not tell.
    fn prepare(&mut self, request: u64, address: IpAddr) {
        let result = match self.state(address) {
            Some(State::Backup) => {
                let claim = self.routers.get(&address).and_then(|own| own.claim);
                self.lose(self.now, |other| other == address, "the active one is to hand over");
                if let Some(own) = self.routers.get_mut(&address) {
                    own.claim = claim.map(|claim| claim.granted(self.now));
                }
                self.ask_all();
                Ok(())
            }
            state => Err(is_there(address, state)),
        };
        self.actions.push_back(Action::Answer { request, result });
    }

    fn take_over(&mut self, request: u64, address: IpAddr) {
        let result = match self.state(address) {
            Some(State::Backup) => {
                self.actions.push_back(Action::TakeOver { address });
                Ok(())
            }
            Some(State::Active) => Ok(()),
            state => Err(is_there(address, state)),
        };
        self.actions.push_back(Action::Answer { request, result });
    }

    /// Which routers are ready now, and which no longer.
    fn judge(&mut self) {
        if self.peers.iter().any(|peer| peer.is_lost().is_some()) {
            // It may be the active one, whose sync messages do not arrive either.
            let peers = self.peers.clone();
            let is_known = |address| peers.iter().any(|peer| peer.is_active(address, Time::ZERO));
            let ready = self.routers.iter().filter(|(_, own)| own.ready == Ready::Yes);
            let unknown = ready.filter(|(address, _)| !is_known(**address));
            let unsure = unknown.filter(|(address, own)| !self.is_succeeded(**address, own));
            let unsure: Vec<IpAddr> = unsure.map(|(address, _)| *address).collect();
            self.lose(self.now, |address| unsure.contains(&address), "a peer does not answer");
        }
        for (address, own) in &mut self.routers {
            if own.state != State::Backup || own.ready == Ready::Yes {
                continue;
            }
            let waited = self.now - own.waits;
            let is_over = self.deadline.is_some_and(|deadline| waited >= deadline);
            let (ready, notice) = if is_all_here(&self.peers, *address, own.since) {
                (Ready::Yes, Notice::Ready { address: *address })
            } else if is_over && own.ready == Ready::No {
                (Ready::ByDeadline, Notice::DeadlinePassed { address: *address, waited })
            } else {
                continue;
            };
            own.ready = ready;
            self.actions.push_back(Action::Notice(notice));
            // With all connections it is handed over to.
            self.actions.extend(own.gate(*address, ready == Ready::ByDeadline));
        }
    }

    /// Takes the table of a peer that has what is missing here, one at a time.
    fn transfer(&mut self) {
        if self.peers.iter().any(|peer| peer.transfer.is_some()) {
            return;
        }
        let is_active = |own: &Own| own.state == State::Active;
        if !self.routers.values().any(is_active) {
            // What was missing belongs to others now.
            for peer in &mut self.peers {
                (peer.owes, peer.suspected, peer.rival) = (None, None, None);
            }
        }
        let has_missing = |peer: &Peer| {
            self.routers.iter().any(|(address, own)| {
                own.misses() && peer.is_active(*address, own.since) && !peer.has_given(own.since)
            })
        };
        // One that is still active has not given way yet.
        let owes = |peer: &Peer| {
            let Some(since) = peer.owes else { return false };
            peer.answered(since) && !are_rivals(&self.routers, peer, since)
        };
        let is_met = |peer: &Peer| peer.rival.is_some_and(|since| peer.answered(since));
        let is_missed = |peer: &Peer| self.takes_beside_active && (owes(peer) || is_met(peer));
        let wanted =
            |peer: &Peer| peer.not_before <= self.now && (has_missing(peer) || is_missed(peer));
        let mut all = self.peers.iter().enumerate();
        let found = all.find(|(_, peer)| wanted(peer)).map(|(number, peer)| (number, owes(peer)));
        let Some((number, pays)) = found else { return };
        if let Some(peer) = self.peers.get_mut(number) {
            peer.transfer = Some(Transfer { began: self.now, pays });
            self.actions.push_back(Action::Transfer { peer: number });
        }
    }

    /// Asks the peers whose turn it is.
    fn ask(&mut self) {
        for (number, peer) in self.peers.iter_mut().enumerate() {
            if peer.asks(self.now) {
                self.actions.push_back(Action::Ask { peer: number });
            }
        }
    }

    /// Connections that came before then may be missing, of these routers.
    fn lose(&mut self, since: Time, of: impl Fn(IpAddr) -> bool, reason: &str) {
        for (address, own) in &mut self.routers {
            if own.state != State::Backup || !of(*address) {
                continue;
            }
            own.since = own.since.max(since);
            own.claim = None;
            if own.ready == Ready::Yes {
                own.ready = Ready::No;
                own.waits = self.now;
                let (address, reason) = (*address, reason.to_owned());
                self.actions.extend(own.gate(address, false));
                self.actions.push_back(Action::Notice(Notice::NotReady { address, reason }));
            }
        }
    }

    pub(super) fn ask_all(&mut self) {
        for peer in &mut self.peers {
            peer.ask_now(self.now);
        }
    }

    pub(super) fn tell(&mut self, notice: Notice) {
        self.actions.push_back(Action::Notice(notice));
    }

    pub(super) fn state(&self, address: IpAddr) -> Option<State> {
        self.routers.get(&address).map(|own| own.state)
    }
}

pub(super) fn is_there(address: IpAddr, state: Option<State>) -> String {
    match state {
        Some(state) => format!("{address} is {state} there"),
        None => format!("{address} is of no virtual router there"),
    }
}

/// Whether a router is active here, and there when the peer was asked at that time or later.
fn are_rivals(routers: &BTreeMap<IpAddr, Own>, peer: &Peer, since: Time) -> bool {
    let mut ours = routers.iter().filter(|(_, own)| own.state == State::Active);
    ours.any(|(address, _)| peer.is_active(*address, since))
}

/// Whether a backup knows all connections that the active router had at a time: it has the
/// table of the peer that is active, or of each, if for now more than one is. While none is
/// active it is not known what the next one has.
fn is_all_here(peers: &[Peer], address: IpAddr, since: Time) -> bool {
    let mut active = peers.iter().filter(|peer| peer.is_active(address, since)).peekable();
    active.peek().is_some() && active.all(|peer| peer.has_given(since))
}
