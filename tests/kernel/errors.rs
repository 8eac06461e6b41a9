//! Wrong use gets its message, from the client before anything is sent, or from
//! the kernel's number.

use crate::netns::{Netns, text};
use ipvs::{
    Client, Destination, Error, ErrorKind, Forwarding, Rule, Scheduler, Service, ServiceKey,
    Timeouts, Weight,
};
use std::os::unix::process::CommandExt as _;
use std::process::Command;

fn key() -> ServiceKey {
    "tcp 192.0.2.1:443".parse().unwrap()
}

fn server(text: &str) -> Destination {
    Destination::new(text.parse().unwrap())
}

/// A namespace with one service and one destination.
fn one() -> (Netns, Client) {
    let netns = Netns::new();
    let mut client = netns.client();
    client.add_service(&Service::new(key())).unwrap();
    client.add_destination(&key(), &server("10.0.0.7:80")).unwrap();
    (netns, client)
}

fn refused<R: std::fmt::Debug>(result: Result<R, Error>, kind: ErrorKind, message: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.to_string(), message);
    assert_eq!(error.kind(), kind);
}

#[test]
fn adding_twice() {
    let (_netns, mut client) = one();
    refused(
        client.add_service(&Service::new(key())),
        ErrorKind::AlreadyExists,
        "add service tcp 192.0.2.1:443: already exists (EEXIST)",
    );
    refused(
        client.add_destination(&key(), &server("10.0.0.7:80")),
        ErrorKind::AlreadyExists,
        "add destination 10.0.0.7:80 to tcp 192.0.2.1:443: already exists (EEXIST)",
    );
}

#[test]
fn changing_what_is_not_there() {
    let (_netns, mut client) = one();
    let other: ServiceKey = "udp 192.0.2.1:443".parse().unwrap();
    let absent = server("10.0.0.8:80");
    refused(
        client.edit_service(&Service::new(other)),
        ErrorKind::NoSuchService,
        "edit service udp 192.0.2.1:443: no such virtual service (ESRCH)",
    );
    refused(
        client.update_service(&other, |service| service),
        ErrorKind::NoSuchService,
        "edit service udp 192.0.2.1:443: no such virtual service (ESRCH)",
    );
    refused(
        client.delete_service(&other),
        ErrorKind::NoSuchService,
        "delete service udp 192.0.2.1:443: no such virtual service (ESRCH)",
    );
    refused(
        client.add_destination(&other, &absent),
        ErrorKind::NoSuchService,
        "add destination 10.0.0.8:80 to udp 192.0.2.1:443: no such virtual service (ESRCH)",
    );
    refused(
        client.edit_destination(&key(), &absent),
        ErrorKind::NoSuchDestination,
        "edit destination 10.0.0.8:80 of tcp 192.0.2.1:443: no such destination in this service \
         (ENOENT)",
    );
    refused(
        client.set_weight(&other, absent.endpoint(), Weight::ZERO),
        ErrorKind::NoSuchService,
        "edit destination 10.0.0.8:80 of udp 192.0.2.1:443: no such virtual service (ESRCH)",
    );
    refused(
        client.set_weight(&key(), absent.endpoint(), Weight::ZERO),
        ErrorKind::NoSuchDestination,
        "edit destination 10.0.0.8:80 of tcp 192.0.2.1:443: no such destination in this service \
         (ENOENT)",
    );
    refused(
        client.delete_destination(&key(), absent.endpoint()),
        ErrorKind::NoSuchDestination,
        "delete destination 10.0.0.8:80 from tcp 192.0.2.1:443: no such destination in this \
         service (ENOENT)",
    );
    refused(
        client.zero_service(&other),
        ErrorKind::NoSuchService,
        "zero counters of udp 192.0.2.1:443: no such virtual service (ESRCH)",
    );
}

#[test]
fn an_unknown_scheduler_or_engine() {
    let (_netns, mut client) = one();
    let service = Service::new(key()).with_scheduler("wrrr".parse().unwrap());
    refused(
        client.edit_service(&service),
        ErrorKind::NoSuchScheduler,
        "edit service tcp 192.0.2.1:443: scheduler `wrrr` is unknown to the kernel, which found \
         no module ip_vs_wrrr (ENOENT)",
    );
    let persistence = ipvs::Persistence::seconds(1).with_engine("pis".parse().unwrap());
    let key: ServiceKey = "fwmark 3".parse().unwrap();
    refused(
        client.add_service(&Service::new(key).with_persistence(persistence)),
        ErrorKind::NoSuchScheduler,
        "add service fwmark 3: scheduler `wlc` or persistence engine `pis` is unknown to the \
         kernel, which found no module ip_vs_wlc or ip_vs_pe_pis (ENOENT)",
    );
}

#[test]
fn a_broken_rule_is_named_before_anything_is_sent() {
    let (_netns, mut client) = one();
    let direct = server("10.0.0.9:80").with_forwarding(Forwarding::DirectRoute);
    for (result, rule) in [
        (
            client.add_service(&Service::new("tcp 192.0.2.1".parse().unwrap())),
            Rule::PortZeroPersistent,
        ),
        (
            client.add_destination(&key(), &server("224.0.0.1:80")),
            Rule::AddressUnicast { address: [224, 0, 0, 1].into() },
        ),
        (
            client.add_destination(&key(), &server("[2001:db8::1]:80")),
            Rule::MixedFamilyTunnel { service: ipvs::Family::V4 },
        ),
        (client.add_destination(&key(), &direct), Rule::PortKept { destination: 80, service: 443 }),
        (
            client.edit_destination(
                &key(),
                &server("10.0.0.7:80").with_forwarding(direct.forwarding()),
            ),
            Rule::PortKept { destination: 80, service: 443 },
        ),
        (
            client
                .update_destination(&key(), server("10.0.0.7:80").endpoint(), |found| {
                    found.with_forwarding(Forwarding::IPIP)
                })
                .map(drop),
            Rule::PortKept { destination: 80, service: 443 },
        ),
        (
            client.set_timeouts(&Timeouts { tcp: Some(0), ..Timeouts::default() }),
            Rule::TimeoutRange { what: "tcp", seconds: 0 },
        ),
    ] {
        let error = result.unwrap_err();
        assert_eq!((error.rule(), error.raw_os_error()), (Some(rule), None));
    }
    let moved = client.update_service(&key(), |_| Service::new("fwmark 1".parse().unwrap()));
    assert_eq!(moved.unwrap_err().rule(), Some(Rule::KeyKept));
}

#[test]
fn an_address_that_only_the_routes_show_not_to_be_a_hosts() {
    let (netns, mut client) = one();
    netns.run("/sbin/ip addr add 10.9.0.1/24 brd 10.9.0.255 dev lo");
    refused(
        client.add_destination(&key(), &server("10.9.0.255:80")),
        ErrorKind::Refused,
        "add destination 10.9.0.255:80 to tcp 192.0.2.1:443: the address is not unicast by this \
         network namespace's routes (a broadcast address, or no route and loopback down) (EINVAL)",
    );
}

#[test]
fn what_another_tool_broke_can_still_be_edited() {
    let (netns, mut client) = one();
    // ipvsadm forces the port of a directly routed destination only for address keys.
    netns.run("/sbin/ipvsadm -A -u 192.0.2.1:0 -s rr -p 60");
    let key: ServiceKey = "udp 192.0.2.1".parse().unwrap();
    // Port 0 without persistence is refused, but not when the edit did not break it.
    let error = client.update_service(&key, |found| found.with_persistence(None)).unwrap_err();
    assert_eq!(error.rule(), Some(Rule::PortZeroPersistent));
    let edited = client.update_service(&key, |found| found.with_scheduler(Scheduler::Wrr)).unwrap();
    assert_eq!(edited.to_string(), "udp 192.0.2.1:0 wrr persistent 60");
}

#[test]
fn without_the_capability_the_message_says_which_and_what_to_do() {
    let (_netns, _client) = one();
    let output = Command::new("/bin/probe").uid(65_534).gid(65_534).output().unwrap();
    assert_eq!(
        text(&output.stdout),
        "get info: permission denied, IPVS needs the capability CAP_NET_ADMIN: run as root or \
         grant it (EPERM)\n"
    );
}

#[test]
fn in_a_user_namespace_the_message_says_so() {
    let (netns, _client) = one();
    let output = netns.run("/bin/busybox unshare -U -r -n /bin/probe");
    assert_eq!(
        output,
        "get info: permission denied, IPVS needs CAP_NET_ADMIN in the initial user namespace, \
         and this process is in another (a rootless container?): run it outside (EPERM)\n"
    );
}
