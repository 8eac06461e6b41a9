//! Why a backup drops what it receives.

use super::flags::Flags;
use std::fmt;

/// The rule of the kernel that a message or a connection breaks, with what it has instead.
///
/// Nothing is allocated to build or copy it; its sentence is made when it is displayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rejected {
    /// The datagram is shorter than a header (`ip_vs_process_message`).
    Header {
        /// How many bytes it has.
        have: usize,
    },
    /// The datagram is of another length than its header says: as when the backup's
    /// longest message is shorter than the master's (`ip_vs_process_message`).
    Size {
        /// What its header says.
        size: u16,
        /// How many bytes it has.
        have: usize,
    },
    /// The message has another id than the backup's, which is not 0
    /// (`ip_vs_process_message`).
    SyncId {
        /// Its id.
        id: u8,
        /// That of the backup.
        own: u8,
    },
    /// A record is longer than what is left of the datagram (`ip_vs_process_message`,
    /// `ip_vs_process_message_v0`).
    Truncated {
        /// How many bytes it takes.
        need: usize,
        /// How many are left.
        have: usize,
    },
    /// A record is of a version other than 0 (`ip_vs_process_message`).
    RecordVersion {
        /// Its version.
        version: u8,
    },
    /// A record is neither of IPv4 nor of IPv6 (`ip_vs_proc_sync_conn`).
    RecordKind {
        /// Its type.
        kind: u8,
    },
    /// A record says that it is shorter than one without options
    /// (`ip_vs_proc_sync_conn`).
    RecordSize {
        /// What it says.
        size: usize,
        /// What one without options takes.
        need: usize,
    },
    /// An option is empty, or longer than what is left of its record
    /// (`ip_vs_proc_sync_conn`).
    OptionLength {
        /// Its type.
        kind: u8,
        /// Its length, without type and length.
        length: usize,
        /// How many bytes are left.
        have: usize,
    },
    /// The deltas of sequence numbers are not of 24 bytes (`ip_vs_proc_seqopt`).
    SequencesLength {
        /// Their length.
        length: usize,
    },
    /// The name of a persistence engine has more than 16 bytes (`ip_vs_proc_str`).
    EngineNameLength {
        /// Its length.
        length: usize,
    },
    /// An option is there twice (`ip_vs_proc_seqopt`, `ip_vs_proc_str`).
    OptionTwice {
        /// Its type.
        kind: u8,
    },
    /// An option is not known and may not be passed over (`ip_vs_proc_sync_conn`).
    UnknownOption {
        /// Its type.
        kind: u8,
    },
    /// A template without the client's port, or a connection of one packet
    /// (`ip_vs_sync_validate_flags`).
    Flags {
        /// The flags.
        flags: Flags,
    },
    /// IPVS does not know the protocol (`ip_vs_proto_get`). It does not matter for a
    /// template.
    Protocol {
        /// The protocol.
        protocol: u8,
    },
    /// The protocol, or a template, has no state with this number
    /// (`ip_vs_proc_sync_conn`, `ip_vs_process_message_v0`).
    State {
        /// The state.
        state: u16,
        /// How many there are.
        states: usize,
    },
    /// Data of a persistence engine without its name (`ip_vs_conn_fill_param_sync`).
    NoEngineName,
}

/// What is lost by a [`Rejected`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Loss {
    /// All that the datagram holds.
    Datagram,
    /// This record and all that follow it in the datagram. Those before it are taken.
    Rest,
    /// This connection only.
    Connection,
}

impl Rejected {
    /// The name of the rule in metrics, such as `sync_id`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Header { .. } => "header",
            Self::Size { .. } => "size",
            Self::SyncId { .. } => "sync_id",
            Self::Truncated { .. } => "truncated",
            Self::RecordVersion { .. } => "record_version",
            Self::RecordKind { .. } => "record_kind",
            Self::RecordSize { .. } => "record_size",
            Self::OptionLength { .. } => "option_length",
            Self::SequencesLength { .. } => "sequences_length",
            Self::EngineNameLength { .. } => "engine_name_length",
            Self::OptionTwice { .. } => "option_twice",
            Self::UnknownOption { .. } => "unknown_option",
            Self::Flags { .. } => "flags",
            Self::Protocol { .. } => "protocol",
            Self::State { .. } => "state",
            Self::NoEngineName => "no_engine_name",
        }
    }

    /// What is lost.
    pub const fn loss(self) -> Loss {
        match self {
            Self::Header { .. } | Self::Size { .. } | Self::SyncId { .. } => Loss::Datagram,
            Self::Truncated { .. }
            | Self::RecordVersion { .. }
            | Self::RecordKind { .. }
            | Self::RecordSize { .. }
            | Self::OptionLength { .. }
            | Self::SequencesLength { .. }
            | Self::EngineNameLength { .. }
            | Self::OptionTwice { .. } => Loss::Rest,
            Self::UnknownOption { .. }
            | Self::Flags { .. }
            | Self::Protocol { .. }
            | Self::State { .. }
            | Self::NoEngineName => Loss::Connection,
        }
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header { have } => {
                write!(f, "{have} bytes: a header has 4 (ip_vs_process_message)")
            }
            Self::Size { size, have } => write!(
                f,
                "{have} bytes of a message that says {size}: the backup's longest may be too \
                 short (ip_vs_process_message)"
            ),
            Self::SyncId { id, own } => {
                write!(f, "sync id {id} instead of {own} (ip_vs_process_message)")
            }
            Self::Truncated { need, have } => {
                write!(f, "record of {need} bytes, {have} left (ip_vs_process_message)")
            }
            Self::RecordVersion { version } => {
                write!(f, "record of version {version}: 0 is known (ip_vs_process_message)")
            }
            Self::RecordKind { kind } => write!(
                f,
                "record of type {kind}: 0 is IPv4, an odd one IPv6 (ip_vs_proc_sync_conn)"
            ),
            Self::RecordSize { size, need } => {
                write!(f, "record that says {size} bytes and has {need} (ip_vs_proc_sync_conn)")
            }
            Self::OptionLength { kind, length: 0, .. } => {
                write!(f, "option {kind} without data (ip_vs_proc_sync_conn)")
            }
            Self::OptionLength { kind, length, have } => {
                write!(f, "option {kind} of {length} bytes, {have} left (ip_vs_proc_sync_conn)")
            }
            Self::SequencesLength { length } => {
                write!(f, "sequence data of {length} bytes: it has 24 (ip_vs_proc_seqopt)")
            }
            Self::EngineNameLength { length } => {
                write!(f, "engine name of {length} bytes: at most 16 (ip_vs_proc_str)")
            }
            Self::OptionTwice { kind } => {
                write!(f, "option {kind} is there twice (ip_vs_proc_sync_conn)")
            }
            Self::UnknownOption { kind } => write!(
                f,
                "option {kind} is unknown and may not be passed over (ip_vs_proc_sync_conn)"
            ),
            Self::Flags { flags } => write!(
                f,
                "flags {flags}: a template without a client's port, or one packet only \
                 (ip_vs_sync_validate_flags)"
            ),
            Self::Protocol { protocol } => {
                write!(f, "protocol {protocol} is not one of IPVS (ip_vs_proto_get)")
            }
            Self::State { state, states } => write!(
                f,
                "state {state}: there are 0 to {} (ip_vs_proc_sync_conn)",
                states.saturating_sub(1)
            ),
            Self::NoEngineName => f.write_str(
                "data of a persistence engine without its name (ip_vs_conn_fill_param_sync)",
            ),
        }
    }
}

impl std::error::Error for Rejected {}
