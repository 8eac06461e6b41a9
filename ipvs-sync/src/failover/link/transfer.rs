//! Taking the tables of peers, and noting what is in that of this director.

use super::Open;
use super::ask::PATIENCE;
use super::connect::connect;
use super::shared::Shared;
use super::told::Told;
use crate::peer;
use crate::resync::{Error, Present, Receiver, Report};
use ipvs::Client;
use std::io::BufRead;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// What is to be done with a table.
#[derive(Clone, Copy, Debug)]
pub(super) enum Work {
    /// Take that of a peer.
    Transfer { peer: usize },
    /// Note what is in that of this director.
    Note,
}

/// Does one after the other, until no more is wanted.
pub(super) fn work_all<R: BufRead>(
    shared: &Arc<Shared>,
    wanted: &mpsc::Receiver<Work>,
    open: &impl Open<R>,
) {
    // Each knows how far it came before an error.
    let mut receivers: Vec<_> =
        shared.peers.iter().map(|_| Receiver::new(shared.key.clone())).collect();
    for work in wanted {
        if shared.streams.is_over() {
            return;
        }
        match work {
            Work::Transfer { peer } => {
                let Some(receiver) = receivers.get_mut(peer) else { continue };
                let result = transfer(shared, peer, receiver);
                // It can be wanted again when it is told.
                shared.has_table(peer);
                shared.tell(Told::Transferred { peer, result });
            }
            Work::Note => {
                let noted = open().map_err(Error::from);
                let noted = noted.and_then(|table| Present::read(table, &[], || Ok(())));
                let result = noted.map(|noted| shared.note(noted));
                shared.tell(Told::Noted { result });
            }
        }
    }
}

fn transfer(shared: &Shared, peer: usize, receiver: &mut Receiver) -> Result<Report, Error> {
    let by = Instant::now() + PATIENCE;
    let (stream, _entry) = connect(shared, peer, by).map_err(peer::Error::from)?;
    let mut told: Option<Instant> = None;
    receiver.run(
        stream,
        &mut Client::connect()?,
        || shared.active(),
        |progress| {
            if told.is_none_or(|told| told.elapsed() >= PAUSE) {
                told = Some(Instant::now());
                shared.tell(Told::Progress { peer, progress });
            }
        },
    )
}

/// How long it is at least from one progress to the next.
const PAUSE: Duration = Duration::from_millis(250);
