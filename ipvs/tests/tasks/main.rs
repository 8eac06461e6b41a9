//! Drains and ramps in virtual time, and what carries them out over a kernel of
//! a few lines.

#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

mod drain;
mod kernel;
mod properties;
mod ramp;
mod run;

use ipvs::{Connections, Destination, DestinationEntry, ServiceKey, Stats, Weight};
use std::time::{Duration, Instant};

/// So many seconds after some start.
#[derive(Clone, Copy, Debug)]
struct Clock(Instant);

impl Clock {
    fn new() -> Self {
        Self(Instant::now())
    }

    fn at(self, seconds: u64) -> Instant {
        self.0 + Duration::from_secs(seconds)
    }

    fn at_millis(self, millis: u64) -> Instant {
        self.0 + Duration::from_millis(millis)
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn weight(weight: u16) -> Weight {
    Weight::from(weight)
}

fn connections(active: u32, inactive: u32, persistent: u32) -> Connections {
    Connections { active, inactive, persistent }
}

fn key(text: &str) -> ServiceKey {
    text.parse().expect("a key")
}

/// A destination as it was read.
fn entry(weight: u16, connections: Connections) -> DestinationEntry {
    let destination = Destination::new("192.168.0.1:80".parse().expect("an endpoint"));
    DestinationEntry {
        destination: destination.with_weight(Weight::from(weight)),
        connections,
        stats: Stats::default(),
    }
}
