//! A table as JSON.

use super::error::{Object, TableError, TableProblem};
use super::node::{Entry, Node, Value};
use super::{Table, document};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

impl Table {
    /// Reads a JSON document: an object with the keys that
    /// [`from_toml`](Self::from_toml) shows.
    ///
    /// ```
    /// # fn main() -> Result<(), ipvs::TableError> {
    /// let table = ipvs::Table::from_json(
    ///     r#"{ "service": [ {
    ///         "key": "tcp 10.0.0.1:80",
    ///         "destination": [ { "endpoint": "192.168.0.1:80", "weight": 3 } ]
    ///     } ] }"#,
    /// )?;
    /// assert_eq!(table.services().len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, with its line and column.
    pub fn from_json(text: &str) -> Result<Self, TableError> {
        let root = serde_json::from_str(text).map_err(|error| syntax(text, &error))?;
        document::table(text, &node(text, root, 0)?)
    }

    /// A JSON document that reads as this table.
    ///
    /// # Errors
    ///
    /// Flags, names and methods that this crate does not know.
    pub fn to_json(&self) -> Result<String, TableError> {
        let text = serde_json::to_string_pretty(self).map_err(|error| {
            let reason = error.to_string();
            TableError::new(Object::Table, TableProblem::NotExpressible { reason })
        })?;
        self.verified(text + "\n", Self::from_json)
    }
}

/// How deep values are that a table reads: the root is 0, a threshold 6.
const DEPTH: u32 = 6;

/// A value of `text` with what is in it.
fn node<'a>(text: &'a str, raw: &'a RawValue, depth: u32) -> Result<Node<'a>, TableError> {
    let (at, json) = (offset(text, raw), raw.get());
    let deeper = depth < DEPTH;
    let value = match json.bytes().next() {
        Some(b'{') if deeper => {
            let Entries(entries) = inner(text, raw)?;
            let entries = entries.into_iter().map(|(key, value)| {
                let (at, node) = (offset(text, key), node(text, value, depth + 1)?);
                Ok(Entry { at, key: string(text, key)?, node })
            });
            Value::Table(entries.collect::<Result<_, TableError>>()?)
        }
        Some(b'{') => Value::Table(Vec::new()),
        Some(b'[') if deeper => {
            let raws: Vec<&RawValue> = inner(text, raw)?;
            let nodes = raws.into_iter().map(|raw| node(text, raw, depth + 1));
            Value::Array(nodes.collect::<Result<_, TableError>>()?)
        }
        Some(b'[') => Value::Array(Vec::new()),
        Some(b'"') => Value::Text(string(text, raw)?),
        Some(b't') => Value::Boolean(true),
        Some(b'f') => Value::Boolean(false),
        Some(b'n') => Value::Other("null"),
        _ => json.parse().map_or(Value::Other("a number of another kind"), Value::Integer),
    };
    Ok(Node { at, value })
}

/// Where a value stands; it is a part of the text.
fn offset(text: &str, raw: &RawValue) -> usize {
    raw.get().as_ptr().addr() - text.as_ptr().addr()
}

/// A string without its quotes and escapes.
fn string<'a>(text: &'a str, raw: &'a RawValue) -> Result<Cow<'a, str>, TableError> {
    match inner::<&str>(text, raw) {
        Ok(plain) => Ok(Cow::Borrowed(plain)),
        Err(_) => inner(text, raw).map(Cow::Owned),
    }
}

/// Reads a part of a text whose grammar is known to be right. What can still be
/// wrong is half of a surrogate pair.
fn inner<'a, V: Deserialize<'a>>(text: &str, raw: &'a RawValue) -> Result<V, TableError> {
    serde_json::from_str(raw.get()).map_err(|error| {
        let problem = TableProblem::Syntax { reason: reason(&error) };
        TableError::new(Object::Table, problem).at(text, offset(text, raw))
    })
}

/// An error of the grammar. Its column is in bytes.
fn syntax(text: &str, error: &serde_json::Error) -> TableError {
    let start: usize = text.split_inclusive('\n').take(error.line() - 1).map(str::len).sum();
    let mut at = text.len().min(start + error.column().saturating_sub(1));
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let problem = TableProblem::Syntax { reason: reason(error) };
    TableError::new(Object::Table, problem).at(text, at)
}

/// The message without the place, which is in other units.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason).to_owned()
}

/// The keys and values of an object, none of them read.
struct Entries<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Entries<'de>, M::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Entries(entries))
    }
}
