//! The lines of the connection table, one at a time.

use super::{Connection, LineProblem, line};
use crate::NamespaceError;
use crate::diagnosis::NoIpvs;
use std::fmt;
use std::io::{self, BufRead, Read as _};

/// Reads connections from `/proc/net/ip_vs_conn`, from
/// `/proc/net/ip_vs_conn_sync`, or from a copy of either.
///
/// A line that cannot be read is an error with its number, and the next one is
/// read after it. An error of the file is the last item.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    line: Vec<u8>,
    number: u64,
    ended: bool,
}

/// The connection table, or a line of it, cannot be read.
#[derive(Debug)]
pub struct ReadError(Cause);

#[derive(Debug)]
enum Cause {
    Namespace(NamespaceError),
    NoIpvs(NoIpvs),
    Open { path: &'static str, error: io::Error },
    Read(io::Error),
    Line { number: u64, problem: LineProblem },
}

impl<R: BufRead> Reader<R> {
    /// Reads from the title line on.
    pub fn new(input: R) -> Self {
        Self { input, line: Vec::with_capacity(LONGEST + 1), number: 0, ended: false }
    }

    fn read(&mut self) -> Result<Option<Connection>, Cause> {
        loop {
            self.number += 1;
            let end = self.read_line().map_err(Cause::Read)?;
            let problem = match (end, self.number) {
                (End::Input, 1) => LineProblem::Title,
                (End::Input, _) if self.line.is_empty() => return Ok(None),
                (End::Input, _) => LineProblem::Unfinished,
                (End::TooLong, _) => LineProblem::TooLong,
                (End::Newline, 1) if self.line.starts_with(TITLE) => continue,
                (End::Newline, 1) => LineProblem::Title,
                (End::Newline, _) => match line::parse(&self.line) {
                    Ok(connection) => return Ok(Some(connection)),
                    Err(problem) => problem,
                },
            };
            return Err(Cause::Line { number: self.number, problem });
        }
    }

    /// Reads to the next newline, and keeps no more than the longest line.
    fn read_line(&mut self) -> io::Result<End> {
        self.line.clear();
        let mut part = self.input.by_ref().take(LONGEST as u64 + 1);
        part.read_until(b'\n', &mut self.line)?;
        if self.line.ends_with(b"\n") {
            self.line.pop();
            return Ok(End::Newline);
        }
        if part.limit() == 0 {
            self.input.skip_until(b'\n')?;
            return Ok(End::TooLong);
        }
        self.ended = true;
        Ok(End::Input)
    }
}

/// Where a line ended.
#[derive(Clone, Copy)]
enum End {
    Newline,
    TooLong,
    Input,
}

/// The kernel's longest line has fewer than 450 bytes: IPv6 addresses, and 16
/// bytes of a persistence engine's name and 255 of its data.
const LONGEST: usize = 1024;

/// How the title line of both files begins.
const TITLE: &[u8] = b"Pro FromIP";

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Connection, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        match self.read() {
            Ok(connection) => connection.map(Ok),
            Err(cause) => {
                self.ended |= matches!(cause, Cause::Read(_));
                Some(Err(ReadError(cause)))
            }
        }
    }
}

impl<R: BufRead> std::iter::FusedIterator for Reader<R> {}

impl ReadError {
    pub(super) fn open(path: &'static str, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self(Cause::NoIpvs(NoIpvs::find())),
            _ => Self(Cause::Open { path, error }),
        }
    }

    /// The number of the line that cannot be read, from 1, and why. The lines
    /// after it can be.
    pub fn line(&self) -> Option<(u64, LineProblem)> {
        match self.0 {
            Cause::Line { number, problem } => Some((number, problem)),
            _ => None,
        }
    }

    /// Whether the kernel has no IPVS, or its module is not loaded.
    pub fn is_no_ipvs(&self) -> bool {
        matches!(self.0, Cause::NoIpvs(_))
    }

    /// Whether a privilege is missing.
    pub fn is_permission(&self) -> bool {
        match &self.0 {
            Cause::Namespace(error) => error.is_permission(),
            Cause::Open { error, .. } => error.kind() == io::ErrorKind::PermissionDenied,
            _ => false,
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("read connections: ")?;
        match &self.0 {
            Cause::Namespace(error) => error.fmt(f),
            Cause::NoIpvs(no_ipvs) => no_ipvs.fmt(f),
            Cause::Open { path, error } => write!(f, "{path}: {error}"),
            Cause::Read(error) => error.fmt(f),
            Cause::Line { number, problem } => write!(f, "line {number}: {problem}"),
        }
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Cause::Namespace(error) => Some(error),
            Cause::Open { error, .. } | Cause::Read(error) => Some(error),
            Cause::NoIpvs(_) | Cause::Line { .. } => None,
        }
    }
}

impl From<NamespaceError> for ReadError {
    fn from(error: NamespaceError) -> Self {
        Self(Cause::Namespace(error))
    }
}
