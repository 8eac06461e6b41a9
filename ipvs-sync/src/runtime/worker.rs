//! The thread of all that can wait, or has to: addresses, announcements, what changes of
//! interfaces, logs, and what is told to the user.

use super::holding::Holding;
use super::message::{Job, Notice, Told};
use super::owned;
use super::queue::Queue;
use super::{Event, Record, WhenDeleted};
use crate::net::{self, AdvertSocket, ErrorKind, Interface, Rtnetlink, VirtualMac, now};
use crate::vrrp::Time;
use crate::vrrp::router::State;
use ipvs::InterfaceName;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::EventFd;
use std::net::IpAddr;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

/// All that the thread has.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) inbox: Arc<Queue<Job>>,
    pub(super) adverts: Arc<Queue<Told>>,
    pub(super) records: SyncSender<Record>,
    /// Rings for each record.
    pub(super) bell: Arc<EventFd>,
    pub(super) sequence: u64,
    pub(super) netlink: Rtnetlink,
    pub(super) changes: net::Events,
    pub(super) holdings: Vec<Holding>,
}

impl Worker {
    /// Runs until it has done the last job.
    pub(super) fn run(mut self) {
        loop {
            for job in self.inbox.take() {
                if !self.carry_out(job) {
                    return;
                }
            }
            self.notice_changes();
            self.hear_answers();
            let questions = self.holdings.iter().flat_map(|holding| holding.question.polled());
            let mut polled: Vec<PollFd<'_>> = [self.inbox.as_fd(), self.changes.as_fd()]
                .into_iter()
                .chain(questions)
                .map(|fd| PollFd::new(fd, PollFlags::POLLIN))
                .collect();
            // Interrupted or not: all is looked at anyway.
            let _ = poll(&mut polled, PollTimeout::NONE);
        }
    }

    /// Does it; whether there is more to do.
    fn carry_out(&mut self, job: Job) -> bool {
        match job {
            Job::Install { router, addresses } => self.install(router, addresses),
            Job::Remove { router, addresses } => {
                let Self { netlink, holdings, .. } = self;
                let Some(holding) = holdings.get_mut(router) else { return true };
                let error = holding.remove(netlink, &addresses);
                self.failed(router, error);
            }
            Job::Own { router, addresses } => {
                let Self { netlink, holdings, .. } = self;
                let Some(holding) = holdings.get_mut(router) else { return true };
                let error = holding.own(netlink, addresses);
                self.failed(router, error);
            }
            Job::Announce { router } => self.announce(router),
            Job::CheckOwner { router, addresses, command, reply } => {
                let Self { netlink, holdings, adverts, .. } = self;
                let Some(holding) = holdings.get(router) else { return true };
                match owned::check(netlink, &holding.parent, &addresses) {
                    Ok(()) => {
                        let owns = Some(addresses);
                        adverts.push(Told::Command { router, command, reply, owns });
                    }
                    // Whoever asked may have gone.
                    Err(error) => drop(reply.send(Err(error))),
                }
            }
            Job::WhenDeleted { router, then } => {
                if let Some(holding) = self.holdings.get_mut(router) {
                    holding.when_deleted = then;
                }
            }
            Job::Probe { router, addresses } => {
                let Some(holding) = self.holdings.get_mut(router) else { return true };
                let error = holding.ask(&addresses).err();
                self.failed(router, error);
            }
            Job::State { router, time, from, to, cause } => {
                // A log may take long.
                self.record(time, router, Event::State { from, to, cause: cause.clone() });
                tracing::info!(router, %from, %to, %cause, "virtual router changed its state");
                if let Some(holding) = self.holdings.get_mut(router).filter(|_| to != State::Backup)
                {
                    holding.question.end();
                }
            }
            Job::Report { router, time, report, withheld } => {
                self.record(time, router, Event::Report(report));
                tracing::warn!(router, %report, withheld, "virtual router");
            }
            Job::Failed { router, time, error } => {
                tracing::warn!(router, %error, "virtual router");
                self.record(time, router, Event::Failed(error));
            }
            Job::Log { interface, notice, withheld } => log(interface, &notice, withheld),
            // Whoever asked may have gone.
            Job::Reply(reply, answer) => drop(reply.send(*answer)),
            Job::Close(socket) => drop(socket),
            Job::End => {
                self.let_go();
                return false;
            }
        }
        true
    }

    /// All is removed already, unless the other thread did not end as it should.
    fn let_go(&mut self) {
        for router in 0..self.holdings.len() {
            let Self { netlink, holdings, .. } = self;
            let Some(holding) = holdings.get_mut(router).filter(|holding| holding.is_holding())
            else {
                continue;
            };
            let error = holding.remove(netlink, &[]);
            self.failed(router, error);
        }
    }

    fn announce(&mut self, router: usize) {
        let Some(holding) = self.holdings.get(router) else { return };
        let error = holding.announce().err();
        self.failed(router, error);
    }

    fn install(&mut self, router: usize, addresses: Vec<IpAddr>) {
        if self.has_lost_virtual_mac(router) {
            self.put_back_virtual_mac(router);
        }
        let Self { netlink, holdings, .. } = self;
        let Some(holding) = holdings.get_mut(router) else { return };
        let errors = holding.install(netlink, addresses);
        if !errors.is_empty() {
            self.hand_over_unless_whole(router);
        }
        self.failed(router, errors);
    }

    /// The router hands over if it lacks addresses. That its interface is gone is told by
    /// itself.
    fn hand_over_unless_whole(&mut self, router: usize) {
        let Self { netlink, holdings, adverts, .. } = self;
        let Some(holding) = holdings.get_mut(router) else { return };
        let is_whole = holding.missing(netlink).is_ok_and(|missing| missing.is_empty());
        if !is_whole && !is_gone(netlink, &holding.parent) {
            holding.announces_nothing();
            adverts.push(Told::NotInstalled { router });
        }
    }

    fn failed(&mut self, router: usize, errors: impl IntoIterator<Item = net::Error>) {
        for error in errors {
            tracing::warn!(router, %error, "virtual router");
            self.record(now(), router, Event::Failed(error));
        }
    }

    fn record(&mut self, time: Time, router: usize, event: Event) {
        self.sequence += 1;
        // One that does not fit is lost, which the next one's number shows.
        let _ = self.records.try_send(Record { sequence: self.sequence, time, router, event });
        // It fails only where it has been rung 2^64 times.
        let _ = self.bell.write(1);
    }

    fn hear_answers(&mut self) {
        for router in 0..self.holdings.len() {
            let Some(holding) = self.holdings.get_mut(router) else { continue };
            match holding.question.answer() {
                Ok(Some(answer)) => self.adverts.push(Told::Answered { router, answer }),
                Ok(None) => {}
                Err(error) => self.failed(router, [error]),
            }
        }
    }

    fn notice_changes(&mut self) {
        let mut suspects = vec![false; self.holdings.len()];
        loop {
            match self.changes.poll() {
                Ok(Some(net::Event::Link(interface))) => {
                    let holdings = self.holdings.iter();
                    for (holding, suspect) in holdings.zip(&mut suspects) {
                        let own = holding.virtual_mac.as_ref().map(VirtualMac::interface);
                        *suspect |= own.is_some_and(|own| own.index == interface.index);
                    }
                    self.link_is(interface);
                }
                Ok(Some(net::Event::LinkGone(interface))) => {
                    let holdings = self.holdings.iter();
                    for (holding, suspect) in holdings.zip(&mut suspects) {
                        *suspect |= holding.interface().index == interface.index;
                    }
                    self.link_is_gone(interface);
                }
                Ok(Some(net::Event::AddressGone(entry))) => {
                    let holdings = self.holdings.iter();
                    for (holding, suspect) in holdings.zip(&mut suspects) {
                        *suspect |= holding.holds(&entry);
                    }
                }
                Ok(Some(net::Event::Address(_))) => {}
                Ok(Some(net::Event::Lost)) => {
                    suspects.fill(true);
                    self.read_links();
                }
                Ok(None) => break,
                Err(error) => {
                    tracing::warn!(%error, "virtual routers");
                    break;
                }
            }
        }
        for (router, _) in suspects.into_iter().enumerate().filter(|(_, suspect)| *suspect) {
            self.look_after_addresses(router);
        }
    }

    fn link_is(&mut self, interface: Interface) {
        for router in 0..self.holdings.len() {
            let Some(holding) = self.holdings.get_mut(router) else { continue };
            let before = holding.parent;
            if before.index == interface.index {
                holding.parent = interface;
                holding.has_lost_link |= before.is_running && !interface.is_running;
                if before.mac != interface.mac && holding.virtual_mac.is_none() {
                    self.renew(router, interface);
                    self.announce(router);
                }
                if before.is_running != interface.is_running {
                    self.adverts.push(Told::Link { router, link: interface.is_running });
                }
            } else if before.name == interface.name && !before.is_running {
                self.reopen(router, interface);
            }
        }
    }

    fn link_is_gone(&mut self, interface: Interface) {
        let gone = Interface { is_up: false, is_running: false, ..interface };
        if self.holdings.iter().any(|holding| holding.parent.index == interface.index) {
            self.link_is(gone);
        }
    }

    fn read_links(&mut self) {
        let parents: Vec<Interface> = self.holdings.iter().map(|holding| holding.parent).collect();
        for parent in parents {
            // By its number first: what has its name now may be another.
            match self.netlink.interface_at(parent.index) {
                Ok(interface) => self.link_is(interface),
                Err(_) => {
                    self.link_is_gone(parent);
                    if let Ok(interface) = self.netlink.interface(parent.name) {
                        self.link_is(interface);
                    }
                }
            }
        }
    }

    /// Its interface was created anew, with another number.
    fn reopen(&mut self, router: usize, interface: Interface) {
        let Some(holding) = self.holdings.get(router) else { return };
        let (port, family) = (holding.port, holding.family);
        // By another router that shares the port.
        let is_open = self
            .holdings
            .iter()
            .any(|other| other.port == port && other.parent.index == interface.index);
        if !is_open {
            let opened = match holding.is_multicast {
                true => AdvertSocket::multicast(&interface, family),
                false => AdvertSocket::unicast(&interface, family),
            };
            match opened {
                Ok(socket) => self.adverts.push(Told::Reopened { port, socket }),
                Err(error) => return self.failed(router, [error]),
            }
        }
        self.renew(router, interface);
        self.adverts.push(Told::Link { router, link: interface.is_running });
    }

    fn renew(&mut self, router: usize, interface: Interface) {
        let Self { holdings, adverts, .. } = self;
        let Some(holding) = holdings.get_mut(router) else { return };
        match holding.renew(interface) {
            Ok(Some(socket)) => adverts.push(Told::SendsBy { router, socket }),
            Ok(None) => {}
            Err(error) => self.failed(router, [error]),
        }
    }

    /// Whether its interface with the virtual MAC address is not there, or down. Without
    /// the one below it has to wait.
    fn has_lost_virtual_mac(&mut self, router: usize) -> bool {
        let Self { netlink, holdings, .. } = self;
        let Some(holding) = holdings.get(router) else { return false };
        let Some(virtual_mac) = &holding.virtual_mac else { return false };
        let found = netlink.interface_at(virtual_mac.interface().index);
        !found.is_ok_and(|interface| interface.is_up) && !is_gone(netlink, &holding.parent)
    }

    /// Creates its interface with the virtual MAC address again if somebody has deleted
    /// it, or sets it up.
    fn put_back_virtual_mac(&mut self, router: usize) {
        let Self { netlink, holdings, .. } = self;
        let Some(holding) = holdings.get_mut(router) else { return };
        let Some(virtual_mac) = &mut holding.virtual_mac else { return };
        let parent = holding.parent;
        match netlink.interface_at(virtual_mac.interface().index) {
            Ok(_) => {
                let error = virtual_mac.bring_up().err();
                self.failed(router, error);
            }
            Err(_) => self.renew(router, parent),
        }
    }

    /// Puts back what somebody else has deleted, or hands over.
    fn look_after_addresses(&mut self, router: usize) {
        if self.has_lost_virtual_mac(router) {
            let holding = self.holdings.get_mut(router);
            if !holding.is_some_and(|holding| holding.put_backs.admits(now())) {
                return self.adverts.push(Told::NotKept { router });
            }
            self.put_back_virtual_mac(router);
        }
        let Self { netlink, holdings, .. } = self;
        let Some(holding) = holdings.get_mut(router) else { return };
        match netlink.interface_at(holding.interface().index) {
            Ok(interface) if interface.is_up && !holding.has_lost_link => {}
            // IPv6 loses its addresses when its interface is set down. That is no deletion.
            Ok(_) => return,
            Err(_) => return self.hand_over_unless_whole(router),
        }
        let missing = match holding.missing(netlink) {
            Ok(missing) => missing,
            Err(error) => return self.failed(router, [error]),
        };
        if missing.is_empty() {
            return;
        }
        let error = match holding.when_deleted {
            WhenDeleted::PutBack if !holding.put_backs.admits(now()) => {
                self.adverts.push(Told::NotKept { router });
                None
            }
            WhenDeleted::PutBack => match holding.add(netlink, &missing) {
                Some(error) => {
                    self.hand_over_unless_whole(router);
                    Some(error)
                }
                None => {
                    let addresses = missing.iter().map(|missing| missing.address());
                    holding.announce_all(addresses).err()
                }
            },
            WhenDeleted::Release => {
                self.adverts.push(Told::Release { router });
                None
            }
        };
        let count = missing.len();
        self.record(now(), router, Event::Deleted { addresses: missing });
        tracing::warn!(router, count, "somebody deleted virtual addresses");
        self.failed(router, error);
    }
}

fn is_gone(netlink: &mut Rtnetlink, interface: &Interface) -> bool {
    let found = netlink.interface_at(interface.index);
    found.is_err_and(|error| error.kind() == ErrorKind::NoSuchInterface)
}

fn log(interface: InterfaceName, notice: &Notice, withheld: u64) {
    match notice {
        Notice::Rejected { source, rejected } => {
            tracing::warn!(%interface, %source, %rejected, withheld, "packet dropped");
        }
        Notice::Odd { source, finding } => {
            tracing::warn!(%interface, %source, %finding, withheld, "odd packet");
        }
        Notice::Unreadable => tracing::warn!(%interface, withheld, "packet cannot be read"),
        Notice::QueueFull { dropped } => {
            tracing::warn!(%interface, dropped, withheld, "packets dropped: the queue was full");
        }
        Notice::Receive(error) => tracing::warn!(%interface, %error, withheld, "receiving"),
    }
}
