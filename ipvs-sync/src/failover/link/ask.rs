//! Asking a peer.

use super::Open;
use super::connect::connect;
use super::shared::Shared;
use super::told::Told;
use crate::peer::{Error, Message, Pipe, Standing};
use crate::resync;
use std::io::BufRead;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

/// What a peer is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Question {
    Routers,
    Claim(IpAddr, u8),
    Prepare(IpAddr),
    Promote(IpAddr),
}

/// How long an exchange may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

/// How long the answer for routers may be: 3,640 of them.
const LONGEST: usize = 1 << 16;

/// Asks a peer one thing after the other, until no more comes.
pub(super) fn ask_all<R: BufRead>(
    shared: &Arc<Shared>,
    peer: usize,
    asked: &Receiver<Question>,
    open: &impl Open<R>,
) {
    for question in asked {
        let told = match question {
            Question::Routers => Told::Answer { peer, result: routers(shared, peer) },
            Question::Claim(address, priority) => {
                let result = say(shared, peer, &Message::Claim { address, priority });
                Told::Claimed { peer, address, result }
            }
            Question::Prepare(address) => {
                let result = say(shared, peer, &Message::Prepare { address });
                Told::Prepared { peer, address, result }
            }
            Question::Promote(address) => {
                Told::Promoted { peer, address, result: promote(shared, peer, address, open) }
            }
        };
        // It can be asked again when it is told.
        shared.finish(peer, question);
        shared.tell(told);
    }
}

fn routers(shared: &Shared, peer: usize) -> Result<Vec<Standing>, Error> {
    let answer = ask(shared, peer, |pipe, by| pipe.ask(&Message::Routers, LONGEST, by))?;
    Ok(Standing::read_all(&answer)?)
}

/// What is answered by nothing, or declined.
fn say(shared: &Shared, peer: usize, request: &Message<'_>) -> Result<(), Error> {
    ask(shared, peer, |pipe, by| pipe.ask(request, 0, by)).map(drop)
}

/// The connections that are here and were not noted go with it; all, if none were. They take
/// longer than a question.
fn promote<R: BufRead>(
    shared: &Shared,
    peer: usize,
    address: IpAddr,
    open: &impl Open<R>,
) -> Result<(), resync::Error> {
    ask(shared, peer, |pipe, by| {
        pipe.send(&Message::Promote { address }, by)?;
        let by = Instant::now() + resync::EXCHANGE;
        pipe.limit(by);
        resync::send_recent(pipe, open()?, shared.noted().as_deref())?;
        pipe.answered(0, by)?;
        Ok(())
    })
}

/// Connects to a peer, and says there what is to be said, by a time.
fn ask<T, E: From<Error>>(
    shared: &Shared,
    peer: usize,
    say: impl FnOnce(&mut Pipe, Instant) -> Result<T, E>,
) -> Result<T, E> {
    let by = Instant::now() + PATIENCE;
    let (stream, _entry) = connect(shared, peer, by).map_err(Error::from)?;
    say(&mut Pipe::asking(stream, &shared.key, by)?, by)
}
