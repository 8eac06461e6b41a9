//! A TOML document, read to its end whatever is wrong in it: every error is kept, with its
//! place.

use super::problem::{Place, Problem};
use std::cell::RefCell;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A text, and what is wrong in it.
pub(super) struct Document<'d> {
    text: &'d str,
    problems: RefCell<Vec<Problem>>,
}

/// A value, and where it stands as a byte of the text.
#[derive(Clone, Copy)]
pub(super) struct Placed<T> {
    pub(super) at: usize,
    pub(super) value: T,
}

/// A table of the document, and what errors in it are about.
pub(super) struct Section<'d> {
    pub(super) document: &'d Document<'d>,
    pub(super) what: String,
    /// Where it begins.
    pub(super) at: usize,
    table: &'d DeTable<'d>,
}

type Node<'d> = Spanned<DeValue<'d>>;

impl<'d> Document<'d> {
    pub(super) fn new(text: &'d str) -> Self {
        Self { text, problems: RefCell::default() }
    }

    pub(super) fn place(&self, at: usize) -> Place {
        Place::of(self.text, at)
    }

    pub(super) fn problem(&self, at: usize, what: &str, rule: impl fmt::Display) {
        let place = Some(self.place(at));
        // It is a line, and controls no terminal, whatever it repeats of the text.
        let [what, rule] =
            [what.to_owned(), rule.to_string()].map(|text| text.replace(char::is_control, " "));
        self.problems.borrow_mut().push(Problem { place, what, rule });
    }

    /// What is wrong, in the order of the text.
    pub(super) fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| problem.place);
        problems
    }

    /// The whole, which has these keys.
    pub(super) fn root(&'d self, table: &'d DeTable<'d>, known: &[&str]) -> Section<'d> {
        let section = Section { document: self, what: String::new(), at: 0, table };
        section.check_keys(known);
        section
    }

    /// A table, which has these keys.
    pub(super) fn section(
        &'d self,
        what: &str,
        node: &'d Node<'d>,
        known: &[&str],
    ) -> Option<Section<'d>> {
        let at = node.span().start;
        let Some(table) = node.get_ref().as_table() else {
            self.wrong_type(node, what, what, "a table");
            return None;
        };
        let section = Section { document: self, what: what.to_owned(), at, table };
        section.check_keys(known);
        Some(section)
    }

    fn wrong_type(&self, node: &Node<'_>, what: &str, key: &str, expected: &str) {
        let found = match node.get_ref() {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "an integer",
            DeValue::Float(_) => "a float",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "an array",
            DeValue::Table(_) => "a table",
        };
        let rule = format!("`{key}` must be {expected}, not {found}");
        self.problem(node.span().start, what, rule);
    }
}

impl<'d> Section<'d> {
    fn check_keys(&self, known: &[&str]) {
        for key in self.table.keys() {
            let (name, at) = (key.get_ref(), key.span().start);
            if !known.contains(&&**name) {
                let known = known.join(", ");
                self.problem(at, format!("unknown key `{name}`, the known ones are {known}"));
            }
        }
    }

    pub(super) fn problem(&self, at: usize, rule: impl fmt::Display) {
        self.document.problem(at, &self.what, rule);
    }

    /// The value, or says that the rule is broken there.
    pub(super) fn kept<T, R: fmt::Display>(&self, at: usize, result: Result<T, R>) -> Option<T> {
        result.map_err(|rule| self.problem(at, rule)).ok()
    }

    pub(super) fn node(&self, key: &str) -> Option<&'d Node<'d>> {
        self.table.get(key)
    }

    /// Where a key's value stands, or else the whole.
    pub(super) fn at(&self, key: &str) -> usize {
        self.node(key).map_or(self.at, |node| node.span().start)
    }

    /// Says so where a key must be there and is not. What is there and wrong has been told.
    pub(super) fn required<T>(&self, value: Option<T>, key: &str) -> Option<T> {
        if self.node(key).is_none() {
            self.problem(self.at, format!("the key `{key}` is missing"));
        }
        value
    }

    pub(super) fn boolean(&self, key: &str) -> Option<Placed<bool>> {
        self.typed(key, "true or false", |value| value.as_bool())
    }

    /// A number of a type, which has a range.
    pub(super) fn number<N: TryFrom<i128>>(&self, key: &str, range: &str) -> Option<Placed<N>> {
        let Placed { at, value } = self.typed(key, "an integer", |value| {
            let number = value.as_integer()?;
            i128::from_str_radix(number.as_str(), number.radix()).ok()
        })?;
        let outside = || format!("`{key}` {value} out of range: {range}");
        let value = self.kept(at, N::try_from(value).map_err(|_| outside()))?;
        Some(Placed { at, value })
    }

    pub(super) fn text(&self, key: &str) -> Option<Placed<&'d str>> {
        let node = self.node(key)?;
        self.text_of(key, node)
    }

    /// A text that reads as a value, by the value's own rules.
    pub(super) fn parsed<V>(&self, key: &str) -> Option<Placed<V>>
    where
        V: FromStr<Err: fmt::Display>,
    {
        let Placed { at, value } = self.text(key)?;
        Some(Placed { at, value: self.kept(at, value.parse())? })
    }

    /// One of several words.
    pub(super) fn word<V: Copy>(&self, key: &str, words: &[(&str, V)]) -> Option<V> {
        let Placed { at, value } = self.text(key)?;
        let found = words.iter().find(|(word, _)| *word == value).map(|(_, meaning)| *meaning);
        if found.is_none() {
            let words: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            let words = words.join(", ");
            self.problem(at, format!("`{key}` is \"{value}\", and must be one of {words}"));
        }
        found
    }

    /// A text such as "100ms" or "1.5s".
    pub(super) fn duration(&self, key: &str) -> Option<Placed<Duration>> {
        let Placed { at, value } = self.text(key)?;
        let unclear = || format!("`{key}` is \"{value}\", and must be like \"100ms\" or \"1.5s\"");
        let value = self.kept(at, duration(value).ok_or_else(unclear))?;
        Some(Placed { at, value })
    }

    /// The elements of an array; none where it is not there.
    pub(super) fn array(&self, key: &str) -> Vec<&'d Node<'d>> {
        let Some(node) = self.node(key) else { return Vec::new() };
        match node.get_ref().as_array() {
            Some(array) => array.iter().collect(),
            None => {
                self.document.wrong_type(node, &self.what, key, "an array");
                Vec::new()
            }
        }
    }

    /// The elements of an array of texts.
    pub(super) fn texts(&self, key: &str) -> Vec<Placed<&'d str>> {
        let texts = self.array(key).into_iter().filter_map(|node| self.text_of(key, node));
        texts.collect()
    }

    fn text_of(&self, key: &str, node: &'d Node<'d>) -> Option<Placed<&'d str>> {
        let Some(value) = node.get_ref().as_str() else {
            self.document.wrong_type(node, &self.what, key, "a string");
            return None;
        };
        Some(Placed { at: node.span().start, value })
    }

    fn typed<V>(
        &self,
        key: &str,
        expected: &str,
        read: impl Fn(&DeValue<'_>) -> Option<V>,
    ) -> Option<Placed<V>> {
        let node = self.node(key)?;
        let Some(value) = read(node.get_ref()) else {
            self.document.wrong_type(node, &self.what, key, expected);
            return None;
        };
        Some(Placed { at: node.span().start, value })
    }
}

/// Milliseconds or seconds, in decimal.
fn duration(text: &str) -> Option<Duration> {
    let (number, nanos) = match text.strip_suffix("ms") {
        Some(number) => (number, 1_000_000_u64),
        None => (text.strip_suffix('s')?, 1_000_000_000),
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let is_decimal = |digits: &str| {
        !digits.is_empty() && digits.len() <= 9 && digits.bytes().all(|b| b.is_ascii_digit())
    };
    if !is_decimal(whole) || !is_decimal(part) {
        return None;
    }
    let scale = 10_u64.pow(u32::try_from(part.len()).ok()?);
    let whole = whole.parse::<u64>().ok()?.checked_mul(nanos)?;
    let part = part.parse::<u64>().ok()?.checked_mul(nanos)? / scale;
    Some(Duration::from_nanos(whole.checked_add(part)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_in_milliseconds_or_seconds() {
        let cases = [("100ms", 100_000), ("1.5s", 1_500_000), ("0.25ms", 250), ("0s", 0)];
        for (text, micros) in cases {
            assert_eq!(duration(text), Some(Duration::from_micros(micros)), "{text}");
        }
        for text in ["", "s", "1", "1m", "1 s", "-1s", ".5s", "1.s", "1.2.3s", "9999999999s"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}
