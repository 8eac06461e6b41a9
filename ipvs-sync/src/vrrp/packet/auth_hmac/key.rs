//! A key, and the HMAC by it.

use crate::vrrp::Rule;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::fmt;

/// A secret that the routers of a virtual router share, with the number by which trailers
/// name it. It is overwritten when it is dropped.
#[derive(Clone)]
pub struct Key {
    id: u8,
    hmac: Hmac<Sha256>,
}

/// The length of the HMAC in a trailer, in bytes.
pub(super) const HMAC_LEN: usize = 16;

impl Key {
    /// The key with this identifier, 1 to 255, and this secret of 32 to 64 bytes, which
    /// are best random.
    ///
    /// # Errors
    /// [`Rule::KeyId`] and [`Rule::KeyLength`].
    pub fn new(id: u8, secret: &[u8]) -> Result<Self, Rule> {
        let length = secret.len();
        if id == 0 {
            return Err(Rule::KeyId);
        }
        if !(32..=64).contains(&length) {
            return Err(Rule::KeyLength { length });
        }
        // It takes keys of any length.
        let hmac = Hmac::new_from_slice(secret).map_err(|_| Rule::KeyLength { length })?;
        Ok(Self { id, hmac })
    }

    /// Its identifier.
    pub const fn id(&self) -> u8 {
        self.id
    }

    /// The HMAC of what `pieces` puts, and of the zeros in the place of the HMAC.
    pub(super) fn sign(&self, pieces: impl FnOnce(&mut dyn FnMut(&[u8]))) -> [u8; HMAC_LEN] {
        let whole: [u8; 32] = self.over(pieces).finalize().into_bytes().into();
        whole.first_chunk().copied().unwrap_or_default()
    }

    /// Whether this is the HMAC, compared in constant time.
    pub(super) fn proves(
        &self,
        hmac: &[u8; HMAC_LEN],
        pieces: impl FnOnce(&mut dyn FnMut(&[u8])),
    ) -> bool {
        self.over(pieces).verify_truncated_left(hmac).is_ok()
    }

    fn over(&self, pieces: impl FnOnce(&mut dyn FnMut(&[u8]))) -> Hmac<Sha256> {
        let mut hmac = self.hmac.clone();
        pieces(&mut |piece| hmac.update(piece));
        hmac.update(&[0; HMAC_LEN]);
        hmac
    }
}

impl fmt::Debug for Key {
    /// Its identifier only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({}, …)", self.id)
    }
}
