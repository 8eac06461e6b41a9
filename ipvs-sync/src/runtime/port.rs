//! The socket of an interface and family, of all virtual routers there.

use super::limit::Limit;
use super::message::{Job, Notice};
use super::unit::Unit;
use super::voice::{Voice, carrier};
use crate::net::{AdvertSocket, Received};
use crate::vrrp::Time;
use crate::vrrp::packet::{Counters, Packet, Rejected, receive};
use crate::vrrp::router::Heard;
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
        Self { socket, routers: Vec::new(), unclaimed, log }
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
        match receive(packet.payload, &carrier, expected.as_ref()) {
            Ok(accepted) => {
                let Some((router, _)) = claimant else {
                    return Taken::Dropped(Some(packet.arrival));
                };
                let Some(voice) = voices.get_mut(router) else {
                    return Taken::Dropped(Some(packet.arrival));
                };
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
                Taken::Heard(router, heard)
            }
            Err(rejected) => {
                let voice = claimant.and_then(|(router, _)| voices.get_mut(router));
                let counters = voice.map_or(&mut self.unclaimed, |voice| &mut voice.counters);
                counters.count(rejected.reason());
                // Other virtual routers on a network are no reason to say anything.
                if !matches!(rejected, Rejected::Vrid { .. }) {
                    log(&mut self.log, Notice::Rejected { source, rejected });
                }
                Taken::Dropped(Some(packet.arrival))
            }
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
) -> Option<(usize, &'a crate::vrrp::router::Config)> {
    routers.iter().find_map(|&router| {
        let voice = voices.get(router)?;
        let config = units.get(voice.unit)?.machine.router(voice.member)?.config();
        let is_for_it = vrid == Some(config.vrid().number()) && voice.hears(source, destination);
        is_for_it.then_some((router, config))
    })
}
