//! Handing over: of which routers, how far that is, and to whom.

use super::notice::{CannotTake, Held};
use super::peers::Peer;
use crate::vrrp::Time;
use crate::vrrp::router::State;
use std::net::IpAddr;
use std::time::Duration;

/// A handover that goes on, of routers that move together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Handover {
    pub(super) addresses: Vec<IpAddr>,
    pub(super) began: Time,
    pub(super) step: Step,
}

/// What it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Whether anybody can take over, of peers that were asked at that time.
    Looks(Time),
    /// The connections here are being noted.
    Notes,
    /// For this time: by then all that were noted are known elsewhere.
    Waits(Time),
    /// Who takes over, of peers that were asked at that time.
    Chooses(Time),
}

/// How old a connection is at most when sync messages have told the others of it: the
/// kernel's master collects them for two seconds and looks once in one (`ip_vs_sync.c:
/// IPVS_SYNC_FLUSH_TIME`, `IPVS_SYNC_CHECK_PERIOD`), and one is for the way.
pub(super) const SYNC_DELAY: Duration = Duration::from_secs(4);

/// How long it may take until it is known who takes over. A long table is slow to read.
const LIMIT: Duration = Duration::from_secs(60);

impl Handover {
    pub(super) fn new(addresses: Vec<IpAddr>, now: Time) -> Self {
        Self { addresses, began: now, step: Step::Looks(now) }
    }

    /// When it is given up.
    pub(super) fn limit(&self) -> Time {
        self.began + LIMIT
    }

    /// When there is something to do for it.
    pub(super) fn next(&self) -> Time {
        match self.step {
            Step::Waits(until) => until,
            _ => self.limit(),
        }
    }
}

/// The peer that is to take over routers that move together, or why none can; nothing while
/// it must still be waited for what peers answer that were asked at that time.
///
/// Every backup hears the resignation, and the one of highest priority takes over after its
/// skew, which can be sooner than the successor is told to. So all of them must be ready. A
/// peer that did not answer the question before is not waited for if another is ready.
pub(super) fn successor(
    peers: &[Peer],
    addresses: &[IpAddr],
    since: Time,
) -> Option<Result<usize, Held>> {
    let is_backup = |peer: &Peer, address: IpAddr, is_ready| {
        let there = peer.standing(address, since);
        there.is_some_and(|there| there.state == State::Backup && there.is_ready == is_ready)
    };
    let has_answered = |peer: &Peer| peer.said_since(since).is_some();
    let is_known = |peer: &Peer| has_answered(peer) || peer.is_lost().is_some();
    let can_all = |peer: &Peer| addresses.iter().all(|address| is_backup(peer, *address, true));
    let lacks = |peer: &Peer| addresses.iter().any(|address| is_backup(peer, *address, false));
    match peers.iter().position(can_all) {
        Some(peer) if !peers.iter().any(lacks) && peers.iter().all(is_known) => Some(Ok(peer)),
        _ => peers.iter().all(has_answered).then(|| Err(why_none(peers, addresses, since))),
    }
}

/// Why no peer can take routers over, of each that cannot.
fn why_none(peers: &[Peer], addresses: &[IpAddr], since: Time) -> Held {
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
        let why = lost.or_else(|| addresses.iter().find_map(|address| of(peer, *address)));
        why.map(|why| (number, why))
    };
    Held::Peers(peers.iter().enumerate().filter_map(why).collect())
}
