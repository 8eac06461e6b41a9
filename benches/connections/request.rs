//! A short connection of the client: one HTTP request, and its answer.

use crate::flow::bind;
use crate::site::{Method, VIRTUAL};
use nix::poll::PollFlags;
use socket2::{Domain, Socket, Type};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// A request for the resource of a number, which the server closes when it has answered.
pub(crate) struct Request {
    pub(crate) socket: Socket,
    number: u32,
    start: Instant,
    is_sent: bool,
    received: Vec<u8>,
}

/// How one ended.
pub(crate) struct Answered {
    pub(crate) after: Duration,
    /// Bytes that are not those of the resource, too many or too few.
    pub(crate) wrong: usize,
}

/// Of a body: it does not fit one segment.
const LENGTH: usize = 4_000;

impl Request {
    /// Opens a connection in the thread's namespace.
    pub(crate) fn open(method: Method, number: u32, now: Instant) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_nonblocking(true).unwrap();
        bind(&socket, method);
        // What goes wrong shows when it is used.
        let _ = socket.connect(&SocketAddr::from((VIRTUAL, method.tcp())).into());
        Self { socket, number, start: now, is_sent: false, received: Vec::new() }
    }

    /// What is waited for.
    pub(crate) fn events(&self) -> PollFlags {
        if self.is_sent { PollFlags::POLLIN } else { PollFlags::POLLOUT }
    }

    /// Whether its connection was there, and it was sent.
    pub(crate) fn is_sent(&self) -> bool {
        self.is_sent
    }

    /// How long it has been going on.
    pub(crate) fn age(&self, now: Instant) -> Duration {
        now - self.start
    }

    /// Sends what is to be sent and takes what has come, until the end.
    pub(crate) fn go_on(&mut self, now: Instant) -> io::Result<Option<Answered>> {
        if !self.is_sent {
            if let Some(error) = self.socket.take_error()? {
                return Err(error);
            }
            if self.socket.peer_addr().is_err() {
                return Ok(None);
            }
            // There is always room for so little.
            let request = format!("GET /{} HTTP/1.1\r\nHost: {VIRTUAL}\r\n\r\n", self.number);
            self.socket.write_all(request.as_bytes())?;
            self.is_sent = true;
        }
        loop {
            let mut buffer = [0; 4_096];
            match self.socket.read(&mut buffer) {
                Ok(0) => return Ok(Some(self.answered(now))),
                Ok(length) => self.received.extend(&buffer[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }

    fn answered(&self, now: Instant) -> Answered {
        let expected = answer(&self.number.to_string());
        let pairs = self.received.iter().zip(&expected);
        let wrong = pairs.filter(|(is, was)| is != was).count();
        let wrong = wrong + self.received.len().abs_diff(expected.len());
        Answered { after: self.age(now), wrong }
    }
}

/// The resource that is asked for, if that is a request.
pub(crate) fn asked(bytes: &[u8]) -> Option<&str> {
    let line = std::str::from_utf8(bytes).ok()?.strip_prefix("GET /")?;
    line.split_once(' ').map(|(resource, _)| resource)
}

/// What is answered: the name of the resource, over and over.
pub(crate) fn answer(resource: &str) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\nConnection: close\r\n\r\n");
    head.bytes().chain(resource.bytes().cycle().take(LENGTH)).collect()
}
