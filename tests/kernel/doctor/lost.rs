//! What the kernel loses without a word, and what is found then.

use super::pair::{
    DESTINATION, Ear, NOTHING, Pair, SERVICE, daemon, flows, link, report, serve, start,
    start_both, stop,
};
use crate::sync::director::wait_for;
use ipvs::sysctl::{Sysctl, Sysctls};
use ipvs::{Client, Destination, Role, Service, SyncDaemon};
use ipvs_sync::doctor::{Finding, Node, Services};
use ipvs_sync::net::{Reach, SyncSender};
use ipvs_sync::proto::{GROUP, PORT};
use std::net::UdpSocket;

#[test]
fn messages_that_are_longer_than_the_backup_takes_are_lost_and_that_is_found() {
    let pair = Pair::new();
    start(SyncDaemon { max_len: Some(9188), ..daemon(Role::Master) });
    let max_len = Finding::MaxLen { master: Node::Here, sends: 9188, takes: 1472 };
    assert_eq!(pair.found().2, [max_len]);
    let mut ear = Ear::new(&pair, PORT, 1472);
    let _flows = flows(100);
    let heard = ear.wait_for(100);
    // Where they are is left to how the kernel packs them; those in long ones are lost.
    assert!(heard.oversize > 0 && heard.lost >= 41, "{heard:?}");
    let last = wait_for("what was heard", || {
        let told = pair.told() as u64;
        (told >= heard.connections).then_some(told)
    });
    assert_eq!(last, heard.connections);

    // A backup that takes messages as long as the master sends takes them.
    pair.there(|| start(SyncDaemon { max_len: Some(9188), ..daemon(Role::Backup) }));
    let found = pair.found();
    assert_eq!(found.2, [], "{found:?}");
    let flows = flows(100);
    wait_for("what fits", || (pair.told() as u64 == last + 100).then_some(()));
    drop(flows);
}

#[test]
fn connections_beyond_those_that_a_byte_counts_are_lost_and_that_is_found() {
    let pair = Pair::new();
    let max_len = 12_000;
    pair.there(|| start(SyncDaemon { max_len: Some(max_len), ..daemon(Role::Backup) }));
    start(SyncDaemon { max_len: Some(max_len), ..daemon(Role::Master) });
    assert!(pair.found().0.contains(&Finding::CountWraps { max_len, most: 9188 }));
    let mut ear = Ear::new(&pair, PORT, max_len);
    let _flows = flows(300);
    let heard = ear.wait_for(300);
    assert_eq!((heard.wrapped, heard.lost), (1, 256), "{heard:?}");
    let told = wait_for("the others", || Some(pair.told()).filter(|told| *told >= 44));
    assert_eq!(told, 44);
}

#[test]
fn messages_to_ports_that_the_backup_does_not_hear_are_lost_and_that_is_found() {
    let pair = Pair::new();
    stop(Role::Master);
    stop(Role::Backup);
    Sysctls::here().set(Sysctl::SYNC_PORTS, 2).unwrap();
    start_both();
    assert_eq!(pair.found().2, [Finding::Ports { master: Node::Here, sends: 2, hears: 1 }]);
    let (mut first, mut second) = (Ear::new(&pair, PORT, 1472), Ear::new(&pair, PORT + 1, 1472));
    let _flows = flows(100);
    let [taken, lost] = wait_for("the master", || {
        let heard = [first.heard()?.connections, second.heard()?.connections];
        (heard.iter().sum::<u64>() == 100).then_some(heard)
    });
    let told =
        wait_for("the first port", || Some(pair.told() as u64).filter(|told| *told >= taken));
    assert_eq!(told, 100 - lost);
}

#[test]
fn full_messages_that_no_queue_has_room_for_are_lost_and_that_is_found() {
    let pair = Pair::new();
    Sysctls::here().set(Sysctl::SYNC_QLEN_MAX, 0).unwrap();
    assert_eq!(pair.found().0, [Finding::ShortQueue { messages: 0 }]);
    let mut ear = Ear::new(&pair, PORT, 1472);
    let _flows = flows(100);
    // The one that is not full is not queued, and goes when it is old.
    let heard = wait_for("the last message", || ear.heard());
    assert!(heard.connections < 40, "{heard:?}");
    wait_for("the same", || (pair.told() as u64 == heard.connections).then_some(()));
}

#[test]
fn connections_of_a_service_that_comes_later_stay_without_it_and_that_is_found() {
    let pair = Pair::new();
    let service = SERVICE.parse().unwrap();
    pair.there(|| Client::connect().unwrap().delete_service(&service).unwrap());
    assert_eq!(pair.found().1, [Finding::NoServices]);
    let _flows = flows(10);
    wait_for("the connections", || (pair.told() == 10).then_some(()));
    pair.there(serve);
    let destination = DESTINATION.parse().unwrap();
    let unbound = Finding::Unbound { destination, listed: 10, counted: 0 };
    assert_eq!(pair.found(), (vec![], vec![unbound], vec![]));
}

#[test]
fn connections_of_a_service_that_is_there_are_counted_with_it() {
    let pair = Pair::new();
    let _flows = flows(10);
    wait_for("the connections", || (pair.told() == 10).then_some(()));
    assert_eq!(pair.found(), NOTHING);
    let synced = pair.there(report).synced;
    assert_eq!(
        synced.iter().map(|told| (told.listed, told.counted)).collect::<Vec<_>>(),
        [(10, 10)]
    );
}

#[test]
fn connections_to_the_director_itself_are_refused_where_they_are_tracked_and_that_is_found() {
    let pair = Pair::new();
    // What it gets first: of a connection that was told, or else of one of its own.
    let takes_what_was_told = |number: usize| {
        let flows = flows(1);
        wait_for("the connection", || (pair.told() >= number).then_some(()));
        let told = flows[0].local_addr().unwrap();
        pair.there(|| {
            let server = UdpSocket::bind(DESTINATION).unwrap();
            for client in [told, "10.0.0.2:0".parse().unwrap()] {
                // Whether that fails is no matter: what arrives is.
                let _ = UdpSocket::bind(client).unwrap().send_to(b"query", "10.0.0.1:53");
            }
            server.recv_from(&mut [0; 16]).unwrap().1 == told
        })
    };
    assert!(takes_what_was_told(1));
    let ftp = "tcp 10.0.0.1:21".parse().unwrap();
    pair.there(|| {
        Sysctls::here().set(Sysctl::CONNTRACK, true).unwrap();
        // For FTP the kernel tracks connections (`ip_vs_ctl.c: __ip_vs_update_dest`).
        let mut client = Client::connect().unwrap();
        client.add_service(&Service::new(ftp)).unwrap();
        let destination = Destination::new("127.0.0.1:21".parse().unwrap());
        client.add_destination(&ftp, &destination).unwrap();
    });
    let local = Finding::ConntrackLocal { services: Services { first: ftp, count: 2 } };
    assert_eq!(pair.found().1, [local]);
    // Its own of before is one of two others.
    assert!(!takes_what_was_told(3));
}

#[test]
fn messages_that_overflow_the_backups_queue_are_counted_and_found() {
    let pair = Pair::new();
    pair.there(|| {
        Sysctls::here().set(Sysctl::SYNC_SOCK_SIZE, 1).unwrap();
        start(daemon(Role::Backup));
    });
    let near = Reach::Others { ttl: 1 };
    let sender = SyncSender::open(&link(), GROUP.into(), PORT, near).unwrap();
    let dropped = wait_for("an overflow", || {
        for _ in 0..200 {
            sender.send(&[0; 1400]).unwrap();
        }
        let found = pair.found().1;
        found.into_iter().find(|finding| matches!(finding, Finding::Dropped { .. }))
    });
    let Finding::Dropped { messages } = dropped else { panic!("{dropped}") };
    assert!((1..=200 * 1_000).contains(&messages), "{messages}");
}
