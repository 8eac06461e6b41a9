//! The whole connection table, from the kernel of one director into that of another.

use crate::sync::director::{BACKUP, Director, TCP, UDP, wait_for};
use crate::sync::table::{from_client, named, packed};
use crate::sync::told::heard;
use ipvs::connections::{self, Connection as Entry};
use ipvs::{
    Client, Destination, Endpoint, Family, Forwarding, Role, Service, ServiceKey, SyncDaemon,
};
use ipvs_sync::peer::Key;
use ipvs_sync::proto::{Connection, Flags, Sequence, Sequences, Version, states};
use ipvs_sync::resync::{Error, Progress, Receiver, Report, Sender};
use socket2::{Domain, Socket, Type};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::Once;
use std::thread;
use std::time::Instant;

const KEY: Key = Key::new([7; 32]);

/// A stream, both ends of which are of the calling thread's namespace.
fn streams() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let joining = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (joining, listener.accept().unwrap().0)
}

/// What the calling thread's table has, as soon as it shows so many. The kernel has one
/// table for all namespaces, and misses some in reading while one that was left is cleared
/// (`ip_vs_conn.c: ip_vs_conn_array`).
fn table(count: usize) -> BTreeMap<String, Entry> {
    wait_for("the whole table", || {
        let found = connections::open().unwrap().map(|entry| named(entry.unwrap()));
        Some(found.collect::<BTreeMap<_, _>>()).filter(|found| found.len() == count)
    })
}

/// A director with services and these connections, and how many it has with those that
/// [`Director::give`] adds.
fn director(connections: &[Connection<'_>]) -> (Director, usize) {
    let mut director = Director::with_backup();
    serve(&mut director.client);
    let datagrams = packed(Version::V1, connections);
    director.give(&datagrams);
    let count = connections.len() + datagrams.len().div_ceil(8);
    table(count);
    (director, count)
}

/// The services of both directors: masqueraded, direct-routed, of IPv6 and by mark.
fn serve(client: &mut Client) {
    for (key, destination, forwarding) in [
        ("tcp 10.0.0.1:80", "192.168.0.1:8080", Forwarding::Masquerade),
        ("udp 10.0.0.1:80", "192.168.0.1:80", Forwarding::DirectRoute),
        ("tcp [2001:db8::1]:80", "[2001:db8::2]:8080", Forwarding::Masquerade),
        ("fwmark 7", "192.168.0.7:0", Forwarding::DirectRoute),
        // What waits for all before it.
        ("udp 198.51.100.2:2", "198.51.100.1:0", Forwarding::Masquerade),
    ] {
        let key: ServiceKey = key.parse().unwrap();
        client.add_service(&Service::new(key)).unwrap();
        let destination = Destination::new(destination.parse().unwrap());
        client.add_destination(&key, &destination.with_forwarding(forwarding)).unwrap();
    }
}

/// Some of every kind that those services have.
fn of_every_kind(count: u16) -> Vec<Connection<'static>> {
    let mut all = Vec::new();
    for client in 1..=count {
        let state = client % u16::try_from(states(TCP, false).unwrap().len()).unwrap();
        let flags =
            if matches!(state, 1 | 2 | 3 | 10) { Flags::MASQUERADE } else { Flags::INACTIVE };
        let tcp = from_client(Family::V4, TCP, client);
        all.push(Connection { state, flags, ..tcp });
        all.push(udp(Endpoint::new(tcp.client.address, 50_000)));
        all.push(Connection { state, flags, ..from_client(Family::V6, TCP, client) });
        let client = Endpoint::new(tcp.client.address, 0);
        all.push(Connection { client, state: state % 2, flags: Flags::TEMPLATE, ..tcp });
        let service = "10.0.9.9:99".parse().unwrap();
        let destination = "192.168.0.7:99".parse().unwrap();
        all.push(Connection { service, destination, mark: 7, state: 1, ..tcp });
        let service = "0.0.0.7:0".parse().unwrap();
        let destination = "192.168.0.7:0".parse().unwrap();
        let flags = Flags::TEMPLATE;
        all.push(Connection { protocol: 0, client, service, destination, mark: 7, flags, ..tcp });
    }
    let (engine_name, engine_data) = (&b"sip"[..], &b"call-1@192.0.2.1"[..]);
    let sip = udp(Endpoint::new([192, 0, 2, 9], 0));
    all.push(Connection { flags: Flags::TEMPLATE, engine_name, engine_data, ..sip });
    all
}

/// A direct-routed one.
fn udp(client: Endpoint) -> Connection<'static> {
    let destination = "192.168.0.1:80".parse().unwrap();
    let flags = Flags::INACTIVE;
    Connection { client, destination, flags, ..from_client(Family::V4, UDP, 1) }
}

/// What a joining director, in a thread and a namespace of its own, makes of these streams,
/// and its table in the end.
type Joined = (Vec<Result<Report, Error>>, Vec<Progress>, BTreeMap<String, Entry>, [(u32, u32); 4]);

fn join(streams: Vec<TcpStream>, count: usize) -> thread::JoinHandle<Joined> {
    thread::spawn(move || {
        let mut director = Director::with_backup();
        serve(&mut director.client);
        let mut receiver = Receiver::new(KEY);
        let mut all = Vec::new();
        let mut reports = Vec::new();
        for stream in streams {
            reports.push(
                receiver.run(stream, &mut director.client, Vec::new, |progress| all.push(progress)),
            );
        }
        let counts = counts(&mut director.client);
        (reports, all, table(count), counts)
    })
}

/// The active and inactive connections of the destinations.
fn counts(client: &mut Client) -> [(u32, u32); 4] {
    ["tcp 10.0.0.1:80", "udp 10.0.0.1:80", "tcp [2001:db8::1]:80", "fwmark 7"].map(|key| {
        let counts = client.destinations(&key.parse().unwrap()).unwrap().remove(0).connections;
        (counts.active, counts.inactive)
    })
}

/// Both tables have the same, and it lives as long.
fn same(active: &BTreeMap<String, Entry>, joined: &BTreeMap<String, Entry>) {
    assert!(active.keys().eq(joined.keys()), "{} and {}", active.len(), joined.len());
    for (name, found) in active {
        let there = &joined[name];
        let apart = found.expires.abs_diff(there.expires);
        assert!(apart.as_secs() <= 10, "{found} there {there}");
        assert_eq!(found.engine, there.engine);
    }
}

#[test]
fn a_table_arrives_complete_and_as_it_was() {
    let (mut director, all) = director(&of_every_kind(500));
    let (joining, active) = streams();
    let joined = join(vec![joining], all);
    let mut sender = Sender::new(KEY);
    sender.serve(active, connections::open, |_| {}).unwrap();
    let (mut reports, progress, there, counted) = joined.join().unwrap();
    same(&table(all), &there);
    let report = reports.remove(0).unwrap();
    assert_eq!(report.to_string(), format!("synced {all} of {all} connections"));
    // One to take all, and one to see that all is there.
    assert_eq!(report.passes, 2);
    assert_eq!(progress.last().unwrap().given, 0);
    assert_eq!(counted, counts(&mut director.client));
    assert!(counted.iter().all(|(active, inactive)| active + inactive == 500), "{counted:?}");
}

#[test]
fn a_table_arrives_by_a_group_of_ipv6_too() {
    let (_director, all) = director(&of_every_kind(50));
    let (joining, active) = streams();
    let joined = thread::spawn(move || {
        let mut director = Director::with_backup();
        director.client.stop_daemon(Role::Backup).unwrap();
        let daemon = SyncDaemon::new(Role::Backup, "sync0".parse().unwrap(), BACKUP);
        let group = Some("ff02::81".parse().unwrap());
        director.client.start_daemon(&SyncDaemon { group, ..daemon }).unwrap();
        serve(&mut director.client);
        let report = Receiver::new(KEY).run(joining, &mut director.client, Vec::new, |_| {});
        (report, table(all))
    });
    Sender::new(KEY).serve(active, connections::open, |_| {}).unwrap();
    let (report, there) = joined.join().unwrap();
    same(&table(all), &there);
    let report = report.unwrap();
    assert_eq!(report.to_string(), format!("synced {all} of {all} connections"));
    assert_eq!(report.passes, 2);
}

#[test]
fn after_a_break_the_rest_arrives() {
    let (_director, all) = director(&of_every_kind(500));
    let ((joining, active), (again, active_again)) = (streams(), streams());
    let joined = join(vec![joining, again], all);
    let mut sender = Sender::new(KEY);
    let cut = active.try_clone().unwrap();
    let broken = sender.serve(active, connections::open, |read| {
        if read > 1_500 {
            cut.shutdown(Shutdown::Both).unwrap();
        }
    });
    assert!(broken.is_err());
    sender.serve(active_again, connections::open, |_| {}).unwrap();
    assert_eq!((sender.counters().broken, sender.counters().served), (1, 1));
    let (reports, progress, there, _) = joined.join().unwrap();
    same(&table(all), &there);
    let [Err(_), Ok(report)] = &reports[..] else { panic!("{reports:?}") };
    assert!(report.is_complete(), "{report}");
    // The second time not all was given: more than was left only by what the kernel shows
    // twice, as here, where the other director's are in the same table.
    let given: Vec<u64> =
        progress.iter().filter(|told| told.pass == 1).map(|told| told.given).collect();
    let broken = given.windows(2).position(|told| told[1] < told[0]).unwrap();
    assert!(given[broken] >= 1_000, "{given:?}");
    assert!(*given.last().unwrap() < all as u64, "{given:?}");
}

/// From now on the backup daemon of the thread's namespace takes what is for this id only.
fn replace_backup(id: u8) {
    let mut client = Client::connect().unwrap();
    client.stop_daemon(Role::Backup).unwrap();
    let daemon = SyncDaemon::new(Role::Backup, "sync0".parse().unwrap(), id);
    client.start_daemon(&daemon).unwrap();
}

#[test]
fn what_is_lost_on_the_way_is_given_again() {
    let (_director, all) = director(&of_every_kind(500));
    let (joining, active) = streams();
    let joined = thread::spawn(move || {
        let mut director = Director::with_backup();
        serve(&mut director.client);
        let mut told = Vec::new();
        let mut id = BACKUP;
        let report = Receiver::new(KEY).run(joining, &mut director.client, Vec::new, |progress| {
            // In the middle of the first pass the daemon drops what is for the id that it had.
            let is_deaf = progress.pass == 1 && (1..2_000).contains(&progress.read);
            let wanted = if is_deaf { BACKUP + 1 } else { BACKUP };
            if wanted != id {
                id = wanted;
                replace_backup(id);
            }
            told.push(progress);
        });
        (report.unwrap(), told, table(all))
    });
    Sender::new(KEY).serve(active, connections::open, |_| {}).unwrap();
    let (report, told, there) = joined.join().unwrap();
    same(&table(all), &there);
    assert_eq!(report.to_string(), format!("synced {all} of {all} connections"));
    // One more to give what was lost.
    assert_eq!(report.passes, 3);
    let given = |pass| told.iter().filter(|told| told.pass == pass).map(|told| told.given).max();
    assert!(given(2).unwrap() >= 1_000, "{told:?}");
    assert_eq!(given(3), Some(0));
}

#[test]
fn a_backup_daemon_that_takes_nothing_is_no_success() {
    let (_director, all) = director(&of_every_kind(10));
    let (joining, active) = streams();
    let joined = thread::spawn(move || {
        let mut director = Director::with_backup();
        serve(&mut director.client);
        // Asked for after the daemon's id was read.
        let is_deaf = Once::new();
        let active = || {
            is_deaf.call_once(|| replace_backup(BACKUP + 1));
            Vec::new()
        };
        let result = Receiver::new(KEY).run(joining, &mut director.client, active, |_| {});
        (result, table(0))
    });
    Sender::new(KEY).serve(active, connections::open, |_| {}).unwrap();
    let (result, there) = joined.join().unwrap();
    let told = format!("synced 0 of {all} connections, {all} missing: ");
    assert!(result.unwrap_err().to_string().contains(&told));
    assert!(there.is_empty(), "{there:?}");
}

#[test]
fn what_has_no_destination_is_named_and_not_taken() {
    let astray =
        Connection { service: "10.0.0.9:80".parse().unwrap(), ..from_client(Family::V4, TCP, 1) };
    let (_director, all) = director(&[astray, from_client(Family::V4, TCP, 2)]);
    let (joining, active) = streams();
    let joined = join(vec![joining], all - 1);
    Sender::new(KEY).serve(active, connections::open, |_| {}).unwrap();
    let (reports, ..) = joined.join().unwrap();
    let report = reports[0].as_ref().unwrap();
    assert_eq!(report.to_string(), "synced 2 of 3 connections, 1 without a destination here");
}

/// Its services are to come, or were cleared.
#[test]
fn a_table_that_comes_before_the_services_is_no_success() {
    let (_director, _) = director(&[from_client(Family::V4, TCP, 1)]);
    let (joining, active) = streams();
    let joined = thread::spawn(move || {
        let mut director = Director::with_backup();
        Receiver::new(KEY).run(joining, &mut director.client, Vec::new, |_| {})
    });
    let _ = Sender::new(KEY).serve(active, connections::open, |_| {});
    assert_eq!(
        joined.join().unwrap().unwrap_err().to_string(),
        "transfer of connections: no service here has a destination: they are to be there first"
    );
}

/// The helper for FTP shifts them, and only the kernel's own messages say how far: what has
/// come by these is not spoilt by a transfer, which does not know.
#[test]
fn shifted_sequence_numbers_are_kept_or_missing_ones_are_counted() {
    let ftp = |client: u16| Connection {
        state: 1,
        flags: Flags::MASQUERADE,
        timeout: 800,
        ..Connection::new(
            TCP,
            Endpoint::new([10, 0, 0, 2], client),
            "10.0.0.1:21".parse().unwrap(),
            "127.0.0.1:2121".parse().unwrap(),
        )
    };
    let serve = |client: &mut Client| {
        serve(client);
        let key = "tcp 10.0.0.1:21".parse().unwrap();
        client.add_service(&Service::new(key)).unwrap();
        client.add_destination(&key, &Destination::new("127.0.0.1:2121".parse().unwrap())).unwrap();
    };
    let sequence = Sequence { initial: 7, delta: 11, previous_delta: 3 };
    let sequences = Some(Sequences { incoming: sequence, outgoing: sequence });
    let flags = Flags::MASQUERADE | Flags::IN_SEQUENCE | Flags::OUT_SEQUENCE;
    let known = Connection { flags, sequences, ..ftp(40_001) };

    let mut director = Director::with_backup();
    assert!(Command::new("/sbin/modprobe").arg("ip_vs_ftp").status().unwrap().success());
    serve(&mut director.client);
    director.give(&packed(Version::V1, &[ftp(40_001), ftp(40_002)]));
    let all = table(3).len();
    let (joining, active) = streams();
    let joined = thread::spawn(move || {
        let (mut director, mut listener) = Director::with_master(Version::V1);
        serve(&mut director.client);
        director.give(&packed(Version::V1, &[known]));
        let report =
            Receiver::new(KEY).run(joining, &mut director.client, Vec::new, |_| {}).unwrap();
        // A packet of it, so that the master tells of it.
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_nonblocking(true).unwrap();
        socket.bind(&SocketAddr::from(([10, 0, 0, 2], 40_001)).into()).unwrap();
        let _ = socket.connect(&SocketAddr::from(([10, 0, 0, 1], 21)).into());
        (report, heard(&mut listener, Version::V1, 1))
    });
    Sender::new(KEY).serve(active, connections::open, |_| {}).unwrap();
    let (report, told) = joined.join().unwrap();
    assert_eq!(told[0].client, known.client);
    assert_eq!(told[0].sequences, sequences);
    assert_eq!(
        report.to_string(),
        format!("synced {all} of {all} connections, 1 of FTP whose sequence numbers are not known")
    );
}

#[test]
fn of_what_is_balanced_here_only_what_is_missing_is_taken() {
    let [known, missing] = [1, 2].map(|client| from_client(Family::V4, TCP, client));
    let copy = Connection { state: 1, flags: Flags::MASQUERADE, timeout: 60, ..known };
    let here = Connection { state: 4, flags: Flags::INACTIVE, timeout: 900, ..known };
    let (_director, all) = director(&[copy, missing]);
    for (own, state, lives) in
        [(vec![], "ESTABLISHED", 0..=60), (vec![known.service.address], "FIN_WAIT", 800..=900)]
    {
        let (joining, active) = streams();
        let joined = thread::spawn(move || {
            let mut director = Director::with_backup();
            serve(&mut director.client);
            director.give(&packed(Version::V1, &[here]));
            let active = || own.clone();
            let report = Receiver::new(KEY).run(joining, &mut director.client, active, |_| {});
            (report.unwrap(), table(all))
        });
        Sender::new(KEY).serve(active, connections::open, |_| {}).unwrap();
        let (report, table) = joined.join().unwrap();
        assert!(report.is_complete(), "{report}");
        let found = table.values().find(|entry| entry.client == known.client).unwrap();
        assert_eq!(found.state.to_string(), state);
        assert!(lives.contains(&found.expires.as_secs()), "{found}");
    }
}

/// Tells the process that has nothing else to do.
const ALONE: &str = "IPVS_ALONE";

/// The most memory that the process had since it was reset, and what it has now, in KiB.
fn memory() -> (u64, u64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let of = |name| {
        let line = status.lines().find_map(|line: &str| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    };
    (of("VmHWM:"), of("VmRSS:"))
}

#[test]
fn many_connections_arrive_in_bounded_memory() {
    // In a process of its own: what other tests have freed would be taken first, and not seen.
    if std::env::var_os(ALONE).is_none() {
        let name = "resync::many_connections_arrive_in_bounded_memory";
        let mut alone = Command::new(std::env::current_exe().unwrap());
        let alone = alone.args(["--exact", "--nocapture", name]).env(ALONE, "").output().unwrap();
        let told = String::from_utf8(alone.stdout).unwrap();
        let said = String::from_utf8(alone.stderr).unwrap();
        assert!(alone.status.success(), "{told}{said}");
        println!("{told}");
        return;
    }
    // Linux 6.1 and 6.12 take the square of it to show both tables (`ip_vs_conn.c:
    // ip_vs_conn_array`): emulated 6.1 takes 12 s for 30,000 and 100 s for 100,000; 7.3 takes
    // 6 s for these and two minutes for a million.
    let all = std::env::var("IPVS_CONNECTIONS").map_or(30_000, |count| count.parse().unwrap());
    let mut director = Director::with_backup();
    serve(&mut director.client);
    let key = "udp 10.0.0.1:80".parse().unwrap();
    let numbers: Vec<u32> = (0..all).collect();
    // Those of a part fit the daemon's receive queue.
    for part in numbers.chunks(2_000) {
        let client = |number| Endpoint::new(Ipv4Addr::from_bits(0xcb00_0000 + number), 50_000);
        let connections: Vec<_> = part.iter().map(|number| udp(client(*number))).collect();
        for datagram in packed(Version::V1, &connections) {
            director.sender.send(&datagram).unwrap();
        }
        let sent = part.last().map_or(0, |number| number + 1);
        wait_for("the backup", || {
            let counts = director.client.destinations(&key).unwrap().remove(0).connections;
            (counts.inactive == sent).then_some(())
        });
    }
    let (joining, active) = streams();
    // The kernel gives memory of which little is used in pieces of 2 MiB after some seconds
    // (`khugepaged.c`): that is none that anybody has asked for.
    nix::sys::prctl::set_thp_disable(true).unwrap();
    let begun = Instant::now();
    // VmHWM starts anew.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let (_, before) = memory();
    let joined = thread::spawn(move || {
        let mut director = Director::with_backup();
        serve(&mut director.client);
        let report =
            Receiver::new(KEY).run(joining, &mut director.client, Vec::new, |_| {}).unwrap();
        let [_, (_, inactive), ..] = counts(&mut director.client);
        (report, inactive)
    });
    Sender::new(KEY).serve(active, connections::open, |_| {}).unwrap();
    let (report, inactive) = joined.join().unwrap();
    let (took, (most, _)) = (begun.elapsed(), memory());
    println!("{report}, {} passes, {took:?}, {} KiB more", report.passes, most - before);
    assert!(report.is_complete(), "{report}");
    assert_eq!(report.passes, 2, "what was given the first time arrived");
    assert!(report.total >= all.into());
    assert_eq!(inactive, all);
    // Of 30,000 connections each that cost 34 bytes would be seen.
    assert!(most - before < 3 * 1_024, "{most} KiB after {before}");
}
