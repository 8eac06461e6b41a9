//! A network: who hears whom, how late, and how surely.

use fastrand::Rng;
use std::time::Duration;

/// How a network carries packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Wire {
    /// How long a packet takes at least.
    pub least: Duration,
    /// How long a packet takes at most. Those that take longer are overtaken.
    pub most: Duration,
    /// How many of a million packets are lost, for each receiver.
    pub lost: u32,
    /// How many of a million packets come twice, for each receiver.
    pub doubled: u32,
}

#[derive(Clone, Debug)]
pub(super) struct Network {
    pub(super) wire: Wire,
    /// The hosts on it.
    pub(super) hosts: Vec<usize>,
    /// From whom to whom nothing comes.
    pub(super) cuts: Vec<(usize, usize)>,
    /// From whom to whom no advertisement comes.
    pub(super) filters: Vec<(usize, usize)>,
}

impl Wire {
    /// Nothing is lost, and a packet takes a tenth of a millisecond.
    pub const GOOD: Self = Self {
        least: Duration::from_micros(100),
        most: Duration::from_micros(100),
        lost: 0,
        doubled: 0,
    };

    /// How long after a packet was sent it comes, and perhaps comes again.
    pub(super) fn carry(&self, rng: &mut Rng) -> [Option<Duration>; 2] {
        if happens(rng, self.lost) {
            return [None, None];
        }
        let first = Some(self.delay(rng));
        [first, happens(rng, self.doubled).then(|| self.delay(rng))]
    }

    fn delay(&self, rng: &mut Rng) -> Duration {
        between(rng, self.least, self.most)
    }
}

impl Network {
    pub(super) fn new(wire: Wire) -> Self {
        Self { wire, hosts: Vec::new(), cuts: Vec::new(), filters: Vec::new() }
    }

    /// Whether advertisements come there.
    pub(super) fn carries(&self, from: usize, to: usize) -> bool {
        self.joins(from, to) && !self.filters.contains(&(from, to))
    }

    /// Whether all else comes there.
    pub(super) fn joins(&self, from: usize, to: usize) -> bool {
        from != to && !self.cuts.contains(&(from, to))
    }
}

/// Any duration from `least` to `most`, in microseconds.
pub(super) fn between(rng: &mut Rng, least: Duration, most: Duration) -> Duration {
    let micros = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    let (least, most) = (micros(least), micros(most));
    Duration::from_micros(if least < most { rng.u64(least..=most) } else { least })
}

/// So many times in a million.
fn happens(rng: &mut Rng, millionths: u32) -> bool {
    millionths > 0 && rng.u32(0..1_000_000) < millionths
}
