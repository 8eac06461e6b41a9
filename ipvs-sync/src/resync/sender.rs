//! The side of the active director.

use super::carry::carry;
use super::error::Error;
use super::present::{Present, SILENCE};
use crate::peer::{self, GREETING, Key, LONGEST, LeftOut, Message, Pipe, Refused};
use crate::proto::{Datagram, Version};
use ipvs::connections::{ReadError, Reader};
use std::io::BufRead;
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Sends the connection table to directors that have the key, one at a time.
#[derive(Clone, Debug)]
pub struct Sender {
    key: Key,
    counters: Counters,
}

/// What became of those that connected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Counters {
    /// They had the key, and said that they have all that they want.
    pub served: u64,
    /// They did not have the key, or sent again what one that has it had sent.
    pub without_key: u64,
    /// They sent something else that no director sends.
    pub refused: u64,
    /// They sent or took nothing for too long.
    pub slow: u64,
    /// They were gone before they had all, or the stream broke.
    pub broken: u64,
    /// The table could not be read for them.
    pub failed: u64,
}

/// How long a peer that has shown it may say nothing.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often a peer may ask for the table.
pub(super) const REQUESTS: u32 = 8;

impl Sender {
    /// One that sends to who has the key.
    pub fn new(key: Key) -> Self {
        Self { key, counters: Counters::default() }
    }

    /// What became of those that connected.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Serves one that connected, in the calling thread and until it has all. `open` opens
    /// the table, as [`ipvs::connections::open`] does; `progress` is told how many
    /// connections of it have been read.
    ///
    /// It takes the memory of a few messages. Nothing is read of the table before the peer
    /// has shown that it has the key, for which it has 3 seconds.
    ///
    /// # Errors
    /// Why the peer was not served to the end.
    pub fn serve<R: BufRead>(
        &mut self,
        stream: TcpStream,
        mut open: impl FnMut() -> Result<Reader<R>, ReadError>,
        mut progress: impl FnMut(u64),
    ) -> Result<(), Error> {
        let served = self.serve_all(stream, &mut open, &mut progress);
        let counters = &mut self.counters;
        *match &served {
            Ok(()) => &mut counters.served,
            Err(Error::Peer(peer::Error::Refused(Refused::Key | Refused::Forged))) => {
                &mut counters.without_key
            }
            Err(Error::Peer(peer::Error::Refused(_)) | Error::TooOften) => &mut counters.refused,
            Err(Error::Peer(peer::Error::Slow)) => &mut counters.slow,
            Err(Error::Table(_)) => &mut counters.failed,
            Err(_) => &mut counters.broken,
        } += 1;
        served
    }

    fn serve_all<R: BufRead>(
        &self,
        stream: TcpStream,
        open: &mut impl FnMut() -> Result<Reader<R>, ReadError>,
        progress: &mut impl FnMut(u64),
    ) -> Result<(), Error> {
        let by = Instant::now() + GREETING;
        let mut pipe = Pipe::answering(stream, &self.key, by)?;
        match Message::read(pipe.receive(by)?)? {
            Message::Table { skip } => send_tables(&mut pipe, skip, open, progress),
            _ => Err(Refused::Order.into()),
        }
    }
}

/// Answers who asked for the table, and asks for it again until it has all.
pub(crate) fn send_tables<R: BufRead>(
    pipe: &mut Pipe,
    mut skip: u64,
    open: &mut impl FnMut() -> Result<Reader<R>, ReadError>,
    progress: &mut impl FnMut(u64),
) -> Result<(), Error> {
    for _ in 0..REQUESTS {
        send_table(pipe, open()?, skip, None, progress)?;
        skip = loop {
            match Message::read(pipe.receive(Instant::now() + PATIENCE)?)? {
                Message::Table { skip } => break skip,
                Message::Reading => {}
                Message::Thanks => return Ok(()),
                _ => return Err(Refused::Order.into()),
            }
        };
    }
    Err(Error::TooOften)
}

/// Sends what the table has that is not known, or was in another state then.
pub(crate) fn send_recent<R: BufRead>(
    pipe: &mut Pipe,
    table: Reader<R>,
    known: Option<&Present>,
) -> Result<(), Error> {
    send_table(pipe, table, 0, known, &mut |_| {})
}

/// Sends what the table has behind the connections that are passed over, without those that
/// are known.
fn send_table<R: BufRead>(
    pipe: &mut Pipe,
    table: Reader<R>,
    skip: u64,
    known: Option<&Present>,
    progress: &mut impl FnMut(u64),
) -> Result<(), Error> {
    let mut datagram = Datagram::new(Version::V1, 0, DATAGRAM);
    let (mut read, mut told, mut left_out) = (0, 0, LeftOut::default());
    for entry in table {
        if read - told >= SILENCE as u64 {
            told = read;
            send(pipe, read, &mut datagram)?;
            progress(read);
        }
        let entry = match entry {
            Ok(entry) => Some(entry),
            Err(error) if error.line().is_some_and(|(number, _)| number > 1) => None,
            Err(error) => return Err(error.into()),
        };
        read += 1;
        if read <= skip {
            continue;
        }
        let Some(entry) = entry else {
            left_out.unreadable += 1;
            continue;
        };
        let Some(connection) = carry(&entry, &mut left_out) else { continue };
        if known.is_some_and(|known| known.has(&connection)) {
            continue;
        }
        let fits = datagram.push(&connection);
        if fits == Ok(false) {
            told = read;
            send(pipe, read - 1, &mut datagram)?;
            progress(read - 1);
        }
        // An empty one has room for any; what cannot be written at all is told as such.
        if fits.is_err() || fits == Ok(false) && datagram.push(&connection) != Ok(true) {
            left_out.unknown += 1;
        }
    }
    if datagram.count() > 0 {
        send(pipe, read, &mut datagram)?;
    }
    progress(read);
    Ok(pipe.send(&Message::End { read, left_out }, Instant::now() + PATIENCE)?)
}

fn send(pipe: &mut Pipe, read: u64, datagram: &mut Datagram) -> Result<(), Error> {
    let bytes = if datagram.count() > 0 { datagram.as_bytes() } else { &[] };
    pipe.send(&Message::Data { read, datagram: bytes }, Instant::now() + PATIENCE)?;
    datagram.clear();
    Ok(())
}

/// The longest datagram: 255 connections of IPv4. A message has nine bytes before it.
const DATAGRAM: u16 = 9_188;
const _: () = assert!(DATAGRAM as usize + 9 <= LONGEST);
