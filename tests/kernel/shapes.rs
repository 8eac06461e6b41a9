//! What our client writes, `ipvsadm` shows, and the other way round, for every shape.

use crate::bodies::shape::{COUNT, Shape, all};
use crate::ipvsadm::{list, restorable, restore, save, saved, threshold_row, tunnel_row};
use crate::netns::Netns;
use ipvs::{Client, Destination, Forwarding, Service, Weight};
use std::collections::{BTreeMap, BTreeSet};

/// A table to compare: each service with the set of its destinations.
type Table = BTreeMap<Service, BTreeSet<Destination>>;

/// All shapes as `ipvsadm` can make them: it has no option for local
/// destinations.
fn all_of_ipvsadm() -> Vec<Shape> {
    let mut shapes = all();
    for destination in shapes.iter_mut().flat_map(|shape| &mut shape.destinations) {
        if destination.forwarding() == Forwarding::Local {
            *destination = destination.with_forwarding(Forwarding::DirectRoute);
        }
    }
    shapes
}

fn table(shapes: &[Shape]) -> Table {
    let pairs = shapes.iter().map(|shape| (shape.service, shape.destinations.clone()));
    pairs.map(|(service, found)| (service, found.into_iter().collect())).collect()
}

fn read(client: &mut Client) -> Table {
    let services = client.services().unwrap();
    let mut table = Table::new();
    for entry in services {
        let found = client.destinations(&entry.service.key()).unwrap();
        table.insert(entry.service, found.iter().map(|entry| entry.destination).collect());
    }
    table
}

fn write(client: &mut Client, shapes: &[Shape]) {
    for Shape { service, destinations } in shapes {
        client.add_service(service).unwrap();
        for destination in destinations {
            client.add_destination(&service.key(), destination).unwrap();
        }
    }
}

fn expected_lines(shapes: &[Shape]) -> Vec<String> {
    let mut lines: Vec<String> =
        shapes.iter().flat_map(|shape| saved(&shape.service, &shape.destinations)).collect();
    lines.sort();
    lines
}

fn expected_rows(shapes: &[Shape], row: fn(&Destination) -> String) -> Vec<String> {
    let mut rows: Vec<String> =
        shapes.iter().flat_map(|shape| shape.destinations.iter().map(row)).collect();
    rows.sort();
    rows
}

fn rows(netns: &Netns, options: &str) -> Vec<String> {
    let mut lines = list(netns, options);
    lines.retain(|line| line.starts_with("  -> ") && !line.contains("RemoteAddress"));
    lines
}

#[test]
fn what_the_client_writes_ipvsadm_shows() {
    let netns = Netns::new();
    let shapes = all();
    assert!(shapes.len() >= 60 && shapes.len() == usize::from(COUNT));
    write(&mut netns.client(), &shapes);
    assert_eq!(save(&netns), expected_lines(&shapes));
    assert_eq!(rows(&netns, "--thresholds"), expected_rows(&shapes, threshold_row));
    assert_eq!(rows(&netns, "--tun-info"), expected_rows(&shapes, tunnel_row));
    // Nothing was counted yet; the rows are there.
    let counted = rows(&netns, "--stats");
    assert_eq!(counted.len(), expected_rows(&shapes, tunnel_row).len());
    assert!(counted.iter().all(|row| row.split_whitespace().skip(2).eq(["0"; 5])), "{counted:#?}");
    assert_eq!(read(&mut netns.client()), table(&shapes));
}

#[test]
fn what_ipvsadm_writes_the_client_reads() {
    let netns = Netns::new();
    let shapes = all_of_ipvsadm();
    let lines: String =
        shapes.iter().map(|shape| restorable(&shape.service, &shape.destinations)).collect();
    restore(&netns, &lines);
    assert_eq!(read(&mut netns.client()), table(&shapes));
}

#[test]
fn reading_and_writing_back_changes_nothing() {
    let netns = Netns::new();
    let shapes = all_of_ipvsadm();
    let lines: String =
        shapes.iter().map(|shape| restorable(&shape.service, &shape.destinations)).collect();
    restore(&netns, &lines);
    let views = |netns: &Netns| {
        [save(netns), list(netns, "--thresholds"), list(netns, "--tun-info"), list(netns, "")]
    };
    let before = views(&netns);
    let mut client = netns.client();
    for Shape { service, destinations } in &shapes {
        let key = service.key();
        let written = client.update_service(&key, |found| found).unwrap();
        assert_eq!(written, *service);
        for destination in destinations {
            client.update_destination(&key, destination.endpoint(), |found| found).unwrap();
        }
    }
    assert_eq!(views(&netns), before);
}

#[test]
fn an_edit_changes_what_it_names_and_nothing_else() {
    let netns = Netns::new();
    let mut shapes = all();
    let mut client = netns.client();
    write(&mut client, &shapes);
    for Shape { service, destinations } in &mut shapes {
        let key = service.key();
        *service = client
            .update_service(&key, |found| found.with_scheduler(ipvs::Scheduler::Wlc))
            .unwrap();
        for destination in destinations {
            client.set_weight(&key, destination.endpoint(), Weight::from(42)).unwrap();
            *destination = destination.with_weight(Weight::from(42));
        }
    }
    assert_eq!(save(&netns), expected_lines(&shapes));
    assert_eq!(rows(&netns, "--thresholds"), expected_rows(&shapes, threshold_row));
    assert_eq!(rows(&netns, "--tun-info"), expected_rows(&shapes, tunnel_row));
    assert_eq!(read(&mut client), table(&shapes));
}

#[test]
fn what_is_deleted_is_gone_for_both() {
    let netns = Netns::new();
    let shapes = all();
    let mut client = netns.client();
    write(&mut client, &shapes);
    for Shape { service, destinations } in &shapes {
        for destination in destinations {
            client.delete_destination(&service.key(), destination.endpoint()).unwrap();
        }
        assert_eq!(client.destinations(&service.key()).unwrap(), []);
        client.delete_service(&service.key()).unwrap();
    }
    assert_eq!(save(&netns), [] as [&str; 0]);
    assert_eq!(client.services().unwrap(), []);
}
