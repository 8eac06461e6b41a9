//! Findings in words: what is so, and what breaks.

use super::finding::{Finding, Node, Services, Severity, Unsaid};
use ipvs::Role;
use ipvs::sysctl::SyncThreshold;
use std::fmt;

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDaemon => f.write_str(
                "no sync daemon runs: connections are neither told to others nor learned from them",
            ),
            Self::MixedFamily { service, destination } => write!(
                f,
                "{service} has the destination {destination} of another address family: no sync \
                 daemon can be started"
            ),
            Self::IdTooLong { role, id } => {
                write!(f, "the {role} has the id {id}, and messages have room for 0 to 255: it ")?;
                match role {
                    Role::Master => write!(f, "sends with the id {}", id & 0xff),
                    Role::Backup => f.write_str("takes none"),
                }
            }
            Self::AnyId => f.write_str(
                "the backup has the id 0: it takes the connections of every master of its group",
            ),
            Self::NoInterface { role, interface } => write!(
                f,
                "the interface {interface} of the {role} is gone: the daemon runs on and reaches \
                 nobody"
            ),
            Self::NotRunning { role, interface, is_up } => write!(
                f,
                "the interface {interface} of the {role} {}: nothing goes through it",
                if *is_up { "has no carrier" } else { "is down" }
            ),
            Self::NoMulticast { role, interface } => write!(
                f,
                "the interface {interface} of the {role} does not do multicast: messages may not \
                 reach anybody"
            ),
            Self::NoSource { address } => write!(
                f,
                "the master sends from {address}, which is no longer an address of this director: \
                 all messages are lost until the master is started again"
            ),
            Self::NoMember { interface, group } => write!(
                f,
                "nobody hears {group} on {interface}: the interface was made anew after the \
                 backup was started, which hears nothing until it is started again"
            ),
            Self::CountWraps { max_len, most } => write!(
                f,
                "the master's messages are up to {max_len} bytes long, and beyond {most} their \
                 connections are counted modulo 256: 256 of each that has more are lost"
            ),
            Self::Fragments { interface, packet, mtu } => write!(
                f,
                "the master's packets of up to {packet} bytes are sent in fragments by \
                 {interface}, whose MTU is {mtu}: if one is lost, the whole message is"
            ),
            Self::FarReach { ttl } => write!(
                f,
                "the master's messages have a TTL of {ttl} and can leave their network: nothing \
                 protects them there"
            ),
            Self::BackupOnly => f.write_str(
                "backup_only is set and both daemons run: while the backup does, nothing is \
                 balanced here",
            ),
            Self::ShortQueue { messages: 0 } => f.write_str(
                "sync_qlen_max is 0: the master drops each full message before it is sent",
            ),
            Self::ShortQueue { messages } => write!(
                f,
                "sync_qlen_max is {messages}: in a burst the master drops the messages beyond that"
            ),
            Self::LateFirst { packet } => write!(
                f,
                "sync_threshold tells a connection at its packet {packet}: before that nobody \
                 else knows it"
            ),
            Self::NoRefresh { threshold: SyncThreshold { packets: 0, period: 0 } } => f.write_str(
                "sync_threshold is \"0 0\" and sync_refresh_period 0: a connection is not told \
                 while it is established (a sync_refresh_period of 10 tells it)",
            ),
            Self::NoRefresh { threshold: SyncThreshold { period: 0, .. } } => f.write_str(
                "sync_refresh_period and the period of sync_threshold are 0: a connection is told \
                 once, and forgotten by the others when its timeout has passed (a \
                 sync_refresh_period of 10 tells it again)",
            ),
            Self::NoRefresh { threshold: SyncThreshold { period, .. } } => write!(
                f,
                "the period of sync_threshold is {period}: a connection is told again only every \
                 {period} packets, whatever sync_refresh_period is, and one with fewer within its \
                 timeout is forgotten by the others (the period 0 and a sync_refresh_period of 10 \
                 tell it by time)"
            ),
            Self::NoRetries { refresh_period } => write!(
                f,
                "sync_retries is 0: a connection whose message is lost is told again after \
                 {refresh_period} s at the earliest"
            ),
            Self::SmallSocket { bytes: 0 } => f.write_str(
                "sync_sock_size is 0: the socket has the system's buffer, and a burst overflows it",
            ),
            Self::SmallSocket { bytes } => {
                write!(f, "sync_sock_size is {bytes} bytes: a burst overflows the socket's buffer")
            }
            Self::SocketLimit { role, bytes, limit } => write!(
                f,
                "sync_sock_size is {bytes} bytes, and net.core.{} allows the {role} {limit}: a \
                 burst overflows the socket's buffer",
                if *role == Role::Master { "wmem_max" } else { "rmem_max" }
            ),
            Self::Version0 { unsaid } => write!(f, "sync_version is 0: {unsaid}"),
            Self::OnePacket { services } => {
                write!(f, "the connections of {services} are of one packet and never told")
            }
            Self::NoServices => f.write_str(
                "the backup runs and there is no service: the connections that it hears of stay \
                 without a destination until they are told again",
            ),
            Self::Unbound { destination, listed, counted } => write!(
                f,
                "of {listed} connections to {destination} only {counted} are counted with it: the \
                 others were told before it was there, and are outside its limits and its drain \
                 until they are told again"
            ),
            Self::Dropped { messages } => write!(
                f,
                "the backup has lost at least {messages} messages because its receive queue was full: a \
                 larger sync_sock_size helps"
            ),
            Self::Conntrack { services } => write!(
                f,
                "conntrack is set and nf_conntrack_tcp_loose is 0: connections of {services} that \
                 were told by others are dropped as invalid after a takeover"
            ),
            Self::ConntrackLocal { services } => write!(
                f,
                "conntrack is set and a masqueraded destination of {services} is this director \
                 itself: connections to it that were told by others are dropped after a takeover"
            ),
            Self::NoMaster => f.write_str("no master runs on any node: no connection is told"),
            Self::Unheard { master } => write!(
                f,
                "the master of {master} runs and no backup on {}: what it tells is lost",
                master.other()
            ),
            Self::MaxLen { master, sends, takes } => write!(
                f,
                "the master of {master} sends messages of up to {sends} bytes and the backup of \
                 {} takes {takes}: it drops each longer one, with all its connections",
                master.other()
            ),
            Self::Mtu { master, sends, takes } => write!(
                f,
                "the master of {master} sends packets of up to {sends} bytes and the interface of \
                 {} has an MTU of {takes}: longer ones may be dropped",
                master.other()
            ),
            Self::Group { master, sends, hears } => write!(
                f,
                "the master of {master} sends to {sends} and the backup of {} hears {hears}: all \
                 messages are lost",
                master.other()
            ),
            Self::Port { master, sends, hears } => write!(
                f,
                "the master of {master} sends to port {sends} and the backup of {} hears {hears}: \
                 messages are lost",
                master.other()
            ),
            Self::Ports { master, sends, hears } => write!(
                f,
                "the master of {master} sends to {sends} ports and the backup of {} hears \
                 {hears}: the messages to the others are lost (sync_ports, when the daemons were \
                 started)",
                master.other()
            ),
            Self::Id { master, sends, takes } => write!(
                f,
                "the master of {master} sends with id {sends} and the backup of {} takes \
                 {takes}: it drops all messages",
                master.other()
            ),
            Self::Networks { master, sends, hears } => write!(
                f,
                "the master of {master} sends from {sends} with a TTL of 1 and the backup of {} \
                 hears at {hears}: messages arrive only if both are of one link and rp_filter \
                 lets them in",
                master.other()
            ),
            Self::MissingServices { master, services } => write!(
                f,
                "{} does not have {services}: connections of it that {master} tells stay without \
                 a destination",
                master.other()
            ),
            Self::MissingDestinations { master, service, first, count } => write!(
                f,
                "{} does not have {first}{} of {service}: connections to it that {master} tells \
                 stay without a destination",
                master.other(),
                More(*count)
            ),
            Self::OtherForwarding { master, service, destination, sends, takes } => write!(
                f,
                "{master} forwards to {destination} of {service} by {sends} and {} by {takes}: \
                 after a takeover connections go on by the latter",
                master.other()
            ),
            Self::MissingEngine { master, engine, services } => write!(
                f,
                "{} does not have the persistence engine {engine} for {services}: the \
                 templates of it that {master} tells are dropped there, or match no client",
                master.other()
            ),
            Self::NotSloppy { master, sysctl, services } => write!(
                f,
                "sync_persist_mode is set on {master}: of {services} only templates are told, and \
                 as {sysctl} is 0 on {} it drops their connections after a takeover",
                master.other()
            ),
            Self::Differs { sysctl, here } => write!(
                f,
                "{sysctl} is {} on this node and {} on the peer: a takeover changes how \
                 connections are treated",
                u8::from(*here),
                u8::from(!*here)
            ),
        }
    }
}

impl fmt::Display for Unsaid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeouts => f.write_str(
                "timeouts are not told, and connections live as long as the backup has it for \
                 their state, templates for 180 s",
            ),
            Self::Ipv6(services) => write!(f, "connections of {services} are IPv6 and not told"),
            Self::Marks(services) => write!(
                f,
                "the mark of {services} is not told, and connections stay without a destination"
            ),
            Self::Engines(services) => write!(
                f,
                "what the persistence engine of {services} knows clients by is not told, and \
                 after a takeover they are balanced anew"
            ),
        }
    }
}

impl fmt::Display for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.first, More(self.count))
    }
}

/// How many there are besides the first.
struct More(usize);

impl fmt::Display for More {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.saturating_sub(1) {
            0 => Ok(()),
            more => write!(f, " (and {more} more)"),
        }
    }
}

impl Node {
    /// The other one.
    pub const fn other(self) -> Self {
        match self {
            Self::Here => Self::Peer,
            Self::Peer => Self::Here,
        }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Here => "this node",
            Self::Peer => "the peer",
        })
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}
