//! Every option in every combination that counts.

use super::Bench;
use super::shape::{Shape, all};
use ipvs::transport::Transport;
use ipvs::{Client, Destination, Scheduler, Service, Weight};
use std::collections::{BTreeMap, BTreeSet};

/// A table to compare: each service with the set of its destinations.
type Table = BTreeMap<Service, BTreeSet<Destination>>;

fn table(shapes: &[Shape]) -> Table {
    let pairs = shapes.iter().map(|shape| (shape.service, shape.destinations.clone()));
    pairs.map(|(service, found)| (service, found.into_iter().collect())).collect()
}

fn read<T: Transport>(client: &mut Client<T>) -> Table {
    let services = client.services().unwrap();
    let mut table = Table::new();
    for entry in services {
        let found = client.destinations(&entry.service.key()).unwrap();
        table.insert(entry.service, found.iter().map(|entry| entry.destination).collect());
    }
    table
}

pub(crate) fn every_shape_reads_back_as_it_was_written_edited_and_deleted<B: Bench>() {
    let bench = B::fresh();
    let mut client = bench.client();
    let mut shapes = all();
    for Shape { service, destinations } in &shapes {
        client.add_service(service).unwrap();
        for destination in destinations {
            client.add_destination(&service.key(), destination).unwrap();
        }
    }
    assert_eq!(read(&mut client), table(&shapes));
    for Shape { service, destinations } in &mut shapes {
        let key = service.key();
        *service =
            client.update_service(&key, |found| found.with_scheduler(Scheduler::Wlc)).unwrap();
        for destination in destinations {
            client.set_weight(&key, destination.endpoint(), Weight::from(42)).unwrap();
            *destination = destination.with_weight(Weight::from(42));
        }
    }
    assert_eq!(read(&mut client), table(&shapes));
    for Shape { service, destinations } in &shapes {
        for destination in destinations {
            client.delete_destination(&service.key(), destination.endpoint()).unwrap();
        }
        assert_eq!(client.destinations(&service.key()).unwrap(), []);
        client.delete_service(&service.key()).unwrap();
    }
    assert_eq!(client.services().unwrap(), []);
}
