//! A table from `ipvsadm`, and one that `ipvsadm` takes.

use crate::ipvsadm::restore;
use crate::netns::Netns;
use crate::shape::{Shape, all, all_of_ipvsadm};
use ipvs::{Client, Destination, Forwarding, Table, Thresholds, Timeouts};

fn table(shapes: &[Shape]) -> Table {
    let mut table = Table::new();
    for Shape { service, destinations } in shapes {
        table.add_service(*service).unwrap();
        for destination in destinations {
            table.add_destination(&service.key(), *destination).unwrap();
        }
    }
    table
}

/// What the kernel has, apart from its timeouts.
fn read(client: &mut Client) -> Table {
    let mut shapes = Vec::new();
    for entry in client.services().unwrap() {
        let found = client.destinations(&entry.service.key()).unwrap();
        let destinations = found.iter().map(|entry| entry.destination).collect();
        shapes.push(Shape { service: entry.service, destinations });
    }
    table(&shapes)
}

fn write(client: &mut Client, table: &Table) {
    for entry in table.services() {
        client.add_service(entry.service()).unwrap();
        for destination in entry.destinations() {
            client.add_destination(&entry.service().key(), destination).unwrap();
        }
    }
}

/// With every destination changed.
fn changed(mut shapes: Vec<Shape>, change: fn(Destination) -> Destination) -> Vec<Shape> {
    for destination in shapes.iter_mut().flat_map(|shape| &mut shape.destinations) {
        *destination = change(*destination);
    }
    shapes
}

#[test]
fn what_ipvsadm_saves_reads_as_the_client_reads_it() {
    let netns = Netns::new();
    let mut client = netns.client();
    // Thresholds are not saved, and local destinations as direct routing.
    let shapes = all_of_ipvsadm();
    let table = table(&changed(shapes, |found| found.with_thresholds(Thresholds::NONE)));
    write(&mut client, &table);
    let saved = netns.run("/sbin/ipvsadm -Sn");
    assert_eq!(Table::from_ipvsadm(&saved).unwrap(), read(&mut client));
    assert_eq!(read(&mut client), table);
    // What we print is what it prints, in an order of its own.
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(|line| line.trim().to_owned()).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&table.to_ipvsadm().unwrap()), sorted(&saved));
}

#[test]
fn ipvsadm_restores_the_lines_of_a_table() {
    let netns = Netns::new();
    let mut wanted = table(&all_of_ipvsadm());
    wanted.set_timeouts(Timeouts { tcp: Some(901), tcp_fin: None, udp: Some(2_678_400) }).unwrap();
    restore(&netns, &wanted.to_ipvsadm().unwrap());
    let mut client = netns.client();
    let mut found = read(&mut client);
    found.set_timeouts(wanted.timeouts()).unwrap();
    assert_eq!(found, wanted);
    let timeouts = client.timeouts().unwrap();
    assert_eq!((timeouts.tcp, timeouts.udp), (Some(901), Some(2_678_400)));
    // The one that was left out stayed.
    assert_eq!(timeouts.tcp_fin, Some(120));
}

#[test]
fn what_ipvsadm_leaves_out_has_the_defaults_that_we_take() {
    let netns = Netns::new();
    let lines = "\
-A -t 10.0.0.1:80
-a -t 10.0.0.1:80 -r 127.0.0.1
-a -t 10.0.0.1:80 -r 127.0.0.2 -m
-a -t 10.0.0.1:80 -r 127.0.0.3:8080 -m -x 9
-A -t 10.0.0.1:81 -p
ipvsadm -A -u 10.0.0.1:53 -s sh -p 60 -o -b sh-port
-A -f 7 -6 -p -M 64

-a -f 7 -6 -r 127.0.0.1 -i
-a -f 7 -6 -r 127.0.0.2 -i --tun-type gue --tun-port 6080
-a -f 7 -6 -r 127.0.0.3 -i --tun-type gre
";
    restore(&netns, lines);
    assert_eq!(Table::from_ipvsadm(lines).unwrap(), read(&mut netns.client()));
}

#[test]
fn a_table_of_the_kernel_comes_back_from_every_text() {
    let netns = Netns::new();
    let mut client = netns.client();
    write(&mut client, &table(&all()));
    let found = read(&mut client);
    assert_eq!(found, table(&all()));
    assert_eq!(Table::from_toml(&found.to_toml().unwrap()).unwrap(), found);
    assert_eq!(Table::from_json(&found.to_json().unwrap()).unwrap(), found);
    let local = found.to_ipvsadm().unwrap_err();
    assert!(local.to_string().contains("no option for forwarding by local"), "{local}");
    let key = local.service().unwrap();
    let endpoint = local.destination().unwrap();
    let destination = found.get(&key).unwrap().get(endpoint).unwrap();
    assert_eq!(destination.forwarding(), Forwarding::Local);
}
