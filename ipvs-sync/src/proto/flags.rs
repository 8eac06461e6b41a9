//! The flags of a connection.

use std::fmt;
use std::ops::BitOr;

/// What the kernel knows of a connection besides its state (`IP_VS_CONN_F_*`). Bits that
/// this crate does not know are kept.
///
/// The low three bits are no flags but a number, how packets are forwarded. A backup whose
/// table has the destination takes that of the destination instead (`ip_vs_conn.c:
/// ip_vs_bind_dest`).
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flags(u32);

impl Flags {
    /// Forwarding by network address translation.
    pub const MASQUERADE: Self = Self(0);
    /// Forwarding to the director itself.
    pub const LOCAL: Self = Self(1);
    /// Forwarding by a tunnel.
    pub const TUNNEL: Self = Self(2);
    /// Forwarding by direct routing.
    pub const DIRECT_ROUTE: Self = Self(3);
    /// Forwarding past the balancer.
    pub const BYPASS: Self = Self(4);
    /// Made by a sync message. A backup sets it.
    pub const SYNC: Self = Self(0x0020);
    /// In the connection table; no message has it.
    pub const HASHED: Self = Self(0x0040);
    /// Replies do not pass the director.
    pub const NO_OUTPUT: Self = Self(0x0080);
    /// Not established: counted as inactive.
    pub const INACTIVE: Self = Self(0x0100);
    /// The sequence numbers of replies are shifted.
    pub const OUT_SEQUENCE: Self = Self(0x0200);
    /// The sequence numbers of requests are shifted.
    pub const IN_SEQUENCE: Self = Self(0x0400);
    /// The client's port is not known yet.
    pub const NO_CLIENT_PORT: Self = Self(0x0800);
    /// No connection, but what the kernel keeps to send a client's next ones to the same
    /// destination.
    pub const TEMPLATE: Self = Self(0x1000);
    /// Of a service whose every packet is scheduled on its own.
    pub const ONE_PACKET: Self = Self(0x2000);

    const METHOD: u32 = 0x0007;

    /// The flags with these bits.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// The bits.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether all flags of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Only how packets are forwarded: [`Flags::MASQUERADE`] to [`Flags::BYPASS`], or a
    /// number that this crate does not know.
    pub const fn method(self) -> Self {
        Self(self.0 & Self::METHOD)
    }

    /// Whether sequence numbers are shifted in one of the directions. In version 0 the
    /// record is longer by that.
    pub const fn has_sequences(self) -> bool {
        self.0 & (Self::OUT_SEQUENCE.0 | Self::IN_SEQUENCE.0) != 0
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Flags({self})")
    }
}

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#06x}", self.0)
    }
}
