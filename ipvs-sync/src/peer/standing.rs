//! What a virtual router is on one director.

use super::message::{read_address, written_address};
use super::refused::Refused;
use crate::vrrp::Time;
use crate::vrrp::router::State;
use std::net::IpAddr;

/// What a virtual router is on one director. It is written as its address (16 bytes, one of
/// IPv4 mapped into IPv6), its state (0 stopped, 1 fault, 2 backup, 3 active), whether it is
/// ready (0 or 1), and when it was activated (8 bytes, microseconds in network byte order; 0 if
/// it was not).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Standing {
    /// Its first virtual address, which is the same on each director.
    pub address: IpAddr,
    /// Its state.
    pub state: State,
    /// Whether the connections are there.
    pub is_ready: bool,
    /// When it became active last, by that director's clock; `None` if it has not since that
    /// knows of it. Who sees another time than before knows that it was active meanwhile.
    pub activated: Option<Time>,
}

const LENGTH: usize = 26;

impl Standing {
    /// Reads all of an answer.
    ///
    /// # Errors
    /// [`Refused::Length`] and [`Refused::Standing`].
    pub fn read_all(bytes: &[u8]) -> Result<Vec<Self>, Refused> {
        let (all, rest) = (bytes.chunks_exact(LENGTH), bytes.len() % LENGTH);
        if rest != 0 {
            return Err(Refused::Length { length: bytes.len() });
        }
        all.map(Self::read).collect()
    }

    fn read(bytes: &[u8]) -> Result<Self, Refused> {
        let wrong = Refused::Length { length: bytes.len() };
        let (octets, rest) = bytes.split_first_chunk().ok_or(wrong)?;
        let ([state, is_ready], rest) = rest.split_first_chunk().ok_or(wrong)?;
        let micros = rest.try_into().map(u64::from_be_bytes).map_err(|_| wrong)?;
        let state = match *state {
            0 => State::Stopped,
            1 => State::Fault,
            2 => State::Backup,
            3 => State::Active,
            state => return Err(Refused::Standing { state }),
        };
        Ok(Self {
            address: read_address(*octets),
            state,
            is_ready: *is_ready != 0,
            activated: (micros > 0).then_some(Time::from_micros(micros)),
        })
    }

    /// Writes it behind what is there.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend(written_address(self.address));
        out.push(match self.state {
            State::Stopped => 0,
            State::Fault => 1,
            State::Backup => 2,
            State::Active => 3,
        });
        out.push(self.is_ready.into());
        out.extend(self.activated.map_or(0, Time::micros).to_be_bytes());
    }
}
