//! Writing an advertisement. Allocates only by growing the caller's buffer.

use super::carrier::Ends;
use super::checksum::{Coverage, pseudo_header};
use super::terms::{Password, Terms};
use crate::checksum::Sum;
use crate::vrrp::{Family, Version};
use std::fmt;
use std::net::IpAddr;

/// An advertisement to be sent.
///
/// ```
/// use ipvs_sync::vrrp::packet::{Advertisement, Coverage, Ends, GROUP_V4, Terms};
/// use ipvs_sync::vrrp::{Interval, Version, VirtualAddresses, Vrid};
///
/// let addresses = VirtualAddresses::new([[192, 0, 2, 100].into()])?;
/// let version = Version::V3(Interval::DEFAULT);
/// let terms = Terms::new(Vrid::new(51)?, version, &addresses)?;
/// let ends = Ends::V4 { source: [192, 0, 2, 1].into(), destination: GROUP_V4 };
///
/// let mut bytes = Vec::new();
/// Advertisement::new(terms, 200).encode(ends, Coverage::Message, &mut bytes)?;
/// assert_eq!(bytes, [0x31, 51, 200, 1, 0, 100, 0x44, 0x02, 192, 0, 2, 100]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Advertisement<'a> {
    /// Of which virtual router.
    pub terms: Terms<'a>,
    /// The sender's priority: 0 if it resigns, 255 if it owns the addresses.
    pub priority: u8,
    /// What follows the message: nothing, or what
    /// `auth_hmac::Authenticator::sign` made for it.
    pub trailer: &'a [u8],
}

/// Why an advertisement cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeError {
    /// It is longer than the slice.
    TooLong {
        /// Its length in bytes.
        length: usize,
        /// That of the slice.
        room: usize,
    },
    /// The virtual addresses are of another family than what is to carry them (RFC 9568
    /// §5.2.9).
    Family {
        /// That of the addresses.
        addresses: Family,
        /// Where it is to go.
        ends: Ends,
    },
}

impl<'a> Advertisement<'a> {
    /// One without a trailer.
    pub const fn new(terms: Terms<'a>, priority: u8) -> Self {
        Self { terms, priority, trailer: &[] }
    }

    /// How many bytes it takes, its trailer included.
    pub fn length(&self) -> usize {
        self.message_length() + self.trailer.len()
    }

    /// Appends it to `out`. Only the checksum of version 3 over IPv4 depends on
    /// `coverage`.
    ///
    /// # Errors
    /// [`EncodeError::Family`]; `out` is then as it was.
    pub fn encode(
        &self,
        ends: Ends,
        coverage: Coverage,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let start = out.len();
        out.resize(start + self.length(), 0);
        let result = self.encode_into(ends, coverage, out.get_mut(start..).unwrap_or_default());
        if result.is_err() {
            out.truncate(start);
        }
        result.map(drop)
    }

    /// Writes it to the beginning of `out` and returns how many bytes it took.
    ///
    /// # Errors
    /// [`EncodeError`]; `out` is then as it was.
    pub fn encode_into(
        &self,
        ends: Ends,
        coverage: Coverage,
        out: &mut [u8],
    ) -> Result<usize, EncodeError> {
        let (length, room) = (self.length(), out.len());
        let addresses = self.terms.addresses().family();
        if addresses != ends.family() {
            return Err(EncodeError::Family { addresses, ends });
        }
        let mut rest = out.get_mut(..length).ok_or(EncodeError::TooLong { length, room })?;
        let checksum = self.checksum(ends, coverage);
        let mut put = |piece: &[u8]| {
            let whole = std::mem::take(&mut rest);
            if let Some((place, after)) = whole.split_at_mut_checked(piece.len()) {
                place.copy_from_slice(piece);
                rest = after;
            }
        };
        self.pieces(checksum, &mut put);
        put(self.trailer);
        Ok(length)
    }

    /// The message piece by piece, each of an even length: what counts its bytes, sums
    /// them and writes them.
    pub(super) fn pieces(&self, checksum: u16, mut put: impl FnMut(&[u8])) {
        let terms = &self.terms;
        let password = terms.password();
        let count = u8::try_from(terms.addresses().count()).unwrap_or(u8::MAX);
        put(&[terms.version().number() << 4 | ADVERTISEMENT, terms.vrid().number()]);
        put(&[self.priority, count]);
        match terms.version() {
            Version::V2(seconds) => put(&[u8::from(password.is_some()), seconds.number()]),
            Version::V3(interval) => put(&interval.centis().to_be_bytes()),
        }
        put(&checksum.to_be_bytes());
        for address in terms.addresses().iter() {
            match address {
                IpAddr::V4(address) => put(&address.octets()),
                IpAddr::V6(address) => put(&address.octets()),
            }
        }
        if let Version::V2(_) = terms.version() {
            put(&password.map_or([0; 8], Password::padded));
        }
    }

    fn message_length(&self) -> usize {
        let mut length = 0;
        self.pieces(0, |piece| length += piece.len());
        length
    }

    fn checksum(&self, ends: Ends, coverage: Coverage) -> u16 {
        let mut sum = match (self.terms.version(), ends) {
            (Version::V2(_), _) => Sum::default(),
            (Version::V3(_), Ends::V4 { .. }) => coverage.before(ends, self.message_length()),
            (Version::V3(_), Ends::V6 { .. }) => {
                let mut sum = pseudo_header(ends, self.length());
                sum.add(self.trailer);
                sum
            }
        };
        self.pieces(0, |piece| sum.add(piece));
        !sum.folded()
    }
}

/// The type of an advertisement, of which there is no other (RFC 9568 §5.2.2).
pub(super) const ADVERTISEMENT: u8 = 1;

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { length, room } => {
                write!(f, "advertisement of {length} bytes where {room} fit")
            }
            Self::Family { addresses, ends } => {
                write!(f, "virtual addresses of {addresses} cannot be advertised from {ends}")
            }
        }
    }
}

impl std::error::Error for EncodeError {}
