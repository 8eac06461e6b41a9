//! Answering peers.

use super::Open;
use super::shared::Shared;
use super::told::Told;
use crate::peer::{Error, GREETING, Message, Pipe, Refused};
use crate::resync;
use std::io::{self, BufRead};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread::{self, Builder};
use std::time::{Duration, Instant};

/// Accepts connections, and answers each in a thread of its own.
pub(super) struct Server {
    listener: TcpListener,
    /// How many are served, and how many of them are sent the table.
    served: AtomicUsize,
    tables: AtomicUsize,
}

/// How many are served at a time. Others are closed at once and counted.
const MOST: usize = 8;

/// How many of them are sent the table: what is short is not to wait for them.
const TABLES: usize = 2;

/// How long the user may take to say what it does: less than the peer waits.
const DECISION: Duration = Duration::from_secs(2);

/// How long an answer may take to be taken.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long to wait when the system has no descriptors or threads left.
const PAUSE: Duration = Duration::from_millis(100);

impl Server {
    pub(super) fn listen(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        Ok(Self { listener, served: AtomicUsize::new(0), tables: AtomicUsize::new(0) })
    }

    pub(super) fn listener(&self) -> &TcpListener {
        &self.listener
    }

    /// Serves until the listener is shut, and all that are served are.
    pub(super) fn serve<R: BufRead>(&self, shared: &Arc<Shared>, open: &impl Open<R>) {
        thread::scope(|scope| {
            loop {
                let accepted = self.listener.accept();
                if shared.streams.is_over() {
                    return;
                }
                let Ok((stream, address)) = accepted else {
                    thread::sleep(PAUSE);
                    continue;
                };
                let Some(peer) = shared.peer(address.ip()) else {
                    shared.count(|counters| &mut counters.strangers);
                    continue;
                };
                let Some(place) = Place::take(&self.served, MOST) else {
                    shared.count(|counters| &mut counters.busy);
                    continue;
                };
                let answer = move || {
                    let _place = place;
                    let answered = self.answer(shared, peer, stream, open);
                    shared.count(|counters| match answered {
                        Ok(()) => &mut counters.served,
                        Err(Error::Refused(Refused::Key | Refused::Forged)) => {
                            &mut counters.without_key
                        }
                        Err(_) => &mut counters.broken,
                    });
                };
                if Builder::new().name("link-serve".to_owned()).spawn_scoped(scope, answer).is_err()
                {
                    thread::sleep(PAUSE);
                }
            }
        });
    }

    /// Hears what one asks for, and answers it.
    fn answer<R: BufRead>(
        &self,
        shared: &Shared,
        peer: usize,
        stream: TcpStream,
        open: &impl Open<R>,
    ) -> Result<(), Error> {
        let _entry = shared.streams.add(&stream)?;
        let by = Instant::now() + GREETING;
        let mut pipe = Pipe::answering(stream, &shared.key, by)?;
        let answer = match Message::read(pipe.receive(by)?)? {
            Message::Table { skip } => return self.table(&mut pipe, skip, open),
            Message::Routers => Ok(shared.standings()),
            Message::Promote { address } => {
                let recent = match resync::take_recent(&mut pipe) {
                    // Nobody waits for an answer any more.
                    Err(resync::Error::Peer(error)) => return Err(error),
                    recent => recent,
                };
                let asked = |request| Told::PromoteAsked { request, from: peer, address, recent };
                decision(shared, asked).map(|()| Vec::new())
            }
            Message::Claim { address, priority } => {
                let asked = |request| Told::ClaimAsked { request, from: peer, address, priority };
                decision(shared, asked).map(|()| Vec::new())
            }
            Message::Prepare { address } => {
                let asked = |request| Told::PrepareAsked { request, from: peer, address };
                decision(shared, asked).map(|()| Vec::new())
            }
            Message::Report => report(),
            _ => return Err(Refused::Order.into()),
        };
        let by = Instant::now() + PATIENCE;
        match answer {
            Ok(answer) => pipe.answer(&answer, by),
            Err(reason) => pipe.decline(&reason, by),
        }
    }

    fn table<R: BufRead>(
        &self,
        pipe: &mut Pipe,
        skip: u64,
        open: &impl Open<R>,
    ) -> Result<(), Error> {
        let Some(_place) = Place::take(&self.tables, TABLES) else {
            let reason = "it sends its connections to others just now";
            return pipe.decline(reason, Instant::now() + PATIENCE);
        };
        match resync::send_tables(pipe, skip, &mut || open(), &mut |_| {}) {
            Ok(()) => Ok(()),
            Err(resync::Error::Peer(error)) => Err(error),
            // Between two messages.
            Err(error) => pipe.decline(&error.to_string(), Instant::now() + PATIENCE),
        }
    }
}

/// What the user says of what is asked.
fn decision(shared: &Shared, asked: impl FnOnce(u64) -> Told) -> Result<(), String> {
    let (asker, answer) = mpsc::channel();
    let request = shared.add_asker(asker);
    shared.tell(asked(request));
    let no_answer = |_| Err(format!("no answer within {} seconds", DECISION.as_secs()));
    let decision = answer.recv_timeout(DECISION).unwrap_or_else(no_answer);
    shared.take_asker(request);
    decision
}

/// What this node is, as JSON.
#[cfg(feature = "serde")]
fn report() -> Result<Vec<u8>, String> {
    use crate::doctor::Report;
    use crate::net::Rtnetlink;
    let mut client = ipvs::Client::connect().map_err(|error| error.to_string())?;
    let mut links = Rtnetlink::open().map_err(|error| error.to_string())?;
    let report = Report::gather(&mut client, &mut links).map_err(|error| error.to_string())?;
    serde_json::to_vec(&report).map_err(|error| error.to_string())
}

#[cfg(not(feature = "serde"))]
fn report() -> Result<Vec<u8>, String> {
    Err("it was built without reports (feature serde)".to_owned())
}

/// One of a number of places, until this is dropped.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(taken: &'a AtomicUsize, most: usize) -> Option<Self> {
        let add = |taken: usize| (taken < most).then(|| taken + 1);
        taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).ok().map(|_| Self(taken))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
