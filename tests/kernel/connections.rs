//! The connection table, with real connections in it.

use crate::netns::Netns;
use ipvs::connections::{self, Connection, Filter, LineProblem, Origin, ReadError, State, Summary};
use ipvs::{
    Client, Destination, Endpoint, Forwarding, Namespace, Persistence, Role, Scheduler, Service,
    ServiceKey, SyncDaemon,
};
use ipvs_sync::proto::{self, Datagram, Flags, Version};
use nix::sys::socket::{setsockopt, sockopt};
use std::fmt::Write as _;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A namespace with virtual addresses on loopback, and a client in it.
fn with_addresses() -> (Netns, Client) {
    let netns = Netns::new();
    netns.run("/sbin/ip addr add 10.0.0.1/32 dev lo");
    netns.run("/sbin/ip addr add fd00::1/128 dev lo nodad");
    netns.run("/sbin/ip addr add fd00::2/128 dev lo nodad");
    let client = netns.client();
    (netns, client)
}

fn key(text: &str) -> ServiceKey {
    text.parse().unwrap()
}

fn endpoint(text: &str) -> Endpoint {
    text.parse().unwrap()
}

/// A service with one destination.
fn serve(client: &mut Client, service: Service, destination: Destination) {
    client.add_service(&service).unwrap();
    client.add_destination(&service.key(), &destination).unwrap();
}

fn all(reader: impl Iterator<Item = Result<Connection, ReadError>>) -> Vec<Connection> {
    reader.map(Result::unwrap).collect()
}

/// What each shows, apart from the client's port and the seconds, sorted.
fn shown(connections: &[Connection]) -> Vec<String> {
    let mut shown: Vec<String> = connections
        .iter()
        .map(|found| {
            let mut text = match found.service {
                ServiceKey::Mark { mark, family } => format!("mark {mark} {family}"),
                key => key.to_string(),
            };
            write!(text, " from {}", found.client.address).unwrap();
            write!(text, " to {} {}", found.destination, found.state).unwrap();
            if found.is_template() {
                text += " template";
            }
            if let Some(engine) = &found.engine {
                write!(text, " {engine}").unwrap();
            }
            if let Some(origin) = found.origin {
                write!(text, " {origin}").unwrap();
            }
            text
        })
        .collect();
    shown.sort();
    shown
}

/// A datagram to a virtual address, with this mark.
fn send(to: &str, mark: u32, payload: &[u8]) -> UdpSocket {
    let any = if to.starts_with('[') { "[::]:0" } else { "0.0.0.0:0" };
    let socket = UdpSocket::bind(any).unwrap();
    setsockopt(&socket, sockopt::Mark, &mark).unwrap();
    socket.send_to(payload, to).unwrap();
    socket
}

/// Connections of every kind; they last as long as what is returned.
fn traffic(client: &mut Client) -> (Vec<TcpStream>, Vec<UdpSocket>) {
    let persistent = Persistence::seconds(60);
    serve(
        client,
        Service::new(key("tcp 10.0.0.1:80")).with_persistence(persistent),
        Destination::new(endpoint("127.0.0.1:8080")),
    );
    serve(
        client,
        Service::new(key("tcp [fd00::1]:443")),
        Destination::new(endpoint("[fd00::2]:8443")),
    );
    serve(
        client,
        Service::new(key("udp 10.0.0.1:53")),
        Destination::new(endpoint("[fd00::9]:53")).with_forwarding(Forwarding::IPIP),
    );
    serve(
        client,
        Service::new(key("udp 10.0.0.1:5060"))
            .with_persistence(Persistence { engine: "sip".parse().ok(), ..persistent }),
        Destination::new(endpoint("127.0.0.1:5060")),
    );
    serve(
        client,
        Service::new(key("fwmark 2147483655")).with_persistence(persistent),
        Destination::new(endpoint("127.0.0.1:0")),
    );
    serve(
        client,
        Service::new(key("fwmark 8 ipv6")).with_persistence(persistent),
        Destination::new(endpoint("[fd00::2]:0")),
    );

    let mut streams = Vec::new();
    for (virtual_address, server) in
        [("10.0.0.1:80", "127.0.0.1:8080"), ("[fd00::1]:443", "[fd00::2]:8443")]
    {
        let listener = TcpListener::bind(server).unwrap();
        streams.push(TcpStream::connect(virtual_address).unwrap());
        streams.push(listener.accept().unwrap().0);
    }
    // The Call-ID has a letter of Latin 1, which the kernel takes for one.
    let invite = b"INVITE sip:a@b SIP/2.0\r\nCall-ID: c\xe9ll-1@192.0.2.1\r\n\r\n";
    let sockets = vec![
        send("10.0.0.1:53", 0, b"query"),
        send("10.0.0.1:5060", 0, invite),
        send("10.0.0.1:1234", 0x8000_0007, b"x"),
        send("[fd00::1]:1234", 8, b"x"),
    ];
    (streams, sockets)
}

#[test]
fn every_kind_of_connection_is_read_as_it_was_made() {
    let (_netns, mut client) = with_addresses();
    let held = traffic(&mut client);
    let found = all(connections::open().unwrap());
    assert_eq!(
        shown(&found),
        [
            "mark 2147483655 IPv4 from 10.0.0.1 to 127.0.0.1:0 NONE template",
            "mark 8 IPv6 from fd00::1 to [fd00::2]:0 NONE template",
            "tcp 10.0.0.1:80 from 10.0.0.1 to 127.0.0.1:8080 ASSURED template",
            "tcp 10.0.0.1:80 from 10.0.0.1 to 127.0.0.1:8080 ESTABLISHED",
            "tcp [fd00::1]:443 from fd00::1 to [fd00::2]:8443 ESTABLISHED",
            "udp 10.0.0.1:1234 from 10.0.0.1 to 127.0.0.1:1234 UDP",
            "udp 10.0.0.1:5060 from 10.0.0.1 to 127.0.0.1:5060 NONE template sip \
             c\\xe9ll-1@192.0.2.1",
            "udp 10.0.0.1:5060 from 10.0.0.1 to 127.0.0.1:5060 UDP",
            "udp 10.0.0.1:53 from 10.0.0.1 to [fd00::9]:53 UDP",
            "udp [fd00::1]:1234 from fd00::1 to [fd00::2]:1234 UDP",
        ]
    );
    let port = held.0[0].local_addr().unwrap().port();
    let filter = Filter {
        service: Some(key("tcp 10.0.0.1:80")),
        template: Some(false),
        ..Filter::default()
    };
    let mut matching = found.iter().filter(|connection| filter.matches(connection));
    let connection = matching.next().unwrap();
    assert_eq!(connection.client, Endpoint::new([10, 0, 0, 1], port));
    assert!((890..=900).contains(&connection.expires.as_secs()), "{connection}");
    assert_eq!(matching.next(), None);

    // The other file shows the same, with origins in the place of engines.
    let local: Vec<Connection> = found
        .into_iter()
        .map(|found| Connection { engine: None, origin: Some(Origin::Local), ..found })
        .collect();
    assert_eq!(shown(&all(connections::open_origins().unwrap())), shown(&local));
}

#[test]
fn a_summary_counts_what_the_kernel_counts() {
    let (_netns, mut client) = with_addresses();
    let service = key("tcp 10.0.0.1:80");
    serve(
        &mut client,
        Service::new(service).with_scheduler(Scheduler::Rr),
        Destination::new(endpoint("127.0.0.1:8080")),
    );
    client.add_destination(&service, &Destination::new(endpoint("127.0.0.1:8081"))).unwrap();
    let listeners = [8080, 8081].map(|port| TcpListener::bind(("127.0.0.1", port)).unwrap());
    let streams: Vec<TcpStream> =
        (0..7).map(|_| TcpStream::connect("10.0.0.1:80").unwrap()).collect();
    // More than one read: the kernel gives 4 KiB at a time.
    let sockets: Vec<UdpSocket> = {
        serve(
            &mut client,
            Service::new(key("udp 10.0.0.1:53")),
            Destination::new(endpoint("127.0.0.1:53")),
        );
        (0..300).map(|_| send("10.0.0.1:53", 0, b"query")).collect()
    };
    drop(streams.into_iter().next());

    let summary: Summary = all(connections::open().unwrap()).into_iter().collect();
    let counts: Vec<_> = client.destinations(&service).unwrap();
    assert_eq!(counts.len(), 2);
    for entry in counts {
        let counted = summary.get(service, entry.destination.endpoint()).unwrap();
        let established = counted.states.get(&State::Established).copied().unwrap_or(0);
        assert_eq!(u64::from(entry.connections.active), established, "{counted:?}");
        let all = entry.connections.active + entry.connections.inactive;
        assert_eq!(u64::from(all), counted.connections());
    }
    let udp = summary.get(key("udp 10.0.0.1:53"), endpoint("127.0.0.1:53")).unwrap();
    assert_eq!(udp.states, [(State::Udp, 300)].into());
    drop((listeners, sockets));
}

#[test]
fn the_table_of_another_namespace_is_read_from_here() {
    let (netns, mut client) = with_addresses();
    serve(
        &mut client,
        Service::new(key("udp 10.0.0.1:53")),
        Destination::new(endpoint("127.0.0.1:53")),
    );
    let socket = send("10.0.0.1:53", 0, b"query");
    let there = Namespace::open("/proc/thread-self/ns/net").unwrap();
    let before = all(connections::open().unwrap());
    assert_eq!(before.len(), 1);
    let _here = Netns::new();
    assert_eq!(all(connections::open().unwrap()), []);
    assert_eq!(shown(&all(connections::open_in(&there).unwrap())), shown(&before));
    let origins = all(connections::open_origins_in(&there).unwrap());
    assert_eq!(origins.iter().map(|found| found.origin).collect::<Vec<_>>(), [Some(Origin::Local)]);
    drop((netns, socket));
}

/// A message of a sync master with one template, which has these data of the
/// engine `sip`.
fn sync_message(data: &[u8]) -> Vec<u8> {
    let ends = ["192.0.2.9:0", "10.0.0.1:80", "192.168.0.1:8080"];
    let [client, service, destination] = ends.map(endpoint);
    let template = proto::Connection {
        flags: Flags::TEMPLATE,
        timeout: 300,
        engine_name: b"sip",
        engine_data: data,
        ..proto::Connection::new(6, client, service, destination)
    };
    let mut message = Datagram::new(Version::V1, 1, 1472);
    assert!(message.push(&template).unwrap());
    message.as_bytes().to_vec()
}

/// A namespace with a backup daemon, which has got a message.
fn with_backup(message: &[u8]) -> (Netns, Client) {
    let netns = Netns::new();
    netns.run("/sbin/ip link add sync0 type dummy");
    netns.run("/sbin/ip link set sync0 up");
    netns.run("/sbin/ip addr add 10.5.0.1/24 dev sync0");
    netns.run("/sbin/modprobe ip_vs_pe_sip");
    let mut client = netns.client();
    client.start_daemon(&SyncDaemon::new(Role::Backup, "sync0".parse().unwrap(), 1)).unwrap();
    let socket = UdpSocket::bind("10.5.0.1:0").unwrap();
    socket.send_to(message, "224.0.0.81:8848").unwrap();
    (netns, client)
}

#[test]
fn what_a_sync_master_sent_is_told_from_what_was_made_here() {
    let (_netns, mut client) = with_backup(&sync_message(b"call @ home"));
    let expected = "tcp 10.0.0.1:80 from 192.0.2.9 to 192.168.0.1:8080 NONE template";
    let found = waited(|| all(connections::open().unwrap()));
    assert_eq!(shown(&found), [format!("{expected} sip call @ home")]);
    let origins = all(connections::open_origins().unwrap());
    assert_eq!(shown(&origins), [format!("{expected} sync")]);
    client.stop_daemon(Role::Backup).unwrap();
}

#[test]
fn a_newline_from_a_sync_master_spoils_one_line_only() {
    let (_netns, mut client) = with_backup(&sync_message(b"call\n@ \xff home\0gone"));
    let found: Vec<_> = waited(|| connections::open().unwrap().collect());
    let [Ok(connection), Err(error)] = &found[..] else { panic!("{found:?}") };
    assert_eq!(*connection.engine.as_ref().unwrap().data, *b"call");
    assert_eq!(error.line(), Some((3, LineProblem::Malformed("protocol"))));
    assert_eq!(error.to_string(), "read connections: line 3: the protocol cannot be read");
    client.stop_daemon(Role::Backup).unwrap();
}

/// Waits until there is something.
fn waited<V>(mut read: impl FnMut() -> Vec<V>) -> Vec<V> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let found = read();
        if !found.is_empty() {
            return found;
        }
        assert!(Instant::now() < deadline, "nothing came");
        sleep(Duration::from_millis(50));
    }
}
