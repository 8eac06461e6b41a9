//! Sync daemons as they are wanted.

use super::director::{Director, MASTER, UDP, wait_for};
use super::table::{from_client, names, packed};
use super::told::heard;
use ipvs::{Destination, Family, Forwarding, Role, Service, SyncDaemon};
use ipvs_sync::daemon::{Daemons, LINGER};
use ipvs_sync::net::{Interface, Rtnetlink, now};
use ipvs_sync::proto::Version;
use std::net::UdpSocket;
use std::thread::sleep;

fn interfaces() -> Vec<Interface> {
    Rtnetlink::open().unwrap().interfaces().unwrap()
}

fn run(daemons: &mut Daemons, director: &mut Director) -> Vec<String> {
    let events = daemons.run(&mut director.client, &interfaces(), now());
    events.iter().map(ToString::to_string).collect()
}

/// Both roles, as [`Director`] starts them.
fn wanted(director: &mut Director) -> Daemons {
    let mut daemons = Daemons::new(now());
    for daemon in director.client.daemons().unwrap() {
        let (group, port, ttl) = (None, None, None);
        daemons.want(SyncDaemon { group, port, ttl, ..daemon }).unwrap();
    }
    daemons
}

#[test]
fn what_runs_as_it_is_wanted_is_left_alone_and_what_does_not_is_started_anew() {
    let (mut director, _listener) = Director::with_master(Version::V1);
    let mut daemons = wanted(&mut director);
    assert_eq!(run(&mut daemons, &mut director), [""; 0]);
    let plain = |role| SyncDaemon::new(role, "sync0".parse().unwrap(), 5);
    daemons.want(plain(Role::Master)).unwrap();
    daemons.want(plain(Role::Backup)).unwrap();
    let restarted = [
        "stopped sync daemon master",
        "started sync daemon master id 5 on sync0",
        "stopped sync daemon backup",
        "started sync daemon backup id 5 on sync0",
    ];
    assert_eq!(run(&mut daemons, &mut director), restarted);
    // The kernel's own parameters are those that are meant.
    assert_eq!(run(&mut daemons, &mut director), [""; 0]);
    for (role, group) in [(Role::Master, "ff02::81"), (Role::Backup, "ff05::81")] {
        let group = Some(group.parse().unwrap());
        daemons.want(SyncDaemon { group, ..plain(role) }).unwrap();
    }
    assert_eq!(run(&mut daemons, &mut director), restarted);
    assert_eq!(run(&mut daemons, &mut director), [""; 0]);
}

#[test]
fn a_backup_whose_interface_was_made_anew_hears_again() {
    let mut director = Director::with_backup();
    let mut daemons = wanted(&mut director);
    assert_eq!(run(&mut daemons, &mut director), [""; 0]);
    director.add_interface_again();
    // The kernel does not mind, and hears nothing.
    assert_eq!(director.client.daemons().unwrap().len(), 1);
    let connection = from_client(Family::V4, UDP, 1);
    director.sender.send(&packed(Version::V1, &[connection]).remove(0)).unwrap();
    assert_eq!(
        run(&mut daemons, &mut director),
        ["stopped sync daemon backup", "started sync daemon backup id 9 on sync0"]
    );
    let other = from_client(Family::V4, UDP, 2);
    director.give(&packed(Version::V1, &[other]));
    assert_eq!(director.table().into_keys().collect::<Vec<_>>(), names(&[other]));
}

/// Connections of UDP, none of which has been told.
fn flows(director: &mut Director, count: usize) -> Vec<UdpSocket> {
    director.serve(Service::new("udp 10.0.0.1:53".parse().unwrap()), "127.0.0.1:5353");
    let flow = |_| {
        let socket = UdpSocket::bind("10.0.0.2:0").unwrap();
        socket.send_to(b"query", "10.0.0.1:53").unwrap();
        socket
    };
    (0..count).map(flow).collect()
}

#[test]
fn a_master_that_is_no_longer_wanted_sends_what_it_has() {
    let (mut director, mut listener) = Director::with_master(Version::V1);
    let mut daemons = wanted(&mut director);
    assert_eq!(run(&mut daemons, &mut director), [""; 0]);
    let flows = flows(&mut director, 10);
    let left = now();
    daemons.leave(Role::Master, left);
    wait_for("the master's end", || {
        let told = run(&mut daemons, &mut director);
        sleep(daemons.poll_timeout().since(now()).min(LINGER));
        told.iter().any(|event| event == "stopped sync daemon master").then_some(())
    });
    assert!(now() >= left + LINGER);
    assert_eq!(heard(&mut listener, Version::V1, 10).len(), flows.len());
}

#[test]
fn a_master_that_is_stopped_at_once_sends_nothing_of_what_it_has() {
    let (mut director, mut listener) = Director::with_master(Version::V1);
    let _flows = flows(&mut director, 1);
    director.client.stop_daemon(Role::Master).unwrap();
    assert_eq!(listener.receive().unwrap(), None);
    // The next one does not have it either.
    director.start(Role::Master, MASTER);
    let mut daemons = wanted(&mut director);
    daemons.leave(Role::Master, now());
    sleep(LINGER);
    assert_eq!(run(&mut daemons, &mut director), ["stopped sync daemon master"]);
    assert_eq!(listener.receive().unwrap(), None);
}

#[test]
fn beside_a_destination_of_another_family_none_starts_and_both_do_when_that_is_gone() {
    let mut director = Director::new();
    let service = Service::new("tcp [2001:db8::1]:80".parse().unwrap());
    let mixed = Destination::new("192.168.0.1:80".parse().unwrap());
    let mixed = mixed.with_forwarding(Forwarding::IPIP);
    director.client.add_service(&service).unwrap();
    director.client.add_destination(&service.key(), &mixed).unwrap();
    let mut daemons = Daemons::new(now());
    for role in [Role::Master, Role::Backup] {
        daemons.want(SyncDaemon::new(role, "sync0".parse().unwrap(), 7)).unwrap();
    }
    let told = run(&mut daemons, &mut director);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.iter().all(|text| text.contains("delete it first (EINVAL)")), "{told:?}");
    director.client.delete_destination(&service.key(), mixed.endpoint()).unwrap();
    let started =
        ["started sync daemon master id 7 on sync0", "started sync daemon backup id 7 on sync0"];
    assert_eq!(run(&mut daemons, &mut director), started);
    // And the other way about.
    let refused = director.client.add_destination(&service.key(), &mixed).unwrap_err();
    assert!(refused.to_string().contains("(EINVAL)"), "{refused}");
}
