//! Finding a family's number by its name: the `nlctrl` family.
//!
//! The reader takes what it needs and skips the rest. The one of
//! netlink-packet-generic fails on attributes that it does not know.

use crate::attr::Attrs;
use crate::command::Command;
use crate::error::DecodeError;
use crate::put::{self, Put, attr};

/// The number of the `nlctrl` family, the same on every kernel (`GENL_ID_CTRL`).
pub const NLCTRL: u16 = 0x10;

const FAMILY_ID: u16 = 1;
const FAMILY_NAME: u16 = 2;
const VERSION: u16 = 3;
const HEADER_SIZE: u16 = 4;
const MAX_ATTR: u16 = 5;

/// Asks for a family by its name. Needs no privilege; from about Linux 5.17 it
/// loads the family's module (`genetlink.c: ctrl_getfamily`). The kernel answers
/// ENOENT for an unknown family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GetFamily<'a> {
    /// The name without its NUL, at most 15 bytes.
    pub name: &'a [u8],
}

/// The reply to [`GetFamily`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewFamily<'a> {
    /// The number by which messages are sent to the family. It changes when the
    /// module is loaded again.
    pub id: u16,
    /// The name without its NUL.
    pub name: &'a [u8],
    /// The version.
    pub version: u32,
    /// The length of the family's own header in bytes.
    pub header_size: u32,
    /// The highest top-level attribute.
    pub max_attr: u32,
}

impl<'a> GetFamily<'a> {
    /// Reads what follows the generic-netlink header, for whoever answers.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Missing`] without a name.
    pub fn parse(attrs: Attrs<'a>) -> Result<Self, DecodeError> {
        let mut name = None;
        for attr in attrs {
            let attr = attr?;
            if attr.kind == FAMILY_NAME {
                name = Some(attr.string());
            }
        }
        Ok(Self { name: name.ok_or(DecodeError::Missing { at: "family/name" })? })
    }
}

impl<'a> NewFamily<'a> {
    /// Reads what follows the generic-netlink header.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Missing`] without a number, without which the rest is useless.
    pub fn parse(attrs: Attrs<'a>) -> Result<Self, DecodeError> {
        let mut id = None;
        let mut family = Self { id: 0, name: b"", version: 0, header_size: 0, max_attr: 0 };
        for attr in attrs {
            let attr = attr?;
            match attr.kind {
                FAMILY_ID => id = Some(attr.u16_ne("family/id")?),
                FAMILY_NAME => family.name = attr.string(),
                VERSION => family.version = attr.u32_ne("family/version")?,
                HEADER_SIZE => family.header_size = attr.u32_ne("family/header size")?,
                MAX_ATTR => family.max_attr = attr.u32_ne("family/max attr")?,
                _ => {}
            }
        }
        family.id = id.ok_or(DecodeError::Missing { at: "family/id" })?;
        Ok(family)
    }
}

impl Command for GetFamily<'_> {
    const FAMILY: &'static str = "nlctrl";
    const VERSION: u8 = 2;
    const NUMBER: u8 = 3;

    fn write<P: Put>(&self, out: &mut P) {
        put::string(out, FAMILY_NAME, self.name);
    }
}

impl Command for NewFamily<'_> {
    const FAMILY: &'static str = "nlctrl";
    const VERSION: u8 = 2;
    const NUMBER: u8 = 1;

    fn write<P: Put>(&self, out: &mut P) {
        put::string(out, FAMILY_NAME, self.name);
        attr(out, FAMILY_ID, &self.id.to_ne_bytes());
        attr(out, VERSION, &self.version.to_ne_bytes());
        attr(out, HEADER_SIZE, &self.header_size.to_ne_bytes());
        attr(out, MAX_ATTR, &self.max_attr.to_ne_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IPVS: NewFamily<'_> =
        NewFamily { id: 35, name: b"IPVS", version: 1, header_size: 0, max_attr: 6 };

    #[test]
    fn a_family_comes_back_past_attributes_that_are_not_known() {
        let mut bytes = Vec::new();
        put::nest(&mut bytes, 8, |out| attr(out, 1, b""));
        attr(&mut bytes, 11, b"");
        IPVS.write(&mut bytes);
        assert_eq!(NewFamily::parse(Attrs::new(&bytes, "family")), Ok(IPVS));
    }

    #[test]
    fn a_question_is_read_past_attributes_that_are_not_known() {
        let mut bytes = Vec::new();
        attr(&mut bytes, 99, b"x");
        let missing = DecodeError::Missing { at: "family/name" };
        assert_eq!(GetFamily::parse(Attrs::new(&bytes, "family")), Err(missing));
        GetFamily { name: b"IPVS" }.write(&mut bytes);
        let question = GetFamily::parse(Attrs::new(&bytes, "family"));
        assert_eq!(question, Ok(GetFamily { name: b"IPVS" }));
    }

    #[test]
    fn a_family_without_a_number_is_an_error() {
        let mut bytes = Vec::new();
        put::string(&mut bytes, FAMILY_NAME, b"IPVS");
        let missing = DecodeError::Missing { at: "family/id" };
        assert_eq!(NewFamily::parse(Attrs::new(&bytes, "family")), Err(missing));
    }
}
