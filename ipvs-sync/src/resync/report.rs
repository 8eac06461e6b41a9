//! What came of a transfer.

use crate::peer::LeftOut;
use std::fmt;

/// What came of a transfer. It displays as `synced 4990 of 5000 connections`, and what
/// became of the others.
///
/// What no transfer carries and is not counted: the firewall mark of a connection, where more
/// than one mark leads to its destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Report {
    /// How many connections and templates the active director's table has.
    pub total: u64,
    /// How many of them this director's table has too, in the same state.
    pub synced: u64,
    /// How many have no service or destination here and were not taken. Those of a firewall
    /// mark are among them, if more than one leads to their destination.
    pub without_destination: u64,
    /// How many of FTP were missing here and were given to the backup daemon. How far their
    /// sequence numbers are shifted is not known, so that they stall if they are.
    pub unshifted: u64,
    /// How many the active director could not tell.
    pub left_out: LeftOut,
    /// How often the table was read by the active director.
    pub passes: u32,
}

/// How far a transfer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Progress {
    /// How many connections of its table the active director has read.
    pub read: u64,
    /// How many connections were given to the backup daemon.
    pub given: u64,
    /// Which time the table is read: 1 for the first.
    pub pass: u32,
}

impl Report {
    /// Whether each connection that can be carried is there.
    pub fn is_complete(&self) -> bool {
        self.missing() == 0
    }

    /// How many were given to the backup daemon and are not there, or in another state:
    /// those that have come or changed since are among them, and those of a persistence
    /// engine that is not loaded.
    pub fn missing(&self) -> u64 {
        let others = self.without_destination.saturating_add(self.left_out.total());
        self.total.saturating_sub(self.synced).saturating_sub(others)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "synced {} of {} connections", self.synced, self.total)?;
        let LeftOut { unreadable, mixed_families, unknown } = self.left_out;
        for (count, what) in [
            (self.without_destination, "without a destination here"),
            (mixed_families, "to another address family"),
            (unknown, "in a state without a number"),
            (unreadable, "that cannot be read"),
            (self.missing(), "missing"),
            (self.unshifted, "of FTP whose sequence numbers are not known"),
        ] {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        Ok(())
    }
}
