//! Records what the kernel's sync master sends.

use super::{Result, ip, print};
use ipvs::sysctl::{SyncThreshold, Sysctl, Sysctls};
use ipvs::{Client, Destination, Persistence, Role, Service, SyncDaemon};
use ipvs_sync::net::{Reach, Rtnetlink, SyncListener, SyncSender};
use ipvs_sync::proto::{
    Connection, Datagram, Flags, GROUP, PORT, Sequence, Sequences, Version, receive,
};
use nix::sched::{CloneFlags, unshare};
use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, Socket, Type};
use std::fs;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Prints a datagram of each kind as `name hex`.
pub(super) fn record() -> Result<()> {
    unshare(CloneFlags::CLONE_NEWNET)?;
    ip("link set lo up")?;
    for address in ["10.0.0.1/32", "10.0.0.2/32"] {
        ip(&format!("address add {address} dev lo"))?;
    }
    for address in ["fd00::1/128", "fd00::2/128"] {
        ip(&format!("address add {address} dev lo nodad"))?;
    }
    // What leaves by the first comes in by the other.
    ip("link add sync0 type veth peer name sync1")?;
    ip("link set sync0 up")?;
    ip("link set sync1 up")?;
    ip("address add 10.5.0.1/24 dev sync0")?;
    fs::write("/proc/sys/net/ipv4/conf/sync1/accept_local", "1")?;

    let mut master = Master::start()?;
    // Version 1 tells of the template with the first packet too, before it tells of the
    // connection (`ip_vs_sync.c: ip_vs_sync_conn`).
    for (version, name, records) in [(0, "v0", 2), (1, "v1", 3)] {
        master.sysctls.set(Sysctl::SYNC_VERSION, version)?;
        master.tcp(name, records)?;
        master.each(name, "udp", "10.0.0.1:53", 0, b"query")?;
        master.shifted(name)?;
    }
    let invite = b"INVITE sip:a@b SIP/2.0\r\nCall-ID: call-1@192.0.2.1\r\n\r\n";
    master.each("v1", "sip", "10.0.0.1:5060", 0, invite)?;
    master.each("v1", "mark", "10.0.0.1:1234", 7, b"x")?;
    master.each("v1", "mark-ipv6", "[fd00::1]:1234", 8, b"x")?;
    master.each("v1", "udp-ipv6", "[fd00::1]:53", 0, b"query")
}

struct Master {
    sysctls: Sysctls<'static>,
    listener: SyncListener,
    injects: SyncSender,
    /// The last port that a client had: none has another's.
    port: u16,
}

impl Master {
    /// A master that tells of each packet, and a backup that makes connections which do
    /// not come by themselves.
    fn start() -> Result<Self> {
        let mut rtnetlink = Rtnetlink::open()?;
        let near = rtnetlink.interface("sync0".parse()?)?;
        let far = rtnetlink.interface("sync1".parse()?)?;
        let mut client = Client::connect()?;
        for (key, destination, persistence) in [
            ("tcp 10.0.0.1:80", "127.0.0.1:8080", Some(Persistence::seconds(60))),
            ("udp 10.0.0.1:53", "127.0.0.1:5353", None),
            (
                "udp 10.0.0.1:5060",
                "127.0.0.1:5060",
                Some(Persistence::seconds(60).with_engine("sip".parse()?)),
            ),
            ("fwmark 7", "127.0.0.1:0", Some(Persistence::seconds(60))),
            ("fwmark 8 ipv6", "[fd00::2]:0", Some(Persistence::seconds(60))),
            ("udp [fd00::1]:53", "[fd00::2]:5353", None),
        ] {
            let mut service = Service::new(key.parse()?);
            if let Some(persistence) = persistence {
                service = service.with_persistence(persistence);
            }
            client.add_service(&service)?;
            client.add_destination(&service.key(), &Destination::new(destination.parse()?))?;
        }
        let sysctls = Sysctls::here();
        sysctls.set(Sysctl::SYNC_THRESHOLD, SyncThreshold { packets: 0, period: 1 })?;
        client.start_daemon(&SyncDaemon::new(Role::Master, near.name, 7))?;
        client.start_daemon(&SyncDaemon::new(Role::Backup, near.name, 9))?;
        let listener = SyncListener::open(&far, GROUP.into(), PORT)?;
        let injects = SyncSender::open(&near, GROUP.into(), PORT, Reach::ThisHost)?;
        Ok(Self { sysctls, listener, injects, port: 50_000 })
    }

    fn tcp(&mut self, version: &str, records: u8) -> Result<()> {
        let server = TcpListener::bind("127.0.0.1:8080")?;
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&self.from("10.0.0.2:0".parse()?).into())?;
        socket.connect(&"10.0.0.1:80".parse::<SocketAddr>()?.into())?;
        let served = server.accept()?;
        self.sent(&format!("{version}-tcp"), records)?;
        drop(served);
        drop(socket);
        // What the end of it brings is not of the next kind.
        self.sent("", 1)
    }

    /// Sends a datagram through a service, and prints what the master sends of it.
    fn each(&mut self, version: &str, name: &str, to: &str, mark: u32, data: &[u8]) -> Result<()> {
        let to: SocketAddr = to.parse()?;
        let any = if to.is_ipv6() { "[fd00::1]:0" } else { "10.0.0.2:0" };
        let socket = UdpSocket::bind(self.from(any.parse()?))?;
        setsockopt(&socket, sockopt::Mark, &mark)?;
        socket.send_to(data, to)?;
        let connections = if name.starts_with("udp") { 1 } else { 2 };
        self.sent(&format!("{version}-{name}"), connections)
    }

    /// No helper of the kernel shifts sequence numbers any more: the backup makes such a
    /// connection, of which the master tells when a packet comes.
    fn shifted(&mut self, version: &str) -> Result<()> {
        let client = self.from("10.0.0.2:0".parse()?);
        let connection = Connection {
            flags: Flags::IN_SEQUENCE | Flags::OUT_SEQUENCE,
            timeout: 300,
            sequences: Some(Sequences {
                incoming: Sequence { initial: 1000, delta: 3, previous_delta: 2 },
                outgoing: Sequence { initial: 0xffff_fff0, delta: u32::MAX, previous_delta: 0 },
            }),
            ..Connection::new(17, client.into(), "10.0.0.1:53".parse()?, "127.0.0.1:5353".parse()?)
        };
        let mut datagram = Datagram::new(Version::V1, 9, 1472);
        datagram.push(&connection)?;
        self.injects.send(datagram.as_bytes())?;
        let deadline = Instant::now() + WAIT;
        while !ipvs::connections::open()?.flatten().any(|found| found.client == client.into()) {
            if Instant::now() > deadline {
                return Err("the backup made no connection".into());
            }
            sleep(Duration::from_millis(20));
        }
        UdpSocket::bind(client)?.send_to(b"query", "10.0.0.1:53")?;
        self.sent(&format!("{version}-shifted"), 1)
    }

    /// The address with a port of its own.
    fn from(&mut self, mut address: SocketAddr) -> SocketAddr {
        self.port += 1;
        address.set_port(self.port);
        address
    }

    /// Waits for the next datagram, which has so many connections, and prints it where it
    /// has a name.
    fn sent(&mut self, name: &str, connections: u8) -> Result<()> {
        let deadline = Instant::now() + WAIT;
        while Instant::now() < deadline {
            if let Some((_, datagram)) = self.listener.receive()? {
                if !name.is_empty() {
                    let count = receive(datagram, 7)?.count;
                    if count != connections {
                        return Err(format!("{name}: {count} connections").into());
                    }
                    print(name, datagram);
                }
                return Ok(());
            }
            sleep(Duration::from_millis(20));
        }
        Err(format!("{name}: the master sends nothing").into())
    }
}

/// The master keeps what it has for up to three seconds.
const WAIT: Duration = Duration::from_secs(20);
