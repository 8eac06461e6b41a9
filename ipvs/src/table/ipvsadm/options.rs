//! A line of `ipvsadm`, split into its options as popt does.

/// An option of `-A` or `-a`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Kind {
    short: Option<char>,
    /// The long name, by which the option is known here too.
    long: &'static str,
    takes: Takes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    Nothing,
    Value,
    /// A value, where the next word does not start with `-`.
    MaybeValue,
}

/// An option as it was given, with where it stands as bytes of the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Given<'a> {
    pub(super) name: &'static str,
    pub(super) at: usize,
    pub(super) value: Option<&'a str>,
    /// Where the value stands, or else the option.
    pub(super) value_at: usize,
}

/// A word with where it stands as a byte of the text.
pub(super) type Word<'a> = (usize, &'a str);

/// What is wrong, and where.
pub(super) type Wrong = (usize, String);

/// Splits a line into the options of its command, which takes those `allowed`.
///
/// `command` is its first word: `-A`, `--add-service`, or `-At`, where letters
/// after the command's are options.
pub(super) fn split<'a>(
    command: Word<'a>,
    words: &[Word<'a>],
    allowed: &'static [&'static str],
) -> Result<Vec<Given<'a>>, Wrong> {
    let (_, first) = command;
    let attached = if first.starts_with("--") { "" } else { first.get(2..).unwrap_or_default() };
    let shown = first.strip_suffix(attached).unwrap_or(first);
    let mut options = Options { command: shown, allowed, given: Vec::new(), rest: words };
    options.letters(command, attached)?;
    while let Some(word) = options.next() {
        match (word.1.strip_prefix("--"), word.1.strip_prefix('-')) {
            (Some(long), _) => options.long(word, long)?,
            (None, Some(letters)) if !letters.is_empty() => options.letters(word, letters)?,
            _ => return Err((word.0, format!("unexpected argument `{}`", word.1))),
        }
    }
    Ok(options.given)
}

/// The options of a command while they are read.
struct Options<'a, 'w> {
    command: &'a str,
    allowed: &'static [&'static str],
    given: Vec<Given<'a>>,
    rest: &'w [Word<'a>],
}

impl<'a> Options<'a, '_> {
    fn next(&mut self) -> Option<Word<'a>> {
        let (next, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*next)
    }

    /// `--name` or `--name=value`.
    fn long(&mut self, (at, word): Word<'a>, long: &'a str) -> Result<(), Wrong> {
        let (name, value) = match long.split_once('=') {
            Some((name, value)) => (name, Some((at + word.len() - value.len(), value))),
            None => (long, None),
        };
        let kind = KINDS.iter().find(|kind| kind.long == name);
        let kind = kind.ok_or_else(|| (at, format!("unknown option `--{name}`")))?;
        if kind.takes == Takes::Nothing && value.is_some() {
            return Err((at, format!("the option `--{name}` takes no value")));
        }
        self.add(kind, at, value)
    }

    /// Letters at the end of a word: the first that takes a value takes what is left.
    fn letters(&mut self, (at, word): Word<'a>, mut letters: &'a str) -> Result<(), Wrong> {
        let end = at + word.len();
        while let Some(letter) = letters.chars().next() {
            // A word of one option is told by its dash.
            let letter_at = end - letters.len();
            let option_at = if letter_at == at + 1 { at } else { letter_at };
            letters = letters.get(letter.len_utf8()..).unwrap_or_default();
            let kind = KINDS.iter().find(|kind| kind.short == Some(letter));
            let kind = kind.ok_or_else(|| (option_at, format!("unknown option `-{letter}`")))?;
            let mut value = None;
            if kind.takes != Takes::Nothing && !letters.is_empty() {
                let attached = letters.strip_prefix('=').unwrap_or(letters);
                value = Some((end - attached.len(), attached));
                letters = "";
            }
            self.add(kind, option_at, value)?;
        }
        Ok(())
    }

    /// Adds an option, with the next word as its value where it takes one and
    /// has none.
    fn add(&mut self, kind: &Kind, at: usize, attached: Option<Word<'a>>) -> Result<(), Wrong> {
        let name = kind.long;
        if !self.allowed.contains(&name) {
            return Err((at, format!("`{}` takes no option `{}`", self.command, kind.shown())));
        }
        if self.given.iter().any(|earlier| earlier.name == name) {
            return Err((at, format!("the option `{}` is given twice", kind.shown())));
        }
        let value = match (kind.takes, attached) {
            (Takes::Nothing, _) => None,
            (_, Some(attached)) => Some(attached),
            (Takes::MaybeValue, None)
                if self.rest.first().is_none_or(|next| next.1.starts_with('-')) =>
            {
                None
            }
            (Takes::Value | Takes::MaybeValue, None) => {
                let missing = || (at, format!("the option `{}` needs a value", kind.shown()));
                Some(self.next().ok_or_else(missing)?)
            }
        };
        let value_at = value.map_or(at, |(at, _)| at);
        self.given.push(Given { name, at, value: value.map(|(_, value)| value), value_at });
        Ok(())
    }
}

impl Kind {
    /// As people write it.
    fn shown(&self) -> String {
        match self.short {
            Some(letter) => format!("-{letter}"),
            None => format!("--{}", self.long),
        }
    }
}

const KINDS: [Kind; 23] = [
    Kind { short: Some('t'), long: "tcp-service", takes: Takes::Value },
    Kind { short: Some('u'), long: "udp-service", takes: Takes::Value },
    Kind { short: None, long: "sctp-service", takes: Takes::Value },
    Kind { short: Some('f'), long: "fwmark-service", takes: Takes::Value },
    Kind { short: Some('6'), long: "ipv6", takes: Takes::Nothing },
    Kind { short: Some('s'), long: "scheduler", takes: Takes::Value },
    Kind { short: Some('p'), long: "persistent", takes: Takes::MaybeValue },
    Kind { short: Some('M'), long: "netmask", takes: Takes::Value },
    Kind { short: None, long: "pe", takes: Takes::Value },
    Kind { short: Some('o'), long: "ops", takes: Takes::Nothing },
    Kind { short: Some('b'), long: "sched-flags", takes: Takes::Value },
    Kind { short: Some('r'), long: "real-server", takes: Takes::Value },
    Kind { short: Some('g'), long: "gatewaying", takes: Takes::Nothing },
    Kind { short: Some('i'), long: "ipip", takes: Takes::Nothing },
    Kind { short: Some('m'), long: "masquerading", takes: Takes::Nothing },
    Kind { short: Some('w'), long: "weight", takes: Takes::Value },
    Kind { short: Some('x'), long: "u-threshold", takes: Takes::Value },
    Kind { short: Some('y'), long: "l-threshold", takes: Takes::Value },
    Kind { short: None, long: "tun-type", takes: Takes::Value },
    Kind { short: None, long: "tun-port", takes: Takes::Value },
    Kind { short: None, long: "tun-nocsum", takes: Takes::Nothing },
    Kind { short: None, long: "tun-csum", takes: Takes::Nothing },
    Kind { short: None, long: "tun-remcsum", takes: Takes::Nothing },
];
