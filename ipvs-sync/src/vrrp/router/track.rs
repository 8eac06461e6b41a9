//! What a router's rank depends on besides its configuration.

use std::fmt;

/// Conditions of which each, while it fails, lowers a router's priority or puts it at
/// fault: interfaces, processes, anything that the user can say to be well or not.
///
/// What it says goes to the router by [`Event::Health`](super::Event::Health). Until a
/// condition is first told it counts as well.
///
/// ```
/// use ipvs_sync::vrrp::router::{Effect, Health, Tracks};
///
/// let mut tracks = Tracks::new([("eth1", Effect::Fault), ("ldirectord", Effect::Lower(50))])?;
/// assert_eq!(tracks.tell("ldirectord", false)?, Health::Well { lower: 50 });
/// assert_eq!(tracks.tell("eth1", false)?, Health::Fault { track: "eth1".into() });
/// # Ok::<(), ipvs_sync::vrrp::router::TrackError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tracks(Vec<Track>);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Track {
    name: String,
    effect: Effect,
    is_well: bool,
}

/// What a condition does while it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// The router is at fault: it cannot be active.
    Fault,
    /// The priority is so much lower, but never below 1. An owner's stays: whether an
    /// owner is better than the others is no question of degree.
    Lower(u8),
}

/// What the conditions come to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Health {
    /// It can be active.
    Well {
        /// By how much the priority is lower than configured.
        lower: u8,
    },
    /// It cannot be active.
    Fault {
        /// The first condition that forbids it.
        track: String,
    },
}

/// What is wrong with a condition's name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrackError {
    /// There are two of that name.
    Twice {
        /// The name.
        name: String,
    },
    /// There is none of that name.
    Unknown {
        /// The name.
        name: String,
    },
}

impl Tracks {
    /// These conditions, all well.
    ///
    /// # Errors
    /// [`TrackError::Twice`].
    pub fn new<N: Into<String>>(
        tracks: impl IntoIterator<Item = (N, Effect)>,
    ) -> Result<Self, TrackError> {
        let mut all = Self::default();
        for (name, effect) in tracks {
            let name = name.into();
            if all.0.iter().any(|track| track.name == name) {
                return Err(TrackError::Twice { name });
            }
            all.0.push(Track { name, effect, is_well: true });
        }
        Ok(all)
    }

    /// The same, but those that were there before are as well as they were.
    #[must_use]
    pub fn going_on_from(mut self, before: &Self) -> Self {
        for track in &mut self.0 {
            let known = before.0.iter().find(|known| known.name == track.name);
            track.is_well = known.map_or(track.is_well, |known| known.is_well);
        }
        self
    }

    /// A condition is well or not. Returns what all come to then.
    ///
    /// # Errors
    /// [`TrackError::Unknown`].
    pub fn tell(&mut self, name: &str, is_well: bool) -> Result<Health, TrackError> {
        let Some(track) = self.0.iter_mut().find(|track| track.name == name) else {
            return Err(TrackError::Unknown { name: name.to_owned() });
        };
        track.is_well = is_well;
        Ok(self.health())
    }

    /// What they come to.
    pub fn health(&self) -> Health {
        let mut lower = 0u8;
        for track in self.0.iter().filter(|track| !track.is_well) {
            match track.effect {
                Effect::Fault => return Health::Fault { track: track.name.clone() },
                Effect::Lower(by) => lower = lower.saturating_add(by),
            }
        }
        Health::Well { lower }
    }
}

impl Default for Health {
    fn default() -> Self {
        Self::Well { lower: 0 }
    }
}

impl fmt::Display for TrackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Twice { name } => write!(f, "{name} is tracked twice"),
            Self::Unknown { name } => write!(f, "{name} is not tracked"),
        }
    }
}

impl std::error::Error for TrackError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_lowers_together_and_a_fault_is_above_all() {
        let tracks = [("a", Effect::Lower(200)), ("b", Effect::Lower(100)), ("c", Effect::Fault)];
        let mut tracks = Tracks::new(tracks).unwrap();
        assert_eq!(tracks.health(), Health::default());
        assert_eq!(tracks.tell("a", false), Ok(Health::Well { lower: 200 }));
        assert_eq!(tracks.tell("b", false), Ok(Health::Well { lower: 255 }));
        assert_eq!(tracks.tell("c", false), Ok(Health::Fault { track: "c".to_owned() }));
        assert_eq!(tracks.tell("a", true), Ok(Health::Fault { track: "c".to_owned() }));
        assert_eq!(tracks.tell("c", true), Ok(Health::Well { lower: 100 }));
    }

    #[test]
    fn what_failed_before_a_change_fails_after_it() {
        let mut before = Tracks::new([("a", Effect::Lower(50)), ("b", Effect::Fault)]).unwrap();
        before.tell("a", false).unwrap();
        let after = Tracks::new([("c", Effect::Fault), ("a", Effect::Lower(70))]).unwrap();
        assert_eq!(after.going_on_from(&before).health(), Health::Well { lower: 70 });
    }

    #[test]
    fn a_name_is_known_and_there_once() {
        let twice = Tracks::new([("a", Effect::Fault), ("a", Effect::Lower(1))]);
        assert_eq!(twice, Err(TrackError::Twice { name: "a".to_owned() }));
        let unknown = Tracks::default().tell("a", true);
        assert_eq!(unknown, Err(TrackError::Unknown { name: "a".to_owned() }));
    }
}
