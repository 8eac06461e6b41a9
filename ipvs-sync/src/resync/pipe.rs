//! The encrypted stream over TCP.

use super::channel::{Channel, LONGEST};
use super::error::Error;
use super::key::Key;
use super::message::Message;
use std::fmt;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// The encrypted stream of one side. Its buffers hold one frame each.
pub(super) struct Pipe {
    stream: TcpStream,
    channel: Channel,
    frame: Vec<u8>,
    message: Vec<u8>,
}

impl Pipe {
    /// Speaks first, and hears that the other has the key.
    pub(super) fn joining(stream: TcpStream, key: &Key, by: Instant) -> Result<Self, Error> {
        let mut pipe = Self::new(stream, Channel::joining(key))?;
        pipe.greet(by)?;
        pipe.greeted(by)?;
        Ok(pipe)
    }

    /// Answers who has the key. That the peer is one that has it now, and nobody who sends
    /// a recorded frame, is known when its first message has been read.
    pub(super) fn active(stream: TcpStream, key: &Key, by: Instant) -> Result<Self, Error> {
        let mut pipe = Self::new(stream, Channel::active(key))?;
        pipe.greeted(by)?;
        pipe.greet(by)?;
        Ok(pipe)
    }

    fn new(stream: TcpStream, channel: Channel) -> Result<Self, Error> {
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        let (frame, message) = (Vec::new(), Vec::with_capacity(LONGEST));
        Ok(Self { stream, channel, frame, message })
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
    pub(super) fn send(&mut self, message: &Message<'_>, by: Instant) -> Result<(), Error> {
        self.message.clear();
        message.write(&mut self.message);
        self.channel.seal(&self.message, &mut self.frame)?;
        write(&self.stream, &self.frame, by)
    }

    /// Receives a message, all of it by then.
    pub(super) fn receive(&mut self, by: Instant) -> Result<&[u8], Error> {
        self.read_frame(by)?;
        self.channel.open(&self.frame, &mut self.message)?;
        Ok(&self.message)
    }

    fn read_frame(&mut self, by: Instant) -> Result<(), Error> {
        let mut header = [0; 2];
        read(&self.stream, &mut header, by)?;
        let length = self.channel.length(header)?;
        self.frame.resize(length, 0);
        read(&self.stream, &mut self.frame, by)
    }
}

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
