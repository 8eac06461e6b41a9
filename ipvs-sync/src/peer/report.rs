//! Asking a node what it is.

use super::error::Error;
use super::key::Key;
use super::message::Message;
use super::pipe::{GREETING, Pipe};
use super::refused::Refused;
use crate::doctor::Report;
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// How long a node may take to find out what it is: it reads its connection table.
const PATIENCE: Duration = Duration::from_secs(60);

/// A report of a thousand services of a hundred destinations has some 10 MB.
const LONGEST_REPORT: usize = 64 << 20;

/// Asks the director at the other end of the stream for a report of its node, and waits for
/// it in the calling thread.
///
/// # Errors
/// [`Error`]: [`Error::Declined`] if it does not give one, or cannot find out.
pub fn ask_for_report(stream: TcpStream, key: &Key) -> Result<Report, Error> {
    let mut pipe = Pipe::asking(stream, key, Instant::now() + GREETING)?;
    let answer = pipe.ask(&Message::Report, LONGEST_REPORT, Instant::now() + PATIENCE)?;
    serde_json::from_slice(&answer).map_err(|_| Refused::Report.into())
}
