//! The identifier of a virtual router.

use super::Rule;
use std::fmt;
use std::num::NonZeroU8;

/// A virtual router's identifier, 1 to 255. It is of one interface and one address
/// family: the same number for IPv4 and IPv6 is two virtual routers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Vrid(NonZeroU8);

impl Vrid {
    /// The identifier with this number.
    ///
    /// # Errors
    /// [`Rule::Vrid`] for 0.
    pub const fn new(id: u8) -> Result<Self, Rule> {
        match NonZeroU8::new(id) {
            Some(id) => Ok(Self(id)),
            None => Err(Rule::Vrid { id: 0 }),
        }
    }

    /// The number.
    pub const fn number(self) -> u8 {
        self.0.get()
    }

    /// The virtual router's MAC address for IPv4, 00-00-5E-00-01-{VRID}, and for IPv6,
    /// 00-00-5E-00-02-{VRID} (RFC 9568 §7.3).
    pub const fn mac(self, family: super::Family) -> [u8; 6] {
        let of_family = match family {
            super::Family::V4 => 1,
            super::Family::V6 => 2,
        };
        [0, 0, 0x5e, 0, of_family, self.number()]
    }
}

impl fmt::Display for Vrid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Family;
    use super::*;

    #[test]
    fn zero_is_no_identifier() {
        assert_eq!(Vrid::new(0), Err(Rule::Vrid { id: 0 }));
        assert_eq!(Vrid::new(255).map(Vrid::number), Ok(255));
    }

    // shows: 9568-7.3-1
    #[test]
    fn the_mac_address_has_the_family_and_the_identifier() {
        let vrid = Vrid::new(7).unwrap();
        assert_eq!(vrid.mac(Family::V4), [0, 0, 0x5e, 0, 1, 7]);
        assert_eq!(vrid.mac(Family::V6), [0, 0, 0x5e, 0, 2, 7]);
    }
}
