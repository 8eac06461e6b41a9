//! Tables that between them use every option, made by counting.

use ipvs::{
    Destination, Endpoint, Family, Forwarding, Netmask, Persistence, Scheduler, SchedulerFlags,
    Service, ServiceKey, Thresholds, Weight,
};
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;

/// A service and its destinations.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub(crate) service: Service,
    pub(crate) destinations: Vec<Destination>,
}

/// How many there are: every kind of key with every scheduler, twice.
pub(crate) const COUNT: u16 = 2 * KEYS * SCHEDULERS;
const KEYS: u16 = 8;
const SCHEDULERS: u16 = 13;
const METHODS: [&str; 9] = [
    "masquerade",
    "local",
    "direct-route",
    "ipip",
    "gue:6080:-c",
    "gue:6081:+c",
    "gue:65535:r+c",
    "gre:-c",
    "gre:+c",
];

/// All shapes, each with a key of its own.
pub(crate) fn all() -> Vec<Shape> {
    (0..COUNT).map(shape).collect()
}

fn shape(n: u16) -> Shape {
    let service = service(n);
    let count = pick(&[0, 1, 2, 3, 5], n);
    let destinations = (0..count).map(|m| destination(&service.key(), n, m)).collect();
    Shape { service, destinations }
}

fn key(n: u16) -> ServiceKey {
    // Some are for all ports.
    let port = if n % 11 == 5 { 0 } else { 1000 + n };
    let [high, low] = n.to_be_bytes();
    let v4 = Endpoint::new(Ipv4Addr::new(10, 1, high, low), port);
    let v6 = Endpoint::new(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, n), port);
    let mark = NonZeroU32::new(u32::from(n) + 1).unwrap();
    match n % KEYS {
        0 => ServiceKey::tcp(v4),
        1 => ServiceKey::udp(v4),
        2 => ServiceKey::sctp(v4),
        3 => ServiceKey::fwmark(mark, Family::V4),
        4 => ServiceKey::tcp(v6),
        5 => ServiceKey::udp(v6),
        6 => ServiceKey::sctp(v6),
        _ => ServiceKey::fwmark(mark, Family::V6),
    }
}

fn service(n: u16) -> Service {
    use Scheduler::{Dh, Fo, Lblc, Lblcr, Lc, Mh, Nq, Ovf, Rr, Sed, Sh, Wlc, Wrr};
    let schedulers = [Rr, Wrr, Lc, Wlc, Lblc, Lblcr, Dh, Sh, Mh, Sed, Nq, Fo, Ovf];
    let key = key(n);
    let service = Service::new(key).with_scheduler(pick(&schedulers, n / KEYS));
    let flags = match service.scheduler() {
        Sh => pick(
            &[SchedulerFlags::SH_PORT, SchedulerFlags::SH_FALLBACK | SchedulerFlags::SH_PORT],
            n / 104,
        ),
        Mh => pick(
            &[SchedulerFlags::MH_FALLBACK, SchedulerFlags::MH_FALLBACK | SchedulerFlags::MH_PORT],
            n / 104,
        ),
        Rr => SchedulerFlags::FLAG_3 | SchedulerFlags::FLAG_1,
        _ => SchedulerFlags::NONE,
    };
    let netmask = match key.family() {
        Family::V4 => pick(&[0, 8, 24, 31], n / 3),
        Family::V6 => pick(&[1, 64, 127], n / 3),
    };
    let netmask = Netmask::prefix(key.family(), netmask).unwrap();
    let udp_or_mark = matches!(n % KEYS, 1 | 3 | 5 | 7);
    let all_ports = matches!(key, ServiceKey::Address { endpoint, .. } if endpoint.port == 0);
    let persistence = match mix(n) % 5 {
        1 => Some(Persistence::seconds(1 + u32::from(n))),
        2 => Some(Persistence::seconds(2_678_400).with_netmask(netmask)),
        3 if udp_or_mark => Some(Persistence::seconds(360).with_engine("sip".parse().unwrap())),
        4 if udp_or_mark => {
            Some(Persistence::seconds(9).with_netmask(netmask).with_engine("sip".parse().unwrap()))
        }
        _ if all_ports => Some(Persistence::seconds(77)),
        _ => None,
    };
    service
        .with_scheduler_flags(flags)
        .with_persistence(persistence)
        .with_one_packet(udp_or_mark && mix(n) % 3 == 0)
}

fn destination(key: &ServiceKey, n: u16, m: u16) -> Destination {
    let which = mix(n) + 4 * m;
    let forwarding: Forwarding = pick(&METHODS, which).parse().unwrap();
    let tunnel = matches!(forwarding, Forwarding::Tunnel(_));
    // Over a tunnel the server may be of the other family.
    let family = match (key.family(), tunnel && mix(which) % 3 == 0) {
        (Family::V4, false) | (Family::V6, true) => Family::V4,
        _ => Family::V6,
    };
    let port = match key {
        ServiceKey::Address { endpoint, .. } if forwarding != Forwarding::Masquerade => {
            endpoint.port
        }
        _ => 8000 + m,
    };
    let host = u8::try_from(m + 1).unwrap();
    let endpoint = match family {
        Family::V4 => Endpoint::new(Ipv4Addr::new(127, 0, 0, host), port),
        Family::V6 => Endpoint::new(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, host.into()), port),
    };
    let weight = pick(&[1, 0, 3, 65_535, 2_147_483_647], n + 2 * m);
    let (upper, lower) = pick(&[(0, 0), (100, 0), (100, 75), (2_147_483_647, 1), (7, 7)], n + m);
    Destination::new(endpoint)
        .with_forwarding(forwarding)
        .with_weight(Weight::new(weight).unwrap())
        .with_thresholds(Thresholds::new(upper, lower).unwrap())
}

/// Spreads the numbers, so that options that are picked by different divisors
/// meet in all combinations.
fn mix(n: u16) -> u16 {
    (n.wrapping_mul(40_503) >> 5) % 1_000
}

fn pick<V: Copy>(from: &[V], n: u16) -> V {
    *from.get(usize::from(n) % from.len()).unwrap()
}

/// The claim above: every pair of options occurs that can.
#[test]
fn the_shapes_cover_all_pairs_of_options() {
    let shapes = all();
    let kind = |key: &ServiceKey| match key {
        ServiceKey::Address { protocol, .. } => format!("{protocol} {}", key.family()),
        ServiceKey::Mark { .. } => format!("fwmark {}", key.family()),
    };
    let (mut schedulers, mut persistences) = (BTreeSet::new(), BTreeSet::new());
    let (mut methods, mut mixed, mut engines) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for Shape { service, destinations } in &shapes {
        let key = service.key();
        schedulers.insert((kind(&key), service.scheduler()));
        if let Some(persistence) = service.persistence() {
            persistences.insert((kind(&key), persistence.netmask.is_some()));
            engines.insert((kind(&key), persistence.engine));
        }
        for destination in destinations {
            methods.insert((kind(&key), destination.forwarding()));
            if destination.endpoint().family() != key.family() {
                mixed.insert((key.family(), destination.forwarding()));
            }
        }
    }
    let keys = usize::from(KEYS);
    assert_eq!(schedulers.len(), keys * usize::from(SCHEDULERS));
    assert_eq!(methods.len(), keys * METHODS.len());
    assert_eq!(persistences.len(), keys * 2);
    // Without an engine everywhere, with sip for UDP and marks.
    assert_eq!(engines.len(), keys + 4);
    // Both families of services over all six tunnels.
    assert_eq!(mixed.len(), 2 * 6);
}
