//! How the kernel reads attributes: liberally, into one slot for each type.
//!
//! The rules are those of `lib/nlattr.c: __nla_validate_parse` without strict
//! checks. Unknown types are skipped, of several with one type the last counts,
//! and what is left over at the end is ignored.

use super::answer::Refusal;
use ipvs_sys::{Attrs, put};

/// What a value must be like.
#[derive(Clone, Copy)]
pub(super) enum Rule {
    /// Anything.
    Any,
    /// So many bytes or more: numbers, whose type is that many bytes long.
    Number(usize),
    /// So many bytes at most.
    Bytes(usize),
    /// A string of so many bytes at most, and a NUL.
    Name(usize),
    /// Attributes.
    Nest,
}

/// What is said of a value that does not keep its rule.
pub(super) const REFUSED: &[u8] = b"Attribute failed policy validation";

/// A value for each type that has come, by its number.
pub(super) type Values<'a, const N: usize> = [Option<&'a [u8]>; N];

/// The highest attribute of a message and 1.
const MESSAGE: usize = 7;
/// `ip_vs_ctl.c: ip_vs_cmd_policy`.
const MESSAGE_RULES: [Rule; MESSAGE] = [
    Rule::Any,
    Rule::Nest,
    Rule::Nest,
    Rule::Nest,
    Rule::Number(4),
    Rule::Number(4),
    Rule::Number(4),
];

/// The top level of a request.
pub(super) struct Message<'a> {
    pub(super) values: Values<'a, MESSAGE>,
    /// Where the attributes start in the message, in bytes.
    at: [usize; MESSAGE],
    /// What the answer is to say of it, whether it is carried out or not.
    pub(super) note: Vec<u8>,
}

impl<'a> Message<'a> {
    /// The attributes of a message, which start `offset` bytes into it.
    pub(super) fn parse(attrs: &'a [u8], offset: usize) -> Result<Self, Refusal> {
        match parse(attrs, &MESSAGE_RULES) {
            Ok(Parsed { values, at, rest }) => {
                Ok(Self { values, at: at.map(|at| at + offset), note: left_over(rest) })
            }
            Err(Bad { errno, rule, at }) => {
                Err(Refusal { errno, note: explained(rule, offset + at) })
            }
        }
    }

    /// The nest `kind`. What is wrong in there is explained for daemons only.
    pub(super) fn nest<const N: usize>(
        &mut self,
        kind: usize,
        rules: &[Rule; N],
    ) -> Result<Values<'a, N>, Refusal> {
        let nest = self.values.get(kind).copied().flatten().ok_or(libc::EINVAL)?;
        let offset = self.at.get(kind).map_or(0, |at| at + 4);
        match parse(nest, rules) {
            Ok(Parsed { values, rest, .. }) => {
                if !rest.is_empty() {
                    self.note = left_over(rest);
                }
                Ok(values)
            }
            Err(Bad { rule, at, .. }) => {
                self.note = explained(rule, offset + at);
                Err(libc::EINVAL.into())
            }
        }
    }
}

/// A nest whose faults are not explained.
pub(super) fn nest<'a, const N: usize>(
    attrs: &'a [u8],
    rules: &[Rule; N],
) -> Result<Values<'a, N>, Refusal> {
    match parse(attrs, rules) {
        Ok(Parsed { values, .. }) => Ok(values),
        Err(_) => Err(libc::EINVAL.into()),
    }
}

/// The first `N` bytes of a value, which the rules have shown to be there.
pub(super) fn first<const N: usize>(value: Option<&[u8]>) -> Option<[u8; N]> {
    value?.first_chunk().copied()
}

pub(super) fn u16_ne(value: Option<&[u8]>) -> Option<u16> {
    first(value).map(u16::from_ne_bytes)
}

pub(super) fn u16_be(value: Option<&[u8]>) -> Option<u16> {
    first(value).map(u16::from_be_bytes)
}

pub(super) fn u32_ne(value: Option<&[u8]>) -> Option<u32> {
    first(value).map(u32::from_ne_bytes)
}

/// The bytes before the NUL.
pub(super) fn name(value: Option<&[u8]>) -> Option<&[u8]> {
    value?.split(|byte| *byte == 0).next()
}

/// `lib/nlattr.c: nla_memcpy`: what is too short is filled up with zeros.
pub(super) fn padded<const N: usize>(value: &[u8]) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.iter_mut().zip(value).for_each(|(slot, byte)| *slot = *byte);
    bytes
}

struct Bad {
    errno: i32,
    rule: Rule,
    at: usize,
}

struct Parsed<'a, const N: usize> {
    values: Values<'a, N>,
    at: [usize; N],
    rest: &'a [u8],
}

fn parse<'a, const N: usize>(bytes: &'a [u8], rules: &[Rule; N]) -> Result<Parsed<'a, N>, Bad> {
    let (mut values, mut starts) = ([None; N], [0; N]);
    let mut attrs = Attrs::new(bytes, "request");
    loop {
        let rest = attrs.as_bytes();
        // What is not an attribute ends them.
        let Some(Ok(attr)) = attrs.next() else {
            return Ok(Parsed { values, at: starts, rest });
        };
        let at = bytes.len() - rest.len();
        let kind = usize::from(attr.kind);
        let slots = values.get_mut(kind).zip(starts.get_mut(kind)).zip(rules.get(kind));
        let Some(((value, start), rule)) = slots.filter(|_| kind != 0) else { continue };
        rule.check(attr.value).map_err(|errno| Bad { errno, rule: *rule, at })?;
        (*value, *start) = (Some(attr.value), at);
    }
}

impl Rule {
    /// `lib/nlattr.c: validate_nla`.
    fn check(self, value: &[u8]) -> Result<(), i32> {
        let fits = match self {
            Self::Any => true,
            Self::Number(len) => value.len() >= len,
            Self::Bytes(len) => value.len() <= len,
            Self::Nest => value.is_empty() || value.len() >= 4,
            Self::Name(len) => {
                if !value.iter().take(len + 1).any(|byte| *byte == 0) {
                    return Err(libc::EINVAL);
                }
                value.strip_suffix(&[0]).unwrap_or(value).len() <= len
            }
        };
        if fits { Ok(()) } else { Err(libc::ERANGE) }
    }
}

/// The attribute of an extended acknowledgement that has a text.
pub(super) fn text(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put::string(&mut out, 1, text);
    out
}

/// The kernel warns of what is no attribute, and goes on.
fn left_over(rest: &[u8]) -> Vec<u8> {
    if rest.is_empty() { Vec::new() } else { text(b"bytes leftover after parsing attributes") }
}

/// The attributes of one, with the rule that was broken
/// (`net/netlink/policy.c: netlink_policy_dump_write_attr`).
fn explained(rule: Rule, offset: usize) -> Vec<u8> {
    const POLICY: u16 = 4 | 0x8000;
    let mut out = text(REFUSED);
    put::attr(&mut out, 2, &u32::try_from(offset).unwrap_or(u32::MAX).to_ne_bytes());
    let number = |out: &mut Vec<u8>, kind: u32, most: u32| {
        put::attr(out, 4, &0u64.to_ne_bytes());
        put::attr(out, 5, &u64::from(most).to_ne_bytes());
        put::attr(out, 1, &kind.to_ne_bytes());
    };
    match rule {
        Rule::Number(1) => put::nest(&mut out, POLICY, |out| number(out, 2, u8::MAX.into())),
        Rule::Number(2) => put::nest(&mut out, POLICY, |out| number(out, 3, u16::MAX.into())),
        Rule::Number(4) => put::nest(&mut out, POLICY, |out| number(out, 4, u32::MAX)),
        Rule::Name(len) => put::nest(&mut out, POLICY, |out| {
            let len = u32::try_from(len).unwrap_or(u32::MAX);
            put::attr(out, 7, &len.to_ne_bytes());
            put::attr(out, 1, &12u32.to_ne_bytes());
        }),
        Rule::Nest => {
            put::nest(&mut out, POLICY, |out| put::attr(out, 1, &13u32.to_ne_bytes()));
        }
        // Without a type there is nothing to tell.
        Rule::Any | Rule::Bytes(_) | Rule::Number(_) => {}
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_ends_with_a_nul_within_its_length() {
        for (value, result) in [
            (&b"wrr\0"[..], Ok(())),
            (b"wrr", Err(libc::EINVAL)),
            (b"", Err(libc::EINVAL)),
            (b"\0", Ok(())),
            (b"a\0b", Ok(())),
            (b"wrrr\0", Ok(())),
            (b"wrrrr\0", Err(libc::EINVAL)),
            (b"w\0rrr\0", Err(libc::ERANGE)),
        ] {
            assert_eq!(Rule::Name(4).check(value), result, "{value:?}");
        }
    }

    #[test]
    fn what_is_no_attribute_ends_them_and_the_last_of_a_kind_counts() {
        let mut bytes = Vec::new();
        put::attr(&mut bytes, 4, &[1, 0, 0, 0]);
        put::attr(&mut bytes, 99, b"");
        put::attr(&mut bytes, 4, &[2, 0, 0, 0]);
        bytes.extend([3, 0, 5, 0]);
        let Message { values, note, .. } = Message::parse(&bytes, 20).unwrap();
        assert_eq!(note, text(b"bytes leftover after parsing attributes"));
        assert_eq!(values[4], Some(&[2, 0, 0, 0][..]));
        assert_eq!(values[5], None);
    }
}
