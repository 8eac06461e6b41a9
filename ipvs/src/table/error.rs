//! What is wrong with a table, and where.

use crate::{Endpoint, ParseError, Rule, ServiceKey};
use std::fmt;
use std::path::{Path, PathBuf};

/// What is wrong with a table, on which service or destination, and where in
/// the text.
///
/// It displays as one line: `line 7, column 12: destination 192.168.0.1:81 of
/// tcp 10.0.0.1:80: port 81 differs from …`; of a file as `web.toml:7:12:
/// destination …`.
#[derive(Clone, PartialEq, Eq)]
pub struct TableError(Box<Inner>);

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    path: Option<PathBuf>,
    place: Option<Place>,
    object: Object,
    problem: TableProblem,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TableProblem {
    /// The file cannot be read.
    Unreadable {
        /// What the system says.
        reason: String,
    },
    /// The text breaks the grammar of its format.
    Syntax {
        /// What was found or expected.
        reason: String,
    },
    /// A key that nothing reads.
    UnknownKey {
        /// The key.
        key: String,
        /// Those that could stand there.
        known: &'static [&'static str],
    },
    /// A key that must be there.
    MissingKey {
        /// The key.
        key: &'static str,
    },
    /// A key that is there twice.
    DuplicateKey {
        /// The key.
        key: String,
        /// The line of the first.
        line: usize,
    },
    /// A value of another type.
    Type {
        /// Whose value it is.
        key: &'static str,
        /// The type that it should have.
        expected: &'static str,
        /// The type that it has.
        found: &'static str,
    },
    /// A text that does not say what it should.
    Value(ParseError),
    /// A rule that the object breaks.
    Rule(Rule),
    /// There is another service with this key, or another destination with
    /// this endpoint.
    Duplicate {
        /// The line of the first, where a text was read.
        line: Option<usize>,
    },
    /// There is another service of this name.
    DuplicateName {
        /// The name.
        name: String,
        /// The line of the first, where a text was read.
        line: Option<usize>,
    },
    /// The table has no such service.
    NoSuchService,
    /// The format has no words for it.
    NotExpressible {
        /// For what, and why.
        reason: String,
    },
}

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    line: usize,
    column: usize,
}

/// What the error is about, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Object {
    Table,
    Timeouts,
    Service(Option<ServiceKey>),
    Destination(Option<ServiceKey>, Option<Endpoint>),
}

impl TableError {
    pub(crate) fn new(object: Object, problem: TableProblem) -> Self {
        Self(Box::new(Inner { path: None, place: None, object, problem }))
    }

    /// The same at the byte `at` of `text`.
    pub(crate) fn at(mut self, text: &str, at: usize) -> Self {
        self.0.place = Some(Place::of(text, at));
        self
    }

    /// The same in a file.
    pub(crate) fn in_file(mut self, path: &Path) -> Self {
        self.0.path = Some(path.to_owned());
        self
    }

    /// What was written does not read: the same as an error of writing it.
    pub(crate) fn of_writing(self) -> Self {
        let Inner { object, problem, .. } = *self.0;
        Self::new(object, TableProblem::NotExpressible { reason: problem.to_string() })
    }

    pub(crate) fn problem_mut(&mut self) -> &mut TableProblem {
        &mut self.0.problem
    }

    /// The line, from 1; `None` where no text was read.
    pub fn line(&self) -> Option<usize> {
        self.0.place.map(|place| place.line)
    }

    /// The column in characters, from 1; `None` where no text was read.
    pub fn column(&self) -> Option<usize> {
        self.0.place.map(|place| place.column)
    }

    /// The file that was read.
    pub fn path(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }

    /// The service that it is about, or whose destination.
    pub fn service(&self) -> Option<ServiceKey> {
        match self.0.object {
            Object::Service(key) | Object::Destination(key, _) => key,
            Object::Table | Object::Timeouts => None,
        }
    }

    /// The destination that it is about.
    pub fn destination(&self) -> Option<Endpoint> {
        match self.0.object {
            Object::Destination(_, endpoint) => endpoint,
            _ => None,
        }
    }

    /// What is wrong.
    pub fn problem(&self) -> &TableProblem {
        &self.0.problem
    }
}

impl Place {
    fn of(text: &str, at: usize) -> Self {
        let before = text.get(..at).unwrap_or(text);
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before.get(start..).unwrap_or_default().chars().count() + 1;
        Self { line: line(text, at), column }
    }
}

/// The line of the byte `at`, from 1.
pub(crate) fn line(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table => Ok(()),
            Self::Timeouts => f.write_str("timeouts: "),
            Self::Service(Some(key)) => write!(f, "service {key}: "),
            Self::Service(None) => f.write_str("service: "),
            Self::Destination(service, endpoint) => {
                f.write_str("destination")?;
                if let Some(endpoint) = endpoint {
                    write!(f, " {endpoint}")?;
                }
                if let Some(key) = service {
                    write!(f, " of {key}")?;
                }
                f.write_str(": ")
            }
        }
    }
}

impl fmt::Display for TableProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { reason } | Self::Syntax { reason } => f.write_str(reason),
            Self::UnknownKey { key, known } => {
                write!(f, "unknown key `{key}`, the known ones are {}", known.join(", "))
            }
            Self::MissingKey { key } => write!(f, "the key `{key}` is missing"),
            Self::DuplicateKey { key, line } => {
                write!(f, "the key `{key}` is given already on line {line}")
            }
            Self::Type { key, expected, found } => {
                write!(f, "`{key}` must be {expected}, not {found}")
            }
            Self::Value(error) => error.fmt(f),
            Self::Rule(rule) => rule.fmt(f),
            Self::Duplicate { line: None } => f.write_str("given already"),
            Self::Duplicate { line: Some(line) } => write!(f, "given already on line {line}"),
            Self::DuplicateName { name, line: None } => {
                write!(f, "another service has the name `{name}`")
            }
            Self::DuplicateName { name, line: Some(line) } => {
                write!(f, "the service on line {line} has the name `{name}`")
            }
            Self::NoSuchService => f.write_str("the table has no such service"),
            Self::NotExpressible { reason } => f.write_str(reason),
        }
    }
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { path, place, object, problem } = &*self.0;
        match (path, place) {
            (Some(path), Some(Place { line, column })) => {
                write!(f, "{}:{line}:{column}: ", path.display())?;
            }
            (Some(path), None) => write!(f, "{}: ", path.display())?,
            (None, Some(Place { line, column })) => write!(f, "line {line}, column {column}: ")?,
            (None, None) => {}
        }
        write!(f, "{object}{problem}")
    }
}

impl fmt::Debug for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TableError({self})")
    }
}

impl std::error::Error for TableError {}
