//! Asking a node what it is.

use super::error::Error;
use super::key::Key;
use super::message::Message;
use super::pipe::{GREETING, Pipe, socket};
use super::refused::Refused;
use crate::doctor::Report;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// How long a node may take to find out what it is: it reads its connection table.
const PATIENCE: Duration = Duration::from_secs(60);

/// A report of a thousand services of a hundred destinations has some 10 MB.
const LONGEST_REPORT: usize = 64 << 20;

/// Asks a director for a report of its node, and waits for it in the calling thread. It is
/// asked from `here`, the address by which it knows this one, and any port.
///
/// # Errors
/// [`Error`]: [`Error::Declined`] if it does not give one, or cannot find out.
pub fn ask_for_report(here: SocketAddr, peer: SocketAddr, key: &Key) -> Result<Report, Error> {
    let socket = socket(here)?;
    socket.connect_timeout(&peer.into(), GREETING)?;
    let mut pipe = Pipe::asking(socket.into(), key, Instant::now() + GREETING)?;
    let answer = pipe.ask(&Message::Report, LONGEST_REPORT, Instant::now() + PATIENCE)?;
    serde_json::from_slice(&answer).map_err(|_| Refused::Report.into())
}
