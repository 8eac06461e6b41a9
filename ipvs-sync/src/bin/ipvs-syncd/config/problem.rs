//! What is wrong in a configuration, and where.

use std::fmt;
use std::path::{Path, PathBuf};

/// A place in a text, in lines and characters from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// One thing that is wrong. It displays without the file's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// None if it is about the whole file.
    pub(crate) place: Option<Place>,
    /// What it is about, nothing if that is the whole.
    pub(crate) what: String,
    /// The rule that is broken, with what broke it.
    pub(crate) rule: String,
}

/// All that is wrong in a file. It displays as `file:line:column: thing: rule`, one a line.
#[derive(Debug)]
pub(crate) struct Problems {
    pub(crate) file: PathBuf,
    pub(crate) all: Vec<Problem>,
}

impl Place {
    /// Of a byte of a text.
    pub(crate) fn of(text: &str, at: usize) -> Self {
        let before = text.get(..at).unwrap_or(text);
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before.get(start..).unwrap_or_default().chars().count() + 1;
        Self { line: before.matches('\n').count() + 1, column }
    }
}

impl Problems {
    pub(crate) fn new(file: &Path, all: Vec<Problem>) -> Self {
        Self { file: file.to_owned(), all }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Place { line, column }) = self.place {
            write!(f, "{line}:{column}: ")?;
        }
        match &*self.what {
            "" => f.write_str(&self.rule),
            what => write!(f, "{what}: {}", self.rule),
        }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, problem) in self.all.iter().enumerate() {
            let between = if number == 0 { "" } else { "\n" };
            let space = if problem.place.is_some() { "" } else { " " };
            write!(f, "{between}{}:{space}{problem}", self.file.display())?;
        }
        Ok(())
    }
}
