//! Virtual router 7 of these tests, whoever runs it.

use crate::host::{PORT, interface, name, wait_for};
use ipvs_sync::net::{Operation, Rtnetlink};
use ipvs_sync::runtime::{Event, Handle, Options, Record, Settings, spawn};
use ipvs_sync::vrrp::packet::Checksum;
use ipvs_sync::vrrp::router::{Cause, Config, State};
use ipvs_sync::vrrp::{Family, Interval, Priority, Rank, Time, Version, VirtualAddresses, Vrid};
use std::net::IpAddr;
use std::time::Duration;

/// The interval of version 3 in these tests.
pub(crate) const INTERVAL: Duration = Duration::from_millis(200);

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub(crate) fn rank(priority: u8) -> Rank {
    Rank::Backup(Priority::new(priority).unwrap())
}

pub(crate) fn v3() -> Version {
    Version::V3(Interval::try_from(INTERVAL).unwrap())
}

/// One of 10.0.0.7 or of fe80::7, on the host with this number.
pub(crate) fn config(family: Family, host: u8, priority: u8) -> Config {
    let (address, source) = match family {
        Family::V4 => ("10.0.0.7", format!("10.0.0.{host}")),
        Family::V6 => ("fe80::7", format!("fe80::{host}")),
    };
    let addresses = VirtualAddresses::new([ip(address)]).unwrap();
    let source = ip(&source);
    Config::new(Vrid::new(7).unwrap(), rank(priority), addresses, v3(), source).unwrap()
}

/// As keepalived has it, which always covers the pseudo-header.
pub(crate) fn settings(config: Config) -> Settings {
    Settings::new(name(PORT), config).with_checksum(Checksum::PseudoHeader)
}

/// Starts one in the thread's namespace.
pub(crate) fn start(settings: Settings) -> Handle {
    spawn([settings], Options::default()).unwrap()
}

pub(crate) fn state(handle: &Handle) -> State {
    handle.status(0).unwrap().state
}

/// Waits until the router becomes this, and says when and why.
pub(crate) fn becomes(handle: &Handle, wanted: State) -> (Time, Cause) {
    wait_for(&format!("{wanted} router"), || {
        let Record { time, event, .. } = handle.next(Duration::from_millis(10))?;
        match event {
            Event::State { to, cause, .. } if to == wanted => Some((time, cause)),
            // A link that goes away may be noticed by an advertisement first.
            Event::Failed(error) if !matches!(error.operation(), Operation::Send { .. }) => {
                panic!("{error}")
            }
            _ => None,
        }
    })
}

/// The addresses of the port in the thread's namespace.
pub(crate) fn addresses(family: Family) -> Vec<IpAddr> {
    let entries = Rtnetlink::open().unwrap().addresses(&interface(PORT), family).unwrap();
    entries.into_iter().map(|entry| entry.address.address()).collect()
}

/// Whether the port in the thread's namespace has the virtual address.
pub(crate) fn has_virtual(family: Family) -> bool {
    let address = match family {
        Family::V4 => ip("10.0.0.7"),
        Family::V6 => ip("fe80::7"),
    };
    addresses(family).contains(&address)
}

pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    wait_for(what, || condition().then_some(()));
}
