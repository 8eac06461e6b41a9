//! Snapshots of a table that changes, and what a watch makes of two of them, on
//! the kernel in memory.

#[path = "common/tables.rs"]
mod tables;

use ipvs::fake::{Fault, Kernel, Socket};
use ipvs::transport::{Received, Transport};
use ipvs::{Batch, Change, Client, Destination, Endpoint, ErrorKind, Event, Operation, Service};
use ipvs::{Persistence, ServiceKey, Snapshot, Stats, Table, Timeouts, Watch};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::io::{self, Cursor, Read as _};
use std::time::{Duration, Instant};

fn service(n: u8) -> ServiceKey {
    ServiceKey::tcp(Endpoint::new([10, 0, 0, n], 80))
}

fn server(n: u8) -> Destination {
    Destination::new(Endpoint::new([192, 168, 0, n], 80))
}

/// A kernel with 40 services, each with a destination.
fn kernel() -> Kernel {
    let kernel = Kernel::new();
    let add = |n| {
        [
            Change::AddService(Service::new(service(n))),
            Change::AddDestination(service(n), server(1)),
        ]
    };
    let batch: Batch = (1..=40).flat_map(add).collect();
    kernel.client().expect("a client").send_batch(&batch).into_result().expect("valid changes");
    kernel
}

fn delete(n: u8) -> impl FnOnce(&Kernel) + Send + 'static {
    move |kernel| {
        let mut other = kernel.client().expect("a client");
        other.delete_service(&service(n)).expect("it is there");
    }
}

/// A socket whose kernel leaves the last line of its text out.
struct Shortened(Socket);

impl Transport for Shortened {
    fn send(&mut self, datagram: &[u8]) -> io::Result<()> {
        self.0.send(datagram)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Received> {
        self.0.receive(buffer)
    }

    fn listing(&mut self) -> Option<Box<dyn io::Read + '_>> {
        let mut text = String::new();
        self.0.listing()?.read_to_string(&mut text).expect("text");
        let kept = text.lines().count() - 1;
        let text: String = text.lines().take(kept).map(|line| format!("{line}\n")).collect();
        Some(Box::new(Cursor::new(text)))
    }
}

/// Before Linux 7.1 services of other namespaces cost the text lines of ours.
#[test]
fn a_text_that_lacks_something_does_not_stand_in_the_way() {
    let kernel = kernel();
    let mut client = Client::with_transport(Shortened(kernel.socket())).expect("a client");
    let snapshot = client.snapshot().expect("the table holds still");
    assert_eq!(snapshot.destination_count(), 40);
}

#[test]
fn a_table_that_changes_while_its_services_are_listed_is_read_again() {
    let kernel = kernel();
    for n in 1..=5 {
        kernel.inject(Operation::ListServices, 1, Fault::between(delete(n)));
    }
    let mut client = kernel.client().expect("a client");
    let snapshot = client.snapshot().expect("it holds still the second time");
    let keys: Vec<ServiceKey> =
        snapshot.services().map(|found| found.entry.service.key()).collect();
    assert_eq!(keys, (6..=40).map(service).collect::<Vec<_>>());
    assert_eq!(snapshot.destination_count(), 35);
}

#[test]
fn a_destination_that_goes_after_it_was_read_is_not_in_the_snapshot() {
    let kernel = kernel();
    // The last service's destinations are read when the first's have gone.
    let gone = |kernel: &Kernel| {
        let mut other = kernel.client().expect("a client");
        for n in 1..=39 {
            let _ = other.delete_destination(&service(n), server(1).endpoint());
        }
    };
    kernel.inject(Operation::ListDestinations, 40, Fault::before(gone));
    let snapshot = kernel.client().expect("a client").snapshot().expect("stable in the end");
    assert_eq!(snapshot.destination_count(), 1);
}

#[test]
fn a_weight_that_changes_in_between_is_noticed() {
    let kernel = kernel();
    let raise = |kernel: &Kernel| {
        let mut other = kernel.client().expect("a client");
        for n in 1..=40 {
            other.edit_destination(&service(n), &server(1).with_weight(9.into())).expect("there");
        }
    };
    kernel.inject(Operation::ListDestinations, 20, Fault::before(raise));
    let snapshot = kernel.client().expect("a client").snapshot().expect("stable in the end");
    let weights = snapshot.services().map(|found| found.destinations[0].destination.weight());
    assert!(weights.into_iter().all(|weight| weight == 9.into()));
}

/// What the text does not tell of services is seen in a second list of them.
#[test]
fn persistence_that_changes_after_the_services_were_read_is_noticed() {
    let kernel = kernel();
    let persistent = Service::new(service(7)).with_persistence(Persistence::seconds(300));
    let edit = move |kernel: &Kernel| {
        kernel.client().expect("a client").edit_service(&persistent).expect("it is there");
    };
    kernel.inject(Operation::ListServices, 2, Fault::before(edit));
    let snapshot = kernel.client().expect("a client").snapshot().expect("stable in the end");
    assert_eq!(snapshot.get(&service(7)).map(|found| found.entry.service), Some(persistent));
}

#[test]
fn timeouts_that_change_after_they_were_read_are_noticed() {
    let kernel = kernel();
    let timeouts = Timeouts { tcp: Some(77), ..Timeouts::default() };
    let set = move |kernel: &Kernel| {
        kernel.client().expect("a client").set_timeouts(&timeouts).expect("good timeouts");
    };
    kernel.inject(Operation::GetTimeouts, 2, Fault::before(set));
    let snapshot = kernel.client().expect("a client").full_snapshot().expect("stable in the end");
    assert_eq!(snapshot.timeouts().and_then(|timeouts| timeouts.tcp), Some(77));
}

#[test]
fn a_table_that_never_holds_still_is_unstable() {
    let kernel = kernel();
    // Each reading lists the services twice; something is different each time.
    for n in 1..=40 {
        kernel.inject(Operation::ListServices, usize::from(n), Fault::before(delete(n)));
    }
    let mut client = kernel.client().expect("a client");
    let error = client.snapshot().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unstable);
    assert_eq!(
        error.to_string(),
        "take a snapshot: the table changed under each of 8 readings; try again when it is changed \
         less often"
    );
    assert_eq!(client.service_keys().unwrap_err().kind(), ErrorKind::Unstable);
}

fn filled(table: &Table) -> Client<Socket> {
    let mut client = Kernel::new().client().expect("a client");
    client.send_batch(&Batch::from(table)).into_result().expect("a valid table");
    client
}

#[test]
fn a_service_that_was_added_again_in_between_is_told_by_its_counters_only() {
    let kernel = kernel();
    let mut client = kernel.client().expect("a client");
    let count = |connections| Stats { connections, ..Stats::default() };
    let start = Instant::now();
    let mut watch = Watch::new();
    for n in 1..=2 {
        kernel.set_service_stats(&service(n), count(500));
        kernel.set_destination_stats(&service(n), server(1).endpoint(), count(500));
    }
    watch.observe(start, client.snapshot().expect("stable"));

    client.delete_service(&service(1)).expect("it is there");
    client.add_service(&Service::new(service(1))).expect("it is gone");
    client.add_destination(&service(1), &server(1)).expect("the service is there");
    kernel.set_service_stats(&service(1), count(30));
    kernel.set_service_stats(&service(2), count(510));
    kernel.set_destination_stats(&service(2), server(1).endpoint(), count(505));
    let seen = watch.observe(start + Duration::from_secs(10), client.snapshot().expect("stable"));
    assert_eq!(seen.events, []);
    assert_eq!(seen.rates.len(), 80);
    let moved: Vec<_> = seen
        .rates
        .iter()
        .filter(|rate| rate.restarted || rate.connections > 0.0)
        .map(|rate| (rate.service, rate.destination, rate.connections, rate.restarted))
        .collect();
    let endpoint = Some(server(1).endpoint());
    assert_eq!(
        moved,
        [
            (service(1), None, 3.0, true),
            (service(1), endpoint, 0.0, true),
            (service(2), None, 1.0, false),
            (service(2), endpoint, 0.5, false),
        ]
    );
}

type Tables = BTreeMap<ServiceKey, (Service, BTreeMap<Endpoint, Destination>)>;

fn model(snapshot: &Snapshot) -> Tables {
    let found = snapshot.services().map(|found| {
        let destinations = found.destinations.iter().map(|entry| entry.destination);
        let destinations = destinations.map(|found| (found.endpoint(), found)).collect();
        (found.entry.service.key(), (found.entry.service, destinations))
    });
    found.collect()
}

/// Where an event of services and destinations belongs: by key, destinations by
/// endpoint after what becomes of their service, and before its end.
fn place(event: &Event) -> Option<(ServiceKey, bool, Option<Endpoint>)> {
    Some(match event {
        Event::ServiceAppeared(service) | Event::ServiceEdited { after: service, .. } => {
            (service.key(), false, None)
        }
        Event::DestinationAppeared(key, destination)
        | Event::DestinationGone(key, destination)
        | Event::DestinationEdited { service: key, after: destination, .. } => {
            (*key, false, Some(destination.endpoint()))
        }
        Event::ServiceGone(service) => (service.key(), true, None),
        _ => return None,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_events_of_a_watch_make_the_new_table_of_the_old(a in tables::table(), b in tables::table()) {
        let mut watch = Watch::new();
        let first = filled(&a).full_snapshot().expect("stable");
        let mut table = model(&first);
        watch.observe(Instant::now(), first);
        let second = filled(&b).full_snapshot().expect("stable");
        let wanted = model(&second);
        let events = watch.observe(Instant::now(), second).events;
        prop_assert!(events.iter().filter_map(place).is_sorted_by(|a, b| a < b), "{events:?}");
        for event in events {
            match event {
                Event::ServiceAppeared(service) => {
                    prop_assert!(table.insert(service.key(), (service, BTreeMap::new())).is_none());
                }
                Event::ServiceEdited { before, after } => {
                    let entry = table.get_mut(&after.key()).expect("it is there");
                    prop_assert_eq!(entry.0, before);
                    entry.0 = after;
                }
                Event::ServiceGone(service) => {
                    let (_, left) = table.remove(&service.key()).expect("it is there");
                    prop_assert!(left.is_empty());
                }
                Event::DestinationAppeared(key, destination) => {
                    let pool = &mut table.get_mut(&key).expect("it is there").1;
                    prop_assert!(pool.insert(destination.endpoint(), destination).is_none());
                }
                Event::DestinationEdited { service, before, after } => {
                    let pool = &mut table.get_mut(&service).expect("it is there").1;
                    prop_assert_eq!(pool.insert(after.endpoint(), after), Some(before));
                }
                Event::DestinationGone(key, destination) => {
                    let pool = &mut table.get_mut(&key).expect("it is there").1;
                    prop_assert_eq!(pool.remove(&destination.endpoint()), Some(destination));
                }
                _ => {}
            }
        }
        prop_assert_eq!(table, wanted);
    }
}
