//! A random world.

use super::network::between;
use super::{NetworkId, Sim, Wire};
use crate::vrrp::router::{Announcements, Config, Preempt};
use crate::vrrp::{Interval, Priority, Rank, Rule, Seconds, Version, VirtualAddresses, Vrid};
use fastrand::Rng;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// Two to five hosts, each with a router on a network or a group on two.
pub(super) fn world(seed: u64) -> Result<Sim, Rule> {
    let mut rng = Rng::with_seed(!seed);
    let plan = Plan::new(&mut rng);
    let mut sim = Sim::new(seed);
    let longest_travel = plan.version.interval() / 20;
    let most = between(&mut rng, Duration::from_micros(1), longest_travel);
    let wire = Wire { least: most / 2, most, lost: 0, doubled: 0 };
    let networks: Vec<NetworkId> = (0..plan.networks).map(|_| sim.network(wire)).collect();
    for host in 0..rng.u8(2..=5) {
        let config = plan.config(&mut rng, host)?;
        let id = match networks.as_slice() {
            [network] => sim.router(*network, config),
            networks => sim.group(networks.iter().map(|&network| (network, config.clone()))),
        };
        let lateness = between(&mut rng, Duration::ZERO, plan.version.interval() / 8);
        sim.clock(id, rng.i32(-200..=200), lateness);
    }
    Ok(sim)
}

/// What the hosts of a world have in common.
struct Plan {
    version: Version,
    networks: usize,
    is_v6: bool,
    has_owner: bool,
    preempts: Vec<Preempt>,
    sync_gate: bool,
    startup_delay: Duration,
    announcements: Announcements,
    probe: bool,
}

impl Plan {
    fn new(rng: &mut Rng) -> Self {
        let is_v2 = rng.u8(0..5) == 0;
        let version = if is_v2 {
            Version::V2(Seconds::new(rng.u8(1..=10)).unwrap_or_default())
        } else {
            // As often of a tenth of a second as of ten.
            let most = 1 << rng.u32(0..12);
            Version::V3(Interval::from_centis(rng.u16(1..=most)).unwrap_or_default())
        };
        let interval = version.interval();
        let delayed = Preempt::After(interval * rng.u32(0..10));
        let preempts = match rng.u8(0..5) {
            0 => vec![Preempt::Never, Preempt::AtOnce, delayed],
            1 => vec![Preempt::AtOnce, delayed],
            _ => vec![Preempt::AtOnce],
        };
        let short = Announcements::new(rng.u8(1..=5), Duration::from_secs(1));
        Self {
            version,
            networks: if rng.u8(0..4) == 0 { 2 } else { 1 },
            is_v6: !is_v2 && rng.bool(),
            has_owner: rng.u8(0..10) == 0,
            preempts,
            sync_gate: rng.u8(0..5) == 0,
            startup_delay: if rng.bool() { Duration::ZERO } else { interval * rng.u32(0..8) },
            announcements: short.unwrap_or_default(),
            probe: rng.u8(0..3) == 0,
        }
    }

    fn config(&self, rng: &mut Rng, host: u8) -> Result<Config, Rule> {
        let address = |host: u8| -> IpAddr {
            match self.is_v6 {
                true => Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, host.into()).into(),
                false => Ipv4Addr::new(10, 0, 0, host).into(),
            }
        };
        // Often of few priorities, so that some are the same.
        let most = rng.choice([3, 254]).unwrap_or(254);
        let rank = match Priority::new(rng.u8(1..=most)) {
            _ if self.has_owner && host == 0 => Rank::Owner,
            priority => Rank::Backup(priority.unwrap_or_default()),
        };
        let addresses = VirtualAddresses::new([address(100)])?;
        let vrid = Vrid::new(7)?;
        let config = Config::new(vrid, rank, addresses, self.version, address(host + 1))?;
        Ok(config
            .with_preempt(rng.choice(self.preempts.clone()).unwrap_or_default())
            .with_sync_gate(self.sync_gate)
            .with_startup_delay(self.startup_delay)
            .with_announcements(self.announcements)
            .with_probe(self.probe))
    }
}
