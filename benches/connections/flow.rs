//! One connection of the client: small messages, each answered before the next is sent.

use crate::site::{Method, VIRTUAL};
use ipvs::{Endpoint, ServiceKey};
use nix::poll::PollFlags;
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::IpBindAddressNoPort;
use socket2::{Domain, Socket, Type};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Over what, and how it comes to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Kind {
    pub(crate) carrier: Carrier,
    pub(crate) method: Method,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Carrier {
    Tcp,
    Udp,
}

/// A connection.
pub(crate) struct Flow {
    pub(crate) kind: Kind,
    pub(crate) socket: Socket,
    /// Between two messages.
    period: Duration,
    /// Closed after that.
    pub(crate) until: Option<Instant>,
    /// When it was first answered: then three packets at least had come from the client.
    pub(crate) established: Option<Instant>,
    is_connected: bool,
    /// The number of the last message.
    sent: u32,
    next: Instant,
    /// Since when an answer is waited for.
    pub(crate) waiting: Option<Instant>,
    received: Vec<u8>,
    /// The number of the server that answers, over UDP.
    pub(crate) server: Option<u8>,
    pub(crate) tally: Tally,
}

/// What a connection suffered.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    /// The longest time from a message to an answer.
    pub(crate) longest: Duration,
    /// Datagrams that were not answered when the next was sent.
    pub(crate) unanswered: u32,
    /// Bytes that are not those that were sent.
    pub(crate) wrong: usize,
    /// The server that answered before, if another one answers.
    pub(crate) moved_from: Option<u8>,
}

/// Of a message.
const LENGTH: usize = 32;

impl Kind {
    pub(crate) const ALL: [Self; 4] = [
        Self { carrier: Carrier::Tcp, method: Method::Masquerade },
        Self { carrier: Carrier::Tcp, method: Method::Direct },
        Self { carrier: Carrier::Udp, method: Method::Masquerade },
        Self { carrier: Carrier::Udp, method: Method::Direct },
    ];

    /// As it is named in the results.
    pub(crate) fn name(self) -> &'static str {
        match (self.carrier, self.method) {
            (Carrier::Tcp, Method::Masquerade) => "TCP masqueraded",
            (Carrier::Tcp, Method::Direct) => "TCP direct",
            (Carrier::Udp, Method::Masquerade) => "UDP masqueraded",
            (Carrier::Udp, Method::Direct) => "UDP direct",
        }
    }

    fn service(self) -> Endpoint {
        let port = match self.carrier {
            Carrier::Tcp => self.method.tcp(),
            Carrier::Udp => self.method.udp(),
        };
        Endpoint::new(VIRTUAL, port)
    }
}

/// Has it come from the method's address, at a port that is chosen when it is connected: those
/// are taken one after the other, where `bind` takes any, which a connection may have had that is
/// in the directors' tables still. A direct-routed one of which the client has sent its FIN is
/// taken for the new one then (`ip_vs_core.c: is_new_conn_expected`, with `conn_reuse_mode` 1),
/// which is no beginning of which the backup would be told.
pub(crate) fn bind(socket: &Socket, method: Method) {
    setsockopt(socket, IpBindAddressNoPort, &true).unwrap();
    socket.bind(&SocketAddr::from((method.source(), 0)).into()).unwrap();
}

impl Flow {
    /// Opens one in the thread's namespace.
    pub(crate) fn open(kind: Kind, period: Duration, now: Instant) -> Self {
        let sort = match kind.carrier {
            Carrier::Tcp => Type::STREAM,
            Carrier::Udp => Type::DGRAM,
        };
        let socket = Socket::new(Domain::IPV4, sort, None).unwrap();
        socket.set_nonblocking(true).unwrap();
        if kind.carrier == Carrier::Tcp {
            socket.set_tcp_nodelay(true).unwrap();
        }
        bind(&socket, kind.method);
        let Endpoint { address, port } = kind.service();
        // What goes wrong shows when it is used.
        let _ = socket.connect(&SocketAddr::new(address, port).into());
        Self {
            kind,
            socket,
            period,
            until: None,
            established: None,
            is_connected: kind.carrier == Carrier::Udp,
            sent: 0,
            next: now,
            waiting: (kind.carrier == Carrier::Tcp).then_some(now),
            received: Vec::new(),
            server: None,
            tally: Tally::default(),
        }
    }

    /// As the directors know it.
    pub(crate) fn name(&self) -> (Endpoint, ServiceKey) {
        let local = self.socket.local_addr().unwrap().as_socket().unwrap();
        let service = match self.kind.carrier {
            Carrier::Tcp => ServiceKey::tcp(self.kind.service()),
            Carrier::Udp => ServiceKey::udp(self.kind.service()),
        };
        (Endpoint { address: local.ip(), port: local.port() }, service)
    }

    /// How many messages there were.
    pub(crate) fn messages(&self) -> u32 {
        self.sent
    }

    /// What is waited for.
    pub(crate) fn events(&self) -> PollFlags {
        if self.is_connected { PollFlags::POLLIN } else { PollFlags::POLLOUT }
    }

    /// Sends what is due, and returns when more is.
    pub(crate) fn send(&mut self, now: Instant) -> io::Result<Instant> {
        let is_ready = match self.kind.carrier {
            Carrier::Tcp => self.is_connected && self.waiting.is_none(),
            Carrier::Udp => true,
        };
        if is_ready && self.next <= now {
            if self.waiting.is_some() {
                self.tally.unanswered += 1;
            }
            self.sent += 1;
            self.waiting.get_or_insert(now);
            self.next = now + self.period;
            let message = self.message();
            self.passing(|socket| socket.write_all(&message))?;
        }
        Ok(if is_ready { self.next } else { now + self.period })
    }

    /// Takes what has come.
    pub(crate) fn receive(&mut self, now: Instant) -> io::Result<()> {
        if !self.is_connected {
            if let Some(error) = self.socket.take_error()? {
                return Err(error);
            }
            self.is_connected = self.socket.peer_addr().is_ok();
            if self.is_connected {
                self.waiting = None;
            }
            return Ok(());
        }
        let mut buffer = [0; 256];
        let mut length = 0;
        self.passing(|socket| {
            length = socket.read(&mut buffer)?;
            if length == 0 { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
        })?;
        self.received.extend(&buffer[..length]);
        while self.received.len() >= LENGTH {
            let answer: Vec<u8> = self.received.drain(..LENGTH).collect();
            self.answer(&answer, now);
        }
        Ok(())
    }

    fn answer(&mut self, answer: &[u8], now: Instant) {
        let mut expected = self.message();
        if self.kind.carrier == Carrier::Udp {
            let server = answer[LENGTH - 1];
            let before = self.server.replace(server);
            if before != Some(server) {
                self.tally.moved_from = self.tally.moved_from.or(before);
            }
            expected[LENGTH - 1] = server;
            if answer[..4] != expected[..4] {
                // A late one, which was counted already.
                return;
            }
        }
        self.tally.wrong += answer.iter().zip(expected).filter(|(is, was)| **is != *was).count();
        self.tally.longest = self.waited(now);
        self.waiting = None;
        self.established.get_or_insert(now);
    }

    /// The longest time for an answer, if it came now.
    pub(crate) fn waited(&self, now: Instant) -> Duration {
        self.waiting.map_or(self.tally.longest, |since| self.tally.longest.max(now - since))
    }

    fn message(&self) -> [u8; LENGTH] {
        let [a, b, c, d] = self.sent.to_be_bytes();
        let mut message = [d.wrapping_mul(7); LENGTH];
        message[..4].copy_from_slice(&[a, b, c, d]);
        message
    }

    /// Does something that can be tried later. To UDP an error of the network is none: the
    /// next datagram may pass.
    fn passing(&mut self, work: impl FnOnce(&mut Socket) -> io::Result<()>) -> io::Result<()> {
        match work(&mut self.socket) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            Err(_) if self.kind.carrier == Carrier::Udp => Ok(()),
            done => done,
        }
    }
}
