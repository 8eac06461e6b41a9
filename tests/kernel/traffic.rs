//! Counters and connections, with real traffic over loopback.

use crate::netns::Netns;
use ipvs::{Client, Connections, Destination, Endpoint, Persistence, Service, ServiceKey, Stats};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread::sleep;
use std::time::{Duration, Instant};

#[test]
fn connections_and_counters_are_those_of_the_traffic() {
    let netns = Netns::new();
    netns.run("/sbin/ip addr add 10.0.0.1/32 dev lo");
    let key: ServiceKey = "tcp 10.0.0.1:80".parse().unwrap();
    let server = Endpoint::new([127, 0, 0, 1], 8080);
    let mut client = netns.client();
    client.add_service(&Service::new(key).with_persistence(Persistence::seconds(60))).unwrap();
    client.add_destination(&key, &Destination::new(server)).unwrap();

    let listener = TcpListener::bind(("127.0.0.1", 8080)).unwrap();
    let mut streams = Vec::new();
    for _ in 0..3 {
        let mut stream = TcpStream::connect(("10.0.0.1", 80)).unwrap();
        let (mut accepted, _) = listener.accept().unwrap();
        stream.write_all(b"ping").unwrap();
        accepted.read_exact(&mut [0; 4]).unwrap();
        streams.push((stream, accepted));
    }
    let entry = client.destination(&key, server).unwrap().unwrap();
    assert_eq!(entry.connections, Connections { active: 3, inactive: 0, persistent: 1 });

    let stats = counted(&mut client, &key, 3);
    // At least SYN, ACK and data for each.
    assert!(stats.packets_in >= 9 && stats.bytes_in >= 9 * 40, "{stats:?}");
    assert!(stats.packets_out >= 6 && stats.bytes_out >= 6 * 40, "{stats:?}");
    assert_eq!(client.destination(&key, server).unwrap().unwrap().stats.connections, 3);

    client.zero_service(&key).unwrap();
    assert_eq!(client.service(&key).unwrap().unwrap().stats.connections, 0);
    assert_eq!(client.destination(&key, server).unwrap().unwrap().stats.connections, 0);
    // Connections are no counters.
    let entry = client.destination(&key, server).unwrap().unwrap();
    assert_eq!(entry.connections.active, 3);

    // Another connection is counted anew, and zeroed with everything.
    let more = TcpStream::connect(("10.0.0.1", 80)).unwrap();
    counted(&mut client, &key, 1);
    client.zero().unwrap();
    assert_eq!(client.service(&key).unwrap().unwrap().stats.connections, 0);
    assert_eq!(client.timeouts().unwrap().tcp, Some(900));
    drop(more);
}

/// Waits until so many connections are counted: the kernel refreshes its
/// counters every two seconds.
fn counted(client: &mut Client, key: &ServiceKey, connections: u64) -> Stats {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let stats = client.service(key).unwrap().unwrap().stats;
        if stats.connections == connections {
            return stats;
        }
        assert!(Instant::now() < deadline, "{stats:?}");
        sleep(Duration::from_millis(200));
    }
}
