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

/// Splits the words after the command, which takes the options `allowed`.
pub(super) fn split<'a>(
    words: &[Word<'a>],
    command: &str,
    allowed: &[&str],
) -> Result<Vec<Given<'a>>, Wrong> {
    let mut given: Vec<Given<'a>> = Vec::new();
    let mut rest = words.iter().copied().peekable();
    while let Some((at, word)) = rest.next() {
        let mut cluster = match (word.strip_prefix("--"), word.strip_prefix('-')) {
            (Some(long), _) => {
                let (name, value) = match long.split_once('=') {
                    Some((name, value)) => (name, Some((at + word.len() - value.len(), value))),
                    None => (long, None),
                };
                let kind = KINDS.iter().find(|kind| kind.long == name);
                let kind = kind.ok_or_else(|| (at, format!("unknown option `--{name}`")))?;
                if kind.takes == Takes::Nothing && value.is_some() {
                    return Err((at, format!("the option `--{name}` takes no value")));
                }
                push(&mut given, kind, at, value, &mut rest, command, allowed)?;
                continue;
            }
            (None, Some(letters)) if !letters.is_empty() => letters,
            _ => return Err((at, format!("unexpected argument `{word}`"))),
        };
        // Letters in one word: the first that takes a value takes what is left.
        while let Some(letter) = cluster.chars().next() {
            let letter_at = at + word.len() - cluster.len();
            cluster = cluster.get(letter.len_utf8()..).unwrap_or_default();
            let kind = KINDS.iter().find(|kind| kind.short == Some(letter));
            let kind = kind.ok_or_else(|| (letter_at, format!("unknown option `-{letter}`")))?;
            let mut value = None;
            if kind.takes != Takes::Nothing && !cluster.is_empty() {
                let attached = cluster.strip_prefix('=').unwrap_or(cluster);
                value = Some((at + word.len() - attached.len(), attached));
                cluster = "";
            }
            push(&mut given, kind, letter_at, value, &mut rest, command, allowed)?;
        }
    }
    Ok(given)
}

/// Adds an option, with the next word as its value where it takes one and has none.
fn push<'a>(
    given: &mut Vec<Given<'a>>,
    kind: &Kind,
    at: usize,
    attached: Option<Word<'a>>,
    rest: &mut std::iter::Peekable<impl Iterator<Item = Word<'a>>>,
    command: &str,
    allowed: &[&str],
) -> Result<(), Wrong> {
    let name = kind.long;
    if !allowed.contains(&name) {
        return Err((at, format!("`{command}` takes no option `{}`", kind.shown())));
    }
    if given.iter().any(|earlier| earlier.name == name) {
        return Err((at, format!("the option `{}` is given twice", kind.shown())));
    }
    let value = match (kind.takes, attached) {
        (Takes::Nothing, _) => None,
        (_, Some(attached)) => Some(attached),
        (Takes::Value, None) => {
            let next = rest.next();
            Some(next.ok_or_else(|| (at, format!("the option `{}` needs a value", kind.shown())))?)
        }
        (Takes::MaybeValue, None) => rest.next_if(|(_, word)| !word.starts_with('-')),
    };
    let value_at = value.map_or(at, |(at, _)| at);
    given.push(Given { name, at, value: value.map(|(_, value)| value), value_at });
    Ok(())
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
