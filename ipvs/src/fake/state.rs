//! What the kernel keeps: services in their buckets with their destinations,
//! timeouts, sync daemons. The functions judge what is asked for as the
//! kernel's do, and in their order.

use super::Version;
use super::answer::Refusal;
use super::daemons::Daemons;
use super::fault::Planned;
use crate::{
    Connections, Destination, DestinationEntry, Endpoint, Protocol, Scheduler, Service,
    ServiceEntry, ServiceKey, Stats, Timeouts,
};
use ipvs_sys::TimeoutAttrs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Clock ticks a second, as Debian's kernels have them.
pub(super) const TICKS: u32 = 250;
/// Entries of the table of `mh`, which its destinations must not outnumber.
const MAGLEV: usize = 4093;

pub(super) struct State {
    pub(super) version: Version,
    /// The number of the family.
    pub(super) family: u16,
    /// In the order of a listing: by table, by bucket, the newest first.
    pub(super) services: Vec<Virtual>,
    pub(super) timeouts: Timeouts,
    pub(super) daemons: Daemons,
    pub(super) faults: Vec<Planned>,
    /// How many sockets were opened.
    pub(super) sockets: u32,
}

/// A virtual service.
pub(super) struct Virtual {
    place: Place,
    pub(super) entry: ServiceEntry,
    /// The persistence timeout in clock ticks.
    pub(super) ticks: u32,
    /// In the order in which they were added; listed the other way round.
    pub(super) destinations: Vec<DestinationEntry>,
}

/// A service as it is asked for; its timeout is that of `ticks`.
pub(super) struct Asked {
    pub(super) service: Service,
    pub(super) ticks: u32,
}

/// The table, first that by address and then that by mark, and the bucket in it.
type Place = (bool, u8);

impl State {
    pub(super) fn new(version: Version) -> Self {
        Self {
            version,
            family: 34,
            services: Vec::new(),
            timeouts: Timeouts { tcp: Some(900), tcp_fin: Some(120), udp: Some(300) },
            daemons: Daemons::default(),
            faults: Vec::new(),
            sockets: 0,
        }
    }

    /// As after the module was taken out and loaded again.
    pub(super) fn reload(&mut self) {
        let fresh = Self::new(self.version);
        self.family += 1;
        self.services = fresh.services;
        self.timeouts = fresh.timeouts;
        self.daemons.stop_all();
    }

    pub(super) fn find(&self, key: &ServiceKey) -> Option<&Virtual> {
        self.services.get(self.index(key)?)
    }

    pub(super) fn find_mut(&mut self, key: &ServiceKey) -> Option<&mut Virtual> {
        let index = self.index(key)?;
        self.services.get_mut(index)
    }

    fn index(&self, key: &ServiceKey) -> Option<usize> {
        let place = place(key);
        let start = self.first(place);
        let mut chain = self.services.iter().skip(start).take_while(|found| found.place == place);
        chain.position(|found| found.entry.service.key() == *key).map(|offset| start + offset)
    }

    /// Where the bucket starts, or would.
    fn first(&self, place: Place) -> usize {
        self.services.partition_point(|found| found.place < place)
    }

    /// `ip_vs_ctl.c: ip_vs_add_service`.
    pub(super) fn add_service(&mut self, asked: Asked) -> Result<(), Refusal> {
        self.version.check_service(&asked.service)?;
        let place = place(&asked.service.key());
        let new = Virtual {
            place,
            entry: ServiceEntry { service: asked.service, stats: Stats::default() },
            ticks: asked.ticks,
            destinations: Vec::new(),
        };
        self.services.insert(self.first(place), new);
        Ok(())
    }

    /// `ip_vs_ctl.c: ip_vs_edit_service`.
    pub(super) fn edit_service(&mut self, asked: Asked) -> Result<(), Refusal> {
        self.version.check_service(&asked.service)?;
        let found = self.find_mut(&asked.service.key()).ok_or(libc::ESRCH)?;
        let mh = Scheduler::Mh;
        let bound = asked.service.scheduler() == mh && found.entry.service.scheduler() != mh;
        if bound && found.destinations.len() > MAGLEV {
            return Err(libc::EINVAL.into());
        }
        found.entry.service = asked.service;
        found.ticks = asked.ticks;
        Ok(())
    }

    pub(super) fn delete_service(&mut self, key: &ServiceKey) -> Result<(), Refusal> {
        let index = self.index(key).ok_or(libc::ESRCH)?;
        self.services.remove(index);
        Ok(())
    }

    /// Whether a service has a destination of another family.
    pub(super) fn is_mixed(&self) -> bool {
        self.services.iter().any(|found| {
            let family = found.entry.service.key().family();
            found.destinations.iter().any(|entry| entry.destination.endpoint().family() != family)
        })
    }

    /// `ip_vs_ctl.c: ip_vs_genl_set_config`.
    pub(super) fn set_timeouts(&mut self, asked: TimeoutAttrs) -> Result<(), Refusal> {
        // A signed number there.
        let longest = i32::MAX.unsigned_abs() / TICKS;
        let new = [asked.tcp, asked.tcp_fin, asked.udp];
        if new.into_iter().flatten().any(|seconds| seconds > longest) {
            return Err(libc::EINVAL.into());
        }
        let old = &mut self.timeouts;
        for (slot, new) in [&mut old.tcp, &mut old.tcp_fin, &mut old.udp].into_iter().zip(new) {
            if new.is_some_and(|seconds| seconds != 0) {
                *slot = new;
            }
        }
        Ok(())
    }

    /// `ip_vs_ctl.c: ip_vs_zero_all`.
    pub(super) fn zero(&mut self) {
        self.services.iter_mut().for_each(Virtual::zero);
    }
}

impl Virtual {
    /// `ip_vs_ctl.c: ip_vs_lookup_dest`.
    pub(super) fn find_mut(&mut self, endpoint: Endpoint) -> Option<&mut DestinationEntry> {
        self.destinations.iter_mut().find(|entry| entry.destination.endpoint() == endpoint)
    }

    /// `ip_vs_ctl.c: ip_vs_add_dest`.
    pub(super) fn add(&mut self, destination: Destination) -> Result<(), Refusal> {
        check_destination(&destination)?;
        let endpoint = destination.endpoint();
        if self.find_mut(endpoint).is_some() {
            return Err(libc::EEXIST.into());
        }
        if !is_host(endpoint.address) {
            return Err(libc::EINVAL.into());
        }
        let (connections, stats) = (Connections::default(), Stats::default());
        self.destinations.push(DestinationEntry { destination, connections, stats });
        Ok(())
    }

    /// `ip_vs_ctl.c: ip_vs_edit_dest`.
    pub(super) fn edit(&mut self, destination: Destination) -> Result<(), Refusal> {
        check_destination(&destination)?;
        self.find_mut(destination.endpoint()).ok_or(libc::ENOENT)?.destination = destination;
        Ok(())
    }

    /// `ip_vs_ctl.c: ip_vs_del_dest`.
    pub(super) fn delete(&mut self, endpoint: Endpoint) -> Result<(), Refusal> {
        let mut all = self.destinations.iter();
        let found = all.position(|entry| entry.destination.endpoint() == endpoint);
        self.destinations.remove(found.ok_or(libc::ENOENT)?);
        Ok(())
    }

    /// `ip_vs_ctl.c: ip_vs_zero_service`. Connections are no counters.
    pub(super) fn zero(&mut self) {
        self.entry.stats = Stats::default();
        self.destinations.iter_mut().for_each(|entry| entry.stats = Stats::default());
    }
}

impl Version {
    /// Whether scheduler, engine and netmask will do.
    fn check_service(self, service: &Service) -> Result<(), Refusal> {
        let octets = service.key().octets();
        let attrs = service.attrs(&octets);
        if !attrs.scheduler.is_some_and(|name| self.schedulers().any(|known| known == name)) {
            return Err(libc::ENOENT.into());
        }
        if !matches!(attrs.persistence_engine, None | Some(b"sip")) {
            return Err(libc::ENOENT.into());
        }
        let prefix = attrs.netmask.map_or(0, u32::from_ne_bytes);
        if attrs.af == Some(10) && !(1..=128).contains(&prefix) {
            return Err(libc::EINVAL.into());
        }
        Ok(())
    }

    fn schedulers(self) -> impl Iterator<Item = &'static [u8]> {
        let known: [&[u8]; 14] = [
            b"none", b"rr", b"wrr", b"lc", b"wlc", b"fo", b"ovf", b"lblc", b"lblcr", b"dh", b"sh",
            b"mh", b"sed", b"nq",
        ];
        let twos: Option<&[u8]> = (self == Self::V6_12).then_some(b"twos");
        known.into_iter().chain(twos)
    }
}

/// What adding and editing a destination have in common.
fn check_destination(destination: &Destination) -> Result<(), Refusal> {
    let octets = destination.endpoint().octets();
    let attrs = destination.attrs(&octets);
    // A signed number there.
    if i32::try_from(destination.weight().value()).is_err() {
        return Err(libc::ERANGE.into());
    }
    let thresholds = destination.thresholds();
    if thresholds.lower() > thresholds.upper() {
        return Err(libc::ERANGE.into());
    }
    if i32::try_from(thresholds.upper()).is_err() {
        return Err(libc::EINVAL.into());
    }
    if (attrs.tunnel_kind, attrs.tunnel_port) == (Some(1), None) {
        return Err(libc::EINVAL.into());
    }
    Ok(())
}

/// Whether the address is one host's, by the routes of a namespace that has
/// loopback and nothing else (`ip_vs_ctl.c: ip_vs_new_dest`).
fn is_host(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let broadcasts = [Ipv4Addr::BROADCAST, Ipv4Addr::new(127, 255, 255, 255)];
            !v4.is_unspecified() && !v4.is_multicast() && !broadcasts.contains(&v4)
        }
        IpAddr::V6(v6) => {
            let link_local = v6.segments().first().is_some_and(|first| first & 0xffc0 == 0xfe80);
            v6 != Ipv6Addr::UNSPECIFIED
                && !v6.is_multicast()
                && !link_local
                && v6.to_ipv4_mapped().is_none()
        }
    }
}

/// As `ip_vs_ctl.c: ip_vs_svc_hashkey` and `ip_vs_svc_fwm_hashkey`, whose other
/// term is the address of the namespace: a number for which the order is not
/// that of the keys.
fn place(key: &ServiceKey) -> Place {
    const NAMESPACE: u8 = 0x5b;
    match *key {
        ServiceKey::Address { protocol, endpoint: Endpoint { address, port } } => {
            let folded = match address {
                IpAddr::V4(v4) => v4.octets()[3],
                IpAddr::V6(v6) => v6.octets().into_iter().skip(3).step_by(4).fold(0, |a, b| a ^ b),
            };
            let [_, protocol] = protocol.number().to_be_bytes();
            let [high, low] = port.to_be_bytes();
            (false, protocol ^ folded ^ high ^ low ^ NAMESPACE)
        }
        ServiceKey::Mark { mark, .. } => {
            let [.., low] = mark.get().to_be_bytes();
            (true, low.wrapping_add(NAMESPACE))
        }
    }
}

/// The key that the kernel makes of a mark of 0.
pub(super) fn no_mark(family: crate::Family) -> ServiceKey {
    let any: IpAddr = match family {
        crate::Family::V4 => Ipv4Addr::UNSPECIFIED.into(),
        crate::Family::V6 => Ipv6Addr::UNSPECIFIED.into(),
    };
    ServiceKey::Address { protocol: Protocol::TCP, endpoint: Endpoint::new(any, 0) }
}
