//! What is found, and how bad it is.

use crate::net::InterfaceAddress;
use ipvs::sysctl::SyncThreshold;
use ipvs::{Endpoint, EngineName, Forwarding, InterfaceName, Role, ServiceKey};
use std::net::IpAddr;

/// Something that breaks sync, or may. It displays as a sentence that says what breaks.
///
/// Where it is about two nodes, `master` is the one whose connections are meant: its master
/// tells them, and the other's backup hears them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// No daemon runs.
    NoDaemon,
    /// A destination of another family than its service keeps daemons from being started.
    MixedFamily {
        /// The service.
        service: ServiceKey,
        /// The destination.
        destination: Endpoint,
    },
    /// An id is longer than messages have room for.
    IdTooLong {
        /// Whose.
        role: Role,
        /// The id.
        id: u32,
    },
    /// A backup takes messages of each id.
    AnyId,
    /// The interface of a daemon is gone.
    NoInterface {
        /// Whose.
        role: Role,
        /// Its name.
        interface: InterfaceName,
    },
    /// The interface of a daemon is down, or has no carrier.
    NotRunning {
        /// Whose.
        role: Role,
        /// The interface.
        interface: InterfaceName,
        /// It was set up, and has no carrier.
        is_up: bool,
    },
    /// The interface of a daemon does not do multicast.
    NoMulticast {
        /// Whose.
        role: Role,
        /// The interface.
        interface: InterfaceName,
    },
    /// The address that a master sends from is no longer one of the node.
    NoSource {
        /// The address.
        address: IpAddr,
    },
    /// Nobody hears the backup's group on its interface.
    NoMember {
        /// The interface.
        interface: InterfaceName,
        /// The group.
        group: IpAddr,
    },
    /// A master's messages can have more connections than a byte counts.
    CountWraps {
        /// Its longest message.
        max_len: u16,
        /// The longest that it should be.
        most: u16,
    },
    /// A master's messages are sent in fragments.
    Fragments {
        /// The interface.
        interface: InterfaceName,
        /// Its longest packet.
        packet: u32,
        /// The interface's MTU.
        mtu: u32,
    },
    /// A master's messages leave their network.
    FarReach {
        /// Their TTL.
        ttl: u8,
    },
    /// Both daemons run, and with the backup nothing is balanced.
    BackupOnly,
    /// Few messages wait for the master's thread.
    ShortQueue {
        /// `sync_qlen_max`.
        messages: u64,
    },
    /// A connection is told late, by how many packets it has had.
    LateFirst {
        /// At which packet.
        packet: u32,
    },
    /// A connection that lives on is not told again by time.
    NoRefresh {
        /// When it is told.
        threshold: SyncThreshold,
    },
    /// What is lost is not repeated before the next refresh.
    NoRetries {
        /// `sync_refresh_period`, in seconds.
        refresh_period: u32,
    },
    /// The socket's buffer is small.
    SmallSocket {
        /// `sync_sock_size`; 0 is the system's.
        bytes: u32,
    },
    /// The socket's buffer is smaller than `sync_sock_size`.
    SocketLimit {
        /// Whose.
        role: Role,
        /// `sync_sock_size`.
        bytes: u32,
        /// The limit.
        limit: u32,
    },
    /// Messages are of version 0, which cannot say everything.
    Version0 {
        /// What it does not say.
        unsaid: Unsaid,
    },
    /// The connections of services whose every packet is scheduled are not told.
    OnePacket {
        /// The services.
        services: Services,
    },
    /// A backup runs, and there is no service.
    NoServices,
    /// Connections were told before their destination was there.
    Unbound {
        /// The destination.
        destination: Endpoint,
        /// How many there are.
        listed: u64,
        /// How many are counted with the destination.
        counted: u64,
    },
    /// A backup lost messages because its receive queue was full.
    Dropped {
        /// How many, at least.
        messages: u64,
    },
    /// What is masqueraded is dropped by connection tracking after a takeover.
    Conntrack {
        /// The services.
        services: Services,
    },
    /// What is masqueraded to the node itself is not passed on after a takeover.
    ConntrackLocal {
        /// The services.
        services: Services,
    },
    /// No master runs on any node.
    NoMaster,
    /// A master is heard by no backup.
    Unheard {
        /// Whose.
        master: Node,
    },
    /// A master sends longer messages than the backup takes.
    MaxLen {
        /// Whose.
        master: Node,
        /// The longest that it sends.
        sends: u16,
        /// The longest that the backup takes.
        takes: u16,
    },
    /// A master sends longer packets than the other's interface takes.
    Mtu {
        /// Whose.
        master: Node,
        /// The longest that it sends.
        sends: u32,
        /// The MTU of the other's interface.
        takes: u32,
    },
    /// A master sends to another group than the backup hears.
    Group {
        /// Whose.
        master: Node,
        /// The master's.
        sends: IpAddr,
        /// The backup's.
        hears: IpAddr,
    },
    /// A master sends to another port than the backup hears.
    Port {
        /// Whose.
        master: Node,
        /// The master's.
        sends: u16,
        /// The backup's.
        hears: u16,
    },
    /// A master sends to more ports than the backup hears.
    Ports {
        /// Whose.
        master: Node,
        /// The master's.
        sends: u32,
        /// The backup's.
        hears: u32,
    },
    /// A master sends with another id than the backup takes.
    Id {
        /// Whose.
        master: Node,
        /// The master's.
        sends: u32,
        /// The backup's.
        takes: u32,
    },
    /// The daemons seem not to be of one network, and messages do not leave theirs.
    Networks {
        /// Whose.
        master: Node,
        /// An address of the master's interface.
        sends: InterfaceAddress,
        /// An address of the backup's.
        hears: InterfaceAddress,
    },
    /// The backup has not all services that the master balances.
    MissingServices {
        /// Whose.
        master: Node,
        /// The services.
        services: Services,
    },
    /// The backup has not all destinations of a service.
    MissingDestinations {
        /// Whose.
        master: Node,
        /// The service.
        service: ServiceKey,
        /// The first of them.
        first: Endpoint,
        /// How many they are.
        count: usize,
    },
    /// The backup forwards to a destination otherwise.
    OtherForwarding {
        /// Whose.
        master: Node,
        /// The service.
        service: ServiceKey,
        /// The destination.
        destination: Endpoint,
        /// How the master does.
        sends: Forwarding,
        /// How the backup will.
        takes: Forwarding,
    },
    /// A service of the backup does not have the persistence engine that it has there.
    MissingEngine {
        /// Whose.
        master: Node,
        /// The engine.
        engine: EngineName,
        /// The services.
        services: Services,
    },
    /// Only templates are told, and the backup takes no connection from its middle.
    NotSloppy {
        /// Whose.
        master: Node,
        /// The sysctl that is off.
        sysctl: &'static str,
        /// The services.
        services: Services,
    },
    /// Connections are treated otherwise after a takeover.
    Differs {
        /// The sysctl.
        sysctl: &'static str,
        /// What it is here.
        here: bool,
    },
}

/// What messages of version 0 do not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unsaid {
    /// How long connections live.
    Timeouts,
    /// Connections of IPv6.
    Ipv6(Services),
    /// Firewall marks.
    Marks(Services),
    /// What persistence engines know clients by.
    Engines(Services),
}

/// Services: one of them, and how many they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Services {
    /// The first.
    pub first: ServiceKey,
    /// How many.
    pub count: usize,
}

/// One of two nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Node {
    /// This one, whose report is the first.
    Here,
    /// The other.
    Peer,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// It is to be known.
    Notice,
    /// Connections are lost, or can be forged, under circumstances.
    Warning,
    /// Connections are lost, or not balanced.
    Error,
}

impl Finding {
    /// How bad it is.
    pub fn severity(&self) -> Severity {
        match self {
            Self::AnyId
            | Self::FarReach { .. }
            | Self::LateFirst { .. }
            | Self::NoRetries { .. }
            | Self::SmallSocket { .. }
            | Self::SocketLimit { .. }
            | Self::Version0 { unsaid: Unsaid::Timeouts }
            | Self::OnePacket { .. }
            | Self::Differs { .. } => Severity::Notice,
            Self::NoRefresh { threshold: SyncThreshold { packets: 0, period: 0 } } => {
                Severity::Error
            }
            Self::IdTooLong { role: Role::Master, .. }
            | Self::NoMulticast { .. }
            | Self::Fragments { .. }
            | Self::ShortQueue { messages: 1.. }
            | Self::NoRefresh { .. }
            | Self::Mtu { .. }
            | Self::Networks { .. }
            | Self::OtherForwarding { .. } => Severity::Warning,
            _ => Severity::Error,
        }
    }
}
