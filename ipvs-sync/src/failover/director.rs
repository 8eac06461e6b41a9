//! The director: what it is told, and what it wants done.

use super::event::{Action, Event};
use super::handover::{Handover, SYNC_DELAY, Step, successor};
use super::notice::{Held, Notice};
use super::own::{Own, Ready};
use super::peers::Peer;
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
    peers: Vec<Peer>,
    routers: BTreeMap<IpAddr, Own>,
    handovers: Vec<Handover>,
    actions: VecDeque<Action>,
    /// The time that it was told last.
    now: Time,
}

/// How long after a transfer that failed another is tried.
const AGAIN: Duration = Duration::from_secs(5);

impl Director {
    /// One with so many peers and no virtual router yet. A router of higher priority does
    /// not wait for connections longer than `deadline`, or without one for as long as it
    /// takes.
    pub fn new(now: Time, peers: usize, deadline: Option<Duration>) -> Self {
        let peers = std::iter::repeat_with(|| Peer::new(now)).take(peers).collect();
        let (routers, handovers, actions) = (BTreeMap::new(), Vec::new(), VecDeque::new());
        Self { deadline, peers, routers, handovers, actions, now }
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
            Event::DualActive { address } => self.had_rival(address),
            Event::BackupStarted => {
                self.lose(now, |_| true, "the backup daemon was started anew");
            }
            Event::Answer { peer, result } => self.answers(peer, result),
            Event::Transferred { peer, result } => self.transferred(peer, result),
            Event::HandOver { addresses } => self.hand_over(addresses),
            Event::Noted { result } => self.noted(result),
            Event::PromoteAsked { request, address } => self.take_over(request, address),
            Event::Promoted { peer, address, result } => {
                if let Err(reason) = result {
                    self.is_refused(address, peer, reason);
                }
            }
            Event::Tick => {}
        }
        self.judge();
        self.go_on_handing_over();
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
        let handovers = self.handovers.iter().map(Handover::next);
        asks.chain(tries).chain(deadlines).chain(handovers).min()
    }

    /// The virtual routers here, as the peers are to be told when they ask.
    pub fn standings(&self) -> Vec<Standing> {
        let standing = |(address, own): (&IpAddr, &Own)| Standing {
            address: *address,
            state: own.state,
            is_ready: own.ready == Ready::Yes,
        };
        self.routers.iter().map(standing).collect()
    }

    /// Whether connections of a rival are missing here, where a router is active: a backup
    /// daemon must run to take them.
    pub fn wants_tables(&self) -> bool {
        self.peers.iter().any(|peer| peer.owes.is_some())
    }

    fn is_in(&mut self, address: IpAddr, state: State, has_handed_over: bool) {
        let now = self.now;
        let own = self.routers.entry(address).or_insert_with(|| Own::new(now));
        if own.state == state {
            return;
        }
        let lacks = state == State::Active && own.ready != Ready::Yes;
        own.state = state;
        if own.ready != Ready::No {
            own.ready = Ready::No;
            self.actions.push_back(Action::Ready { address, is_ready: false });
        }
        if state == State::Backup {
            (own.since, own.waits) = (now, now);
            if has_handed_over && self.peers.iter().all(|peer| peer.owes.is_none()) {
                own.ready = Ready::Yes;
                self.actions.push_back(Action::Ready { address, is_ready: true });
            }
            self.ask_all();
        }
        if lacks {
            // One that does not answer is dead, or a rival that will be heard.
            self.want_tables(|peer| peer.is_lost().is_none());
        }
    }

    /// What connected to the other is to be had from it when it has gone back.
    fn had_rival(&mut self, address: IpAddr) {
        if self.state(address) == Some(State::Active) {
            self.want_tables(|_| true);
        }
    }

    /// The active router here lacks what these peers have.
    fn want_tables(&mut self, of: impl Fn(&Peer) -> bool) {
        if self.peers.iter().all(|peer| peer.owes.is_none()) {
            self.ask_all();
        }
        for peer in self.peers.iter_mut().filter(|peer| of(peer)) {
            peer.owes = Some(self.now);
        }
    }

    fn answers(&mut self, number: usize, result: Result<Vec<Standing>, String>) {
        let Some(peer) = self.peers.get_mut(number) else { return };
        if !peer.answers(result) {
            return;
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
        let Some(began) = peer.transfer.take() else { return };
        match result {
            Ok(()) => {
                peer.taken = Some(began);
                peer.owes = peer.owes.filter(|since| *since > began);
            }
            Err(reason) => {
                peer.not_before = again;
                self.tell(Notice::TransferFailed { peer: number, reason });
            }
        }
    }

    fn hand_over(&mut self, addresses: Vec<IpAddr>) {
        let handed =
            |address: &IpAddr| self.handovers.iter().any(|it| it.addresses.contains(address));
        let new: Vec<IpAddr> = addresses.into_iter().filter(|address| !handed(address)).collect();
        let states: Vec<_> = new.iter().map(|address| self.state(*address)).collect();
        if states.iter().all(|state| *state == Some(State::Active)) && !new.is_empty() {
            self.handovers.push(Handover::new(new, self.now));
            return self.ask_all();
        }
        for (address, state) in new.into_iter().zip(states) {
            let why = if state.is_none() { Held::Unknown } else { Held::NotActive };
            self.tell(Notice::Held { address, why });
        }
    }

    fn noted(&mut self, result: Result<(), String>) {
        let known = self.now + SYNC_DELAY;
        let mut handovers = std::mem::take(&mut self.handovers);
        let noted = handovers.iter_mut().filter(|it| it.step == Step::Notes);
        match result {
            Ok(()) => noted.for_each(|it| it.step = Step::Waits(known)),
            Err(reason) => handovers.retain(|it| {
                let goes_on = it.step != Step::Notes;
                if !goes_on {
                    self.hold(&it.addresses, &Held::NotNoted(reason.clone()));
                }
                goes_on
            }),
        }
        self.handovers = handovers;
    }

    /// Nobody takes over from the router here: it goes on, unless another is active by now.
    fn is_refused(&mut self, address: IpAddr, peer: usize, reason: String) {
        self.tell(Notice::NotTaken { address, peer, reason });
        let Some(own) = self.routers.get(&address) else { return };
        let is_elsewhere = self.peers.iter().any(|peer| peer.is_active(address, own.since));
        if own.state == State::Backup && !is_elsewhere {
            self.actions.push_back(Action::TakeOver { address });
        }
    }

    fn take_over(&mut self, request: u64, address: IpAddr) {
        let result = match self.state(address) {
            Some(State::Backup) => {
                self.actions.push_back(Action::TakeOver { address });
                Ok(())
            }
            Some(State::Active) => Ok(()),
            Some(state) => Err(format!("{address} is {state} there")),
            None => Err(format!("{address} is of no virtual router there")),
        };
        self.actions.push_back(Action::AnswerPromote { request, result });
    }

    /// Which routers are ready now, and which no longer.
    fn judge(&mut self) {
        if self.peers.iter().any(|peer| peer.is_lost().is_some()) {
            // It may be the active one, whose sync messages do not arrive either.
            let peers = self.peers.clone();
            let is_known = |address| peers.iter().any(|peer| peer.is_active(address, Time::ZERO));
            let routers = self.routers.iter();
            let ready = routers.filter(|(_, own)| own.ready == Ready::Yes).map(|(at, _)| *at);
            let unsure: Vec<IpAddr> = ready.filter(|address| !is_known(*address)).collect();
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
            if own.ready == Ready::No {
                self.actions.push_back(Action::Ready { address: *address, is_ready: true });
            }
            own.ready = ready;
            self.actions.push_back(Action::Notice(notice));
        }
    }

    /// Routers that wait for a successor, or for the time to resign.
    fn go_on_handing_over(&mut self) {
        let handovers = std::mem::take(&mut self.handovers);
        for mut handover in handovers {
            match self.go_on_with(&mut handover) {
                Some(Ok(peer)) => self.resign(&handover.addresses, peer),
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
            Step::Looks(since) => match successor(&self.peers, &handover.addresses, since)? {
                Ok(_) => handover.step = self.note(),
                Err(why) => return Some(Err(why)),
            },
            Step::Waits(until) if self.now >= until => {
                self.ask_all();
                handover.step = Step::Chooses(self.now);
            }
            Step::Chooses(since) => return successor(&self.peers, &handover.addresses, since),
            Step::Notes | Step::Waits(_) => {}
        }
        None
    }

    /// The connections here are to be noted, unless they have been for another handover: what
    /// has come since counts as young then, which is no harm.
    fn note(&mut self) -> Step {
        let mut others = self.handovers.iter().map(|other| other.step);
        match others.find(|step| !matches!(step, Step::Looks(_))) {
            Some(Step::Notes) => Step::Notes,
            Some(Step::Waits(until)) => Step::Waits(until),
            Some(_) => Step::Waits(self.now),
            None => {
                self.actions.push_back(Action::Note);
                Step::Notes
            }
        }
    }

    fn resign(&mut self, addresses: &[IpAddr], peer: usize) {
        if let Some(&address) = addresses.first() {
            self.actions.extend([Action::Resign { address }, Action::Promote { peer, address }]);
        }
        for &address in addresses {
            self.tell(Notice::HandedOver { address, peer });
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
            self.peers.iter_mut().for_each(|peer| peer.owes = None);
        }
        let has_missing = |peer: &Peer| {
            self.routers.iter().any(|(address, own)| {
                own.misses() && peer.is_active(*address, own.since) && !peer.has_given(own.since)
            })
        };
        // One that is still active has not given way yet.
        let owes = |peer: &Peer| {
            let Some(since) = peer.owes else { return false };
            let mut ours = self.routers.iter().filter(|(_, own)| is_active(own));
            matches!(peer.said_since(since), Some(Ok(_)))
                && !ours.any(|(address, _)| peer.is_active(*address, since))
        };
        let wanted = |peer: &Peer| peer.not_before <= self.now && (has_missing(peer) || owes(peer));
        let Some(number) = self.peers.iter().position(wanted) else { return };
        if let Some(peer) = self.peers.get_mut(number) {
            peer.transfer = Some(self.now);
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
            if own.ready == Ready::Yes {
                own.ready = Ready::No;
                own.waits = self.now;
                let (address, reason) = (*address, reason.to_owned());
                self.actions.extend([
                    Action::Ready { address, is_ready: false },
                    Action::Notice(Notice::NotReady { address, reason }),
                ]);
            }
        }
    }

    fn ask_all(&mut self) {
        for peer in &mut self.peers {
            peer.ask_now(self.now);
        }
    }

    fn hold(&mut self, addresses: &[IpAddr], why: &Held) {
        for &address in addresses {
            self.tell(Notice::Held { address, why: why.clone() });
        }
    }

    fn tell(&mut self, notice: Notice) {
        self.actions.push_back(Action::Notice(notice));
    }

    fn state(&self, address: IpAddr) -> Option<State> {
        self.routers.get(&address).map(|own| own.state)
    }
}

/// Whether a backup knows all connections that the active router had at a time: it has the
/// table of the peer that is active, or of each, if for now more than one is. While none is
/// active it is not known what the next one has.
fn is_all_here(peers: &[Peer], address: IpAddr, since: Time) -> bool {
    let mut active = peers.iter().filter(|peer| peer.is_active(address, since)).peekable();
    active.peek().is_some() && active.all(|peer| peer.has_given(since))
}
