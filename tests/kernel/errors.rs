//! Wrong use gets its message, from the client before anything is sent, or from
//! the kernel's number.

use crate::netns::{Netns, text};
use ipvs::{Client, Destination, Error, ErrorKind, Rule, Scheduler, Service, ServiceKey};
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
