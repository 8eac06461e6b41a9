//! Reading the whole table, also while others change it.

use crate::counting::Counting;
use crate::netns::Netns;
use ipvs::{Batch, Change, Client, Destination, Endpoint, ErrorKind, Forwarding, Persistence};
use ipvs::{Role, Scheduler, Service, ServiceKey, Snapshot, SyncDaemon, Thresholds, Timeouts};
use ipvs_sys::ServiceAttrs;
use std::collections::BTreeSet;
use std::process::Command;
use std::thread;
use std::time::Duration;

fn service(n: u32) -> ServiceKey {
    ServiceKey::tcp(Endpoint::new((0x0a00_0000 + n).to_be_bytes(), 80))
}

fn server(n: u32) -> Destination {
    Destination::new(Endpoint::new((0xc0a8_0000 + n).to_be_bytes(), 80))
}

fn keys(snapshot: &Snapshot) -> Vec<ServiceKey> {
    snapshot.services().map(|service| service.entry.service.key()).collect()
}

/// Every kind of key, forwarding method and family, and what other tools may
/// leave: what the listing as text says differently must not look like a change.
fn colourful(client: &mut Client) -> usize {
    let tunnels = ["ipip", "gue:6080:+c", "gre:-c"];
    let mut batch = Batch::new();
    for key in ["tcp 10.0.0.1:80", "udp [2001:db8::1]:53", "sctp 10.0.0.1:9", "fwmark 7"] {
        let key: ServiceKey = key.parse().unwrap();
        let service = Service::new(key).with_persistence(Persistence::seconds(300));
        batch.push(Change::AddService(service));
    }
    let both: ServiceKey = "fwmark 7 ipv6".parse().unwrap();
    batch.push(Change::AddService(Service::new(both).with_scheduler(Scheduler::Unscheduled)));
    let one_packet = Service::new("udp 10.0.0.1:53".parse().unwrap()).with_one_packet(true);
    batch.push(Change::AddService(one_packet));
    let key: ServiceKey = "tcp 10.0.0.1:80".parse().unwrap();
    let full = Thresholds::new(10, 5).unwrap();
    batch.push(Change::AddDestination(key, server(1).with_thresholds(full)));
    let local = Destination::new("127.0.0.1:80".parse().unwrap());
    batch.push(Change::AddDestination(key, local.with_forwarding(Forwarding::Local)));
    batch.push(Change::AddDestination(key, server(2).with_forwarding(Forwarding::DirectRoute)));
    for (host, tunnel) in (3..).zip(tunnels) {
        let tunnelled = server(host).with_forwarding(tunnel.parse().unwrap());
        batch.push(Change::AddDestination(key, tunnelled.with_weight(0.into())));
    }
    let other = Destination::new("[::1]:80".parse().unwrap()).with_forwarding(Forwarding::IPIP);
    batch.push(Change::AddDestination(key, other));
    client.send_batch(&batch).into_result().unwrap();
    batch.changes().len()
}

#[test]
fn a_snapshot_has_what_the_listings_have() {
    let netns = Netns::new();
    let mut client = netns.client();
    let objects = colourful(&mut client);
    let snapshot = client.snapshot().unwrap();
    assert_eq!(snapshot.services().len() + snapshot.destination_count(), objects);
    let mut services = client.services().unwrap();
    services.sort_by_key(|entry| entry.service.key());
    assert_eq!(snapshot.services().map(|found| *found.entry).collect::<Vec<_>>(), services);
    for found in snapshot.services() {
        let key = found.entry.service.key();
        let mut destinations = client.destinations(&key).unwrap();
        destinations.sort_by_key(|entry| entry.destination.endpoint());
        assert_eq!(found.destinations, destinations);
        assert_eq!(snapshot.get(&key), Some(found));
        assert_eq!(client.snapshot_of(&key).unwrap().get(&key), Some(found));
    }
    assert_eq!(client.service_keys().unwrap(), keys(&snapshot));
    assert_eq!(client.snapshot_of(&service(99)).unwrap(), Snapshot::default());
    assert_eq!(snapshot.timeouts(), None);
}

#[test]
fn a_full_snapshot_has_timeouts_and_daemons() {
    let netns = Netns::new();
    let mut client = netns.client();
    client.start_daemon(&SyncDaemon::new(Role::Backup, "lo".parse().unwrap(), 7)).unwrap();
    client.set_timeouts(&Timeouts { udp: Some(60), ..Timeouts::default() }).unwrap();
    let snapshot = client.full_snapshot().unwrap();
    assert_eq!(snapshot.timeouts(), Some(client.timeouts().unwrap()));
    assert_eq!(snapshot.daemons(), Some(&*client.daemons().unwrap()));
    assert_eq!(snapshot.daemons().map(<[_]>::len), Some(1));
}

/// The text is what makes it cheap: it takes one listing more, of the services.
#[test]
fn a_table_that_holds_still_is_read_once_and_its_services_once_more() {
    let netns = Netns::new();
    let mut client = netns.client();
    colourful(&mut client);
    let mut counting = Counting::client();
    let reading = counting.snapshot().unwrap();
    let services = reading.services().len();
    assert!(reading.is_same_table(&client.snapshot().unwrap()));
    let counted = counting.into_transport();
    // The family, the services twice, the destinations of each.
    assert_eq!(counted.sends, 1 + 2 + services);
}

/// The kernel's text of one namespace lacks lines if others have services too, once
/// it is longer than a page (`ip_vs_ctl.c: ip_vs_info_seq_next` before Linux 7.1).
#[test]
fn other_namespaces_with_services_do_not_stand_in_the_way() {
    let add = |first: u32| -> Batch {
        (first..first + 100).map(|n| Change::AddService(Service::new(service(n)))).collect()
    };
    let other = Netns::new();
    let mut elsewhere = other.client();
    elsewhere.send_batch(&add(0)).into_result().unwrap();
    let here = Netns::new();
    let mut client = here.client();
    client.send_batch(&add(50)).into_result().unwrap();
    assert_eq!(client.snapshot().unwrap().services().len(), 100);
    assert_eq!(elsewhere.snapshot().unwrap().services().len(), 100);
}

/// Another process adds and deletes services all the time, but for pauses in
/// which a reading can succeed. What was there throughout is in every snapshot;
/// some plain listing lacks something of it.
#[test]
fn no_snapshot_lacks_a_service_that_was_there_throughout() {
    let netns = Netns::new();
    let mut client = netns.client();
    let throughout: BTreeSet<ServiceKey> = (0..300).map(|n| service(n * 2)).collect();
    let add = |key: &ServiceKey| {
        [Change::AddService(Service::new(*key)), Change::AddDestination(*key, server(1))]
    };
    let batch: Batch = throughout.iter().flat_map(add).collect();
    client.send_batch(&batch).into_result().unwrap();
    let mut editor = Command::new("/bin/churn").spawn().unwrap();
    let (mut taken, mut short, mut unstable) = (0, 0, 0);
    while (taken < 10 || short == 0) && taken + unstable < 400 {
        let mut listed = BTreeSet::new();
        let mut each = 0;
        let list = |attrs: &ServiceAttrs<'_>| {
            listed.insert(ServiceKey::try_from(attrs).unwrap());
            each += 1;
            // As a caller that has something to do with what it reads.
            if each % 100 == 0 {
                thread::sleep(Duration::from_millis(20));
            }
        };
        client.for_each_service(list).unwrap();
        short += usize::from(!listed.is_superset(&throughout));
        match client.snapshot() {
            Ok(snapshot) => {
                let listed: BTreeSet<ServiceKey> = keys(&snapshot).into_iter().collect();
                assert!(listed.is_superset(&throughout));
                taken += 1;
            }
            Err(error) if error.kind() == ErrorKind::Unstable => unstable += 1,
            Err(error) => panic!("{error}"),
        }
    }
    let ended = editor.try_wait().unwrap();
    editor.kill().unwrap();
    editor.wait().unwrap();
    println!("{taken} snapshots, {unstable} times unstable, {short} short listings");
    assert_eq!(ended, None, "the editor must not have ended by itself");
    assert!(taken >= 10, "too few snapshots: {taken}");
    assert!(short > 0, "no plain listing lacked anything: the test shows nothing");
}
