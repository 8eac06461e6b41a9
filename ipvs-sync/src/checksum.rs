//! The checksum of the Internet's protocols.

/// The one's complement sum of 16-bit words (RFC 1071). Only the last piece may have an
/// odd length.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sum(u64);

impl Sum {
    /// The sum of these pieces.
    pub(crate) fn of(pieces: &[&[u8]]) -> Self {
        let mut sum = Self::default();
        pieces.iter().for_each(|piece| sum.add(piece));
        sum
    }

    pub(crate) fn add(&mut self, bytes: &[u8]) {
        let mut words = bytes.chunks_exact(2);
        for word in words.by_ref() {
            if let [high, low] = word {
                self.0 += u64::from(u16::from_be_bytes([*high, *low]));
            }
        }
        if let [high] = words.remainder() {
            self.0 += u64::from(*high) << 8;
        }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }

    /// Whether a checksum that is among what was added is right for the rest.
    pub(crate) fn is_right(self) -> bool {
        self.folded() == u16::MAX
    }

    /// The checksum that would be right instead of this, which was added.
    pub(crate) fn without(self, checksum: u16) -> u16 {
        !Self(self.0.saturating_sub(checksum.into())).folded()
    }

    pub(crate) fn folded(self) -> u16 {
        let mut sum = self.0;
        while let Some(carry) = sum.checked_shr(16).filter(|carry| *carry > 0) {
            sum = (sum & 0xffff) + carry;
        }
        u16::try_from(sum).unwrap_or(u16::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_that_of_rfc_1071() {
        let sum = |pieces: &[&[u8]]| Sum::of(pieces).folded();
        // The example of its §3.
        assert_eq!(sum(&[&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]]), 0xddf2);
        assert_eq!(sum(&[&[0x00, 0x01, 0xf2, 0x03], &[0xf4, 0xf5, 0xf6, 0xf7]]), 0xddf2);
        assert_eq!(sum(&[&[0xff, 0xff, 0x00, 0x01]]), 1);
        assert_eq!(sum(&[&[0x12]]), 0x1200);
        assert_eq!(sum(&[]), 0);
    }
}
