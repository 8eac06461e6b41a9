//! What a TOML or JSON document consists of, with where it stands.

use super::draft::Places;
use super::error::{Object, TableError, TableProblem, line};
use crate::ParseError;
use std::borrow::Cow;
use std::str::FromStr;

/// A value, and where it stands as a byte of the text.
#[derive(Debug)]
pub(crate) struct Node<'a> {
    pub(crate) at: usize,
    pub(crate) value: Value<'a>,
}

#[derive(Debug)]
pub(crate) enum Value<'a> {
    /// In the order of the text.
    Table(Vec<Entry<'a>>),
    Array(Vec<Node<'a>>),
    Text(Cow<'a, str>),
    Integer(i128),
    Boolean(bool),
    /// What no table has, by its name.
    Other(&'static str),
}

#[derive(Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) at: usize,
    pub(crate) key: Cow<'a, str>,
    pub(crate) node: Node<'a>,
}

impl<'a> Node<'a> {
    /// The value of a key, where this is a table that has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        let Value::Table(entries) = &self.value else { return None };
        entries.iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    /// The value as a text that reads as a `V`, where it does.
    pub(crate) fn read<V: FromStr>(&self) -> Option<V> {
        let Value::Text(text) = &self.value else { return None };
        text.parse().ok()
    }
}

impl Value<'_> {
    fn kind(&self) -> &'static str {
        match self {
            Self::Table(_) => TABLE,
            Self::Array(_) => ARRAY,
            Self::Text(_) => TEXT,
            Self::Integer(_) => INTEGER,
            Self::Boolean(_) => BOOLEAN,
            Self::Other(kind) => kind,
        }
    }
}

const TABLE: &str = "a table";
const ARRAY: &str = "an array";
const TEXT: &str = "a string";
const INTEGER: &str = "an integer";
const BOOLEAN: &str = "true or false";

/// The keys of a table, all of them known and none there twice.
pub(crate) struct Fields<'n> {
    text: &'n str,
    /// What errors are about.
    pub(crate) object: Object,
    at: usize,
    entries: &'n [Entry<'n>],
}

impl<'n> Fields<'n> {
    /// The keys of `node`, which is the value of the key `name`.
    pub(crate) fn of(
        text: &'n str,
        object: Object,
        name: &'static str,
        node: &'n Node<'n>,
        known: &'static [&'static str],
    ) -> Result<Self, TableError> {
        let fields = |entries| Self { text, object, at: node.at, entries };
        let Value::Table(entries) = &node.value else {
            return Err(fields(&[]).wrong_type(node, name, TABLE));
        };
        for (n, Entry { at, key, .. }) in entries.iter().enumerate() {
            let error = |problem| Err(fields(&[]).error(*at, problem));
            if !known.contains(&&**key) {
                return error(TableProblem::UnknownKey { key: key.to_string(), known });
            }
            if let Some(first) = entries.iter().take(n).find(|first| first.key == *key) {
                let line = line(text, first.at);
                return error(TableProblem::DuplicateKey { key: key.to_string(), line });
            }
        }
        Ok(fields(entries))
    }

    pub(crate) fn node(&self, key: &str) -> Option<&'n Node<'n>> {
        self.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    /// What must be there.
    pub(crate) fn required<V>(&self, value: Option<V>, key: &'static str) -> Result<V, TableError> {
        value.ok_or_else(|| self.error(self.at, TableProblem::MissingKey { key }))
    }

    pub(crate) fn text(&self, key: &'static str) -> Result<Option<&'n str>, TableError> {
        self.typed(key, TEXT, |value| match value {
            Value::Text(text) => Some(&**text),
            _ => None,
        })
    }

    /// A text that reads as a `V`.
    pub(crate) fn parsed<V>(&self, key: &'static str) -> Result<Option<V>, TableError>
    where
        V: FromStr<Err = ParseError>,
    {
        let Some(text) = self.text(key)? else { return Ok(None) };
        text.parse().map(Some).map_err(|error| self.error_at(key, TableProblem::Value(error)))
    }

    pub(crate) fn boolean(&self, key: &'static str) -> Result<Option<bool>, TableError> {
        self.typed(key, BOOLEAN, |value| match value {
            Value::Boolean(value) => Some(*value),
            _ => None,
        })
    }

    pub(crate) fn number(&self, key: &'static str) -> Result<Option<u32>, TableError> {
        let number = self.typed(key, INTEGER, |value| match value {
            Value::Integer(number) => Some(*number),
            _ => None,
        })?;
        let Some(number) = number else { return Ok(None) };
        u32::try_from(number).map(Some).map_err(|_| {
            let what = "a number from 0 to 4294967295";
            let error = ParseError::expected(what, &number.to_string());
            self.error_at(key, TableProblem::Value(error))
        })
    }

    /// The elements of an array; none where it is not there.
    pub(crate) fn array(&self, key: &'static str) -> Result<&'n [Node<'n>], TableError> {
        let array = self.typed(key, ARRAY, |value| match value {
            Value::Array(nodes) => Some(nodes.as_slice()),
            _ => None,
        })?;
        Ok(array.unwrap_or_default())
    }

    pub(crate) fn places(&self) -> Places {
        Places { object: self.at, parts: self.parts().collect() }
    }

    /// Where the values stand.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (&'static str, usize)> {
        self.entries.iter().filter_map(|entry| {
            // The keys that rules are about, as `Places` knows them.
            let part = PARTS.iter().find(|part| **part == entry.key)?;
            Some((*part, entry.node.at))
        })
    }

    /// An error on the value of a key.
    pub(crate) fn error_at(&self, key: &str, problem: TableProblem) -> TableError {
        self.error(self.node(key).map_or(self.at, |node| node.at), problem)
    }

    fn error(&self, at: usize, problem: TableProblem) -> TableError {
        TableError::new(self.object, problem).at(self.text, at)
    }

    fn typed<V>(
        &self,
        key: &'static str,
        expected: &'static str,
        read: fn(&'n Value<'n>) -> Option<V>,
    ) -> Result<Option<V>, TableError> {
        let Some(node) = self.node(key) else { return Ok(None) };
        match read(&node.value) {
            Some(value) => Ok(Some(value)),
            None => Err(self.wrong_type(node, key, expected)),
        }
    }

    fn wrong_type(&self, node: &Node<'_>, key: &'static str, expected: &'static str) -> TableError {
        let found = node.value.kind();
        self.error(node.at, TableProblem::Type { key, expected, found })
    }
}

const PARTS: [&str; 10] = [
    "key",
    "name",
    "timeout",
    "netmask",
    "engine",
    "one-packet",
    "endpoint",
    "tcp",
    "tcp-fin",
    "udp",
];
