//! What the fake kernel can be told to do wrong, as the client sees it.

use ipvs::fake::{Fault, Kernel};
use ipvs::{
    Client, Connections, Destination, ErrorKind, Operation, Role, Service, ServiceKey, Stats,
    SyncDaemon, Weight,
};

fn key() -> ServiceKey {
    "tcp 192.0.2.1:80".parse().expect("a key")
}

fn server(n: u8) -> Destination {
    Destination::new(ipvs::Endpoint::new([10, 0, 0, n], 80))
}

/// A kernel with a service of `count` destinations, and a client.
fn kernel(count: u8) -> (Kernel, Client<ipvs::fake::Socket>) {
    let kernel = Kernel::new();
    let mut client = kernel.client().expect("no fault yet");
    client.add_service(&Service::new(key())).expect("the first");
    for n in 1..=count {
        client.add_destination(&key(), &server(n)).expect("another");
    }
    (kernel, client)
}

/// The last bytes of the destinations' addresses, as listed.
fn listed(client: &mut Client<ipvs::fake::Socket>) -> Vec<u8> {
    let entries = client.destinations(&key()).expect("a listing");
    let last = |entry: &ipvs::DestinationEntry| match entry.destination.endpoint().address {
        std::net::IpAddr::V4(v4) => v4.octets()[3],
        std::net::IpAddr::V6(_) => 0,
    };
    entries.iter().map(last).collect()
}

#[test]
fn an_error_number_is_for_the_request_that_was_meant() {
    let (kernel, mut client) = kernel(0);
    kernel.inject(Operation::AddDestination, 2, Fault::Errno(libc::ENOMEM));
    client.add_destination(&key(), &server(1)).unwrap();
    client.edit_destination(&key(), &server(1)).unwrap();
    let error = client.add_destination(&key(), &server(2)).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::ENOMEM));
    client.add_destination(&key(), &server(3)).unwrap();
    assert_eq!(listed(&mut client), [3, 1]);

    kernel.inject(None, 2, Fault::Errno(libc::ENOMEM));
    client.zero().unwrap();
    assert_eq!(client.info().unwrap_err().raw_os_error(), Some(libc::ENOMEM));
    client.info().unwrap();
}

#[test]
fn a_module_that_is_not_there_is_said_to_be() {
    let kernel = Kernel::new();
    kernel.inject(Operation::Connect, 1, Fault::Errno(libc::ENOENT));
    assert!(kernel.client().unwrap_err().is_no_ipvs());
    kernel.client().unwrap();
}

#[test]
fn an_answer_that_does_not_come_is_an_error_unless_a_daemon_stopped() {
    let (kernel, mut client) = kernel(0);
    kernel.inject(Operation::AddDestination, 1, Fault::NoAnswer);
    let error = client.add_destination(&key(), &server(1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoAnswer);
    assert_eq!(listed(&mut client), [1]);

    let daemon = SyncDaemon::new(Role::Master, "eth0".parse().unwrap(), 7);
    client.start_daemon(&daemon).unwrap();
    kernel.inject(Operation::StopDaemon, 1, Fault::NoAnswer);
    client.stop_daemon(Role::Master).unwrap();
    assert_eq!(client.daemons().unwrap(), []);
}

#[test]
fn lost_and_cut_answers_are_told_and_the_client_goes_on() {
    let (kernel, mut client) = kernel(0);
    kernel.inject(Operation::AddDestination, 1, Fault::Overrun);
    let error = client.add_destination(&key(), &server(1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Overrun);
    kernel.inject(Operation::ListDestinations, 1, Fault::Truncated);
    let error = client.destinations(&key()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Truncated);
    kernel.inject(Operation::ListDestinations, 1, Fault::Overrun);
    let error = client.destinations(&key()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Overrun);
    assert_eq!(listed(&mut client), [1]);
}

#[test]
fn a_listing_that_fails_is_no_short_list() {
    let (kernel, mut client) = kernel(60);
    kernel.inject(Operation::ListDestinations, 1, Fault::Cut(libc::EINTR));
    let error = client.destinations(&key()).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EINTR));
    assert_eq!(listed(&mut client).len(), 60);
}

#[test]
fn what_happens_between_two_parts_moves_the_place() {
    let (kernel, mut client) = kernel(60);
    // A receive of a page gets 10 destinations.
    kernel.inject(
        Operation::ListDestinations,
        1,
        Fault::between(|kernel| {
            let mut other = kernel.client().unwrap();
            other.delete_destination(&key(), server(60).endpoint()).unwrap();
            other.delete_destination(&key(), server(50).endpoint()).unwrap();
        }),
    );
    let found = listed(&mut client);
    let hidden: Vec<u8> = (1..=60).filter(|n| !found.contains(n)).collect();
    assert_eq!(hidden, [49, 50]);
    let mut all: Vec<u8> = (1..=59).rev().collect();
    all.retain(|n| *n != 50);
    assert_eq!(listed(&mut client), all);
}

#[test]
fn somebody_else_can_be_faster() {
    let (kernel, mut client) = kernel(0);
    kernel.inject(
        Operation::AddDestination,
        1,
        Fault::before(|kernel| {
            kernel.client().unwrap().add_destination(&key(), &server(1)).unwrap();
        }),
    );
    assert!(client.add_destination(&key(), &server(1)).unwrap_err().is_already_exists());
}

#[test]
fn after_a_reload_the_client_finds_the_family_again_and_nothing_in_the_table() {
    let (kernel, mut client) = kernel(3);
    kernel.reload();
    assert_eq!(client.services().unwrap(), []);
    client.add_service(&Service::new(key())).unwrap();
}

#[test]
fn connections_and_counters_are_what_they_are_set_to_and_zeroed_as_by_the_kernel() {
    let (kernel, mut client) = kernel(1);
    let connections = Connections { active: 1, inactive: 2, persistent: 3 };
    let stats = Stats { connections: 1 << 40, bytes_in: 7, ..Stats::default() };
    kernel.set_connections(&key(), server(1).endpoint(), connections);
    kernel.set_destination_stats(&key(), server(1).endpoint(), stats);
    kernel.set_service_stats(&key(), stats);
    let entry = client.destination(&key(), server(1).endpoint()).unwrap().unwrap();
    assert_eq!((entry.connections, entry.stats), (connections, stats));
    assert_eq!(client.service(&key()).unwrap().unwrap().stats, stats);
    client.set_weight(&key(), server(1).endpoint(), Weight::ZERO).unwrap();
    client.zero_service(&key()).unwrap();
    let entry = client.destination(&key(), server(1).endpoint()).unwrap().unwrap();
    assert_eq!((entry.connections, entry.stats), (connections, Stats::default()));
    assert_eq!(client.service(&key()).unwrap().unwrap().stats, Stats::default());
}

#[test]
#[should_panic(expected = "tcp 192.0.2.1:80 has no destination 10.0.0.9:80")]
fn connections_of_no_destination_are_a_mistake() {
    let (kernel, _client) = kernel(1);
    kernel.set_connections(&key(), server(9).endpoint(), Connections::default());
}

#[test]
fn a_clone_is_the_same_kernel_in_any_thread() {
    let (kernel, mut client) = kernel(0);
    let clone = kernel.clone();
    std::thread::spawn(move || clone.client().unwrap().flush().unwrap()).join().unwrap();
    assert_eq!(client.services().unwrap(), []);
}
