//! The control socket: a request is a line, the answer one of JSON.

use crate::state::State;
use nix::sys::stat::{Mode, umask};
use serde::{Deserialize, Serialize};
use socket2::{Domain, SockAddr, Socket, Type};
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// What a client wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Status,
    /// Of a router of that name, or of all that are active; at once, or to a director that
    /// has all connections.
    Handover {
        router: Option<String>,
        is_now: bool,
    },
}

/// What it gets.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Answer {
    State(Box<State>),
    /// The routers that hand over, and to whom, if they asked.
    HandedOver(Vec<String>),
    Error(String),
}

impl Request {
    /// The line that asks for it.
    pub(crate) fn line(&self) -> String {
        match self {
            Self::Status => "status\n".to_owned(),
            Self::Handover { router, is_now } => {
                let word = if *is_now { "handover-now" } else { "handover" };
                let name = router.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
                format!("{word}{name}\n")
            }
        }
    }

    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        let words: Vec<&str> = text.split_whitespace().collect();
        match words[..] {
            ["status"] => Ok(Self::Status),
            [word @ ("handover" | "handover-now"), ref router @ ..] if router.len() < 2 => {
                let router = router.first().map(|name| (*name).to_owned());
                Ok(Self::Handover { router, is_now: word == "handover-now" })
            }
            _ => {
                Err("a request is `status`, `handover [ROUTER]` or `handover-now [ROUTER]`"
                    .to_owned())
            }
        }
    }
}

impl Answer {
    /// A line of JSON.
    pub(crate) fn line(&self) -> Vec<u8> {
        // It has no map whose keys are no texts, and nothing else can fail.
        let mut line = serde_json::to_vec(self).unwrap_or_default();
        line.push(b'\n');
        line
    }
}

/// Listens at a path, for its owner only, in a folder that is made if it is not there. What a
/// daemon that crashed has left there is replaced.
pub(crate) fn listen(path: &Path) -> io::Result<Socket> {
    match UnixStream::connect(path) {
        Ok(_) => {
            let reason = "another ipvs-syncd answers there";
            return Err(io::Error::new(io::ErrorKind::AddrInUse, reason));
        }
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            // The kernel says the same of a file that is no socket (`af_unix.c:
            // unix_find_bsd`).
            if !fs::symlink_metadata(path)?.file_type().is_socket() {
                let reason = "a file is there that is no socket";
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, reason));
            }
            fs::remove_file(path)?;
        }
        Err(_) => {}
    }
    if let Some(folder) = path.parent() {
        match DirBuilder::new().mode(0o700).create(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // Nobody else can connect from the first moment. No other thread creates files now.
    let before = umask(Mode::from_bits_truncate(0o177));
    let bound = socket.bind(&SockAddr::unix(path)?);
    umask(before);
    bound?;
    socket.listen(BACKLOG)?;
    Ok(socket)
}

/// How many wait to be served; the kernel refuses more.
const BACKLOG: i32 = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use fastrand::Rng;

    #[test]
    fn a_request_is_a_line_that_reads_back() {
        let handover = |router: Option<&str>, is_now| Request::Handover {
            router: router.map(str::to_owned),
            is_now,
        };
        for request in [
            Request::Status,
            handover(None, false),
            handover(Some("web"), false),
            handover(None, true),
            handover(Some("web"), true),
        ] {
            assert_eq!(Request::parse(request.line().as_bytes()), Ok(request));
        }
        let nonsense: [&[u8]; 6] =
            [b"\n", b"stop\n", b"status now\n", b"handover a b\n", b"\xff\xfe\n", b"{}\n"];
        for line in nonsense {
            let told = Request::parse(line).unwrap_err();
            assert!(told.starts_with("a request is `status`, `handover [ROUTER]`"), "{told}");
        }
    }

    #[test]
    fn any_bytes_are_a_request_that_reads_back_or_none() {
        let words: [&[u8]; 8] =
            [b"status", b"handover", b"handover-now", b"web", b" ", b"\n", b"\xff", b"\xc3\xa9"];
        let mut requests = 0;
        for seed in 0..10_000 {
            let mut rng = Rng::with_seed(seed);
            let some = (0..rng.u8(..6)).map(|_| rng.choice(words).unwrap());
            let mut bytes = some.collect::<Vec<_>>().concat();
            if rng.bool() && !bytes.is_empty() {
                let at = rng.usize(..bytes.len());
                bytes[at] = rng.u8(..);
            }
            match Request::parse(&bytes) {
                Ok(request) => {
                    requests += 1;
                    assert_eq!(Request::parse(request.line().as_bytes()), Ok(request), "{bytes:?}");
                }
                Err(told) => assert!(told.starts_with("a request is "), "{told}"),
            }
        }
        assert!(requests > 500, "{requests}");
    }

    #[test]
    fn an_answer_is_a_line_of_json() {
        let text = |answer: Answer| String::from_utf8(answer.line()).unwrap();
        assert_eq!(text(Answer::Error("no".to_owned())), "{\"error\":\"no\"}\n");
        let names = Answer::HandedOver(vec!["web".to_owned()]);
        assert_eq!(text(names), "{\"handed-over\":[\"web\"]}\n");
    }
}
