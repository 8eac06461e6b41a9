//! Many changes in one datagram.

use crate::counting::Counting;
use crate::netns::Netns;
use ipvs::transport::{Netlink, Received, Transport};
use ipvs::{Batch, Change, Client, Destination, Endpoint, ErrorKind, OnFailure, Outcome};
use ipvs::{Scheduler, Service, ServiceKey};
use std::io;

fn service(n: u32) -> ServiceKey {
    ServiceKey::tcp(Endpoint::new((0x0a00_0000 + n).to_be_bytes(), 80))
}

fn server(n: u32) -> Destination {
    Destination::new(Endpoint::new((0xc0a8_0000 + n).to_be_bytes(), 80))
}

/// 300 failures of several kinds among 30,000 commands. Whatever is last in a
/// datagram, in the middle or first, fails sometimes.
#[test]
fn thirty_thousand_commands_with_three_hundred_failures() {
    let netns = Netns::new();
    let mut client = netns.client();
    let mut batch = Batch::new();
    let mut expected = Vec::new();
    let (mut services, mut destinations) = (0, 0);
    for index in 0..30_000u32 {
        if index % 100 == 37 || index == 127 || index == 29_999 {
            if index == 137 || index == 237 {
                // Two of the hundreds make room for the two at the edges.
                batch.push(Change::AddService(Service::new(service(1_000_000 + index))));
                services += 1;
                continue;
            }
            let (change, kind) = match index % 3 {
                0 => (Change::DeleteService(service(9_999_999)), ErrorKind::NoSuchService),
                1 => (Change::AddService(Service::new(service(0))), ErrorKind::AlreadyExists),
                _ => {
                    let change = Change::DeleteDestination(service(0), server(9_999).endpoint());
                    (change, ErrorKind::NoSuchDestination)
                }
            };
            batch.push(change);
            expected.push((usize::try_from(index).unwrap(), kind));
        } else if index % 3 == 0 {
            batch.push(Change::AddService(
                Service::new(service(index)).with_scheduler(Scheduler::Wrr),
            ));
            services += 1;
        } else {
            // To the service that was added last for certain.
            let owner = (index / 3 * 3..).step_by(3).next().unwrap();
            let owner = if batch_has(&batch, owner) { owner } else { 0 };
            batch.push(Change::AddDestination(service(owner), server(index)));
            destinations += 1;
        }
    }
    assert_eq!(expected.len(), 300);
    let outcomes = client.send_batch(&batch);
    let failed: Vec<(usize, ErrorKind)> =
        outcomes.failures().iter().map(|(index, error)| (*index, error.kind())).collect();
    assert_eq!(failed, expected);
    assert_eq!(outcomes.uncertain(), [0; 0]);
    assert!(outcomes.not_sent().is_empty());
    let snapshot = client.snapshot().unwrap();
    assert_eq!(snapshot.services().len(), services);
    assert_eq!(snapshot.destination_count(), destinations);
    client.flush().unwrap();
}

fn batch_has(batch: &Batch, owner: u32) -> bool {
    let index = usize::try_from(owner).unwrap();
    matches!(batch.changes().get(index), Some(Change::AddService(added)) if added.key() == service(owner))
}

#[test]
fn if_all_of_many_commands_fail_each_error_arrives() {
    let netns = Netns::new();
    let mut client = netns.client();
    let batch: Batch = (0..3_000).map(|n| Change::DeleteService(service(n))).collect();
    let outcomes = client.send_batch(&batch);
    assert_eq!(outcomes.failures().len(), 3_000);
    assert!(outcomes.failures().iter().all(|(_, error)| error.is_not_found()));
}

#[test]
fn a_batch_that_stops_leaves_the_rest_undone() {
    let netns = Netns::new();
    let mut client = netns.client();
    let changes = [1, 2, 2, 3].map(|n| Change::AddService(Service::new(service(n))));
    let batch = Batch::from(changes.to_vec()).with_on_failure(OnFailure::Stop);
    let outcomes = client.send_batch(&batch);
    assert!(matches!(outcomes.get(2), Some(Outcome::Failed(error)) if error.is_already_exists()));
    assert!(matches!(outcomes.get(3), Some(Outcome::NotSent)));
    assert_eq!(client.service_keys().unwrap(), [service(1), service(2)]);
}

#[test]
fn sixty_four_changes_are_one_send_and_one_receive() {
    let _netns = Netns::new();
    let mut client = Counting::client();
    let batch: Batch = (0..64).map(|n| Change::AddService(Service::new(service(n)))).collect();
    assert!(client.send_batch(&batch).is_complete());
    let counted = client.into_transport();
    assert_eq!((counted.sends, counted.receives), (2, 2));
}

/// Claims that the receive queue holds more than it does.
struct Boasting(Netlink);

impl Transport for Boasting {
    fn send(&mut self, datagram: &[u8]) -> io::Result<()> {
        self.0.send(datagram)
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Received> {
        self.0.receive(buffer)
    }

    fn capacity(&self) -> usize {
        1_000
    }
}

#[test]
fn after_an_overrun_what_was_not_answered_is_uncertain_and_can_be_read_back() {
    let _netns = Netns::new();
    let mut client = Client::with_transport(Boasting(Netlink::open().unwrap())).unwrap();
    // Of each pair, the second fails: 500 answers, of which about 250 fit.
    let batch: Batch =
        (0..1_000).map(|n| Change::AddService(Service::new(service(n / 2)))).collect();
    let outcomes = client.send_batch(&batch);
    let failed = outcomes.failures().len();
    assert!((200..400).contains(&failed), "{failed}");
    assert!(outcomes.failures().iter().all(|(index, _)| index % 2 == 1));
    assert_eq!(outcomes.losses().len(), 1);
    assert_eq!(outcomes.uncertain().len(), 1_000 - failed);
    for index in outcomes.uncertain().iter().step_by(100) {
        // The services are there; whether by the first or the second of a pair
        // makes no difference to the table.
        assert!(client.is_done(batch.changes().get(*index).unwrap()).unwrap());
    }
    assert_eq!(client.service_keys().unwrap().len(), 500);
}

#[test]
fn what_is_done_is_read_back() {
    let netns = Netns::new();
    let mut client = netns.client();
    let (plain, wrr) =
        (Service::new(service(1)), Service::new(service(1)).with_scheduler(Scheduler::Wrr));
    let key = plain.key();
    let one = server(1);
    let two = one.with_weight(2.into());
    let mut done = |change: Change| client.is_done(&change).unwrap();
    assert!(!done(Change::AddService(plain)));
    assert!(done(Change::DeleteService(key)));
    assert!(!done(Change::AddDestination(key, one)));
    assert!(done(Change::DeleteDestination(key, one.endpoint())));
    let mut client = netns.client();
    client.add_service(&plain).unwrap();
    client.add_destination(&key, &one).unwrap();
    let mut done = |change: Change| client.is_done(&change).unwrap();
    assert!(done(Change::AddService(plain)));
    assert!(!done(Change::EditService(wrr)));
    assert!(!done(Change::DeleteService(key)));
    assert!(done(Change::AddDestination(key, one)));
    assert!(!done(Change::EditDestination(key, two)));
    assert!(!done(Change::DeleteDestination(key, one.endpoint())));
}
