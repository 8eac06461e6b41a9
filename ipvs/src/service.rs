//! A virtual service.

use crate::key::{Octets, required};
use crate::name::EngineName;
use crate::rule::{self, MAX_PERSISTENCE};
use crate::{Netmask, Persistence, Protocol, Rule, Scheduler, SchedulerFlags, ServiceKey, Stats};
use ipvs_sys::{DecodeError, ServiceAttrs, ServiceFlags};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// A virtual service: what it is found by and how it is balanced.
///
/// The fields are the kernel's own, so a service that was read is written back
/// without loss, whatever tool made it. Two services are equal when they do the
/// same: key, scheduler, flags and persistence are. Their destinations are
/// compared apart.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(into = "crate::form::ServiceForm", try_from = "crate::form::ServiceForm")
)]
pub struct Service {
    key: ServiceKey,
    scheduler: Scheduler,
    flags: u32,
    // The next three count only with the flag PERSISTENT, but the kernel keeps
    // them without it too.
    timeout: u32,
    netmask: Netmask,
    engine: Option<EngineName>,
}

/// A virtual service with what the kernel counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ServiceEntry {
    /// The service.
    pub service: Service,
    /// Its counters and rates, refreshed by the kernel every two seconds.
    pub stats: Stats,
}

impl Service {
    /// A service with the scheduler `wlc`, without persistence.
    pub fn new(key: ServiceKey) -> Self {
        Self {
            key,
            scheduler: Scheduler::default(),
            flags: 0,
            timeout: 0,
            netmask: Netmask::full(key.family()),
            engine: None,
        }
    }

    /// The same with another scheduler.
    pub fn with_scheduler(self, scheduler: Scheduler) -> Self {
        Self { scheduler, ..self }
    }

    /// The same with these scheduler flags and no other.
    pub fn with_scheduler_flags(self, flags: SchedulerFlags) -> Self {
        let others = self.flags & !SchedulerFlags::from_bits(u32::MAX).bits();
        Self { flags: others | flags.bits(), ..self }
    }

    /// The same with persistence, or without.
    pub fn with_persistence(self, persistence: impl Into<Option<Persistence>>) -> Self {
        let full = Netmask::full(self.key.family());
        match persistence.into() {
            Some(Persistence { timeout, netmask, engine }) => Self {
                flags: self.flags | ServiceFlags::PERSISTENT,
                timeout,
                netmask: netmask.unwrap_or(full),
                engine,
                ..self
            },
            None => Self {
                flags: self.flags & !ServiceFlags::PERSISTENT,
                timeout: 0,
                netmask: full,
                engine: None,
                ..self
            },
        }
    }

    /// The same with every packet scheduled anew, or not. For UDP.
    pub fn with_one_packet(self, on: bool) -> Self {
        let flags = if on {
            self.flags | ServiceFlags::ONE_PACKET
        } else {
            self.flags & !ServiceFlags::ONE_PACKET
        };
        Self { flags, ..self }
    }

    /// What the service is found by.
    pub fn key(&self) -> ServiceKey {
        self.key
    }

    /// The scheduler.
    pub fn scheduler(&self) -> Scheduler {
        self.scheduler
    }

    /// The scheduler's flags.
    pub fn scheduler_flags(&self) -> SchedulerFlags {
        SchedulerFlags::from_bits(self.flags)
    }

    /// The persistence; its netmask is `None` where each address is a client.
    pub fn persistence(&self) -> Option<Persistence> {
        let full = Netmask::full(self.key.family());
        (self.flags & ServiceFlags::PERSISTENT != 0).then_some(Persistence {
            timeout: self.timeout,
            netmask: (self.netmask != full).then_some(self.netmask),
            engine: self.engine,
        })
    }

    /// Whether every packet is scheduled anew.
    pub fn one_packet(&self) -> bool {
        self.flags & ServiceFlags::ONE_PACKET != 0
    }

    /// Whether the kernel would balance this as it stands.
    ///
    /// # Errors
    ///
    /// The first [`Rule`] that it breaks. The client checks before it sends.
    pub fn check(&self) -> Result<(), Rule> {
        self.check_except(|_| false)
    }

    /// Checks an edit of `before`. What another tool left behind is not the edit's
    /// doing, and must not stand in its way.
    pub(crate) fn check_edit(&self, before: &Self) -> Result<(), Rule> {
        self.check_except(|rule| before.check_except(|other| other != rule).is_err())
    }

    /// The first rule that it breaks and that is not excused.
    #[inline]
    fn check_except(&self, excused: impl Fn(&Rule) -> bool) -> Result<(), Rule> {
        let refuse_if = |broken, rule| rule::refuse(broken, rule, &excused);
        let (family, netmask, persistence) = (self.key.family(), self.netmask, self.persistence());
        refuse_if(netmask.family() != family, Rule::NetmaskFamily { netmask, service: family })?;
        if let Some(Persistence { timeout: seconds, .. }) = persistence {
            let in_range = (1..=MAX_PERSISTENCE).contains(&seconds);
            refuse_if(!in_range, Rule::PersistenceTimeout { seconds })?;
        }
        let ServiceKey::Address { protocol, endpoint } = self.key else { return Ok(()) };
        let udp = protocol == Protocol::UDP;
        let engine = persistence.and_then(|persistence| persistence.engine);
        let sip = engine.is_some_and(|name| name.as_bytes() == b"sip");
        refuse_if(!protocol.is_scheduled(), Rule::ProtocolScheduled { protocol })?;
        refuse_if(endpoint.port == 0 && persistence.is_none(), Rule::PortZeroPersistent)?;
        refuse_if(self.one_packet() && !udp, Rule::OnePacketUdp { protocol })?;
        refuse_if(sip && !udp, Rule::SipUdp { protocol })
    }

    /// What it does: without the numbers that the kernel keeps and does not use.
    fn meaning(&self) -> (ServiceKey, Scheduler, u32, Option<Persistence>) {
        (self.key, self.scheduler, self.flags, self.persistence())
    }

    /// The whole service as a request.
    #[inline(always)]
    pub(crate) fn attrs<'a>(&'a self, octets: &'a Octets) -> ServiceAttrs<'a> {
        ServiceAttrs {
            scheduler: Some(self.scheduler.as_bytes()),
            // With all bits in the mask, unknown flags come back as they were
            // read; the kernel keeps HASHED to itself.
            flags: Some(ServiceFlags { flags: self.flags, mask: u32::MAX }),
            timeout: Some(self.timeout),
            netmask: Some(self.netmask.to_wire()),
            persistence_engine: self.engine.as_ref().map(EngineName::as_bytes),
            ..self.key.attrs(octets)
        }
    }
}

impl PartialEq for Service {
    fn eq(&self, other: &Self) -> bool {
        self.meaning() == other.meaning()
    }
}

impl Eq for Service {}

impl PartialOrd for Service {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Service {
    fn cmp(&self, other: &Self) -> Ordering {
        self.meaning().cmp(&other.meaning())
    }
}

impl Hash for Service {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.meaning().hash(state);
    }
}

impl TryFrom<&ServiceAttrs<'_>> for Service {
    type Error = DecodeError;

    fn try_from(attrs: &ServiceAttrs<'_>) -> Result<Self, DecodeError> {
        let key = ServiceKey::try_from(attrs)?;
        let scheduler = required(attrs.scheduler, "service/scheduler")?;
        let flags = required(attrs.flags, "service/flags")?;
        let netmask = required(attrs.netmask, "service/netmask")?;
        Ok(Self {
            key,
            scheduler: Scheduler::from_wire(scheduler),
            flags: flags.flags & !ServiceFlags::HASHED,
            timeout: required(attrs.timeout, "service/timeout")?,
            netmask: Netmask::from_wire(key.family(), netmask),
            engine: attrs.persistence_engine.map(EngineName::from_wire),
        })
    }
}

impl TryFrom<&ServiceAttrs<'_>> for ServiceEntry {
    type Error = DecodeError;

    fn try_from(attrs: &ServiceAttrs<'_>) -> Result<Self, DecodeError> {
        Ok(Self { service: attrs.try_into()?, stats: attrs.counters()?.unwrap_or_default() })
    }
}

/// As `tcp 10.0.0.1:80 wrr flag-1 persistent 300 netmask 255.255.255.0 engine sip one-packet`.
impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = format!("{} {}", self.key, self.scheduler);
        if self.scheduler_flags() != SchedulerFlags::NONE {
            text += &format!(" {}", self.scheduler_flags());
        }
        if let Some(Persistence { timeout, netmask, engine }) = self.persistence() {
            text += &format!(" persistent {timeout}");
            if let Some(netmask) = netmask {
                text += &format!(" netmask {netmask}");
            }
            if let Some(engine) = engine {
                text += &format!(" engine {engine}");
            }
        }
        if self.one_packet() {
            text += " one-packet";
        }
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ipvs_sys::Attrs;

    fn service(key: &str) -> Service {
        Service::new(key.parse().unwrap())
    }

    #[test]
    fn defaults_are_wlc_without_persistence() {
        let service = service("10.0.0.1:80");
        assert_eq!(service.to_string(), "tcp 10.0.0.1:80 wlc");
        assert_eq!(service.persistence(), None);
        assert_eq!(service.check(), Ok(()));
    }

    #[test]
    fn everything_that_is_set_reads_back_and_displays() {
        let persistence = Persistence::seconds(300)
            .with_netmask("255.255.255.0".parse().unwrap())
            .with_engine("sip".parse().unwrap());
        let service = service("udp 10.0.0.1:5060")
            .with_scheduler(Scheduler::Sh)
            .with_scheduler_flags(SchedulerFlags::SH_PORT)
            .with_persistence(persistence)
            .with_one_packet(true);
        assert_eq!(service.persistence(), Some(persistence));
        assert_eq!(
            service.to_string(),
            "udp 10.0.0.1:5060 sh flag-2 persistent 300 netmask 255.255.255.0 engine sip one-packet"
        );
        assert_eq!(service.check(), Ok(()));
        let plain = service
            .with_scheduler_flags(SchedulerFlags::NONE)
            .with_persistence(None)
            .with_one_packet(false);
        assert_eq!(plain.to_string(), "udp 10.0.0.1:5060 sh");
        let octets = plain.key.octets();
        let fresh = Service::new(plain.key).with_scheduler(Scheduler::Sh);
        assert_eq!(plain.attrs(&octets), fresh.attrs(&octets));
    }

    #[test]
    fn setting_one_thing_leaves_the_others() {
        let one_packet = service("udp 10.0.0.1:53").with_one_packet(true);
        let flagged = one_packet.with_scheduler_flags(SchedulerFlags::FLAG_3);
        assert!(flagged.one_packet());
        let persistent = flagged.with_persistence(Persistence::seconds(5));
        assert!(persistent.one_packet());
        assert_eq!(persistent.scheduler_flags(), SchedulerFlags::FLAG_3);
    }

    #[test]
    fn numbers_that_the_kernel_keeps_and_does_not_use_make_no_difference() {
        let plain = service("tcp 10.0.0.1:80");
        let left = Service { timeout: 300, netmask: "0.0.0.0".parse().unwrap(), ..plain };
        assert_eq!(left, plain);
        assert_eq!(left.cmp(&plain), Ordering::Equal);
        // They are written back all the same.
        assert_eq!(left.attrs(&plain.key.octets()).timeout, Some(300));
        assert_ne!(plain.with_persistence(Persistence::seconds(300)), plain);
    }

    #[test]
    fn the_full_counters_are_taken_before_the_cut_ones() {
        let plain = service("tcp 10.0.0.1:80");
        let octets = plain.key.octets();
        let full = Stats { connections: 1 << 33, ..Stats::default() };
        let (cut, full64) = (Stats { connections: 7, ..full }.to_stats(), full.to_stats64());
        let attrs = ServiceAttrs {
            stats: Some(Attrs::new(&cut, "stats")),
            stats64: Some(Attrs::new(&full64, "stats64")),
            ..plain.attrs(&octets)
        };
        assert_eq!(ServiceEntry::try_from(&attrs).unwrap().stats, full);
    }

    #[test]
    fn each_rule_is_named() {
        let refused = [
            (
                service("tcp 10.0.0.1:0"),
                "port 0 (all ports) needs persistence: packets would be dropped",
            ),
            (
                service("tcp 10.0.0.1:80").with_one_packet(true),
                "one-packet scheduling is for udp, not for tcp",
            ),
            (
                service("tcp 10.0.0.1:80").with_persistence(Persistence::seconds(0)),
                "persistence timeout of 0 s out of range: 1 to 4294967 s",
            ),
            (
                service("tcp 10.0.0.1:80").with_persistence(Persistence::seconds(4_294_968)),
                "persistence timeout of 4294968 s out of range: 1 to 4294967 s",
            ),
            (
                service("tcp 10.0.0.1:80")
                    .with_persistence(Persistence::seconds(1).with_netmask("64".parse().unwrap())),
                "netmask 64 is not of the IPv4 service's family (IPv4 netmasks are written \
                 255.255.255.0, IPv6 prefix lengths 64)",
            ),
            (
                service("tcp 10.0.0.1:80")
                    .with_persistence(Persistence::seconds(1).with_engine("sip".parse().unwrap())),
                "persistence engine sip reads udp only, not tcp",
            ),
        ];
        for (service, message) in refused {
            assert_eq!(service.check().unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn what_the_kernel_holds_is_written_back_without_loss() {
        let octets = [10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let mut attrs = ServiceAttrs {
            scheduler: Some(b"from-later"),
            flags: Some(ServiceFlags { flags: 0x8000_0002, mask: u32::MAX }),
            timeout: Some(77),
            netmask: Some([255, 0, 255, 0]),
            persistence_engine: Some(b"odd"),
            ..ServiceAttrs::by_address(2, 255, &octets, 0)
        };
        let service = Service::try_from(&attrs).unwrap();
        // HASHED is the kernel's.
        attrs.flags = Some(ServiceFlags { flags: 0x8000_0000, mask: u32::MAX });
        assert_eq!(service.attrs(&service.key.octets()), attrs);
        let protocol = Protocol::from_number(255);
        assert_eq!(service.check(), Err(Rule::ProtocolScheduled { protocol }));
    }
}
