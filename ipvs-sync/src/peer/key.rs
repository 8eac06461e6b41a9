//! The key that the directors share.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

/// A secret of 32 bytes that the directors share: who has it may read the connection table
/// of one, fill that of the other, and have its virtual routers take over.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; LENGTH]);

/// Why a file is not taken as that of a key.
#[derive(Debug)]
#[non_exhaustive]
pub enum KeyError {
    /// It cannot be read.
    Read(io::Error),
    /// It is no regular file.
    NotAFile,
    /// It belongs to neither this user nor root.
    Owner {
        /// The user that it belongs to.
        user: u32,
    },
    /// Others than its owner may read or write it.
    Mode {
        /// The mode.
        mode: u32,
    },
    /// It is not 64 hexadecimal digits, with at most a newline behind them.
    Form,
}

const LENGTH: usize = 32;

impl Key {
    /// The key with these bytes, which are best random.
    pub const fn new(bytes: [u8; LENGTH]) -> Self {
        Self(bytes)
    }

    /// Reads a key from a file of 64 hexadecimal digits, as
    /// `umask 077; openssl rand -hex 32 > key` makes it. Only its owner may have access to
    /// the file, which is this user or root.
    ///
    /// # Errors
    /// [`KeyError`]: the rule that the file breaks.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        // Opening a pipe waits for its other end otherwise.
        let file = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path);
        let file = file.map_err(KeyError::Read)?;
        // Of the file that is read, whatever becomes of the path.
        let found = file.metadata().map_err(KeyError::Read)?;
        if !found.is_file() {
            return Err(KeyError::NotAFile);
        }
        let user = found.uid();
        if user != 0 && user != nix::unistd::geteuid().as_raw() {
            return Err(KeyError::Owner { user });
        }
        let mode = found.mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(KeyError::Mode { mode });
        }
        let mut text = Vec::with_capacity(2 * LENGTH + 2);
        file.take(2 * LENGTH as u64 + 2).read_to_end(&mut text).map_err(KeyError::Read)?;
        Self::from_hex(text.strip_suffix(b"\n").unwrap_or(&text)).ok_or(KeyError::Form)
    }

    fn from_hex(text: &[u8]) -> Option<Self> {
        if text.len() != 2 * LENGTH {
            return None;
        }
        let mut bytes = [0; LENGTH];
        for (byte, digits) in bytes.iter_mut().zip(text.chunks_exact(2)) {
            for digit in digits {
                let digit = u8::try_from(char::from(*digit).to_digit(16)?).ok()?;
                *byte = *byte << 4 | digit;
            }
        }
        Some(Self(bytes))
    }

    pub(super) const fn bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("key file: ")?;
        match self {
            Self::Read(error) => error.fmt(f),
            Self::NotAFile => f.write_str("it is no regular file"),
            Self::Owner { user } => {
                write!(f, "it belongs to user {user}: it must be this one's or root's")
            }
            Self::Mode { mode } => {
                write!(f, "its mode is {mode:04o}: only its owner may have access (0600 or 0400)")
            }
            Self::Form => f.write_str("it must have 64 hexadecimal digits and nothing else"),
        }
    }
}

impl std::error::Error for KeyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read(error) => Some(error),
            _ => None,
        }
    }
}
