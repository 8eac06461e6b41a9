//! How the kernel reads attributes: liberally, into one slot for each type.
//!
//! The rules are those of `lib/nlattr.c: __nla_validate_parse` without strict
//! checks. Unknown types are skipped, of several with one type the last counts,
//! and what is left over at the end is ignored.

use super::answer::Refusal;
use ipvs_sys::{Attrs, put};

/// What a value must be like.
#[derive(Clone, Copy, PartialEq, Eq)]
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

/// A value for each type that has come, by its number.
pub(super) type Values<'a, const N: usize> = [Option<&'a [u8]>; N];

/// The highest attribute of a message and 1.
pub(super) const MESSAGE: usize = 7;
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

/// The top level of a request, which starts `offset` bytes into its message.
///
/// The only errors that the kernel explains to this family are those found here.
pub(super) fn message(attrs: &[u8], offset: usize) -> Result<Values<'_, MESSAGE>, Refusal> {
    parse(attrs, &MESSAGE_RULES)
        .map_err(|bad| Refusal { errno: bad.errno, note: explained(bad.rule, offset + bad.at) })
}

/// A nest. What is wrong in there is never explained.
pub(super) fn nest<'a, const N: usize>(
    attrs: &'a [u8],
    rules: &[Rule; N],
) -> Result<Values<'a, N>, Refusal> {
    parse(attrs, rules).map_err(|_| libc::EINVAL.into())
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

fn parse<'a, const N: usize>(bytes: &'a [u8], rules: &[Rule; N]) -> Result<Values<'a, N>, Bad> {
    let mut values = [None; N];
    let mut attrs = Attrs::new(bytes, "request");
    loop {
        let at = bytes.len() - attrs.as_bytes().len();
        // What is not an attribute ends them.
        let Some(Ok(attr)) = attrs.next() else { return Ok(values) };
        let kind = usize::from(attr.kind);
        let (Some(slot), Some(rule)) = (values.get_mut(kind), rules.get(kind)) else { continue };
        if kind != 0 {
            rule.check(attr.value).map_err(|errno| Bad { errno, rule: *rule, at })?;
            *slot = Some(attr.value);
        }
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

/// The attributes of the extended acknowledgement, with the rule that was broken
/// (`net/netlink/policy.c: netlink_policy_dump_write_attr`).
fn explained(rule: Rule, offset: usize) -> Vec<u8> {
    const NESTED: u16 = 0x8000;
    let mut out = Vec::new();
    put::string(&mut out, 1, b"Attribute failed policy validation");
    put::attr(&mut out, 2, &u32::try_from(offset).unwrap_or(u32::MAX).to_ne_bytes());
    put::nest(&mut out, 4 | NESTED, |out| {
        let kind: u32 = match rule {
            Rule::Nest => 8,
            _ => {
                put::attr(out, 4, &0u64.to_ne_bytes());
                put::attr(out, 5, &u64::from(u32::MAX).to_ne_bytes());
                4
            }
        };
        put::attr(out, 1, &kind.to_ne_bytes());
    });
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
        let values = message(&bytes, 0).unwrap_or_else(|_| panic!("refused"));
        assert_eq!(values[4], Some(&[2, 0, 0, 0][..]));
        assert_eq!(values[5], None);
    }
}
