//! Short names of the kernel, kept inline so that nothing is allocated.

use crate::{ParseError, Rule};
use std::fmt;
use std::str::FromStr;

/// A name of 1 to `MAX` bytes, as the kernel has them for persistence engines,
/// interfaces and states. The kernel does not promise UTF-8.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name<const MAX: usize> {
    // Zero beyond `len`, so that equal names compare equal.
    bytes: [u8; MAX],
    len: usize,
}

/// The name of a persistence engine; the kernel's only one is `sip`.
pub type EngineName = Name<16>;
/// The name of a network interface.
pub type InterfaceName = Name<15>;

impl<const MAX: usize> Name<MAX> {
    /// Checks a name; `what` is what it names, for errors.
    pub(crate) fn checked(what: &'static str, name: &str) -> Result<Self, Rule> {
        let len = name.len();
        if len == 0 || len > MAX {
            return Err(Rule::NameLength { what, len, max: MAX });
        }
        if name.bytes().any(|byte| byte == 0 || byte.is_ascii_whitespace()) {
            return Err(Rule::NameCharacters { what });
        }
        Ok(Self::from_wire(name.as_bytes()))
    }

    /// A name from the kernel, which never sends a longer one.
    pub(crate) fn from_wire(name: &[u8]) -> Self {
        let mut bytes = [0; MAX];
        bytes.iter_mut().zip(name).for_each(|(slot, byte)| *slot = *byte);
        Self { bytes, len: name.len().min(MAX) }
    }

    /// A name from the kernel, whose names are not always ones that can be
    /// parsed; `None` if it is empty or too long.
    pub fn from_kernel(name: &[u8]) -> Option<Self> {
        (1..=MAX).contains(&name.len()).then(|| Self::from_wire(name))
    }

    /// The bytes of the name.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl FromStr for Name<15> {
    type Err = ParseError;

    fn from_str(name: &str) -> Result<Self, ParseError> {
        Self::checked("interface name", name).map_err(|rule| ParseError::rule(rule, name))
    }
}

impl FromStr for Name<16> {
    type Err = ParseError;

    fn from_str(name: &str) -> Result<Self, ParseError> {
        Self::checked("persistence engine name", name).map_err(|rule| ParseError::rule(rule, name))
    }
}

impl<const MAX: usize> fmt::Display for Name<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&String::from_utf8_lossy(self.as_bytes()))
    }
}

impl<const MAX: usize> fmt::Debug for Name<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(self.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_long_as_the_kernel_takes_them() {
        assert!("fifteen-letters".parse::<InterfaceName>().is_ok());
        assert!("sixteen--letters".parse::<EngineName>().is_ok());
        let error = "sixteen--letters".parse::<InterfaceName>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "`sixteen--letters`: interface name of 16 bytes: the kernel takes 1 to 15"
        );
    }

    #[test]
    fn empty_names_nul_and_white_space_are_refused() {
        for name in ["", "a\0b", "a b"] {
            assert!(name.parse::<EngineName>().is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_name_that_is_not_utf_8_is_kept() {
        let name = EngineName::from_wire(&[0xff, b'x']);
        assert_eq!(name.as_bytes(), [0xff, b'x']);
        assert_eq!(name.to_string(), "\u{fffd}x");
    }
}
