//! Which capability an operation lacks, looked up after a failure only.

use std::fmt;
use std::fs;

/// A privilege that virtual routers need. No other is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Capability {
    /// CAP_NET_ADMIN, to change addresses, interfaces and their settings.
    NetAdmin,
    /// CAP_NET_RAW, for the sockets of advertisements, announcements and probes.
    NetRaw,
}

/// Why the kernel answered EPERM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Permission {
    /// The thread does not have the capability.
    Lacks(Capability),
    /// The thread has it. So it does not count here: it is of another user namespace than
    /// the network namespace, or a security module refuses.
    DoesNotCount(Capability),
}

impl Capability {
    /// Its bit (`include/uapi/linux/capability.h`).
    const fn bit(self) -> u64 {
        match self {
            Self::NetAdmin => 1 << 12,
            Self::NetRaw => 1 << 13,
        }
    }
}

impl Permission {
    pub(super) fn find(capability: Capability) -> Self {
        let status = fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
        Self::from_proc(capability, &status)
    }

    fn from_proc(capability: Capability, status: &str) -> Self {
        let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
        let effective = effective.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok());
        match effective {
            Some(bits) if bits & capability.bit() != 0 => Self::DoesNotCount(capability),
            _ => Self::Lacks(capability),
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::NetAdmin => "CAP_NET_ADMIN",
            Self::NetRaw => "CAP_NET_RAW",
        })
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lacks(capability) => write!(
                f,
                "permission denied, this needs the capability {capability}: run as root or grant \
                 it"
            ),
            Self::DoesNotCount(capability) => write!(
                f,
                "permission denied, the capability {capability} that this thread has does not \
                 count in this network namespace, which another user namespace owns, or a \
                 security module refuses"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capability_is_looked_for_among_the_effective_ones() {
        let status = "Name:\tx\nCapPrm:\t0000000000003000\nCapEff:\t0000000000002000\n";
        let found = |capability| Permission::from_proc(capability, status);
        assert_eq!(found(Capability::NetRaw), Permission::DoesNotCount(Capability::NetRaw));
        assert_eq!(found(Capability::NetAdmin), Permission::Lacks(Capability::NetAdmin));
        let nothing = Permission::from_proc(Capability::NetRaw, "");
        assert_eq!(nothing, Permission::Lacks(Capability::NetRaw));
    }
}
