//! The socket of an interface and family, of all virtual routers there.

use super::limit::Limit;
use super::message::{Job, Notice};
use super::unit::Unit;
use super::voice::{Voice, carrier};
use crate::net::{AdvertSocket, Received};
use crate::vrrp::Time;
use crate::vrrp::packet::{Counters, Packet, Reason, Rejected, receive};
use crate::vrrp::router::{Config, Heard};
use std::collections::VecDeque;
use std::net::IpAddr;

/// The socket of an interface and family.
#[derive(Debug)]
pub(super) struct Port {
    pub(super) socket: AdvertSocket,
    /// The routers that hear by it.
    pub(super) routers: Vec<usize>,
    /// Packets that were for none of them.
    pub(super) unclaimed: Counters,
    log: Limit,
    /// Of a flood all else is logged too.
    log_overruns: Limit,
}

/// What was taken from the socket.
pub(super) enum Taken {
    /// A packet for this router.
    Heard(usize, Heard),
    /// A packet for none, and when it arrived if that is known.
    Dropped(Option<Time>),
    Empty,
}

impl Port {
    pub(super) fn new(socket: AdvertSocket) -> Self {
        let (unclaimed, log) = (Counters::default(), Limit::default());
        Self { socket, routers: Vec::new(), unclaimed, log, log_overruns: Limit::default() }
    }

    /// Takes the next packet from the socket, checks and counts it.
    pub(super) fn take(
        &mut self,
        now: Time,
        voices: &mut [Voice],
        units: &[Unit],
        jobs: &mut VecDeque<Job>,
    ) -> Taken {
        let interface = self.socket.interface().name;
        let family = self.socket.family();
        let mut log = |limit: &mut Limit, notice| {
            if let Some(withheld) = limit.admits(now) {
                jobs.push_back(Job::Log { interface, notice, withheld });
            }
        };
        let packet = match self.socket.receive() {
            Ok(Received::Advertisement(packet)) => packet,
            Ok(Received::Empty) => return Taken::Empty,
            Ok(Received::Unreadable) => {
                self.unclaimed.count(Reason::Unreadable);
                log(&mut self.log, Notice::Unreadable);
                return Taken::Dropped(None);
            }
            Err(error) => {
                log(&mut self.log, Notice::Receive(error));
                return Taken::Empty;
            }
        };
        let Some(carrier) = carrier(&packet) else { return Taken::Dropped(Some(packet.arrival)) };
        let (source, destination) = (packet.source, packet.destination);
        let vrid = Packet::new(packet.payload, family).map(|packet| packet.vrid());
        let claimant = claimant(&self.routers, voices, units, vrid, source, destination);
        let expected = claimant.and_then(|(router, config)| {
            voices.get(router).and_then(|voice| voice.expected(config).ok())
        });
        let accepted = receive(packet.payload, &carrier, expected.as_ref());
        let voice = claimant.and_then(|(router, _)| Some((router, voices.get_mut(router)?)));
        let dropped = Taken::Dropped(Some(packet.arrival));
        let rejected = match (accepted, voice) {
            (Ok(accepted), Some((router, voice))) => match voice.signing.verify(&accepted) {
                Ok(()) => {
                    voice.has_accepted(&accepted);
                    for finding in accepted.findings.into_iter().flatten() {
                        log(&mut self.log, Notice::Odd { source, finding });
                    }
                    let heard = Heard {
                        priority: accepted.priority,
                        version: accepted.version,
                        source,
                        arrival: packet.arrival,
                    };
                    return Taken::Heard(router, heard);
                }
                Err(rejected) => {
                    voice.counters.count(rejected.reason());
                    rejected
                }
            },
            (Err(rejected), Some((_, voice))) => {
                voice.counters.count(rejected.reason());
                rejected
            }
            (Err(rejected), None) => {
                self.unclaimed.count(rejected.reason());
                rejected
            }
            // Nothing is accepted that is for no router.
            (Ok(_), None) => return dropped,
        };
        // Other virtual routers on a network are no reason to say anything.
        if !matches!(rejected, Rejected::Vrid { .. }) {
            log(&mut self.log, Notice::Rejected { source, rejected });
        }
        dropped
    }

    /// Counts what the queue had no room for, as far as what was taken has shown.
    pub(super) fn count_overruns(
        &mut self,
        now: Time,
        voices: &mut [Voice],
        jobs: &mut VecDeque<Job>,
    ) {
        let dropped = self.socket.take_overruns();
        if dropped == 0 {
            return;
        }
        for &router in &self.routers {
            if let Some(voice) = voices.get_mut(router) {
                voice.counters.add(Reason::QueueFull, dropped);
            }
        }
        if let Some(withheld) = self.log_overruns.admits(now) {
            let (interface, notice) = (self.socket.interface().name, Notice::QueueFull { dropped });
            jobs.push_back(Job::Log { interface, notice, withheld });
        }
    }
}

/// The router that a packet is for, and its configuration.
fn claimant<'a>(
    routers: &[usize],
    voices: &[Voice],
    units: &'a [Unit],
    vrid: Option<u8>,
    source: IpAddr,
    destination: IpAddr,
) -> Option<(usize, &'a Config)> {
    routers.iter().find_map(|&router| {
        let voice = voices.get(router)?;
        let config = units.get(voice.unit)?.machine.router(voice.member)?.config();
        let is_for_it = vrid == Some(config.vrid().number()) && voice.hears(source, destination);
        is_for_it.then_some((router, config))
    })
}
