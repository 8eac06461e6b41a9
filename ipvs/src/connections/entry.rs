//! A connection and its parts.

use crate::{Endpoint, EngineName, Name, Protocol, ServiceKey};
use std::fmt;
use std::time::Duration;

/// An entry of the connection table.
///
/// It displays as `tcp 192.0.2.9:50000 -> 10.0.0.1:80 -> 192.168.0.1:8080
/// ESTABLISHED 900 s`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Connection {
    /// Where the client sends from. The address of a template is masked by the
    /// service's netmask, and its port is 0.
    pub client: Endpoint,
    /// What the client sends to: its protocol, address and port. They are those
    /// of the packets, so the port is not 0 for a service on every port, and
    /// the address is there for a service by firewall mark. Only the template
    /// of the latter has the mark.
    pub service: ServiceKey,
    /// The real server that it goes to, of either address family.
    pub destination: Endpoint,
    /// The state.
    pub state: State,
    /// How long it lives on without another packet, in whole seconds.
    pub expires: Duration,
    /// What a persistence engine knows it by, where the file has that.
    pub engine: Option<EngineData>,
    /// Where it was made, where the file has that.
    pub origin: Option<Origin>,
}

/// What a persistence engine knows a connection by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EngineData {
    /// The engine.
    pub engine: EngineName,
    /// Its data: for `sip` the Call-ID. As the packet had it, and not promised
    /// to be UTF-8.
    pub data: Box<[u8]>,
}

/// Where a connection was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// By this machine.
    Local,
    /// By the sync master that this machine is the backup of.
    Sync,
}

/// The state of a connection, as the kernel names it (`ip_vs_proto.c:
/// ip_vs_state_name`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum State {
    /// `NONE`: none yet, or a template whose connections are not assured.
    None,
    /// `ASSURED`: a template with a connection that was established.
    Assured,
    /// `ESTABLISHED`, of TCP and SCTP.
    Established,
    /// `SYN_SENT`, of TCP.
    SynSent,
    /// `SYN_RECV`, of TCP.
    SynReceived,
    /// `FIN_WAIT`, of TCP.
    FinWait,
    /// `TIME_WAIT`, of TCP.
    TimeWait,
    /// `CLOSE`, of TCP.
    Close,
    /// `CLOSE_WAIT`, of TCP.
    CloseWait,
    /// `LAST_ACK`, of TCP.
    LastAck,
    /// `LISTEN`, of TCP.
    Listen,
    /// `SYNACK`, of TCP.
    SynAck,
    /// `UDP`, the only one of UDP.
    Udp,
    /// `INIT1`, of SCTP.
    Init1,
    /// `INIT`, of SCTP.
    Init,
    /// `C-SENT`, of SCTP.
    CookieSent,
    /// `C-REPLIED`, of SCTP.
    CookieReplied,
    /// `C-WAIT`, of SCTP.
    CookieWait,
    /// `COOKIE`, of SCTP.
    Cookie,
    /// `C-ECHOED`, of SCTP.
    CookieEchoed,
    /// `S-SENT`, of SCTP.
    ShutdownSent,
    /// `S-RECEIVED`, of SCTP.
    ShutdownReceived,
    /// `S-ACK-SENT`, of SCTP.
    ShutdownAckSent,
    /// `REJECTED`, of SCTP.
    Rejected,
    /// `CLOSED`, of SCTP.
    Closed,
    /// One that this crate does not know, by its name.
    Other(StateName),
}

/// The name of a state.
pub type StateName = Name<24>;

impl Connection {
    /// The protocol; `None` for the template of a service by firewall mark,
    /// which is for all of them.
    pub fn protocol(&self) -> Option<Protocol> {
        match self.service {
            ServiceKey::Address { protocol, .. } => Some(protocol),
            ServiceKey::Mark { .. } => None,
        }
    }

    /// Whether it is no connection, but what the kernel keeps to send a client's
    /// next ones to the same destination (`ip_vs_core.c: ip_vs_sched_persist`).
    pub fn is_template(&self) -> bool {
        self.client.port == 0 && matches!(self.state, State::None | State::Assured)
    }
}

impl State {
    pub(super) fn from_name(name: &[u8]) -> Option<Self> {
        let known = KNOWN.iter().find(|(_, text)| text.as_bytes() == name);
        match known {
            Some((state, _)) => Some(*state),
            None => StateName::from_kernel(name).map(Self::Other),
        }
    }
}

const KNOWN: [(State, &str); 25] = [
    (State::None, "NONE"),
    (State::Assured, "ASSURED"),
    (State::Established, "ESTABLISHED"),
    (State::SynSent, "SYN_SENT"),
    (State::SynReceived, "SYN_RECV"),
    (State::FinWait, "FIN_WAIT"),
    (State::TimeWait, "TIME_WAIT"),
    (State::Close, "CLOSE"),
    (State::CloseWait, "CLOSE_WAIT"),
    (State::LastAck, "LAST_ACK"),
    (State::Listen, "LISTEN"),
    (State::SynAck, "SYNACK"),
    (State::Udp, "UDP"),
    (State::Init1, "INIT1"),
    (State::Init, "INIT"),
    (State::CookieSent, "C-SENT"),
    (State::CookieReplied, "C-REPLIED"),
    (State::CookieWait, "C-WAIT"),
    (State::Cookie, "COOKIE"),
    (State::CookieEchoed, "C-ECHOED"),
    (State::ShutdownSent, "S-SENT"),
    (State::ShutdownReceived, "S-RECEIVED"),
    (State::ShutdownAckSent, "S-ACK-SENT"),
    (State::Rejected, "REJECTED"),
    (State::Closed, "CLOSED"),
];

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = KNOWN.iter().find(|(state, _)| state == self);
        match (known, self) {
            (Some((_, name)), _) => f.pad(name),
            (None, Self::Other(name)) => name.fmt(f),
            (None, _) => f.pad("?"),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Local => "local",
            Self::Sync => "sync",
        })
    }
}

impl fmt::Display for EngineData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.engine, self.data.escape_ascii())
    }
}

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.service {
            ServiceKey::Address { protocol, endpoint } => {
                write!(f, "{protocol} {} -> {endpoint}", self.client)?;
            }
            ServiceKey::Mark { mark, .. } => {
                write!(f, "{} -> fwmark {mark}", self.client)?;
            }
        }
        write!(f, " -> {} {} {} s", self.destination, self.state, self.expires.as_secs())?;
        if let Some(engine) = &self.engine {
            write!(f, " {engine}")?;
        }
        if let Some(origin) = self.origin {
            write!(f, " {origin}")?;
        }
        Ok(())
    }
}
