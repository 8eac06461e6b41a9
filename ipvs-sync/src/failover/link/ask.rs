//! Asking a peer.

use super::shared::Shared;
use super::told::Told;
use crate::peer::{Error, Message, Pipe, Standing};
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

/// What a peer is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Question {
    Routers,
    Promote(IpAddr),
}

/// How long an exchange may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

/// How long the answer for routers may be: 3,640 of them.
const LONGEST: usize = 1 << 16;

/// Asks a peer one thing after the other, until no more comes.
pub(super) fn ask_all(shared: &Arc<Shared>, peer: usize, asked: &Receiver<Question>) {
    for question in asked {
        let answer = ask(shared, peer, question);
        // It can be asked again when it is told.
        shared.finish(peer, question);
        shared.tell(match question {
            Question::Routers => {
                let result =
                    answer.and_then(|answer| Standing::read_all(&answer).map_err(Error::from));
                Told::Answer { peer, result }
            }
            Question::Promote(address) => {
                Told::Promoted { peer, address, result: answer.map(drop) }
            }
        });
    }
}

fn ask(shared: &Shared, peer: usize, question: Question) -> Result<Vec<u8>, Error> {
    let by = Instant::now() + PATIENCE;
    let socket = socket(shared.here)?;
    let _entry = shared.streams.add(&socket)?;
    let mut pipe = Pipe::asking(connect(shared, socket, peer)?, &shared.key, by)?;
    let request = match question {
        Question::Routers => Message::Routers,
        Question::Promote(address) => Message::Promote { address },
    };
    pipe.ask(&request, LONGEST, by)
}

/// A socket whose address is the one that the peers know.
pub(super) fn socket(mut here: SocketAddr) -> io::Result<Socket> {
    // With its scope, if it has one.
    here.set_port(0);
    let socket = Socket::new(Domain::for_address(here), Type::STREAM, Some(Protocol::TCP))?;
    socket.bind(&here.into())?;
    Ok(socket)
}

pub(super) fn connect(shared: &Shared, socket: Socket, peer: usize) -> io::Result<TcpStream> {
    let address = shared.peers.get(peer).ok_or(io::ErrorKind::NotFound)?;
    socket.connect_timeout(&(*address).into(), PATIENCE)?;
    Ok(socket.into())
}
