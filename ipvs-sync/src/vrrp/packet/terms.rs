//! What the routers of one virtual router agree on.

use crate::vrrp::{Family, Rule, Version, VirtualAddresses, Vrid};
use std::fmt;

/// The part of a virtual router's configuration that its packets show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Terms<'a> {
    vrid: Vrid,
    version: Version,
    addresses: &'a VirtualAddresses,
    password: Option<Password>,
}

/// The password of version 2 (RFC 2338 §5.3.6.1), which everybody on the network can
/// read: it keeps apart those who were not meant to meet, and nobody else. RFC 3768 has
/// removed it; others still send it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Password([u8; 8]);

impl<'a> Terms<'a> {
    /// Of the virtual router with this identifier and these addresses.
    ///
    /// # Errors
    /// [`Rule::Version2Family`].
    pub fn new(
        vrid: Vrid,
        version: Version,
        addresses: &'a VirtualAddresses,
    ) -> Result<Self, Rule> {
        match (version, addresses.family()) {
            (Version::V2(_), Family::V6) => Err(Rule::Version2Family),
            _ => Ok(Self { vrid, version, addresses, password: None }),
        }
    }

    /// The same with a password.
    ///
    /// # Errors
    /// [`Rule::PasswordVersion`].
    pub fn with_password(self, password: Password) -> Result<Self, Rule> {
        match self.version {
            Version::V2(_) => Ok(Self { password: Some(password), ..self }),
            Version::V3(_) => Err(Rule::PasswordVersion),
        }
    }

    /// The identifier.
    pub const fn vrid(&self) -> Vrid {
        self.vrid
    }

    /// The version and interval.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// The addresses.
    pub const fn addresses(&self) -> &'a VirtualAddresses {
        self.addresses
    }

    /// The password, which only version 2 can have.
    pub const fn password(&self) -> Option<Password> {
        self.password
    }
}

impl Password {
    /// The password with these bytes; packets have zeros after them.
    ///
    /// # Errors
    /// [`Rule::Password`] for none and for more than 8.
    pub fn new(password: &[u8]) -> Result<Self, Rule> {
        let mut padded = [0; 8];
        match padded.get_mut(..password.len()) {
            Some(room) if !password.is_empty() => room.copy_from_slice(password),
            _ => return Err(Rule::Password { length: password.len() }),
        }
        Ok(Self(padded))
    }

    /// Its bytes, as in packets.
    pub const fn padded(self) -> [u8; 8] {
        self.0
    }
}

impl fmt::Debug for Password {
    /// Not the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Password(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vrrp::{Interval, Seconds};

    const V2: Version = Version::V2(Seconds::DEFAULT);
    const V3: Version = Version::V3(Interval::DEFAULT);

    fn of(address: &str) -> VirtualAddresses {
        VirtualAddresses::new([address.parse().unwrap()]).unwrap()
    }

    #[test]
    fn version_2_is_of_ipv4_only() {
        let vrid = Vrid::new(7).unwrap();
        assert_eq!(Terms::new(vrid, V2, &of("fe80::1")), Err(Rule::Version2Family));
        assert!(Terms::new(vrid, V3, &of("fe80::1")).is_ok());
        assert!(Terms::new(vrid, V2, &of("10.0.0.1")).is_ok());
    }

    #[test]
    fn only_version_2_has_a_password() {
        let (vrid, addresses) = (Vrid::new(7).unwrap(), of("10.0.0.1"));
        let password = Password::new(b"secret").unwrap();
        let v2 = Terms::new(vrid, V2, &addresses).unwrap().with_password(password).unwrap();
        assert_eq!(v2.password().map(Password::padded), Some(*b"secret\0\0"));
        let v3 = Terms::new(vrid, V3, &addresses).unwrap().with_password(password);
        assert_eq!(v3, Err(Rule::PasswordVersion));
    }

    #[test]
    fn a_password_has_one_to_eight_bytes_and_is_not_shown() {
        assert_eq!(Password::new(b""), Err(Rule::Password { length: 0 }));
        assert_eq!(Password::new(b"123456789"), Err(Rule::Password { length: 9 }));
        let password = Password::new(b"12345678").unwrap();
        assert_eq!(password.padded(), *b"12345678");
        assert!(!format!("{password:?}").contains('1'));
    }
}
