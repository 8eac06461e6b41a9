//! The verbs, one by one.

use super::Bench;
use super::raw::{Raw, destination, service};
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

pub(crate) fn the_flow_of_the_thesis_works_and_reads_back<B: Bench>() {
    let bench = B::fresh();
    let mut client = bench.client();
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

pub(crate) fn a_service_is_found_by_its_key_or_is_not_there<B: Bench>() {
    let bench = B::fresh();
    let mut client = bench.client();
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

pub(crate) fn put_adds_what_is_not_there_and_edits_what_is<B: Bench>() {
    let bench = B::fresh();
    let mut client = bench.client();
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

pub(crate) fn a_service_without_destinations_is_told_from_no_service<B: Bench>() {
    let bench = B::fresh();
    let mut client = bench.client();
    let error = client.destinations(&key()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "list destinations of tcp 10.0.0.1:80: no such virtual service (ESRCH)"
    );
    client.add_service(&Service::new(key())).unwrap();
    assert_eq!(client.destinations(&key()).unwrap(), []);
}

pub(crate) fn timeouts_of_zero_are_kept_and_long_ones_refused<B: Bench>() {
    let bench = B::fresh();
    let mut client = bench.client();
    let defaults = Timeouts { tcp: Some(900), tcp_fin: Some(120), udp: Some(300) };
    assert_eq!(client.timeouts().unwrap(), defaults);
    client.set_timeouts(&Timeouts { tcp_fin: Some(60), ..Timeouts::default() }).unwrap();
    let changed = Timeouts { tcp_fin: Some(60), ..defaults };
    assert_eq!(client.timeouts().unwrap(), changed);
    let long = Timeouts { udp: Some(7), tcp: Some(8_589_935), ..Timeouts::default() };
    assert_eq!(
        client.set_timeouts(&long).unwrap_err().to_string(),
        "set timeouts: a timeout is longer than the kernel's clock ticks can express (EINVAL)"
    );
    assert_eq!(client.timeouts().unwrap(), changed);
}

pub(crate) fn flush_deletes_all_services_and_keeps_the_timeouts<B: Bench>() {
    let bench = B::fresh();
    let mut client = bench.client();
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

pub(crate) fn a_scheduler_that_does_not_take_so_many_destinations_changes_nothing<B: Bench>() {
    let bench = B::fresh();
    let mut raw = Raw::open(bench.socket());
    let attrs = ipvs_sys::ServiceAttrs::by_address(2, 6, &[10, 0, 0, 1], 80);
    raw.add(&service(attrs, b"rr", 0));
    for n in 0..4094_u32 {
        raw.add(&destination(attrs, &(0x0a01_0000 + n).to_be_bytes(), 80));
    }
    raw.send();
    let mut client = bench.client();
    let persistent = Service::new(key()).with_persistence(Persistence::seconds(60));
    let error = client.edit_service(&persistent.with_scheduler(Scheduler::Mh)).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(22));
    let left = client.service(&key()).unwrap().unwrap().service;
    assert_eq!(left, Service::new(key()).with_scheduler(Scheduler::Rr));
}

pub(crate) fn tables_of_two_namespaces_are_apart<B: Bench>() {
    let first = B::fresh();
    let mut before = first.client();
    before.add_service(&Service::new(key())).unwrap();
    let second = B::fresh();
    let mut after = second.client();
    assert_eq!(after.services().unwrap(), []);
    // A client stays in the namespace where it was opened.
    assert_eq!(before.services().unwrap().len(), 1);
}
