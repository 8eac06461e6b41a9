//! The addresses of one virtual router on its interface.

use super::WhenDeleted;
use super::limit::PutBacks;
use super::question::Question;
use crate::net::{
    AddressEntry, AdvertSocket, Announcer, Error, ErrorKind, Interface, InterfaceAddress, Outcome,
    ParentSettings, Rtnetlink, VirtualMac,
};
use crate::vrrp::Family;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

/// The addresses of one virtual router on its interface.
#[derive(Debug)]
pub(super) struct Holding {
    /// The interface that is named in the settings, which has the link.
    pub(super) parent: Interface,
    pub(super) port: usize,
    pub(super) is_multicast: bool,
    pub(super) family: Family,
    pub(super) when_deleted: WhenDeleted,
    pub(super) put_backs: PutBacks,
    pub(super) virtual_mac: Option<VirtualMac>,
    pub(super) announcer: Announcer,
    pub(super) question: Question,
    prefix: Option<u8>,
    /// Whether the router wants its addresses here. It may no longer when its job comes up.
    wanted: Arc<AtomicBool>,
    /// The link was lost since the addresses were installed: the router is about to be
    /// told, and what IPv6 has lost with it nobody deleted.
    pub(super) has_lost_link: bool,
    /// What it has set and not removed, or tried to.
    held: Vec<InterfaceAddress>,
    /// What it announces.
    announced: Vec<IpAddr>,
}

impl Holding {
    pub(super) fn new(
        parent: Interface,
        (port, is_multicast): (usize, bool),
        family: Family,
        (prefix, when_deleted): (Option<u8>, WhenDeleted),
        virtual_mac: Option<VirtualMac>,
        announced: Vec<IpAddr>,
        wanted: Arc<AtomicBool>,
    ) -> Result<Self, Error> {
        let at = virtual_mac.as_ref().map_or(&parent, |mac| mac.interface());
        let announcer = Announcer::open(at)?;
        let held = Vec::new();
        Ok(Self {
            parent,
            port,
            is_multicast,
            family,
            when_deleted,
            put_backs: PutBacks::default(),
            virtual_mac,
            announcer,
            question: Question::default(),
            prefix,
            wanted,
            has_lost_link: false,
            held,
            announced,
        })
    }

    /// The interface that has the addresses.
    pub(super) fn interface(&self) -> &Interface {
        self.virtual_mac.as_ref().map_or(&self.parent, VirtualMac::interface)
    }

    /// Uses this interface from now on, instead of one that is gone, or had another MAC
    /// address, or lost the one above it with the virtual MAC address. Returns what
    /// advertisements are sent by from now on, if they come from that.
    pub(super) fn renew(&mut self, parent: Interface) -> Result<Option<AdvertSocket>, Error> {
        self.parent = parent;
        self.question.end();
        let Some(old) = &self.virtual_mac else {
            self.announcer = Announcer::open(&parent)?;
            return Ok(None);
        };
        let settings = match parent.index == old.parent().interface().index {
            true => Arc::clone(old.parent()),
            false => ParentSettings::change(&parent)?,
        };
        let made = VirtualMac::create(&settings, old.interface().name, old.mac())?;
        let socket = AdvertSocket::unicast(made.interface(), self.family)?;
        self.announcer = Announcer::open(made.interface())?;
        self.virtual_mac = Some(made);
        Ok(Some(socket))
    }

    /// Asks who has these, at the interface's own MAC address: the virtual one is where the
    /// active router is.
    pub(super) fn ask(&mut self, addresses: &[IpAddr]) -> Result<(), Error> {
        let above = self.virtual_mac.as_ref().map(|mac| *mac.interface());
        let interfaces = [self.parent].into_iter().chain(above);
        self.question.ask(interfaces, self.family, addresses)
    }

    /// The interface has exactly these of the virtual addresses from now on. The first
    /// failure to add one, and the first to remove one.
    pub(super) fn install(
        &mut self,
        netlink: &mut Rtnetlink,
        addresses: Vec<IpAddr>,
    ) -> Vec<Error> {
        self.has_lost_link = false;
        let wanted = self.with_prefix(&addresses);
        self.announced = addresses;
        let before = std::mem::replace(&mut self.held, wanted);
        let added = self.add(netlink, &self.held);
        let stale: Vec<_> = before.into_iter().filter(|old| !self.held.contains(old)).collect();
        let removed = netlink.remove_addresses(self.interface(), &stale);
        added.into_iter().chain(failure(removed)).collect()
    }

    /// The interface has these from now on; the first failure.
    ///
    /// IPv6 has an address once, so one that is there with another prefix, or as a
    /// duplicate, gives way to what is wanted.
    pub(super) fn add(
        &self,
        netlink: &mut Rtnetlink,
        addresses: &[InterfaceAddress],
    ) -> Option<Error> {
        let interface = self.interface();
        let added = netlink.add_addresses(interface, addresses);
        let was_so = |outcome: &Outcome| matches!(outcome, Outcome::WasSo);
        if !added.as_ref().is_ok_and(|outcomes| outcomes.iter().any(was_so)) {
            return failure(added);
        }
        let there = match netlink.addresses(interface, self.family) {
            Ok(there) => there,
            Err(error) => return Some(error),
        };
        let is_wanted = |address| addresses.iter().any(|wanted| wanted.address() == address);
        let is_other = |entry: &AddressEntry| {
            is_wanted(entry.address.address())
                && !(entry.is_usable && addresses.contains(&entry.address))
        };
        let others: Vec<_> =
            there.into_iter().filter(is_other).map(|entry| entry.address).collect();
        if others.is_empty() {
            return failure(added);
        }
        let removed = failure(netlink.remove_addresses(interface, &others));
        removed.or_else(|| failure(netlink.add_addresses(interface, addresses)))
    }

    /// The interface has none of these from now on, nor what was set before, whatever
    /// their prefix: who left them behind may have been set up otherwise.
    /// The first failure.
    pub(super) fn remove(
        &mut self,
        netlink: &mut Rtnetlink,
        addresses: &[IpAddr],
    ) -> Option<Error> {
        let mut gone = std::mem::take(&mut self.held);
        gone.extend(self.with_prefix(addresses));
        let is_gone = |address| gone.iter().any(|gone| gone.address() == address);
        let there = match netlink.addresses(self.interface(), self.family) {
            Ok(entries) => entries
                .into_iter()
                .map(|entry| entry.address)
                .filter(|address| is_gone(address.address()))
                .collect(),
            // It is not known what is there, so it is tried with what was to be.
            Err(_) => gone,
        };
        failure(netlink.remove_addresses(self.interface(), &there))
    }

    /// The interface has these by itself, and of what was set before only those from now on.
    /// The first failure.
    pub(super) fn own(&mut self, netlink: &mut Rtnetlink, addresses: Vec<IpAddr>) -> Option<Error> {
        let is_own = |held: &InterfaceAddress| addresses.contains(&held.address());
        let (held, stale) = std::mem::take(&mut self.held).into_iter().partition(is_own);
        let stale: Vec<InterfaceAddress> = stale;
        self.held = held;
        self.announced = addresses;
        failure(netlink.remove_addresses(self.interface(), &stale))
    }

    /// Announces each address once; the first failure.
    pub(super) fn announce(&self) -> Result<(), Error> {
        self.announce_all(self.announced.iter().copied())
    }

    /// Announces these once; the first failure. A full queue of the interface is waited
    /// for, together so long at most.
    ///
    /// One that has handed over meanwhile announces nothing: the other router may have
    /// announced them before, and neighbours believe the last.
    pub(super) fn announce_all(
        &self,
        addresses: impl IntoIterator<Item = IpAddr>,
    ) -> Result<(), Error> {
        let mut result = Ok(());
        let mut waits = 0;
        for address in addresses {
            while self.wanted.load(Ordering::Acquire) {
                match self.announcer.announce(address) {
                    // Nothing tells when a queue of packets has room again, only when the
                    // socket's own has (`packet_snd`, `dev_queue_xmit`).
                    Err(error) if error.kind() == ErrorKind::Busy && waits < MOST_WAITS => {
                        waits += 1;
                        sleep(Duration::from_millis(1));
                    }
                    sent => {
                        result = result.and(sent);
                        break;
                    }
                }
            }
        }
        result
    }

    /// The neighbours are not told of what is not there.
    pub(super) fn announces_nothing(&mut self) {
        self.announced.clear();
    }

    /// Whether it has set something and not removed it.
    pub(super) fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }

    /// Whether this entry is what this router has set.
    pub(super) fn holds(&self, entry: &AddressEntry) -> bool {
        entry.interface == self.interface().index && self.held.contains(&entry.address)
    }

    /// Which of the addresses that it has set are no longer there.
    pub(super) fn missing(&self, netlink: &mut Rtnetlink) -> Result<Vec<InterfaceAddress>, Error> {
        if self.held.is_empty() {
            return Ok(Vec::new());
        }
        let there = netlink.held_addresses(self.interface(), self.family, &self.held)?;
        Ok(self.held.iter().filter(|held| !there.contains(held)).copied().collect())
    }

    fn with_prefix(&self, addresses: &[IpAddr]) -> Vec<InterfaceAddress> {
        let with_prefix = |&address| match self.prefix {
            Some(prefix) => InterfaceAddress::new(address, prefix).ok(),
            None => Some(InterfaceAddress::host(address)),
        };
        addresses.iter().filter_map(with_prefix).collect()
    }
}

/// How often a millisecond is waited: 200 announcements take 13 ms on a link of
/// 10 Mbit/s.
const MOST_WAITS: u32 = 100;

/// The first that was not carried out. Others mostly failed for the same reason.
fn failure(outcomes: Result<Vec<Outcome>, Error>) -> Option<Error> {
    let failed = |outcome| match outcome {
        Outcome::Failed(error) => Some(error),
        Outcome::Done | Outcome::WasSo => None,
    };
    match outcomes {
        Ok(outcomes) => outcomes.into_iter().find_map(failed),
        Err(error) => Some(error),
    }
}
