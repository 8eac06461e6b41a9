//! The encrypted stream over TCP.

use super::channel::{Channel, LONGEST};
use super::error::Error;
use super::key::Key;
use super::message::Message;
use super::refused::Refused;
use socket2::{Domain, Protocol, Socket, Type};
use std::fmt;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// How long who connects has until it has shown that it has the key, and the other until it
/// has answered that.
pub(crate) const GREETING: Duration = Duration::from_secs(3);

/// The encrypted stream of one side. Its buffers hold one frame each.
pub(crate) struct Pipe {
    stream: TcpStream,
    channel: Channel,
    frame: Vec<u8>,
    message: Vec<u8>,
    /// When all is to be over, if it was said.
    limit: Option<Instant>,
}

impl Pipe {
    /// Speaks first, and hears that the other has the key.
    pub(crate) fn asking(stream: TcpStream, key: &Key, by: Instant) -> Result<Self, Error> {
        let mut pipe = Self::new(stream, Channel::asking(key))?;
        pipe.greet(by)?;
        pipe.greeted(by)?;
        Ok(pipe)
    }

    /// Answers who has the key. That the peer is one that has it now, and nobody who sends
    /// a recorded frame, is known when its first message has been read.
    pub(crate) fn answering(stream: TcpStream, key: &Key, by: Instant) -> Result<Self, Error> {
        let mut pipe = Self::new(stream, Channel::answering(key))?;
        pipe.greeted(by)?;
        pipe.greet(by)?;
        Ok(pipe)
    }

    fn new(stream: TcpStream, channel: Channel) -> Result<Self, Error> {
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        let (frame, message) = (Vec::new(), Vec::with_capacity(LONGEST));
        Ok(Self { stream, channel, frame, message, limit: None })
    }

    /// What is sent and received from now on is to be over by then, all together.
    pub(crate) fn limit(&mut self, by: Instant) {
        self.limit = Some(by);
    }

    fn greet(&mut self, by: Instant) -> Result<(), Error> {
        self.channel.greet(&mut self.frame)?;
        write(&self.stream, &self.frame, by)
    }

    fn greeted(&mut self, by: Instant) -> Result<(), Error> {
        self.read_frame(by)?;
        Ok(self.channel.greeted(&self.frame)?)
    }

    /// Sends a message; it is gone by then, or the stream is over.
    pub(crate) fn send(&mut self, message: &Message<'_>, by: Instant) -> Result<(), Error> {
        self.message.clear();
        message.write(&mut self.message);
        self.channel.seal(&self.message, &mut self.frame)?;
        write(&self.stream, &self.frame, self.within(by))
    }

    /// Receives a message, all of it by then.
    pub(crate) fn receive(&mut self, by: Instant) -> Result<&[u8], Error> {
        self.read_frame(by)?;
        self.channel.open(&self.frame, &mut self.message)?;
        Ok(&self.message)
    }

    /// Asks for something that is answered in parts, all of them by then.
    pub(crate) fn ask(
        &mut self,
        request: &Message<'_>,
        max: usize,
        by: Instant,
    ) -> Result<Vec<u8>, Error> {
        self.send(request, by)?;
        self.answered(max, by)
    }

    /// Hears an answer in parts, all of them by then.
    pub(crate) fn answered(&mut self, max: usize, by: Instant) -> Result<Vec<u8>, Error> {
        let mut answer = Vec::new();
        loop {
            match Message::read(self.receive(by)?)? {
                Message::Part { bytes: [] } => return Ok(answer),
                Message::Part { bytes } if bytes.len() <= max - answer.len() => {
                    answer.extend(bytes);
                }
                Message::Part { .. } => return Err(Refused::Answer { max }.into()),
                Message::Declined { reason } => {
                    return Err(Error::declined(reason));
                }
                _ => return Err(Refused::Order.into()),
            }
        }
    }

    /// Answers in parts, all of which are gone by then.
    pub(crate) fn answer(&mut self, answer: &[u8], by: Instant) -> Result<(), Error> {
        for bytes in answer.chunks(LONGEST - 1) {
            self.send(&Message::Part { bytes }, by)?;
        }
        self.send(&Message::Part { bytes: &[] }, by)
    }

    /// Says why it does not do what was asked for; what is too long of that is left out.
    pub(crate) fn decline(&mut self, reason: &str, by: Instant) -> Result<(), Error> {
        let mut end = reason.len().min(LONGEST_REASON);
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        let reason = reason.get(..end).unwrap_or_default();
        self.send(&Message::Declined { reason }, by)
    }

    fn read_frame(&mut self, by: Instant) -> Result<(), Error> {
        let by = self.within(by);
        let mut header = [0; 2];
        read(&self.stream, &mut header, by)?;
        let length = self.channel.length(header)?;
        self.frame.resize(length, 0);
        read(&self.stream, &mut self.frame, by)
    }

    fn within(&self, by: Instant) -> Instant {
        self.limit.map_or(by, |limit| limit.min(by))
    }
}

/// A socket to ask a peer by, whose address is the one that the peers know.
pub(crate) fn socket(mut here: SocketAddr) -> io::Result<Socket> {
    // With its scope, if it has one.
    here.set_port(0);
    let socket = Socket::new(Domain::for_address(here), Type::STREAM, Some(Protocol::TCP))?;
    socket.bind(&here.into())?;
    Ok(socket)
}

/// How long a reason may be in bytes.
const LONGEST_REASON: usize = 1_024;

/// Reads all of it by then, however small the pieces in which it comes.
fn read(mut stream: &TcpStream, bytes: &mut [u8], by: Instant) -> Result<(), Error> {
    let mut rest = bytes;
    while !rest.is_empty() {
        stream.set_read_timeout(Some(left(by)?))?;
        match stream.read(rest) {
            Ok(0) => return Err(Error::Closed),
            Ok(length) => rest = rest.get_mut(length..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Writes all of it by then.
fn write(mut stream: &TcpStream, bytes: &[u8], by: Instant) -> Result<(), Error> {
    let mut rest = bytes;
    while !rest.is_empty() {
        stream.set_write_timeout(Some(left(by)?))?;
        match stream.write(rest) {
            Ok(0) => return Err(Error::Closed),
            Ok(length) => rest = rest.get(length..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// How long it is until then; no time at all would be for ever to the socket.
fn left(by: Instant) -> Result<Duration, Error> {
    let left = by.saturating_duration_since(Instant::now());
    if left < Duration::from_micros(1) { Err(Error::Slow) } else { Ok(left) }
}

impl fmt::Debug for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pipe({:?})", self.stream)
    }
}
