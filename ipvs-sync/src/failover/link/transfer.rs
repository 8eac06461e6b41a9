//! Taking the tables of peers.

use super::ask::{connect, socket};
use super::shared::Shared;
use super::told::Told;
use crate::peer;
use crate::resync::{Error, Receiver, Report};
use ipvs::Client;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Takes one table after the other, until no more is wanted.
pub(super) fn transfer_all(shared: &Arc<Shared>, wanted: &mpsc::Receiver<usize>) {
    // Each knows how far it came before an error.
    let mut receivers: Vec<_> =
        shared.peers.iter().map(|_| Receiver::new(shared.key.clone())).collect();
    for peer in wanted {
        if shared.streams.is_over() {
            return;
        }
        let Some(receiver) = receivers.get_mut(peer) else { continue };
        let result = transfer(shared, peer, receiver);
        // It can be wanted again when it is told.
        shared.has_table(peer);
        shared.tell(Told::Transferred { peer, result });
    }
}

fn transfer(shared: &Shared, peer: usize, receiver: &mut Receiver) -> Result<Report, Error> {
    let socket = socket(shared.here).map_err(peer::Error::from)?;
    let _entry = shared.streams.add(&socket).map_err(peer::Error::from)?;
    let stream = connect(shared, socket, peer).map_err(peer::Error::from)?;
    let mut told: Option<Instant> = None;
    receiver.run(stream, &mut Client::connect()?, |progress| {
        if told.is_none_or(|told| told.elapsed() >= PAUSE) {
            told = Some(Instant::now());
            shared.tell(Told::Progress { peer, progress });
        }
    })
}

/// How long it is at least from one progress to the next.
const PAUSE: Duration = Duration::from_millis(250);
