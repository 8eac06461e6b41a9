//! Wrong use gets its message, from the client before anything is sent, or from
//! the kernel's number.

use super::Bench;
use ipvs::{
    Client, Destination, Error, ErrorKind, Forwarding, Rule, Service, ServiceKey, Timeouts, Weight,
};

fn key() -> ServiceKey {
    "tcp 192.0.2.1:443".parse().unwrap()
}

fn server(text: &str) -> Destination {
    Destination::new(text.parse().unwrap())
}

/// A kernel with one service and one destination.
fn one<B: Bench>() -> (B, Client<B::Socket>) {
    let bench = B::fresh();
    let mut client = bench.client();
    client.add_service(&Service::new(key())).unwrap();
    client.add_destination(&key(), &server("10.0.0.7:80")).unwrap();
    (bench, client)
}

fn refused<R: std::fmt::Debug>(result: Result<R, Error>, kind: ErrorKind, message: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.to_string(), message);
    assert_eq!(error.kind(), kind);
}

pub(crate) fn adding_twice<B: Bench>() {
    let (_bench, mut client) = one::<B>();
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

pub(crate) fn changing_what_is_not_there<B: Bench>() {
    let (_bench, mut client) = one::<B>();
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

pub(crate) fn an_unknown_scheduler_or_engine<B: Bench>() {
    let (_bench, mut client) = one::<B>();
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

pub(crate) fn a_broken_rule_is_named_before_anything_is_sent<B: Bench>() {
    let (_bench, mut client) = one::<B>();
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
