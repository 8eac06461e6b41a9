//! To whom an active router hands over.

use super::peers::Peer;
use crate::vrrp::Time;
use crate::vrrp::router::State;
use std::net::IpAddr;

/// The peer that is to take a router over, or why none can; nothing while it must still be
/// waited for what peers answer that were asked at that time.
///
/// Every backup hears the resignation, and the one of highest priority takes over after its
/// skew, which can be sooner than the successor is told to. So all of them must be ready. A
/// peer that did not answer the question before is not waited for if another is ready.
pub(super) fn successor(
    peers: &[Peer],
    address: IpAddr,
    since: Time,
) -> Option<Result<usize, String>> {
    let is_backup = |peer: &Peer, is_ready| {
        let there = peer.standing(address, since);
        there.is_some_and(|there| there.state == State::Backup && there.is_ready == is_ready)
    };
    let has_answered = |peer: &Peer| peer.said_since(since).is_some();
    let is_known = |peer: &Peer| has_answered(peer) || peer.is_lost().is_some();
    let can_all = !peers.iter().any(|peer| is_backup(peer, false));
    match peers.iter().position(|peer| is_backup(peer, true)) {
        Some(peer) if can_all && peers.iter().all(is_known) => Some(Ok(peer)),
        _ => peers.iter().all(has_answered).then(|| Err(why_none(peers, address, since))),
    }
}

/// Why no peer can take a router over, of each that cannot.
fn why_none(peers: &[Peer], address: IpAddr, since: Time) -> String {
    if peers.is_empty() {
        return "there is no other director".to_owned();
    }
    let why = |(number, peer): (usize, &Peer)| {
        Some(match (peer.is_lost(), peer.standing(address, since)) {
            (Some(reason), _) => format!("peer {number} does not answer: {reason}"),
            (None, None) => format!("peer {number} does not have it"),
            (None, Some(there)) if there.state != State::Backup => {
                format!("at peer {number} it is {}", there.state)
            }
            (None, Some(there)) if there.is_ready => return None,
            (None, Some(_)) => format!("peer {number} does not have all connections"),
        })
    };
    peers.iter().enumerate().filter_map(why).collect::<Vec<_>>().join("; ")
}
