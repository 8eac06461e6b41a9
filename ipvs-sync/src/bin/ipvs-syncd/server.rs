//! Answers requests on a socket. What others send, and how slowly they take the answer,
//! costs no more than a bounded amount of memory and time.

use ipvs_sync::net::now;
use ipvs_sync::vrrp::Time;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use socket2::Socket;
use std::collections::VecDeque;
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::time::Duration;

/// Takes a request from each client, answers it and hangs up.
pub(crate) struct Server {
    listener: Socket,
    /// The oldest first.
    clients: VecDeque<Client>,
    /// The number of the last one.
    last: u64,
    /// What ends a request.
    end: &'static [u8],
}

struct Client {
    number: u64,
    socket: Socket,
    request: Vec<u8>,
    /// It has asked, and the answer comes later.
    waits: bool,
    answer: Option<Vec<u8>>,
    sent: usize,
    until: Time,
}

/// The clients that are served at a time. A newer one takes the place of the oldest.
const MOST: usize = 16;
/// The longest request in bytes.
const LONGEST: usize = 4_096;
/// What a client has for its request and the answer.
const TIME: Duration = Duration::from_secs(5);
/// What it has where the answer comes later: longer than a handover takes.
const LATER: Duration = Duration::from_secs(360);

impl Server {
    /// Of a socket that listens.
    pub(crate) fn new(listener: Socket, end: &'static [u8]) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self { listener, clients: VecDeque::new(), last: 0, end })
    }

    /// What is to be waited for.
    pub(crate) fn polled(&self) -> impl Iterator<Item = PollFd<'_>> {
        let clients = self.clients.iter().map(|client| {
            let wanted = match client.answer {
                Some(_) => PollFlags::POLLOUT,
                // That it hangs up is told without being asked for.
                None if client.waits => PollFlags::empty(),
                None => PollFlags::POLLIN,
            };
            PollFd::new(client.socket.as_fd(), wanted)
        });
        clients.chain([PollFd::new(self.listener.as_fd(), PollFlags::POLLIN)])
    }

    /// When the time of a client is over.
    pub(crate) fn next(&self) -> Option<Time> {
        self.clients.iter().map(|client| client.until).min()
    }

    /// Goes on with all clients as far as that goes without waiting. A request comes with the
    /// number of its client, to which [`answer`](Self::answer) gives what is no answer yet.
    pub(crate) fn serve(&mut self, mut answer: impl FnMut(u64, &[u8]) -> Option<Vec<u8>>) {
        // No more than may wait at once: whoever keeps coming does not keep this here.
        for _ in 0..MOST {
            let Ok((socket, _)) = self.listener.accept() else { break };
            if socket.set_nonblocking(true).is_err() {
                continue;
            }
            if self.clients.len() >= MOST {
                self.clients.pop_front();
            }
            self.last += 1;
            self.clients.push_back(Client {
                number: self.last,
                socket,
                request: Vec::new(),
                waits: false,
                answer: None,
                sent: 0,
                until: now() + TIME,
            });
        }
        let (now, end) = (now(), self.end);
        self.clients.retain_mut(|client| now < client.until && client.go_on(end, &mut answer));
    }

    /// The answer that a client waits for, if it still does.
    pub(crate) fn answer(&mut self, number: u64, answer: Vec<u8>) {
        if let Some(client) = self.clients.iter_mut().find(|client| client.number == number) {
            client.answer = Some(answer);
            client.until = now() + TIME;
        }
    }
}

impl Client {
    /// Whether there is more to do.
    fn go_on(
        &mut self,
        end: &[u8],
        answer: &mut impl FnMut(u64, &[u8]) -> Option<Vec<u8>>,
    ) -> bool {
        if self.answer.is_none() && self.waits {
            // What it sends meanwhile is left where it is.
            return !self.has_hung_up();
        }
        if self.answer.is_none() {
            match self.read(end) {
                Ok(true) => {
                    self.answer = answer(self.number, &self.request);
                    if self.answer.is_none() {
                        self.waits = true;
                        self.until = now() + LATER;
                    }
                }
                Ok(false) => return true,
                Err(_) => return false,
            }
        }
        let Some(answer) = &self.answer else { return true };
        while let Some(rest) = answer.get(self.sent..).filter(|rest| !rest.is_empty()) {
            match self.socket.write(rest) {
                Ok(length) => self.sent += length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
        false
    }

    /// Whether nobody can take an answer. One that only says that it sends no more can.
    fn has_hung_up(&self) -> bool {
        let mut polled = [PollFd::new(self.socket.as_fd(), PollFlags::empty())];
        let gone = PollFlags::POLLHUP | PollFlags::POLLERR;
        poll(&mut polled, PollTimeout::ZERO).is_ok()
            && polled.iter().filter_map(PollFd::revents).any(|found| found.intersects(gone))
    }

    /// Whether the request is complete.
    fn read(&mut self, end: &[u8]) -> io::Result<bool> {
        let mut part = [0; 1_024];
        loop {
            match self.socket.read(&mut part) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(length) => self.request.extend(part.iter().take(length)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            if self.request.windows(end.len()).any(|part| part == end) {
                return Ok(true);
            }
            if self.request.len() > LONGEST {
                return Err(io::ErrorKind::InvalidData.into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fastrand::Rng;
    use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
    use std::os::unix::net::{UnixListener, UnixStream};

    fn server() -> (Server, std::net::SocketAddr) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let at = listener.local_addr().unwrap();
        (Server::new(listener.into(), b"\n").unwrap(), at)
    }

    fn client(at: std::net::SocketAddr) -> TcpStream {
        let client = TcpStream::connect(at).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        client
    }

    #[expect(clippy::unnecessary_wraps, reason = "some have no answer yet")]
    fn echo(_: u64, request: &[u8]) -> Option<Vec<u8>> {
        Some(request.to_ascii_uppercase())
    }

    /// Serves until the client has been hung up on, and returns what it got.
    fn taken(server: &mut Server, mut client: &TcpStream) -> Vec<u8> {
        client.set_nonblocking(true).unwrap();
        let mut all = Vec::new();
        loop {
            server.serve(echo);
            match client.read_to_end(&mut all) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // A reset is a hang-up with something unread.
                _ => return all,
            }
        }
    }

    #[test]
    fn a_request_is_answered_even_if_it_comes_in_parts() {
        let (mut server, at) = server();
        let mut one = client(at);
        one.write_all(b"hel").unwrap();
        server.serve(echo);
        one.write_all(b"lo\n").unwrap();
        assert_eq!(taken(&mut server, &one), b"HELLO\n");
        assert!(server.clients.is_empty());
    }

    #[test]
    fn a_request_in_any_pieces_is_asked_once_if_its_end_comes_in_time() {
        let path = std::env::temp_dir().join(format!("ipvs-syncd-pieces-{}", std::process::id()));
        let end = b"\r\n\r\n";
        let mut server = Server::new(UnixListener::bind(&path).unwrap().into(), end).unwrap();
        let (mut answered, mut refused) = (0, 0);
        for seed in 0..2_000 {
            let mut rng = Rng::with_seed(seed);
            let mut bytes = vec![b'x'; rng.usize(..LONGEST + 2_048)];
            for _ in 0..rng.u8(..4) {
                let part = rng.choice([&end[..], b"\r\n\r", b"\n\r\n", b"\n\n"]).unwrap();
                let at = rng.usize(..=bytes.len());
                bytes.splice(at..at, part.iter().copied());
            }
            let mut client = UnixStream::connect(&path).unwrap();
            let mut asked = Vec::new();
            let mut serve = |server: &mut Server| {
                server.serve(|_, request| {
                    asked.push(request.to_vec());
                    Some(b"answer".to_vec())
                });
            };
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(rng.usize(1..=rest.len().min(1_500)));
                rest = after;
                // It may have been hung up on already.
                if client.write_all(piece).is_err() {
                    break;
                }
                serve(&mut server);
            }
            let _ = client.shutdown(Shutdown::Write);
            while {
                serve(&mut server);
                !server.clients.is_empty()
            } {}
            let mut answer = Vec::new();
            let _ = client.read_to_end(&mut answer);
            let needed = bytes.windows(end.len()).position(|part| part == end);
            let needed = needed.map_or(usize::MAX, |at| at + end.len());
            match &asked[..] {
                [request] => {
                    // What is behind it may be there too.
                    assert!(request.len() >= needed && bytes.starts_with(request), "seed {seed}");
                    assert!(request.len() <= LONGEST + 1_024, "seed {seed}");
                    assert_eq!(answer, b"answer");
                    answered += 1;
                }
                [] => {
                    assert!(needed > LONGEST, "seed {seed}");
                    assert_eq!(answer, b"");
                    refused += 1;
                }
                _ => unreachable!("it is asked once"),
            }
        }
        std::fs::remove_file(&path).unwrap();
        assert!(answered > 500 && refused > 500, "{answered}, {refused}");
    }

    #[test]
    fn an_answer_may_come_later_unless_the_client_has_gone() {
        let path = std::env::temp_dir().join(format!("ipvs-syncd-{}", std::process::id()));
        let mut server = Server::new(UnixListener::bind(&path).unwrap().into(), b"\n").unwrap();
        let [mut one, mut other] = [(); 2].map(|()| UnixStream::connect(&path).unwrap());
        std::fs::remove_file(&path).unwrap();
        let mut asked = Vec::new();
        for client in [&mut one, &mut other] {
            client.write_all(b"later\n").unwrap();
            let before = asked.len();
            while asked.len() == before {
                server.serve(|number, _| {
                    asked.push(number);
                    None
                });
            }
        }
        // It sends more than it should, and says that this was all.
        one.set_nonblocking(true).unwrap();
        while one.write(&[b'x'; 4_096]).is_ok() {
            server.serve(|_, _| unreachable!("it is asked once"));
        }
        one.shutdown(Shutdown::Write).unwrap();
        drop(other);
        while server.clients.len() > 1 {
            server.serve(|_, _| unreachable!("it is asked once"));
        }
        for number in asked {
            server.answer(number, b"now\n".to_vec());
        }
        server.serve(echo);
        assert!(server.clients.is_empty());
        let mut answer = String::new();
        // What it sent was not read, so that its end is a reset.
        let _ = one.read_to_string(&mut answer);
        assert_eq!(answer, "now\n");
    }

    #[test]
    fn one_that_sends_too_much_or_goes_away_is_let_go() {
        let (mut server, at) = server();
        let mut one = client(at);
        one.write_all(&[b'x'; LONGEST + 2_000]).unwrap();
        assert_eq!(taken(&mut server, &one), b"");
        drop(client(at));
        while {
            server.serve(echo);
            !server.clients.is_empty()
        } {}
    }

    #[test]
    fn those_that_only_wait_make_room_for_others() {
        let (mut server, at) = server();
        let idle: Vec<TcpStream> = (0..3 * MOST).map(|_| client(at)).collect();
        while server.clients.len() < MOST {
            server.serve(echo);
        }
        let mut one = client(at);
        one.write_all(b"x\n").unwrap();
        assert_eq!(taken(&mut server, &one), b"X\n");
        assert!(server.clients.len() <= MOST);
        drop(idle);
    }

    #[test]
    fn nobody_has_more_than_the_time() {
        let (mut server, at) = server();
        let one = client(at);
        while server.clients.is_empty() {
            server.serve(echo);
        }
        assert!(server.next().unwrap() <= now() + TIME);
        server.clients[0].until = now();
        server.serve(echo);
        assert!(server.clients.is_empty());
        drop(one);
    }
}
