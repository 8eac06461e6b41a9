//! Random tables, small enough that two have much in common.
//!
//! The tests of the real kernel include this file too.

use ipvs::{Destination, Forwarding, Persistence, Scheduler, Service, ServiceKey, Table};
use ipvs::{Thresholds, Timeouts};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

const KEYS: [&str; 7] = [
    "tcp 10.0.0.1:80",
    "tcp 10.0.0.2:80",
    "udp 10.0.0.1:80",
    "sctp 10.0.0.1:80",
    "tcp [2001:db8::1]:80",
    "fwmark 7",
    "fwmark 7 ipv6",
];

/// A table of some of the services, each with some of the destinations.
pub(crate) fn table() -> impl Strategy<Value = Table> {
    let service = (0..KEYS.len()).prop_flat_map(|_| {
        (scheduler(), option::weighted(0.3, 1u32..400), subsequence(vec![1u8, 2, 3, 4, 5], 0..=5))
    });
    let services = proptest::collection::vec(option::weighted(0.7, service), KEYS.len());
    let destinations = proptest::collection::vec(destination(), KEYS.len() * 5);
    (services, destinations, option::of(1u32..1000)).prop_map(|(services, destinations, udp)| {
        let mut table = Table::new();
        table.set_timeouts(Timeouts { udp, ..Timeouts::default() }).expect("in range");
        let mut parts = destinations.into_iter();
        for (key, service) in KEYS.iter().zip(services) {
            let Some((scheduler, persistence, hosts)) = service else { continue };
            let key: ServiceKey = key.parse().expect("a key");
            let persistence = persistence.map(Persistence::seconds);
            let service = Service::new(key).with_scheduler(scheduler).with_persistence(persistence);
            table.add_service(service).expect("once");
            for (host, (weight, forwarding, upper)) in hosts.into_iter().zip(&mut parts) {
                let address = match key.family() {
                    ipvs::Family::V4 => format!("192.168.0.{host}:80"),
                    ipvs::Family::V6 => format!("[2001:db8:1::{host}]:80"),
                };
                let destination = Destination::new(address.parse().expect("an endpoint"))
                    .with_weight(weight.into())
                    .with_forwarding(forwarding)
                    .with_thresholds(Thresholds::new(upper, upper / 2).expect("in order"));
                table.add_destination(&key, destination).expect("valid");
            }
        }
        table
    })
}

fn scheduler() -> impl Strategy<Value = Scheduler> {
    select(vec![Scheduler::Rr, Scheduler::Wrr, Scheduler::Wlc, Scheduler::Sh])
}

fn destination() -> impl Strategy<Value = (u16, Forwarding, u32)> {
    let forwarding =
        select(vec![Forwarding::Masquerade, Forwarding::DirectRoute, Forwarding::IPIP]);
    (0u16..4, forwarding, select(vec![0, 0, 0, 100]))
}
