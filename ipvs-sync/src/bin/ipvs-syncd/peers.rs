//! The other directors: what virtual routers here wait for, and to whom they hand over.

use crate::config::Link as Config;
use crate::running::Running;
use crate::state;
use ipvs::Namespace;
use ipvs_sync::failover::{
    Action, Counters, Director, Event, Link, LinkError, Notice, Settings, Told,
};
use ipvs_sync::net::now;
use ipvs_sync::resync::{Progress, Report};
use ipvs_sync::vrrp::Time;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::time::Duration;

/// The other directors, where there are any.
#[derive(Default)]
pub(crate) struct Peers {
    joined: Option<Joined>,
    /// Those that are to be joined again, and when that is tried.
    parted: Option<(Config, Time)>,
    /// Tables are not taken while a virtual router is active.
    forgoes: bool,
    /// Why they cannot be, as it was told.
    down: Option<String>,
    /// What happened to the link and was not taken yet.
    notices: Vec<String>,
}

struct Joined {
    config: Config,
    link: Link,
    director: Director,
    transfers: Vec<Transfer>,
    /// What became of those that were told to hand over, since they were.
    handed: BTreeMap<IpAddr, Option<Result<String, String>>>,
    /// How many peers were told to take over and have not answered.
    promoting: usize,
    /// What happened and was not taken yet.
    notices: Vec<String>,
    /// How many that connected were none of the peers when that was told last, and when it may
    /// be again.
    turned_away: (u64, Time),
}

/// What came of the transfers from a peer.
#[derive(Clone, Debug, Default)]
struct Transfer {
    is_reached: bool,
    running: Option<Progress>,
    last: Option<Result<Report, String>>,
    done: u64,
    failed: u64,
}

impl Peers {
    /// These from now on, or those that were if that fails. Where they are others than before,
    /// all is found out anew.
    pub(crate) fn set(
        &mut self,
        config: Option<Config>,
        namespace: Option<&Namespace>,
        running: &Running,
    ) -> Result<(), LinkError> {
        if self.joined.is_some() && self.config() == config.as_ref() {
            return Ok(());
        }
        let old = self.config().cloned();
        let Some(config) = config else {
            (self.joined, self.parted, self.down) = (None, None, None);
            return Ok(());
        };
        if old.as_ref().is_some_and(|old| old.listen == config.listen) {
            // It must be free before another listens there.
            self.joined = None;
        }
        match Joined::start(config, namespace, running, self.forgoes) {
            Ok(joined) => self.join(joined),
            Err(error) => {
                if self.joined.is_none() {
                    self.go_back(old);
                }
                return Err(error);
            }
        }
        Ok(())
    }

    fn join(&mut self, joined: Joined) {
        (self.joined, self.parted) = (Some(joined), None);
        if self.down.take().is_some() {
            self.notices.push("the link is there again".to_owned());
        }
    }

    /// These again, which were there before: by [`go_on`](Self::go_on), as soon as it can be.
    pub(crate) fn go_back(&mut self, config: Option<Config>) {
        if self.joined.is_none() || self.config() != config.as_ref() {
            self.joined = None;
            self.parted = config.map(|config| (config, now()));
        }
    }

    pub(crate) fn config(&self) -> Option<&Config> {
        let parted = self.parted.as_ref().map(|(config, _)| config);
        self.joined.as_ref().map(|joined| &joined.config).or(parted)
    }

    /// The virtual routers here may be others than before.
    pub(crate) fn refresh(&mut self, running: &Running) {
        if let Some(joined) = &mut self.joined {
            joined.refresh(running);
        }
    }

    /// Does what has come: `events` of the virtual routers, and what the peers said.
    pub(crate) fn go_on(
        &mut self,
        events: Vec<Event>,
        namespace: Option<&Namespace>,
        running: &Running,
    ) {
        let Some(joined) = &mut self.joined else {
            // What came of the events it is told then.
            return self.join_again(namespace, running);
        };
        joined.link.set_active(running.active_addresses());
        for event in events {
            joined.tell(event, running);
        }
        while let Some(told) = joined.link.next() {
            if let Some(event) = joined.hear(told, running) {
                joined.tell(event, running);
            }
        }
        if joined.director.poll_timeout().is_some_and(|at| at <= now()) {
            joined.tell(Event::Tick, running);
        }
        joined.link.publish(&joined.director.standings());
        joined.tell_turned_away();
    }

    fn join_again(&mut self, namespace: Option<&Namespace>, running: &Running) {
        let due = self.parted.take_if(|(_, at)| *at <= now());
        let Some((config, _)) = due else { return };
        match Joined::start(config.clone(), namespace, running, self.forgoes) {
            Ok(joined) => self.join(joined),
            Err(error) => {
                let down = Some(format!("the link is down: {error}"));
                if self.down != down {
                    self.notices.extend(down.clone());
                    self.down = down;
                }
                self.parted = Some((config, now() + RETRY));
            }
        }
    }

    /// What operators are to know, since the last time.
    pub(crate) fn take(&mut self) -> Vec<String> {
        let mut notices = std::mem::take(&mut self.notices);
        notices.extend(self.joined.iter_mut().flat_map(|joined| joined.notices.drain(..)));
        notices
    }

    /// What is to be waited for.
    pub(crate) fn polled(&self) -> Option<BorrowedFd<'_>> {
        self.joined.as_ref().map(|joined| joined.link.as_fd())
    }

    /// When there is something to do.
    pub(crate) fn next(&self) -> Option<Time> {
        let joined = self.joined.as_ref().and_then(|joined| joined.director.poll_timeout());
        joined.or_else(|| self.parted.as_ref().map(|(_, at)| *at))
    }

    /// Whether tables are taken while a virtual router is active.
    pub(crate) fn take_beside_active(&mut self, takes: bool) {
        self.forgoes = !takes;
        if let Some(joined) = &mut self.joined {
            joined.director.take_beside_active(takes);
        }
    }

    /// Whether a backup daemon must run to take a table.
    pub(crate) fn want_tables(&self) -> bool {
        self.joined.as_ref().is_some_and(|joined| joined.director.wants_tables())
    }

    /// Whether there are some, and no link to them.
    pub(crate) fn are_parted(&self) -> bool {
        self.parted.is_some()
    }

    /// Whether there are any, so that who hands over asks them first.
    pub(crate) fn are_there(&self) -> bool {
        self.joined.is_some()
    }

    /// These virtual routers are to hand over, each with those that move with it.
    /// [`outcome`](Self::outcome) says in the end what became of that.
    pub(crate) fn hand_over(&mut self, units: Vec<Vec<IpAddr>>, running: &Running) {
        let Some(joined) = &mut self.joined else { return };
        joined.handed = units.iter().flatten().map(|address| (*address, None)).collect();
        for addresses in units {
            joined.tell(Event::HandOver { addresses }, running);
        }
    }

    /// What became of it, of each address, once that is known of all and the peers have
    /// answered.
    pub(crate) fn outcome(&mut self) -> Option<Vec<(IpAddr, Result<String, String>)>> {
        let joined = self.joined.as_mut()?;
        if joined.promoting > 0 || joined.handed.values().any(Option::is_none) {
            return None;
        }
        let handed = std::mem::take(&mut joined.handed);
        Some(
            handed.into_iter().filter_map(|(address, outcome)| Some((address, outcome?))).collect(),
        )
    }

    pub(crate) fn state(&self) -> Vec<state::Peer> {
        let Some(joined) = &self.joined else { return self.parted_state() };
        let peer = |(address, transfer): (&SocketAddr, &Transfer)| state::Peer {
            address: address.to_string(),
            reached: transfer.is_reached,
            transfer: transfer.running.map(|progress| progress_text(&progress)),
            last_transfer: transfer.last.as_ref().map(|last| match last {
                Ok(report) => report.to_string(),
                Err(error) => error.clone(),
            }),
            taken: transfer.last.as_ref().and_then(|last| last.as_ref().ok()).map(taken),
            transfers_done: transfer.done,
            transfers_failed: transfer.failed,
        };
        joined.config.peers.iter().zip(&joined.transfers).map(peer).collect()
    }

    fn parted_state(&self) -> Vec<state::Peer> {
        let peers = self.parted.iter().flat_map(|(config, _)| &config.peers);
        let peer = |address: &SocketAddr| state::Peer {
            address: address.to_string(),
            ..state::Peer::default()
        };
        peers.map(peer).collect()
    }

    /// What became of those that connected here.
    pub(crate) fn link(&self) -> Option<state::Link> {
        let counters = self.joined.as_ref()?.link.counters();
        let Counters { served, strangers, busy, without_key, broken } = counters;
        Some(state::Link { served, strangers, busy, without_key, broken })
    }

    /// The routers whose connections are all here.
    pub(crate) fn ready(&self) -> Vec<IpAddr> {
        let Some(joined) = &self.joined else { return Vec::new() };
        let ready = joined.director.standings().into_iter().filter(|standing| standing.is_ready);
        ready.map(|standing| standing.address).collect()
    }
}

impl Joined {
    fn start(
        config: Config,
        namespace: Option<&Namespace>,
        running: &Running,
        forgoes: bool,
    ) -> Result<Self, LinkError> {
        let Config { listen, peers, key, deadline } = config.clone();
        let count = peers.len();
        let link = Link::start(Settings { listen, peers, key }, namespace)?;
        let mut joined = Self {
            config,
            link,
            director: Director::new(now(), count, deadline),
            transfers: vec![Transfer::default(); count],
            handed: BTreeMap::new(),
            promoting: 0,
            notices: Vec::new(),
            turned_away: (0, now()),
        };
        joined.director.take_beside_active(!forgoes);
        joined.refresh(running);
        // Who asks before the next turn is to know.
        joined.link.set_active(running.active_addresses());
        joined.link.publish(&joined.director.standings());
        Ok(joined)
    }

    /// The virtual routers here may be others than before.
    fn refresh(&mut self, running: &Running) {
        for standing in self.director.standings() {
            if !running.has(standing.address) {
                self.tell(Event::Gone { address: standing.address }, running);
            }
        }
        let known: Vec<IpAddr> =
            self.director.standings().iter().map(|standing| standing.address).collect();
        for event in running.standings() {
            if let Event::State { address, .. } = &event {
                // What another director said of it does not count.
                if !known.contains(address) {
                    running.sync_ready(*address, false);
                }
            }
            self.tell(event, running);
        }
    }

    fn tell(&mut self, event: Event, running: &Running) {
        self.director.handle(now(), event);
        while let Some(action) = self.director.poll() {
            self.act(action, running);
        }
    }

    fn act(&mut self, action: Action, running: &Running) {
        match action {
            Action::Ask { peer } => self.link.ask(peer),
            Action::Transfer { peer } => {
                self.note(format!("the connections of {} are fetched", self.name(peer)));
                self.link.transfer(peer);
            }
            Action::Note => self.link.note(),
            Action::Prepare { peer, address } => self.link.prepare(peer, address),
            Action::Promote { peer, address } => {
                self.promoting += 1;
                self.link.promote(peer, address);
            }
            Action::Claim { peer, address, priority } => {
                let named = running.named(address);
                self.note(format!("{named}: {} is asked to hand over", self.name(peer)));
                self.link.claim(peer, address, priority);
            }
            Action::Look { address } => {
                let preempts = running.preempts(address);
                self.tell(Event::Looked { address, preempts }, running);
            }
            Action::Gate { address, is_open } => running.sync_ready(address, is_open),
            Action::Resign { address, gives_way: false } => running.resign(address),
            Action::Resign { address, gives_way: true } => running.give_way(address),
            Action::TakeOver { address } => running.promote(address),
            Action::Answer { request, result } => {
                // Who has the answer may ask at once what the routers are.
                self.link.publish(&self.director.standings());
                self.link.answer(request, result);
            }
            Action::Notice(notice) => self.notice(notice, running),
        }
    }

    /// What is told to the director of what the link told.
    fn hear(&mut self, told: Told, running: &Running) -> Option<Event> {
        Some(match told {
            Told::Answer { peer, result } => {
                if let Some(transfer) = self.transfers.get_mut(peer) {
                    transfer.is_reached = result.is_ok();
                }
                Event::Answer { peer, result: result.map_err(|error| error.to_string()) }
            }
            Told::Progress { peer, progress } => {
                if let Some(transfer) = self.transfers.get_mut(peer) {
                    transfer.running = Some(progress);
                }
                return None;
            }
            Told::Transferred { peer, result } => {
                let result = result.map_err(|error| error.to_string());
                if let Ok(report) = &result {
                    self.note(format!("{report} of {}", self.name(peer)));
                }
                if let Some(transfer) = self.transfers.get_mut(peer) {
                    transfer.running = None;
                    *if result.is_ok() { &mut transfer.done } else { &mut transfer.failed } += 1;
                    transfer.last = Some(result.clone());
                }
                Event::Transferred { peer, result: result.map(drop) }
            }
            Told::Noted { result } => {
                Event::Noted { result: result.map_err(|error| error.to_string()) }
            }
            Told::PrepareAsked { request, address, .. } => Event::PrepareAsked { request, address },
            Told::Prepared { peer, address, result } => {
                let result = result.map_err(|error| error.to_string());
                Event::Prepared { peer, address, result }
            }
            Told::PromoteAsked { request, from, address, recent } => {
                let from = self.name(from);
                self.note(match recent {
                    Ok(recent) => format!("{from} hands over: {recent}"),
                    Err(error) => format!("{from} hands over: young connections: {error}"),
                });
                Event::PromoteAsked { request, address }
            }
            Told::ClaimAsked { request, from, address, priority } => {
                let (own_priority, addresses) = running.unit(address);
                Event::ClaimAsked {
                    request,
                    peer: from,
                    address,
                    priority,
                    own_priority,
                    addresses,
                }
            }
            Told::Claimed { peer, address, result } => {
                let result = result.map_err(|error| error.to_string());
                Event::Claimed { peer, address, result }
            }
            Told::Promoted { peer, address, result } => {
                self.promoting = self.promoting.saturating_sub(1);
                let result = result.map_err(|error| error.to_string());
                Event::Promoted { peer, address, result }
            }
            // One that this does not know asks for nothing.
            _ => return None,
        })
    }

    fn notice(&mut self, notice: Notice, running: &Running) {
        let outcome = match &notice {
            Notice::HandedOver { address, peer } => {
                let to = self.config.peers.get(*peer).map(SocketAddr::to_string);
                Some((address, Ok(to.unwrap_or_default())))
            }
            Notice::NotTaken { address, peer, reason } => {
                let peer = self.name(*peer);
                Some((address, Err(format!("{peer} did not take over at once: {reason}"))))
            }
            Notice::Held { address, why } => Some((address, Err(why.text(|peer| self.name(peer))))),
            _ => None,
        };
        if let Some((address, outcome)) = outcome {
            self.handed.entry(*address).and_modify(|handed| *handed = Some(outcome));
        }
        self.note(notice.text(|address| running.named(address), |peer| self.name(peer)));
    }

    /// Somebody has another key, or is not meant to connect.
    fn tell_turned_away(&mut self) {
        let Counters { strangers, without_key, .. } = self.link.counters();
        let (before, next) = self.turned_away;
        let all = strangers + without_key;
        if all > before && now() >= next {
            self.turned_away = (all, now() + AGAIN);
            self.note(format!(
                "turned away so far: {strangers} from addresses of no peer, {without_key} without \
                 the key"
            ));
        }
    }

    fn name(&self, peer: usize) -> String {
        self.config.peers.get(peer).map_or_else(String::new, |at| format!("peer {at}"))
    }

    fn note(&mut self, text: String) {
        self.notices.push(text);
    }
}

/// How long after a link could not be started that is tried again.
const RETRY: Duration = Duration::from_secs(2);

/// How long it is at least until those that were turned away are told again.
const AGAIN: Duration = Duration::from_secs(60);

fn progress_text(progress: &Progress) -> String {
    let Progress { read, given, pass } = progress;
    format!("{read} read, {given} given to the backup daemon, pass {pass}")
}

fn taken(report: &Report) -> state::Taken {
    state::Taken {
        total: report.total,
        synced: report.synced,
        without_destination: report.without_destination,
        left_out: report.left_out.total(),
        missing: report.missing(),
        unshifted: report.unshifted,
    }
}
