//! keepalived's `auth_hmac` (draft-cassen-vrrp-auth-hmac): a trailer by which a sender
//! proves that it has a key, and when it wrote the advertisement. Never panics; neither
//! signing nor verifying allocates.
//!
//! The trailer follows the message of either version, in network byte order:
//!
//! ```text
//!  0      type: 1, HMAC-SHA-256 of which the first 16 bytes are kept
//!  1      identifier of the key
//!  2, 3   0
//!  4 ...  sequence number: seconds since 1970 modulo 2^32 (4 bytes), fraction of a second
//!         in 2^-16 s (2 bytes), counter (2 bytes)
//! 12 ...  the HMAC, of: 4 or 6 for the IP version, version of VRRP, identifier of the
//!         virtual router, 0, source address and zeros to 16 bytes; the message with zeros
//!         for its checksum; the trailer with zeros for the HMAC
//! ```
//!
//! So the same signed packet goes to each unicast peer, with another checksum.

mod key;
mod replay;
#[cfg(test)]
mod tests;
mod trailer;

pub use key::Key;
pub use trailer::LENGTH;

use super::advertisement::Advertisement;
use super::receive::Accepted;
use super::rejected::Rejected;
use crate::vrrp::Rule;
use replay::{Senders, Sequence};
use std::net::IpAddr;
use std::time::Duration;
use trailer::Trailer;

/// How far a router is in the change to signed advertisements.
///
/// A trailer that is there must be right in each. To change without an advertisement
/// lost, every router of a virtual router goes through them, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// Signs nothing.
    ReceiveOnly,
    /// Signs, and accepts what is not signed.
    Permissive,
    /// Signs, and accepts only what is signed.
    Enforce,
}

/// The configuration, with the keys.
#[derive(Clone, Debug)]
pub struct Settings {
    mode: Mode,
    keys: Vec<Key>,
    window: u32,
}

/// Signs and verifies the advertisements of one virtual router.
///
/// `now` is always the time since 1970 by the clock of the wall, which the routers keep
/// the same within the window.
#[derive(Clone, Debug)]
pub struct Authenticator {
    settings: Settings,
    sent: Option<Sequence>,
    senders: Senders,
}

/// What a packet that was not rejected turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Authenticity {
    /// It was signed by one who has the key.
    Signed {
        /// The identifier of the key.
        key: u8,
        /// How many seconds the clock of the sender is behind this router's: near the
        /// window, its packets will soon be dropped.
        skew: i32,
    },
    /// It has no trailer: anybody may have sent it.
    Unsigned,
}

impl Settings {
    /// Signs with this key and verifies with it. A packet is fresh for three intervals,
    /// but 5 seconds at least and 300 at most.
    pub fn new(mode: Mode, key: Key, interval: Duration) -> Self {
        let seconds = interval.saturating_mul(3).as_millis().div_ceil(1_000);
        let window = u32::try_from(seconds).unwrap_or(u32::MAX).clamp(5, MAX_WINDOW);
        Self { mode, keys: vec![key], window }
    }

    /// The same, verifying with this key too: keys are changed by adding the new one
    /// everywhere, then signing with it everywhere, then removing the old one.
    ///
    /// # Errors
    /// [`Rule::DuplicateKey`].
    pub fn with_key(mut self, key: Key) -> Result<Self, Rule> {
        if self.key(key.id()).is_some() {
            return Err(Rule::DuplicateKey { id: key.id() });
        }
        self.keys.push(key);
        Ok(self)
    }

    /// The same with another window: a packet is fresh if the clock of its sender differs
    /// by no more seconds.
    ///
    /// # Errors
    /// [`Rule::Window`] for 0 and above 300.
    pub fn with_window(self, seconds: u32) -> Result<Self, Rule> {
        match seconds {
            1..=MAX_WINDOW => Ok(Self { window: seconds, ..self }),
            _ => Err(Rule::Window { seconds }),
        }
    }

    fn key(&self, id: u8) -> Option<&Key> {
        self.keys.iter().find(|key| key.id() == id)
    }
}

const MAX_WINDOW: u32 = 300;

impl Authenticator {
    /// One that has sent and heard nothing.
    pub fn new(settings: Settings) -> Self {
        Self { settings, sent: None, senders: Senders::default() }
    }

    /// Changes the configuration and keeps what was sent and heard.
    pub fn change(&mut self, settings: Settings) {
        self.settings = settings;
    }

    /// The trailer for an advertisement from this address; none in
    /// [`Mode::ReceiveOnly`]. Once for each advertisement, however many peers it goes to.
    pub fn sign(
        &mut self,
        advertisement: &Advertisement<'_>,
        source: IpAddr,
        now: Duration,
    ) -> Option<[u8; LENGTH]> {
        let key = self.settings.keys.first()?;
        if self.settings.mode == Mode::ReceiveOnly {
            return None;
        }
        let sequence = Sequence::after(self.sent, Sequence::at(now), self.settings.window);
        self.sent = Some(sequence);
        let head = trailer::head(key.id(), sequence);
        let (version, vrid) = (advertisement.terms.version(), advertisement.terms.vrid());
        let hmac = key.sign(|put| {
            trailer::sender(version.number(), vrid.number(), source, put);
            advertisement.pieces(0, &mut *put);
            put(&head);
        });
        Some(trailer::whole(head, hmac))
    }

    /// Verifies what [`receive`](super::receive) has accepted, and remembers it as heard.
    ///
    /// # Errors
    /// [`Rejected::Unsigned`], [`Rejected::TrailerLength`], [`Rejected::TrailerKind`],
    /// [`Rejected::TrailerReserved`], [`Rejected::Stale`], [`Rejected::UnknownKey`],
    /// [`Rejected::Forged`] and [`Rejected::Replayed`]. Nothing is remembered then.
    pub fn verify(
        &mut self,
        accepted: &Accepted<'_>,
        now: Duration,
    ) -> Result<Authenticity, Rejected> {
        let packet = &accepted.packet;
        let Some(trailer) = Trailer::new(packet.trailing())? else {
            let is_enough = self.settings.mode != Mode::Enforce;
            return if is_enough { Ok(Authenticity::Unsigned) } else { Err(Rejected::Unsigned) };
        };
        // First what costs least. That the time is not proven yet does not matter: it can
        // only have the packet dropped.
        let (now, window) = (Sequence::at(now), self.settings.window);
        let skew = now.seconds_since(trailer.sequence);
        if skew.unsigned_abs() > window {
            return Err(Rejected::Stale { skew, window });
        }
        let id = trailer.key;
        let key = self.settings.key(id).ok_or(Rejected::UnknownKey { id })?;
        let is_proven = key.proves(trailer.hmac, |put| {
            trailer::sender(packet.version(), packet.vrid(), accepted.source, put);
            trailer::message_without_checksum(packet, put);
            put(trailer.head);
        });
        if !is_proven {
            return Err(Rejected::Forged { id });
        }
        if !self.senders.hear(accepted.source, trailer.sequence, now, window) {
            return Err(Rejected::Replayed);
        }
        Ok(Authenticity::Signed { key: id, skew })
    }
}
