//! Sync messages to the kernel's backup daemon, and from its master.

use crate::netns::Netns;
use ipvs::connections::{self, EngineData, Origin, State, StateName};
use ipvs::sysctl::{SyncThreshold, Sysctl, Sysctls};
use ipvs::{
    Client, Destination, Endpoint, EngineName, Family, Persistence, Protocol, Role, Service,
    ServiceKey, SyncDaemon,
};
use ipvs_sync::net::{Reach, Rtnetlink, SyncListener, SyncSender};
use ipvs_sync::proto::{
    Connection, Datagram, Flags, GROUP, Others, PORT, Sequence, Sequences, Version, receive, states,
};
use nix::sys::socket::{setsockopt, sockopt};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener, TcpStream, UdpSocket};
use std::num::NonZeroU32;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A director whose interface `sync0` leads to `sync1`, which is its own too.
struct Director {
    client: Client,
    sender: SyncSender,
    /// The last of the connections that say that all before them have arrived.
    last: u16,
}

/// The id of the backup daemon, and of the master.
const BACKUP: u8 = 9;
const MASTER: u8 = 7;

const TCP: u8 = 6;
const UDP: u8 = 17;

impl Director {
    fn new() -> Self {
        let netns = Netns::new();
        netns.run("/sbin/modprobe ip_vs_pe_sip");
        netns.run("/sbin/ip link add sync0 type veth peer name sync1");
        netns.run("/sbin/ip link set sync0 up");
        netns.run("/sbin/ip link set sync1 up");
        netns.run("/sbin/ip addr add 10.5.0.1/24 dev sync0");
        std::fs::write("/proc/sys/net/ipv4/conf/sync1/accept_local", "1").unwrap();
        for address in ["10.0.0.1/32", "10.0.0.2/32", "fd00::1/128 nodad", "fd00::2/128 nodad"] {
            netns.run(&format!("/sbin/ip addr add dev lo {address}"));
        }
        let client = netns.client();
        let near = Rtnetlink::open().unwrap().interface("sync0".parse().unwrap()).unwrap();
        let sender = SyncSender::open(&near, GROUP.into(), PORT, Reach::ThisHost).unwrap();
        Self { client, sender, last: 0 }
    }

    fn with_backup() -> Self {
        let mut director = Self::new();
        director.start(Role::Backup, BACKUP);
        director
    }

    fn start(&mut self, role: Role, id: u8) {
        let daemon = SyncDaemon::new(role, "sync0".parse().unwrap(), id);
        self.client.start_daemon(&SyncDaemon { max_len: Some(9188), ..daemon }).unwrap();
    }

    /// A master that tells of each packet, and what hears it.
    fn with_master(version: Version) -> (Self, SyncListener) {
        let mut director = Self::with_backup();
        let every = SyncThreshold { packets: 0, period: 1 };
        Sysctls::here().set(Sysctl::SYNC_THRESHOLD, every).unwrap();
        let version = u32::from(version == Version::V1);
        Sysctls::here().set(Sysctl::SYNC_VERSION, version).unwrap();
        director.start(Role::Master, MASTER);
        let far = Rtnetlink::open().unwrap().interface("sync1".parse().unwrap()).unwrap();
        (director, SyncListener::open(&far, GROUP.into(), PORT).unwrap())
    }

    /// A service with one destination.
    fn serve(&mut self, service: Service, destination: &str) {
        self.client.add_service(&service).unwrap();
        let destination = Destination::new(destination.parse().unwrap());
        self.client.add_destination(&service.key(), &destination).unwrap();
    }

    /// Gives datagrams to the backup daemon, and waits until it has seen them.
    fn give(&mut self, datagrams: &[Vec<u8>]) {
        // Its receive queue takes a few hundred.
        for datagrams in datagrams.chunks(50) {
            datagrams.iter().for_each(|datagram| self.sender.send(datagram).unwrap());
            self.last += 1;
            let client = Endpoint::new([198, 51, 100, 1], self.last);
            let last = Connection { timeout: 900, ..Connection::new(UDP, client, LAST, client) };
            self.sender.send(&packed(Version::V1, &[last]).remove(0)).unwrap();
            wait_for("the backup", || {
                let mut found = connections::open_origins().unwrap().flatten();
                found.find(|found| found.client == client)
            });
        }
    }

    /// What the table has, without what [`Director::give`] puts into it.
    fn table(&self) -> BTreeMap<String, connections::Connection> {
        let is_last = |found: &connections::Connection| found.service == ServiceKey::udp(LAST);
        let found = connections::open_origins().unwrap().map(Result::unwrap);
        found.filter(|found| !is_last(found)).map(named).collect()
    }
}

const LAST: Endpoint = Endpoint { address: IpAddr::V4(Ipv4Addr::new(198, 51, 100, 2)), port: 2 };

/// By everything but the seconds and where it is from.
fn named(connection: connections::Connection) -> (String, connections::Connection) {
    let name = connections::Connection {
        expires: Duration::ZERO,
        engine: None,
        origin: None,
        ..connection.clone()
    };
    (name.to_string(), connection)
}

/// Datagrams of the longest that the backup takes, with these connections.
fn packed(version: Version, connections: &[Connection<'_>]) -> Vec<Vec<u8>> {
    let mut datagram = Datagram::new(version, BACKUP, 9188);
    let mut datagrams = Vec::new();
    for connection in connections {
        if !datagram.push(connection).unwrap() {
            datagrams.push(datagram.as_bytes().to_vec());
            datagram.clear();
            assert!(datagram.push(connection).unwrap());
        }
    }
    datagrams.push(datagram.as_bytes().to_vec());
    datagrams
}

/// What the kernel's table shows of a connection, but for where it is from.
fn entry(connection: &Connection<'_>) -> connections::Connection {
    let Connection { protocol, service, .. } = *connection;
    let first = match service.address {
        IpAddr::V4(address) => address.to_bits(),
        IpAddr::V6(address) => (address.to_bits() >> 96) as u32,
    };
    // Of such a one the kernel keeps no more of the address (`ip_vs_conn.c:
    // ip_vs_conn_new`).
    let service = match (protocol, service.address) {
        (0, IpAddr::V6(_)) => Endpoint::new(Ipv6Addr::from(u128::from(first) << 96), service.port),
        _ => service,
    };
    let key = match (protocol, service.port, NonZeroU32::new(first)) {
        (0, 0, Some(mark)) => ServiceKey::fwmark(mark, Family::of(service.address)),
        _ => {
            let protocol: Protocol = format!("protocol-{protocol}").parse().unwrap();
            ServiceKey::Address { protocol, endpoint: service }
        }
    };
    let is_template = connection.is_template();
    let engine = (is_template && !connection.engine_data.is_empty()).then(|| EngineData {
        engine: EngineName::from_kernel(connection.engine_name).unwrap(),
        data: connection.engine_data.into(),
    });
    let state = match protocol {
        // They have one without a name (`ip_vs_proto.c: ip_vs_state_name`).
        50 | 51 if !is_template => State::Other(StateName::from_kernel(b"ERR!").unwrap()),
        _ => states(protocol, is_template)
            .unwrap()
            .get(usize::from(connection.state))
            .copied()
            .unwrap(),
    };
    connections::Connection {
        client: connection.client,
        service: key,
        destination: connection.destination,
        state,
        expires: Duration::from_secs(connection.timeout.into()),
        engine,
        origin: None,
    }
}

/// What the backup takes of a datagram.
fn taken(datagram: &[u8]) -> Vec<Connection<'_>> {
    let Ok(message) = receive(datagram, BACKUP) else { return Vec::new() };
    let good = message.connections().flatten().filter(|read| read.check().is_ok());
    // That it has the engine, no message says.
    good.filter(|read| read.engine_data.is_empty() || engine_is_there(read.engine_name)).collect()
}

/// The kernel's names end at a NUL.
fn engine_is_there(name: &[u8]) -> bool {
    name.split(|byte| *byte == 0).next() == Some(b"sip")
}

/// The names of what a table is to have.
fn names<'a>(taken: impl IntoIterator<Item = &'a Connection<'a>>) -> Vec<String> {
    let names = taken.into_iter().map(|connection| named(entry(connection)).0);
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// Tries until there is something, for 20 seconds: the master keeps what it has for three.
fn wait_for<R>(what: &str, mut attempt: impl FnMut() -> Option<R>) -> R {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(found) = attempt() {
            return found;
        }
        assert!(Instant::now() < deadline, "nothing of {what}");
        sleep(Duration::from_millis(20));
    }
}

/// A connection of IPv4 or IPv6 with this client, which nothing else has.
fn from_client(family: Family, protocol: u8, client: u16) -> Connection<'static> {
    let [high, low] = client.to_be_bytes();
    let ends: [IpAddr; 3] = match family {
        Family::V4 => [[192, 0, high, low].into(), [10, 0, 0, 1].into(), [192, 168, 0, 1].into()],
        Family::V6 => {
            [client, 1, 2].map(|last| Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last).into())
        }
    };
    let [client, service, destination] = ends;
    Connection {
        timeout: 700,
        ..Connection::new(
            protocol,
            Endpoint::new(client, 50_000),
            Endpoint::new(service, 80),
            Endpoint::new(destination, 8080),
        )
    }
}

#[test]
fn every_state_of_every_protocol_is_shown_as_it_was_sent() {
    let mut director = Director::with_backup();
    let mut numbers = 1..;
    let mut all = Vec::new();
    for (version, family) in
        [(Version::V0, Family::V4), (Version::V1, Family::V4), (Version::V1, Family::V6)]
    {
        let mut connections = Vec::new();
        for (protocol, is_template) in
            [(6, false), (17, false), (132, false), (50, false), (51, false), (6, true), (17, true)]
        {
            for state in 0..states(protocol, is_template).unwrap().len() {
                let client = numbers.next().unwrap();
                let mut connection = from_client(family, protocol, client);
                connection.state = u16::try_from(state).unwrap();
                if is_template {
                    connection.flags = Flags::TEMPLATE;
                    connection.client.port = 0;
                }
                if version == Version::V0 {
                    connection.timeout = 0;
                }
                connections.push(connection);
            }
        }
        director.give(&packed(version, &connections));
        all.extend(connections);
    }
    let table = director.table();
    assert_eq!(table.keys().cloned().collect::<Vec<_>>(), names(&all));
    for (name, found) in table {
        assert_eq!(found.origin, Some(Origin::Sync), "{name}");
    }
}

#[test]
fn a_connection_lives_as_long_as_the_message_says_or_its_state_does() {
    let mut director = Director::with_backup();
    let made = |client, timeout, state, flags| Connection {
        timeout,
        state,
        flags,
        ..from_client(Family::V4, TCP, client)
    };
    let connections = [
        made(1, 500, 1, Flags::MASQUERADE),
        made(2, 0, 1, Flags::MASQUERADE),
        // CLOSE.
        made(3, 0, 6, Flags::MASQUERADE),
        made(4, 400, 0, Flags::TEMPLATE),
        made(5, 0, 0, Flags::TEMPLATE),
        made(6, 4_000_000, 1, Flags::MASQUERADE),
    ];
    director.give(&packed(Version::V1, &connections));
    let table = director.table();
    for (connection, expected) in connections.iter().zip([500, 900, 10, 400, 180, 4_000_000]) {
        let expires = table[&named(entry(connection)).0].expires.as_secs();
        assert!((expected - 9..=expected).contains(&expires), "{expires} for {connection:?}");
    }
}

#[test]
fn the_data_of_a_persistence_engine_is_shown_with_its_template() {
    let mut director = Director::with_backup();
    let template = Connection {
        flags: Flags::TEMPLATE,
        engine_name: b"sip",
        engine_data: b"call-1@192.0.2.1",
        ..from_client(Family::V4, UDP, 1)
    };
    let of_other = Connection {
        engine_name: b"another",
        ..Connection { client: "192.0.9.9:0".parse().unwrap(), ..template }
    };
    director.give(&packed(Version::V1, &[template, of_other]));
    let found = connections::open().unwrap().map(Result::unwrap);
    let found = found.filter(|found| found.engine.is_some());
    let without_seconds = |found| connections::Connection { expires: Duration::ZERO, ..found };
    let found: Vec<_> = found.map(without_seconds).collect();
    assert_eq!(found, [without_seconds(entry(&template))]);
}

#[test]
fn connections_are_counted_with_the_destination_that_their_message_names() {
    let mut director = Director::with_backup();
    let key: ServiceKey = "tcp 10.0.0.1:80".parse().unwrap();
    director.serve(Service::new(key), "192.168.0.1:8080");
    let mark: ServiceKey = "fwmark 7".parse().unwrap();
    director.serve(Service::new(mark), "192.168.0.1:0");
    let with =
        |client, flags| Connection { flags, state: 1, ..from_client(Family::V4, TCP, client) };
    let connections = [
        with(1, Flags::MASQUERADE),
        with(2, Flags::MASQUERADE | Flags::INACTIVE),
        with(3, Flags::INACTIVE),
        with(4, Flags::TEMPLATE),
        // Found by the mark, at port 0 unless it is masqueraded.
        Connection { mark: 7, ..with(5, Flags::DIRECT_ROUTE) },
        Connection { mark: 7, ..with(6, Flags::TUNNEL | Flags::INACTIVE) },
        Connection { mark: 8, ..with(7, Flags::MASQUERADE) },
    ];
    director.give(&packed(Version::V1, &connections));
    let counts = |director: &mut Director, key| {
        let counts = director.client.destinations(&key).unwrap().remove(0).connections;
        (counts.active, counts.inactive, counts.persistent)
    };
    assert_eq!(counts(&mut director, key), (2, 2, 1));
    assert_eq!(counts(&mut director, mark), (1, 1, 0));
    // Another message of one changes its activity.
    let again = [with(1, Flags::INACTIVE), with(3, Flags::MASQUERADE), with(2, Flags::MASQUERADE)];
    director.give(&packed(Version::V0, &again.map(v0)));
    assert_eq!(counts(&mut director, key), (3, 1, 1));
}

#[test]
fn many_connections_arrive_in_the_longest_datagrams() {
    let mut director = Director::with_backup();
    let connections: Vec<_> =
        (1..=1_000).map(|client| from_client(Family::V4, UDP, client)).collect();
    let datagrams = packed(Version::V1, &connections);
    assert_eq!(datagrams.iter().map(|bytes| bytes[4]).collect::<Vec<_>>(), [255, 255, 255, 235]);
    director.give(&datagrams);
    assert_eq!(director.table().into_keys().collect::<Vec<_>>(), names(&connections));
}

/// The kernel's flags of a connection that no helper shifts and no service has.
fn of_every_kind() -> Vec<Connection<'static>> {
    let methods = (0..8).map(Flags::from_bits);
    let flags = [
        Flags::NO_OUTPUT,
        Flags::INACTIVE,
        Flags::IN_SEQUENCE,
        Flags::OUT_SEQUENCE,
        Flags::IN_SEQUENCE | Flags::OUT_SEQUENCE | Flags::INACTIVE | Flags::LOCAL,
    ];
    let sequence = |initial| Sequence { initial, delta: 0xffff_fffd, previous_delta: 0x0102_0304 };
    let sequences = Sequences { incoming: sequence(7), outgoing: sequence(0xfedc_ba98) };
    let all = methods.chain(flags).zip(40_001..);
    all.map(|(flags, port)| Connection {
        flags,
        mark: u32::from(port) << 16,
        timeout: 300,
        sequences: flags.has_sequences().then_some(sequences),
        ..Connection::new(
            UDP,
            Endpoint::new(Ipv4Addr::new(10, 0, 0, 2), port),
            "10.0.0.1:53".parse().unwrap(),
            "127.0.0.1:5353".parse().unwrap(),
        )
    })
    .collect()
}

#[test]
fn what_a_backup_was_told_its_own_master_tells_again() {
    for version in [Version::V0, Version::V1] {
        let (mut director, mut listener) = Director::with_master(version);
        // Packets are looked at only where there is a service.
        director.client.add_service(&Service::new("udp 10.0.0.1:53".parse().unwrap())).unwrap();
        let connections = of_every_kind();
        director.give(&packed(Version::V1, &connections));
        for connection in &connections {
            let (client, port) = (connection.client.address, connection.client.port);
            let socket = UdpSocket::bind((client, port)).unwrap();
            // Of one that goes nowhere the kernel says so.
            let _ = socket.send_to(b"query", "10.0.0.1:53");
        }
        let told = heard(&mut listener, version, connections.len());
        let expected = connections.iter().map(|connection| {
            let again = Connection { flags: connection.flags | Flags::SYNC, ..*connection };
            match version {
                Version::V0 => v0(again),
                Version::V1 => again,
            }
        });
        for expected in expected {
            let told = told.iter().filter(|told| told.client == expected.client);
            assert_eq!(told.collect::<Vec<_>>(), [&expected], "{version}");
        }
    }
}

/// So many connections that the master sends, each as it was told last and without what it
/// borrows. Each datagram is written the same again.
fn heard(listener: &mut SyncListener, version: Version, count: usize) -> Vec<Connection<'static>> {
    let mut all = BTreeMap::new();
    while all.len() < count {
        let datagram = wait_for("the master", || {
            listener.receive().unwrap().map(|(_, datagram)| datagram.to_vec())
        });
        let message = receive(&datagram, MASTER).unwrap();
        assert_eq!(message.version, version);
        let mut again = Datagram::new(version, MASTER, 9188);
        for connection in message.connections() {
            let connection = connection.unwrap();
            assert_eq!(connection.check(), Ok(()));
            assert!(again.push(&connection).unwrap());
            let (engine_name, engine_data): (&[u8], &[u8]) =
                if connection.engine_data.is_empty() { (b"", b"") } else { (b"sip", CALL) };
            let owned = Connection { engine_name, engine_data, others: Others::NONE, ..connection };
            assert_eq!(owned, connection);
            all.insert((owned.protocol, owned.client, owned.service), owned);
        }
        assert_eq!(again.as_bytes(), datagram);
    }
    all.into_values().collect()
}

const CALL: &[u8] = b"call-1@192.0.2.1";

#[test]
fn what_the_master_tells_is_what_its_table_shows() {
    for version in [Version::V0, Version::V1] {
        let (mut director, mut listener) = Director::with_master(version);
        let persistent = Persistence::seconds(60);
        let service = |key: &str| Service::new(key.parse().unwrap());
        director.serve(service("tcp 10.0.0.1:80").with_persistence(persistent), "127.0.0.1:8080");
        director.serve(service("tcp [fd00::1]:443"), "[fd00::2]:8443");
        director.serve(service("udp 10.0.0.1:53"), "127.0.0.1:5353");
        let engine = persistent.with_engine("sip".parse().unwrap());
        director.serve(service("udp 10.0.0.1:5060").with_persistence(engine), "127.0.0.1:5060");
        director.serve(service("fwmark 2147483655").with_persistence(persistent), "127.0.0.1:0");
        director.serve(service("fwmark 8 ipv6").with_persistence(persistent), "[fd00::2]:0");
        let listeners =
            ["127.0.0.1:8080", "[fd00::2]:8443"].map(|server| TcpListener::bind(server).unwrap());
        let streams =
            ["10.0.0.1:80", "[fd00::1]:443"].map(|server| TcpStream::connect(server).unwrap());
        let sockets = [
            ("10.0.0.1:53", 0, &b"query"[..]),
            ("10.0.0.1:5060", 0, b"INVITE sip:a@b SIP/2.0\r\nCall-ID: call-1@192.0.2.1\r\n\r\n"),
            ("10.0.0.1:1234", 0x8000_0007, b"x"),
            ("[fd00::1]:1234", 8, b"x"),
        ]
        .map(|(to, mark, payload)| {
            let any = if to.starts_with('[') { "[::]:0" } else { "0.0.0.0:0" };
            let socket = UdpSocket::bind(any).unwrap();
            setsockopt(&socket, sockopt::Mark, &mark).unwrap();
            socket.send_to(payload, to).unwrap();
            socket
        });

        // All but IPv6 in version 0: six connections, four of them with a template.
        let count = if version == Version::V0 { 7 } else { 10 };
        let told = heard(&mut listener, version, count);
        let all = connections::open().unwrap().map(Result::unwrap);
        let is_of = |found: &connections::Connection| {
            version == Version::V1 || found.client.family() == Family::V4
        };
        let found: BTreeMap<_, _> = all.filter(is_of).map(named).collect();
        assert_eq!(found.keys().cloned().collect::<Vec<_>>(), names(&told), "{version}");
        for told in &told {
            let entry = entry(told);
            let found = &found[&named(entry.clone()).0];
            let marked = found.service.to_string().ends_with(":1234") || told.protocol == 0;
            let of_version_1 = version == Version::V1;
            if of_version_1 {
                assert_eq!(found.engine, entry.engine);
                let left = entry.expires.saturating_sub(found.expires);
                assert!(left < Duration::from_secs(10), "{found} of {entry}");
                let mark = if told.client.family() == Family::V6 { 8 } else { 0x8000_0007 };
                assert_eq!(told.mark, if marked { mark } else { 0 }, "{told:?}");
            }
        }
        drop((listeners, streams, sockets));
    }
}

/// One for each rule of the kernel: what is put where in a datagram of three connections,
/// of which that in the middle, a template of `sip`, is at 44 and has its options at 80.
const HARMS: [(&str, usize, &[u8]); 17] = [
    ("size", 3, &[123]),
    ("size", 3, &[125]),
    ("sync id", 1, &[BACKUP + 1]),
    ("truncated", 46, &[0x0f, 0xff]),
    ("record version", 46, &[0x10]),
    ("record kind", 44, &[2]),
    ("record size", 47, &[35]),
    ("record size", 44, &[1]),
    ("option length", 81, &[0]),
    ("option length", 81, &[99]),
    ("sequences", 80, &[1]),
    ("option twice", 80, &[3]),
    ("unknown option", 80, &[4]),
    ("flags", 50, &[0x18]),
    ("flags", 50, &[0x30]),
    ("state", 53, &[2]),
    ("engine name", 83, &[0x44]),
];

#[test]
fn what_the_kernel_drops_is_what_is_said_to_be_dropped() {
    let mut director = Director::with_backup();
    // What is not of the middle: a datagram of three bytes, a protocol, a state.
    let odd =
        |client, protocol, state| Connection { state, ..from_client(Family::V4, protocol, client) };
    let mut datagrams = vec![
        ("header", vec![0, BACKUP, 0]),
        ("protocol", packed(Version::V1, &[odd(1, 200, 0), odd(2, TCP, 1)]).remove(0)),
        ("state", packed(Version::V0, &[v0(odd(3, TCP, 11)), v0(odd(4, TCP, 10))]).remove(0)),
    ];
    for (number, (rule, at, bytes)) in (2..).zip(HARMS) {
        let template = Connection {
            flags: Flags::TEMPLATE,
            engine_name: b"sip",
            engine_data: b"x",
            ..from_client(Family::V4, TCP, 3 * number)
        };
        let before = from_client(Family::V4, TCP, 3 * number + 1);
        let after = from_client(Family::V4, TCP, 3 * number + 2);
        let mut datagram = packed(Version::V1, &[before, template, after]).remove(0);
        assert_eq!((datagram.len(), taken(&datagram).len()), (124, 3));
        datagram[at..at + bytes.len()].copy_from_slice(bytes);
        datagrams.push((rule, datagram));
    }
    director.give(&datagrams.iter().map(|(_, datagram)| datagram.clone()).collect::<Vec<_>>());
    let table = director.table();
    let mut all = Vec::new();
    for (rule, datagram) in &datagrams {
        let taken = taken(datagram);
        assert!(taken.len() < 3, "{rule}: nothing is dropped");
        assert!(names(&taken).iter().all(|name| table.contains_key(name)), "{rule}: {table:#?}");
        all.extend(taken);
    }
    assert_eq!(table.into_keys().collect::<Vec<_>>(), names(&all));
}

/// As version 0 can say it.
fn v0(connection: Connection<'_>) -> Connection<'_> {
    Connection { mark: 0, timeout: 0, ..connection }
}

#[test]
fn whatever_the_bytes_the_kernel_takes_what_is_said_to_be_taken() {
    let mut director = Director::with_backup();
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed >> 16).unwrap() % below
    };
    let mut datagrams = Vec::new();
    for number in 0..1_000 {
        let version = if number % 4 == 0 { Version::V0 } else { Version::V1 };
        let connections = [(); 3].map(|()| any_connection(version, &mut random));
        let mut bytes = packed(version, &connections).remove(0);
        for _ in 0..=random(2) {
            let at = random(bytes.len());
            bytes[at] = match random(3) {
                0 => bytes[at] ^ 1 << random(8),
                1 => u8::try_from(random(8)).unwrap(),
                _ => u8::try_from(random(256)).unwrap(),
            };
        }
        datagrams.push(bytes);
    }
    director.give(&datagrams);
    let table = director.table();
    let all: Vec<_> = datagrams.iter().flat_map(|datagram| taken(datagram)).collect();
    let expected = names(&all);
    for datagram in &datagrams {
        let missing = names(&taken(datagram)).into_iter().find(|name| !table.contains_key(name));
        assert_eq!(missing, None, "not taken of {datagram:02x?}");
    }
    let surplus: Vec<_> = table.keys().filter(|name| !expected.contains(name)).collect();
    assert_eq!(surplus, [""; 0]);
    assert!((1_500..3_000).contains(&expected.len()), "{} taken", expected.len());
}

/// One that no other is equal to.
fn any_connection(
    version: Version,
    random: &mut impl FnMut(usize) -> usize,
) -> Connection<'static> {
    let family = if version == Version::V1 && random(3) == 0 { Family::V6 } else { Family::V4 };
    let is_template = random(3) == 0;
    let mut connection = from_client(family, if random(2) == 0 { TCP } else { UDP }, 0);
    let mut number = || u32::try_from(random(1 << 24)).unwrap();
    connection.client = match family {
        Family::V4 => Endpoint::new(Ipv4Addr::from_bits(0x0b00_0000 | number()), 50_000),
        Family::V6 => Endpoint::new(Ipv6Addr::from_bits(u128::from(number()) << 64), 50_000),
    };
    connection.client.port = u16::try_from(random(1 << 16)).unwrap();
    if is_template {
        connection.flags = Flags::TEMPLATE;
    }
    match version {
        Version::V0 => connection.timeout = 0,
        Version::V1 if random(2) == 0 => {
            connection.engine_name = b"sip";
            connection.engine_data = b"call";
        }
        Version::V1 => {}
    }
    if random(3) == 0 {
        connection.flags = connection.flags | Flags::IN_SEQUENCE;
        connection.sequences = Some(Sequences::default());
    }
    connection
}
