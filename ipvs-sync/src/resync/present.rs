//! Which connections a table has, in memory that does not grow with it.

use super::carry::carry;
use super::error::Error;
use super::shifted::Shifted;
use crate::peer::LeftOut;
use crate::proto::Connection;
use ipvs::connections::Reader;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::io::BufRead;
use std::net::IpAddr;

/// The connections of a table, by bits that each of them sets (a Bloom filter).
///
/// One that is not there is taken for one that is with a probability of 1 in 3 million for a
/// table of 100,000, and of 1 in 500 for one of a million. Each filter has other bits than
/// the one before, so that the same is not overlooked again.
pub(crate) struct Present {
    bits: Vec<u64>,
    hash: RandomState,
    /// The virtual addresses of which nobody knows the connections better.
    active: Vec<IpAddr>,
    shifted: Shifted,
}

/// How many connections are read until it is told that it goes on. The kernel may take a second
/// for so many, at the end of a table of a million.
pub(super) const SILENCE: usize = 256;

/// 2 MiB.
const WORDS: usize = 1 << 18;
const BITS_EACH: usize = 4;

impl Present {
    pub(super) fn new(active: &[IpAddr]) -> Self {
        let (hash, active, shifted) = (RandomState::new(), active.to_vec(), Shifted::here());
        Self { bits: vec![0; WORDS], hash, active, shifted }
    }

    /// Those of a table that can be told. Connections to the addresses that are active here
    /// count as present whatever their state and their destination, those whose sequence numbers
    /// may be shifted whatever their state.
    ///
    /// A long table is slow to read: `goes_on` is done again and again meanwhile.
    pub(crate) fn read<R: BufRead>(
        table: Reader<R>,
        active: &[IpAddr],
        mut goes_on: impl FnMut() -> Result<(), Error>,
    ) -> Result<Self, Error> {
        let mut present = Self::new(active);
        for (number, entry) in table.enumerate() {
            if number % SILENCE == SILENCE - 1 {
                goes_on()?;
            }
            match entry {
                Ok(entry) => {
                    if let Some(connection) = carry(&entry, &mut LeftOut::default()) {
                        present.add(&connection);
                    }
                }
                Err(error) if error.line().is_some_and(|(number, _)| number > 1) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(present)
    }

    pub(super) fn add(&mut self, connection: &Connection<'_>) {
        for (word, bit) in self.places(connection) {
            if let Some(word) = self.bits.get_mut(word) {
                *word |= bit;
            }
        }
    }

    pub(super) fn has(&self, connection: &Connection<'_>) -> bool {
        let is_set = |(word, bit)| self.bits.get(word).is_some_and(|word| word & bit != 0);
        self.places(connection).into_iter().all(is_set)
    }

    /// By all that a sync message can change but the timeout.
    fn places(&self, connection: &Connection<'_>) -> [(usize, u64); BITS_EACH] {
        let Connection { protocol, client, service, destination, state, .. } = *connection;
        let is_active = self.active.contains(&service.address);
        let destination = (!is_active).then_some(destination);
        let state = (!is_active && !self.shifted.may_be(connection)).then_some(state);
        let hash = self.hash.hash_one((
            (protocol, client, service, destination, state),
            (connection.is_template(), connection.engine_data),
        ));
        let (first, step) = (hash >> 32, hash & 0xffff_ffff | 1);
        std::array::from_fn(|index| {
            let place = first.wrapping_add(step.wrapping_mul(index as u64));
            let word = usize::try_from(place >> 6).unwrap_or(0) % WORDS;
            (word, 1 << (place & 63))
        })
    }
}

impl fmt::Debug for Present {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Present(…)")
    }
}
