//! Authentication and encryption, without a socket.

use super::key::Key;
use super::refused::Refused;
use snow::{Builder, HandshakeState, TransportState};
use std::fmt;

/// One side of the encrypted stream.
///
/// It is Noise's pattern `NNpsk0`: both prove that they have the key, with fresh keys for
/// each stream, so that what is recorded can neither be read later nor be replayed. A frame
/// is two bytes of length and that many bytes, of which 16 are the checksum of the others
/// and of their place in the stream.
pub struct Channel(Noise);

enum Noise {
    Handshake(Box<HandshakeState>),
    Transport(Box<TransportState>),
    /// The stream is over.
    Closed,
}

/// The longest message in bytes, as it is before encryption.
pub const LONGEST: usize = 9_216;

/// The length of a checksum in bytes.
const TAG: usize = 16;
/// The length of both first frames: a fresh public key and a checksum.
const HANDSHAKE: usize = 32 + TAG;

const PATTERN: &str = "Noise_NNpsk0_25519_ChaChaPoly_BLAKE2s";
/// What both must mean by it.
const PROLOGUE: &[u8] = b"ipvs-sync peer 1";

impl Channel {
    /// That of the director that asks, which speaks first.
    pub fn asking(key: &Key) -> Self {
        Self::new(key, |builder| builder.build_initiator())
    }

    /// That of the director that answers.
    pub fn answering(key: &Key) -> Self {
        Self::new(key, |builder| builder.build_responder())
    }

    fn new(
        key: &Key,
        build: impl FnOnce(Builder<'_>) -> Result<HandshakeState, snow::Error>,
    ) -> Self {
        let state = PATTERN.parse().and_then(|pattern| {
            build(Builder::new(pattern).psk(0, key.bytes())?.prologue(PROLOGUE)?)
        });
        // Nothing in it depends on what comes from outside.
        Self(state.map_or(Noise::Closed, |state| Noise::Handshake(Box::new(state))))
    }

    /// How long a frame is that has these two bytes before it.
    ///
    /// # Errors
    /// [`Refused::Frame`], if none of that length is due.
    pub fn length(&self, header: [u8; 2]) -> Result<usize, Refused> {
        let length = usize::from(u16::from_be_bytes(header));
        let max = match self.0 {
            Noise::Handshake(_) => HANDSHAKE,
            Noise::Transport(_) => LONGEST + TAG,
            Noise::Closed => 0,
        };
        if length > max { Err(Refused::Frame { length, max }) } else { Ok(length) }
    }

    /// Writes the first frame of this side in the place of what is there, with the bytes of
    /// its length.
    ///
    /// # Errors
    /// [`Refused::Order`], if it is not due.
    pub fn greet(&mut self, out: &mut Vec<u8>) -> Result<(), Refused> {
        let Noise::Handshake(state) = &mut self.0 else { return Err(Refused::Order) };
        into_frame(out, HANDSHAKE, |out| state.write_message(&[], out))?;
        self.finish();
        Ok(())
    }

    /// Reads the first frame of the other side.
    ///
    /// # Errors
    /// [`Refused::Key`], or [`Refused::Order`] if it is not due.
    pub fn greeted(&mut self, frame: &[u8]) -> Result<(), Refused> {
        let Noise::Handshake(state) = &mut self.0 else { return Err(Refused::Order) };
        if state.read_message(frame, &mut [0; HANDSHAKE]).is_err() {
            self.0 = Noise::Closed;
            return Err(Refused::Key);
        }
        self.finish();
        Ok(())
    }

    /// Writes a message as a frame in the place of what is there, with the bytes of its
    /// length. It is at most [`LONGEST`].
    ///
    /// # Errors
    /// [`Refused::Order`], if no message is due.
    pub fn seal(&mut self, message: &[u8], out: &mut Vec<u8>) -> Result<(), Refused> {
        let Noise::Transport(state) = &mut self.0 else { return Err(Refused::Order) };
        into_frame(out, message.len() + TAG, |out| state.write_message(message, out))
    }

    /// Reads a frame, and writes its message in the place of what is there.
    ///
    /// # Errors
    /// [`Refused::Forged`], or [`Refused::Order`] if no message is due. Nothing can be read
    /// or written after that.
    pub fn open(&mut self, frame: &[u8], message: &mut Vec<u8>) -> Result<(), Refused> {
        let Noise::Transport(state) = &mut self.0 else { return Err(Refused::Order) };
        message.resize(LONGEST + TAG, 0);
        let Ok(length) = state.read_message(frame, message) else {
            self.0 = Noise::Closed;
            message.clear();
            return Err(Refused::Forged);
        };
        message.truncate(length);
        Ok(())
    }

    /// Goes on to messages if both have spoken.
    fn finish(&mut self) {
        self.0 = match std::mem::replace(&mut self.0, Noise::Closed) {
            Noise::Handshake(state) if state.is_handshake_finished() => {
                let state = state.into_transport_mode();
                state.map_or(Noise::Closed, |state| Noise::Transport(Box::new(state)))
            }
            other => other,
        };
    }
}

/// A frame of this length, and the bytes of its length before it.
fn into_frame(
    out: &mut Vec<u8>,
    length: usize,
    write: impl FnOnce(&mut [u8]) -> Result<usize, snow::Error>,
) -> Result<(), Refused> {
    let too_long = Refused::Length { length };
    out.clear();
    out.extend(u16::try_from(length).map_err(|_| too_long)?.to_be_bytes());
    out.resize(2 + length, 0);
    match write(out.get_mut(2..).unwrap_or_default()) {
        Ok(written) if written == length => Ok(()),
        Ok(_) => Err(too_long),
        Err(_) => Err(Refused::Order),
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Channel(…)")
    }
}
