//! The verbs, one by one.

use crate::netns::Netns;
use ipvs::{
    Destination, DestinationEntry, Forwarding, Persistence, Put, Scheduler, Service, ServiceKey,
    Timeouts, Weight,
};
use std::collections::BTreeSet;

fn key() -> ServiceKey {
    "tcp 10.0.0.1:80".parse().unwrap()
}

fn server(text: &str) -> Destination {
    Destination::new(text.parse().unwrap())
}

#[test]
fn the_flow_of_the_thesis_works_and_reads_back() {
    let netns = Netns::new();
    let mut client = netns.client();
    let service = Service::new("10.0.0.1:80".parse().unwrap());
    client.add_service(&service).unwrap();
    let (first, second) = (server("192.168.0.1:80"), server("192.168.0.2:80"));
    client.add_destination(&key(), &first).unwrap();
    client.add_destination(&key(), &second).unwrap();
    client.set_weight(&key(), first.endpoint(), Weight::from(3)).unwrap();
    client
        .update_destination(&key(), second.endpoint(), |found| {
            found.with_forwarding(Forwarding::IPIP)
        })
        .unwrap();

    let read = client.service(&key()).unwrap().unwrap().service;
    assert_eq!(read, service);
    assert_eq!(read.scheduler(), Scheduler::Wlc);
    let dests: BTreeSet<Destination> =
        client.destinations(&key()).unwrap().iter().map(|entry| entry.destination).collect();
    assert!(dests.contains(&first.with_weight(Weight::from(3))));
    assert!(!dests.contains(&first));
    let deep = [first.with_weight(Weight::from(3)), second.with_forwarding(Forwarding::IPIP)];
    assert_eq!(dests, deep.into());
}

#[test]
fn a_service_is_found_by_its_key_or_is_not_there() {
    let netns = Netns::new();
    let mut client = netns.client();
    assert_eq!(client.service(&key()).unwrap(), None);
    let both: [ServiceKey; 2] = ["fwmark 7".parse().unwrap(), "fwmark 7 ipv6".parse().unwrap()];
    for (key, scheduler) in both.iter().zip([Scheduler::Rr, Scheduler::Sh]) {
        client.add_service(&Service::new(*key).with_scheduler(scheduler)).unwrap();
    }
    for (key, scheduler) in both.iter().zip([Scheduler::Rr, Scheduler::Sh]) {
        let found = client.service(key).unwrap().unwrap().service;
        assert_eq!((found.key(), found.scheduler()), (*key, scheduler));
    }
    client.delete_service(&both[0]).unwrap();
    assert_eq!(client.service(&both[0]).unwrap(), None);
    assert!(client.service(&both[1]).unwrap().is_some());
}

#[test]
fn put_adds_what_is_not_there_and_edits_what_is() {
    let netns = Netns::new();
    let mut client = netns.client();
    let service = Service::new(key());
    assert_eq!(client.put_service(&service).unwrap(), Put::Added);
    let persistent = service.with_persistence(Persistence::seconds(60));
    assert_eq!(client.put_service(&persistent).unwrap(), Put::Edited);
    assert_eq!(client.service(&key()).unwrap().unwrap().service, persistent);
    assert_eq!(client.put_service(&service).unwrap(), Put::Edited);
    assert_eq!(client.service(&key()).unwrap().unwrap().service, service);

    let server = server("192.168.0.1:80");
    assert_eq!(client.put_destination(&key(), &server).unwrap(), Put::Added);
    let heavy = server.with_weight(Weight::from(9));
    assert_eq!(client.put_destination(&key(), &heavy).unwrap(), Put::Edited);
    let found = client.destination(&key(), server.endpoint()).unwrap();
    assert_eq!(found.map(|entry: DestinationEntry| entry.destination), Some(heavy));
    assert_eq!(client.destination(&key(), "192.168.0.9:80".parse().unwrap()).unwrap(), None);
}

#[test]
fn a_service_without_destinations_is_told_from_no_service() {
    let netns = Netns::new();
    let mut client = netns.client();
    let error = client.destinations(&key()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "list destinations of tcp 10.0.0.1:80: no such virtual service (ESRCH)"
    );
    client.add_service(&Service::new(key())).unwrap();
    assert_eq!(client.destinations(&key()).unwrap(), []);
}

#[test]
fn timeouts_that_are_left_out_are_kept() {
    let netns = Netns::new();
    let mut client = netns.client();
    let defaults = Timeouts { tcp: Some(900), tcp_fin: Some(120), udp: Some(300) };
    assert_eq!(client.timeouts().unwrap(), defaults);
    client.set_timeouts(&Timeouts { tcp_fin: Some(60), ..Timeouts::default() }).unwrap();
    let changed = Timeouts { tcp_fin: Some(60), ..defaults };
    assert_eq!(client.timeouts().unwrap(), changed);
    let shown = netns.run("/sbin/ipvsadm -L --timeout");
    assert_eq!(shown, "Timeout (tcp tcpfin udp): 900 60 300\n");
    netns.run("/sbin/ipvsadm --set 0 0 2678400");
    let longest = Timeouts { udp: Some(2_678_400), ..changed };
    assert_eq!(client.timeouts().unwrap(), longest);
    // What was read can be written back.
    client.set_timeouts(&longest).unwrap();
    let error =
        client.set_timeouts(&Timeouts { tcp: Some(8_589_935), ..Timeouts::default() }).unwrap_err();
    assert_eq!(
        error.to_string(),
        "set timeouts: a timeout is longer than the kernel's clock ticks can express (EINVAL)"
    );
}

#[test]
fn the_version_is_the_one_that_procfs_shows() {
    let netns = Netns::new();
    let (major, minor, patch) = netns.client().info().unwrap().version;
    let shown = std::fs::read_to_string("/proc/thread-self/net/ip_vs").unwrap();
    let expected = format!("IP Virtual Server version {major}.{minor}.{patch} ");
    assert!(shown.starts_with(&expected), "{shown}");
}

#[test]
fn flush_deletes_all_services_and_keeps_the_timeouts() {
    let netns = Netns::new();
    let mut client = netns.client();
    client.set_timeouts(&Timeouts { udp: Some(77), ..Timeouts::default() }).unwrap();
    client.flush().unwrap();
    for key in ["tcp 10.0.0.1:80", "udp [fd00::1]:53", "fwmark 9"] {
        client.add_service(&Service::new(key.parse().unwrap())).unwrap();
    }
    assert_eq!(client.services().unwrap().len(), 3);
    client.flush().unwrap();
    assert_eq!(client.services().unwrap(), []);
    assert_eq!(client.timeouts().unwrap().udp, Some(77));
}

#[test]
fn tables_of_two_namespaces_are_apart() {
    let first = Netns::new();
    let mut before = first.client();
    before.add_service(&Service::new(key())).unwrap();
    let second = Netns::new();
    let mut after = second.client();
    assert_eq!(after.services().unwrap(), []);
    // A client stays in the namespace where it was opened.
    assert_eq!(before.services().unwrap().len(), 1);
}
