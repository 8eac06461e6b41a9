//! What is required: the list's format.
//!
//! ```text
//! # A comment.
//! 9568-5.2.4-1 MUST What is required, in our own words,
//!     which may go on.
//!     not met: Why it is not, or one of the other notes.
//! ```

use super::LIST;
use anyhow::{Result, bail, ensure};
use std::collections::HashSet;

/// Something that a standard asks for.
#[derive(Debug, PartialEq)]
pub(crate) struct Requirement {
    /// The line of the list on which it begins, from 1.
    pub(crate) line: usize,
    /// The number of the RFC, the section, and a number in it: `9568-5.2.4-1`.
    pub(crate) id: String,
    pub(crate) level: &'static str,
    pub(crate) says: String,
    pub(crate) note: Option<(Note, String)>,
}

/// What else there is to say of a requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Note {
    /// Tests show it, but not in every case.
    But,
    /// It is asked of something else than this project.
    NotOurs,
    /// It is asked of this project, which does not do it.
    NotMet,
}

/// A `rule` has no such word: a step of the state machine, a format, a formula.
const LEVELS: [&str; 5] = ["MUST NOT", "MUST", "SHOULD NOT", "SHOULD", "rule"];

const NOTES: [(&str, Note); 3] =
    [("but: ", Note::But), ("not ours: ", Note::NotOurs), ("not met: ", Note::NotMet)];

impl Requirement {
    /// All that a list says.
    pub(crate) fn all(list: &str) -> Result<Vec<Self>> {
        let mut all: Vec<Self> = Vec::new();
        let mut ids = HashSet::new();
        for (number, line) in (1..).zip(list.lines()) {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            match (line.strip_prefix("    "), all.last_mut()) {
                (Some(more), Some(last)) => last.add(number, more)?,
                (Some(_), None) => bail!("{LIST}:{number}: it goes on before it begins"),
                (None, _) => {
                    let new = Self::begin(number, line)?;
                    ensure!(ids.insert(new.id.clone()), "{LIST}:{number}: {} again", new.id);
                    all.push(new);
                }
            }
        }
        Ok(all)
    }

    fn begin(line: usize, text: &str) -> Result<Self> {
        let (id, rest) = text.split_once(' ').unwrap_or((text, ""));
        let parts: Vec<&str> = id.split('-').collect();
        let is_id = |parts: &[&str]| {
            let is_of = |part: &&str| part.starts_with(|first: char| first.is_ascii_digit());
            parts.len() == 3 && parts.iter().all(is_of)
        };
        ensure!(is_id(&parts), "{LIST}:{line}: {id} is not RFC-SECTION-NUMBER");
        let level = LEVELS
            .iter()
            .find_map(|&level| Some((level, rest.strip_prefix(level)?.strip_prefix(' ')?)));
        let Some((level, says)) = level else {
            bail!(
                "{LIST}:{line}: after {id} comes one of {} and what is required",
                LEVELS.join(", ")
            )
        };
        Ok(Self { line, id: id.to_owned(), level, says: says.to_owned(), note: None })
    }

    fn add(&mut self, line: usize, text: &str) -> Result<()> {
        let begun = NOTES.iter().find_map(|(key, note)| Some((*note, text.strip_prefix(key)?)));
        if let Some((note, text)) = begun {
            ensure!(self.note.is_none(), "{LIST}:{line}: {} has a note already", self.id);
            self.note = Some((note, text.to_owned()));
            return Ok(());
        }
        let part = self.note.as_mut().map_or(&mut self.says, |(_, text)| text);
        part.push(' ');
        part.push_str(text);
        Ok(())
    }

    /// The number of the RFC.
    pub(crate) fn rfc(&self) -> &str {
        self.id.split('-').next().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_requirement_has_an_identifier_a_level_words_and_a_note() {
        let list = "# Of the packet.\n\
                    9568-5.2.4-1 MUST The owner\n    has 255.\n\n\
                    9568-6.4.3-7 MUST NOT It takes them.\n    not met: It does.\n    Always.\n";
        let all = Requirement::all(list).unwrap();
        let first = Requirement {
            line: 2,
            id: "9568-5.2.4-1".to_owned(),
            level: "MUST",
            says: "The owner has 255.".to_owned(),
            note: None,
        };
        assert_eq!(all[0], first);
        assert_eq!((all[1].line, all[1].level), (5, "MUST NOT"));
        assert_eq!(all[1].note, Some((Note::NotMet, "It does. Always.".to_owned())));
        assert_eq!(all[1].rfc(), "9568");
    }

    #[test]
    fn what_is_no_requirement_is_told_with_its_line() {
        for (list, told) in [
            ("    of nothing\n", "1: it goes on before it begins"),
            ("\nRFC9568 MUST It is.\n", "2: RFC9568 is not RFC-SECTION-NUMBER"),
            ("9568-5-1 MAY It is.\n", "1: after 9568-5-1 comes one of MUST NOT, MUST, SHOULD NOT"),
            ("9568-5-1 MUST\n", "1: after 9568-5-1 comes one of"),
            ("9568-5-1 MUST It is.\n9568-5-1 MUST It is.\n", "2: 9568-5-1 again"),
            (
                "9568-5-1 MUST It is.\n    but: So.\n    not met: No.\n",
                "3: 9568-5-1 has a note already",
            ),
        ] {
            let error = Requirement::all(list).unwrap_err().to_string();
            let expected = format!("ipvs-sync/conformance.txt:{told}");
            assert!(error.starts_with(&expected), "{error}");
        }
    }
}
