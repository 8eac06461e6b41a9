//! The control socket: a request is a line, the answer one of JSON.

use crate::state::State;
use nix::sys::stat::{Mode, umask};
use serde::{Deserialize, Serialize};
use socket2::{Domain, SockAddr, Socket, Type};
use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;

/// What a client wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Status,
    /// Of a router of that name, or of all that are active.
    Handover(Option<String>),
}

/// What it gets.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Answer {
    State(Box<State>),
    /// The routers that hand over.
    HandedOver(Vec<String>),
    Error(String),
}

impl Request {
    /// The line that asks for it.
    pub(crate) fn line(&self) -> String {
        match self {
            Self::Status => "status\n".to_owned(),
            Self::Handover(None) => "handover\n".to_owned(),
            Self::Handover(Some(name)) => format!("handover {name}\n"),
        }
    }

    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        let words: Vec<&str> = text.split_whitespace().collect();
        match words[..] {
            ["status"] => Ok(Self::Status),
            ["handover"] => Ok(Self::Handover(None)),
            ["handover", name] => Ok(Self::Handover(Some(name.to_owned()))),
            _ => Err("a request is `status` or `handover [ROUTER]`".to_owned()),
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

/// Listens at a path, for its owner only. What a daemon that crashed has left there is
/// replaced.
pub(crate) fn listen(path: &Path) -> io::Result<Socket> {
    match UnixStream::connect(path) {
        Ok(_) => {
            let reason = "another ipvs-syncd answers there";
            return Err(io::Error::new(io::ErrorKind::AddrInUse, reason));
        }
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            std::fs::remove_file(path)?;
        }
        Err(_) => {}
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

    #[test]
    fn a_request_is_a_line_that_reads_back() {
        for request in
            [Request::Status, Request::Handover(None), Request::Handover(Some("web".to_owned()))]
        {
            assert_eq!(Request::parse(request.line().as_bytes()), Ok(request));
        }
        let nonsense: [&[u8]; 6] =
            [b"\n", b"stop\n", b"status now\n", b"handover a b\n", b"\xff\xfe\n", b"{}\n"];
        for line in nonsense {
            let told = Request::parse(line).unwrap_err();
            assert_eq!(told, "a request is `status` or `handover [ROUTER]`");
        }
    }

    #[test]
    fn an_answer_is_a_line_of_json() {
        let text = |answer: Answer| String::from_utf8(answer.line()).unwrap();
        assert_eq!(text(Answer::Error("no".to_owned())), "{\"error\":\"no\"}\n");
        let names = Answer::HandedOver(vec!["web".to_owned()]);
        assert_eq!(text(names), "{\"handed-over\":[\"web\"]}\n");
    }
}
