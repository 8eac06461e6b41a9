//! Opens what virtual routers need, and starts their threads.

use super::adverts::Adverts;
use super::alarm::Alarm;
use super::handle::Handle;
use super::holding::Holding;
use super::message::Told;
use super::owned;
use super::port::Port;
use super::queue::{Queue, Taker};
use super::unit::Unit;
use super::voice::Voice;
use super::worker::Worker;
use super::{Error, Settings};
use crate::net::{
    AdvertSocket, Events, Interface, ParentSettings, Rtnetlink, VirtualMac, run_in_real_time,
};
use crate::vrrp::Rank;
use crate::vrrp::router::Machine;
use ipvs::Namespace;
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::collections::VecDeque;
use std::sync::{Arc, mpsc};
use std::thread;

/// Where and how virtual routers run.
#[derive(Debug, Default)]
pub struct Options {
    /// The network namespace: that of the calling thread if none.
    pub namespace: Option<Namespace>,
    /// The real-time priority, 1 to 99, of the thread of the advertisements. It needs
    /// CAP_SYS_NICE, or RLIMIT_RTPRIO. That thread never runs for long, and with it a
    /// machine that is busy is not taken for one that is down.
    pub real_time: Option<u8>,
}

/// Starts virtual routers.
///
/// They are named by their number in this order, from 0. **This starts two threads**,
/// `vrrp-adverts` and `vrrp-addresses`, which end with the [`Handle`]. The second logs, so
/// the subscriber of `tracing` must not block: addresses wait for it.
///
/// # Errors
/// [`Error`], and [`net::Error::is_permission`](crate::net::Error::is_permission) without
/// CAP_NET_RAW and CAP_NET_ADMIN. Nothing is left behind then.
pub fn spawn(
    routers: impl IntoIterator<Item = Settings>,
    options: Options,
) -> Result<Handle, Error> {
    let routers: Vec<Settings> = routers.into_iter().collect();
    let Options { namespace, real_time } = options;
    check(&routers)?;
    if let Some(priority) = real_time.filter(|priority| !(1..=99).contains(priority)) {
        return Err(Error::RealTime { priority });
    }
    match &namespace {
        // The threads are in it as the one that starts them is.
        Some(namespace) => {
            namespace.run(|| start(&routers, real_time)).map_err(Error::Namespace)?
        }
        None => start(&routers, real_time),
    }
}

fn start(routers: &[Settings], real_time: Option<u8>) -> Result<Handle, Error> {
    let opened = Opened::new(routers)?;
    let system = |errno: nix::errno::Errno| Error::System(errno.into());
    let (to_adverts, to_worker) =
        (Arc::new(Queue::new().map_err(system)?), Arc::new(Queue::new().map_err(system)?));
    for (router, holding) in opened.holdings.iter().enumerate() {
        to_adverts.push(Told::Link { router, link: holding.parent.is_running });
    }
    let (records, taken) = mpsc::sync_channel(RECORDS);
    let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
    let bell = Arc::new(EventFd::from_flags(flags).map_err(system)?);
    let worker = Worker {
        inbox: Arc::clone(&to_worker),
        adverts: Arc::clone(&to_adverts),
        records,
        bell: Arc::clone(&bell),
        sequence: 0,
        netlink: opened.netlink,
        changes: opened.changes,
        holdings: opened.holdings,
    };
    let adverts = Adverts {
        alarm: Alarm::new().map_err(system)?,
        inbox: Arc::clone(&to_adverts),
        outbox: Arc::clone(&to_worker),
        jobs: VecDeque::new(),
        ports: opened.ports,
        units: units(routers),
        voices: opened.voices,
    };
    let takes_orders = Taker(Arc::clone(&to_adverts));
    let takes_jobs = Taker(Arc::clone(&to_worker));
    let run = move || {
        let _taker = takes_jobs;
        worker.run();
    };
    let worker = thread::Builder::new()
        .name("vrrp-addresses".to_owned())
        .spawn(run)
        .map_err(Error::System)?;
    // The handle ends what has started if the other cannot.
    let mut handle = Handle::new(to_adverts, to_worker, (taken, bell), worker);
    let (hurries, is_hurrying) = mpsc::channel();
    let run = move || {
        let _taker = takes_orders;
        let result = real_time.map_or(Ok(()), run_in_real_time);
        let is_right = result.is_ok();
        if hurries.send(result).is_ok() && is_right {
            adverts.run();
        }
    };
    let adverts = thread::Builder::new().name("vrrp-adverts".to_owned()).spawn(run);
    let adverts = adverts.map_err(Error::System)?;
    is_hurrying.recv().map_err(|_| Error::Ended)?.map_err(Error::Scheduling)?;
    handle.adverts_run(adverts);
    Ok(handle)
}

/// How many records wait to be taken.
const RECORDS: usize = 4_096;

fn check(routers: &[Settings]) -> Result<(), Error> {
    routers.iter().try_for_each(Settings::check)?;
    let key = |router: &Settings| (router.interface, router.config.vrid(), router.family());
    for (number, router) in routers.iter().enumerate() {
        if routers.iter().take(number).any(|other| key(other) == key(router)) {
            let (interface, vrid, family) = key(router);
            return Err(Error::Twice { interface, vrid, family });
        }
    }
    Ok(())
}

/// The names of the groups, each once, and one nameless for each router without one; with
/// the numbers of their routers.
fn grouped(routers: &[Settings]) -> Vec<(Option<&str>, Vec<usize>)> {
    let mut groups: Vec<(Option<&str>, Vec<usize>)> = Vec::new();
    for (number, router) in routers.iter().enumerate() {
        let name = router.group.as_deref();
        match groups.iter_mut().find(|(other, _)| name.is_some() && *other == name) {
            Some((_, numbers)) => numbers.push(number),
            None => groups.push((name, vec![number])),
        }
    }
    groups
}

fn units(routers: &[Settings]) -> Vec<Unit> {
    let unit = |(name, numbers): (Option<&str>, Vec<usize>)| {
        let members = numbers.iter().filter_map(|&number| routers.get(number));
        let configs = members.map(|router| router.config.clone()).collect();
        Unit { machine: Machine::new(name, configs), routers: numbers }
    };
    grouped(routers).into_iter().map(unit).collect()
}

/// What is of the network namespace.
struct Opened {
    netlink: Rtnetlink,
    changes: Events,
    ports: Vec<Port>,
    voices: Vec<Voice>,
    holdings: Vec<Holding>,
    parents: Vec<(u32, Arc<ParentSettings>)>,
}

impl Opened {
    fn new(routers: &[Settings]) -> Result<Self, Error> {
        // Before anything is looked at, so that no change is missed.
        let changes = Events::open()?;
        let mut netlink = Rtnetlink::open()?;
        netlink.check_privilege()?;
        let mut this = Self {
            netlink,
            changes,
            ports: Vec::new(),
            voices: Vec::new(),
            holdings: Vec::new(),
            parents: Vec::new(),
        };
        let groups = grouped(routers);
        for (number, router) in routers.iter().enumerate() {
            let parent = this.netlink.interface(router.interface)?;
            let is_multicast = |other: &Settings| {
                let is_there = (other.interface, other.family());
                is_there == (router.interface, router.family()) && other.peers.is_empty()
            };
            let is_multicast = routers.iter().any(is_multicast);
            if router.config.rank() == Rank::Owner {
                owned::check(&mut this.netlink, &parent, router.config.addresses())?;
            }
            let port = this.port(number, router, &parent, is_multicast)?;
            let virtual_mac = this.virtual_mac(router, &parent)?;
            let sends_at = virtual_mac.as_ref().map(VirtualMac::interface);
            let sender =
                sends_at.map(|at| AdvertSocket::unicast(at, router.family())).transpose()?;
            let is_its = |(_, numbers): &(Option<&str>, Vec<usize>)| numbers.contains(&number);
            let unit = groups.iter().position(is_its).unwrap_or_default();
            let numbers = groups.get(unit).map(|(_, numbers)| &numbers[..]).unwrap_or_default();
            let member = numbers.iter().position(|&other| other == number).unwrap_or_default();
            let voice = Voice::new(router.clone(), (unit, member), port, sender);
            let wanted = Arc::clone(&voice.wants_addresses);
            this.voices.push(voice);
            this.holdings.push(Holding::new(
                parent,
                (port, is_multicast),
                router.family(),
                (router.prefix, router.when_deleted),
                virtual_mac,
                router.config.addresses().iter().collect(),
                wanted,
            )?);
        }
        Ok(this)
    }

    /// The port of a router, which it may share.
    fn port(
        &mut self,
        number: usize,
        router: &Settings,
        parent: &Interface,
        is_multicast: bool,
    ) -> Result<usize, Error> {
        let family = router.family();
        let is_it = |port: &Port| {
            port.socket.interface().index == parent.index && port.socket.family() == family
        };
        let port = match self.ports.iter().position(is_it) {
            Some(port) => port,
            None => {
                let socket = match is_multicast {
                    true => AdvertSocket::multicast(parent, family)?,
                    false => AdvertSocket::unicast(parent, family)?,
                };
                self.ports.push(Port::new(socket));
                self.ports.len() - 1
            }
        };
        if let Some(port) = self.ports.get_mut(port) {
            port.routers.push(number);
        }
        Ok(port)
    }

    fn virtual_mac(
        &mut self,
        router: &Settings,
        parent: &Interface,
    ) -> Result<Option<VirtualMac>, Error> {
        let Some(name) = router.virtual_mac else { return Ok(None) };
        let settings = match self.parents.iter().find(|(index, _)| *index == parent.index) {
            Some((_, settings)) => Arc::clone(settings),
            None => {
                let settings = ParentSettings::change(parent)?;
                self.parents.push((parent.index, Arc::clone(&settings)));
                settings
            }
        };
        let mac = router.config.vrid().mac(router.family());
        Ok(Some(VirtualMac::create(&settings, name, mac)?))
    }
}
