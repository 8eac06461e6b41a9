//! Connecting to a peer.

use super::shared::Shared;
use super::streams::Entry;
use crate::peer::socket;
use std::io;
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Connects to a peer by a time. The stream is shut at the end, if that comes before the entry
/// is dropped.
///
/// One that is out of reach is tried again and again: the system does that a second later for
/// the first time (`TCP_TIMEOUT_INIT`), and when a partition ends the connections that were made
/// on the other side are missed until then.
pub(super) fn connect(
    shared: &Shared,
    peer: usize,
    by: Instant,
) -> io::Result<(TcpStream, Entry<'_>)> {
    let address = shared.peers.get(peer).ok_or(io::ErrorKind::NotFound)?;
    loop {
        let left = by.saturating_duration_since(Instant::now());
        let is_last = left <= LAST;
        let socket = socket(shared.here)?;
        let entry = shared.streams.add(&socket)?;
        match socket.connect_timeout(&(*address).into(), if is_last { left } else { TRY }) {
            Ok(()) => return Ok((socket.into(), entry)),
            Err(error) if error.kind() == io::ErrorKind::TimedOut && !is_last => {}
            Err(error) => return Err(error),
        }
    }
}

/// How long a try may take, which on one LAN takes less than a millisecond.
const TRY: Duration = Duration::from_millis(200);
/// The last one may take longer, on a line that is slow or busy.
const LAST: Duration = Duration::from_millis(1_000);
