//! A table as the lines that `ipvsadm -S` prints and `ipvsadm -R` takes.

mod options;
mod read;
mod write;

use super::{Table, TableError};

impl Table {
    /// Reads lines as `ipvsadm -Sn` prints them or people write them.
    ///
    /// The commands are `-A` (`--add-service`), `-a` (`--add-server`) and `--set`
    /// with three timeouts, of which 0 leaves one as it is; all options of
    /// `ipvsadm` 1.31 are read, thresholds (`-x`, `-y`) included. A line may
    /// start with the word `ipvsadm`; empty lines and lines that start with `#`
    /// say nothing. What is left out is what `ipvsadm` would take: `wlc`, 360 s
    /// after a bare `-p`, direct routing, weight 1, and for a server without a
    /// port the service's.
    ///
    /// Addresses are numbers. Where `ipvsadm` would drop something without a
    /// word, it is an error: the port of a server by direct routing that is not
    /// the service's, `-M` and `--pe` without `-p`.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, with its line and column.
    pub fn from_ipvsadm(text: &str) -> Result<Self, TableError> {
        read::table(text)
    }

    /// The lines that make this table with `ipvsadm -R`: those that
    /// `ipvsadm -Sn` prints of it, with `-x` and `-y` where a destination has
    /// thresholds, after a `--set` where timeouts are wanted. Names are not
    /// written: the kernel has none.
    ///
    /// # Errors
    ///
    /// What `ipvsadm` has no words for: forwarding by `local` and `bypass`, a
    /// port other than the service's without masquerading, timeouts above
    /// 2,678,400 s, and flags, names and methods that this crate does not know.
    pub fn to_ipvsadm(&self) -> Result<String, TableError> {
        self.verified(write::table(self)?, Self::from_ipvsadm)
    }
}

/// What a bare `-p` means.
const DEFAULT_PERSISTENCE: u32 = 360;
/// The longest timeouts that it takes, in seconds.
const MAX_PERSISTENCE: u32 = 2_678_400;
const MAX_TIMEOUT: u32 = 2_678_400;

const SERVICE_OPTIONS: [&str; 11] = [
    "tcp-service",
    "udp-service",
    "sctp-service",
    "fwmark-service",
    "ipv6",
    "scheduler",
    "persistent",
    "netmask",
    "pe",
    "ops",
    "sched-flags",
];
const DESTINATION_OPTIONS: [&str; 17] = [
    "tcp-service",
    "udp-service",
    "sctp-service",
    "fwmark-service",
    "ipv6",
    "real-server",
    "gatewaying",
    "ipip",
    "masquerading",
    "weight",
    "u-threshold",
    "l-threshold",
    "tun-type",
    "tun-port",
    "tun-nocsum",
    "tun-csum",
    "tun-remcsum",
];
const TUNNEL_OPTIONS: [&str; 5] = ["tun-type", "tun-port", "tun-nocsum", "tun-csum", "tun-remcsum"];

#[cfg(test)]
mod tests;
