//! What the threads of a link and its user share.

use super::Settings;
use super::ask::Question;
use super::streams::Streams;
use super::told::{Counters, Told};
use crate::peer::{Key, Standing};
use crate::resync::Present;
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::mpsc::{Sender, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[derive(Debug)]
pub(super) struct Shared {
    /// Where it listens, and from which address others are asked.
    pub(super) here: SocketAddr,
    pub(super) peers: Vec<SocketAddr>,
    pub(super) key: Key,
    pub(super) streams: Streams,
    pub(super) bell: EventFd,
    tells: SyncSender<Told>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// What `Routers` is answered with.
    standings: Vec<u8>,
    /// The virtual addresses that are active here.
    active: Vec<IpAddr>,
    /// What peers are being asked.
    asked: BTreeSet<(usize, Question)>,
    /// The peers whose table is wanted.
    wanted: BTreeSet<usize>,
    /// The connections that were here when that was asked for last.
    noted: Option<Arc<Present>>,
    /// Who waits for the user's answer.
    askers: BTreeMap<u64, Sender<Result<(), String>>>,
    last_request: u64,
    is_over: bool,
    counters: Counters,
}

impl Shared {
    pub(super) fn new(
        here: SocketAddr,
        settings: Settings,
        tells: SyncSender<Told>,
    ) -> io::Result<Self> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        let Settings { peers, key, .. } = settings;
        Ok(Self {
            here,
            peers,
            key,
            streams: Streams::default(),
            bell: EventFd::from_flags(flags)?,
            tells,
            state: Mutex::default(),
        })
    }

    /// Tells the user. If too much was not taken yet, it is lost.
    pub(super) fn tell(&self, told: Told) {
        let _ = self.tells.try_send(told);
        // It fails only where it has been rung 2^64 times.
        let _ = self.bell.write(1);
    }

    /// The number of the peer with this address.
    pub(super) fn peer(&self, address: IpAddr) -> Option<usize> {
        let address = address.to_canonical();
        self.peers.iter().position(|peer| peer.ip().to_canonical() == address)
    }

    pub(super) fn publish(&self, standings: &[Standing]) {
        let mut bytes = Vec::new();
        standings.iter().for_each(|standing| standing.write(&mut bytes));
        self.state().standings = bytes;
    }

    pub(super) fn set_active(&self, addresses: Vec<IpAddr>) {
        self.state().active = addresses;
    }

    pub(super) fn active(&self) -> Vec<IpAddr> {
        self.state().active.clone()
    }

    pub(super) fn standings(&self) -> Vec<u8> {
        self.state().standings.clone()
    }

    /// Whether that was not being asked already.
    pub(super) fn begin(&self, peer: usize, question: Question) -> bool {
        self.state().asked.insert((peer, question))
    }

    pub(super) fn finish(&self, peer: usize, question: Question) {
        self.state().asked.remove(&(peer, question));
    }

    /// Whether it was not wanted already.
    pub(super) fn want_table(&self, peer: usize) -> bool {
        self.state().wanted.insert(peer)
    }

    pub(super) fn has_table(&self, peer: usize) {
        self.state().wanted.remove(&peer);
    }

    pub(super) fn note(&self, noted: Present) {
        self.state().noted = Some(Arc::new(noted));
    }

    pub(super) fn noted(&self) -> Option<Arc<Present>> {
        self.state().noted.clone()
    }

    /// The number of a question to the user, whose answer is sent there.
    pub(super) fn add_asker(&self, asker: Sender<Result<(), String>>) -> u64 {
        let mut state = self.state();
        state.last_request += 1;
        let request = state.last_request;
        if !state.is_over {
            state.askers.insert(request, asker);
        }
        request
    }

    /// Whether who asked that still waits.
    pub(super) fn is_asked(&self, request: u64) -> bool {
        self.state().askers.contains_key(&request)
    }

    pub(super) fn take_asker(&self, request: u64) -> Option<Sender<Result<(), String>>> {
        self.state().askers.remove(&request)
    }

    pub(super) fn count(&self, count: impl FnOnce(&mut Counters) -> &mut u64) {
        *count(&mut self.state().counters) += 1;
    }

    pub(super) fn counters(&self) -> Counters {
        self.state().counters
    }

    /// Nobody waits for anything any more.
    pub(super) fn end(&self) {
        let mut state = self.state();
        state.is_over = true;
        state.askers.clear();
        drop(state);
        self.streams.end();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that is done under the lock leaves it half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
