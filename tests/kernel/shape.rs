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

/// How many there are: a multiple of no modulus below, so that options meet in
/// ever new combinations.
pub(crate) const COUNT: u16 = 97;

/// All shapes, each with a key of its own.
pub(crate) fn all() -> Vec<Shape> {
    (0..COUNT).map(shape).collect()
}

fn shape(n: u16) -> Shape {
    let service = service(n);
    let mut seen = BTreeSet::new();
    let destinations = (0..n % 6).map(|m| destination(&service.key(), n, m));
    let destinations = destinations.filter(|found| seen.insert(found.endpoint())).collect();
    Shape { service, destinations }
}

fn key(n: u16) -> ServiceKey {
    let port = 1000 + n;
    let v4 = Endpoint::new(Ipv4Addr::new(10, 1, 0, 1), port);
    let v6 = Endpoint::new(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1), port);
    let mark = NonZeroU32::new(u32::from(n) + 1).unwrap();
    match n % 8 {
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
    let service = Service::new(key).with_scheduler(pick(&schedulers, n));
    let flags = match service.scheduler() {
        Sh => pick(
            &[SchedulerFlags::SH_PORT, SchedulerFlags::SH_FALLBACK | SchedulerFlags::SH_PORT],
            n / 13,
        ),
        Mh => pick(
            &[SchedulerFlags::MH_FALLBACK, SchedulerFlags::MH_FALLBACK | SchedulerFlags::MH_PORT],
            n / 13,
        ),
        Rr => SchedulerFlags::FLAG_3 | SchedulerFlags::FLAG_1,
        _ => SchedulerFlags::NONE,
    };
    let netmask = match key.family() {
        Family::V4 => pick(&[8, 24, 31], n / 3),
        Family::V6 => pick(&[1, 64, 127], n / 3),
    };
    let netmask = Netmask::prefix(key.family(), netmask).unwrap();
    let udp_or_mark = matches!(n % 8, 1 | 3 | 5 | 7);
    let persistence = match n % 5 {
        1 => Some(Persistence::seconds(1 + u32::from(n))),
        2 => Some(Persistence::seconds(2_678_400).with_netmask(netmask)),
        3 if udp_or_mark => Some(Persistence::seconds(360).with_engine("sip".parse().unwrap())),
        4 if udp_or_mark => {
            Some(Persistence::seconds(9).with_netmask(netmask).with_engine("sip".parse().unwrap()))
        }
        _ => None,
    };
    service
        .with_scheduler_flags(flags)
        .with_persistence(persistence)
        .with_one_packet(udp_or_mark && n % 3 == 0)
}

fn destination(key: &ServiceKey, n: u16, m: u16) -> Destination {
    let methods = [
        "masquerade",
        "direct-route",
        "ipip",
        "gue:6080:-c",
        "gue:6081:+c",
        "gue:65535:r+c",
        "gre:-c",
        "gre:+c",
    ];
    let forwarding: Forwarding = pick(&methods, n + m).parse().unwrap();
    let tunnel = matches!(forwarding, Forwarding::Tunnel(_));
    // Over a tunnel the server may be of the other family.
    let family = match (key.family(), tunnel && (n + m) % 4 == 2) {
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

fn pick<V: Copy>(from: &[V], n: u16) -> V {
    *from.get(usize::from(n) % from.len()).unwrap()
}
