//! What a virtual router sends, and which packets are for it.

use super::limit::{Limit, Reports};
use super::settings::terms;
use super::signing::Signing;
use super::{Settings, Status};
use crate::net::{self, AdvertSocket, group};
use crate::vrrp::packet::{Accepted, Advertisement, Carrier, Counters, Coverage, Ends, Expected};
use crate::vrrp::router::{Config, Router, Tracks};
use crate::vrrp::{Rank, Rule};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A virtual router as its network sees it.
#[derive(Debug)]
pub(super) struct Voice {
    /// The machine that it is of, and which of its members it is.
    pub(super) unit: usize,
    pub(super) member: usize,
    pub(super) port: usize,
    pub(super) tracks: Tracks,
    pub(super) failures: Limit,
    pub(super) reports: Reports,
    /// Whether it wants its addresses here, which the other thread looks at.
    pub(super) wants_addresses: Arc<AtomicBool>,
    /// Sends from the virtual MAC address.
    pub(super) virtual_mac: Option<AdvertSocket>,
    /// But for the configuration, which the machine has.
    pub(super) settings: Settings,
    pub(super) signing: Signing,
    /// What the checksums of each peer cover, or of the last of the group.
    heard: Vec<(IpAddr, Coverage)>,
    accepted: u64,
    pub(super) counters: Counters,
    packet: Vec<u8>,
}

impl Voice {
    pub(super) fn new(
        settings: Settings,
        (unit, member): (usize, usize),
        port: usize,
        virtual_mac: Option<AdvertSocket>,
    ) -> Self {
        #[cfg(feature = "hmac")]
        let signing = Signing::new(settings.signed.clone());
        #[cfg(not(feature = "hmac"))]
        let signing = Signing;
        Self {
            unit,
            member,
            port,
            tracks: settings.tracks.clone(),
            failures: Limit::default(),
            reports: Reports::default(),
            wants_addresses: Arc::default(),
            virtual_mac,
            settings,
            signing,
            heard: Vec::new(),
            accepted: 0,
            counters: Counters::default(),
            packet: Vec::new(),
        }
    }

    /// Goes on with other settings.
    pub(super) fn change(&mut self, settings: Settings) {
        #[cfg(feature = "hmac")]
        self.signing.change(settings.signed.clone());
        self.tracks = settings.tracks.clone().going_on_from(&self.tracks);
        self.settings = settings;
    }

    /// Whether a packet with these ends is for a router with this list of peers.
    pub(super) fn hears(&self, source: IpAddr, destination: IpAddr) -> bool {
        match self.settings.peers[..] {
            [] => destination.is_multicast(),
            _ => self.settings.peers.contains(&source) && !destination.is_multicast(),
        }
    }

    pub(super) fn expected<'a>(&self, config: &'a Config) -> Result<Expected<'a>, Rule> {
        Ok(Expected {
            terms: terms(config, self.settings.password)?,
            is_owner: config.rank() == Rank::Owner,
            checksum: self.settings.checksum,
            min_hop_limit: self.settings.min_hop_limit,
        })
    }

    /// Remembers what the peer's checksum covers.
    pub(super) fn has_accepted(&mut self, accepted: &Accepted<'_>) {
        self.accepted = self.accepted.saturating_add(1);
        for finding in accepted.findings.iter().flatten() {
            self.counters.count(finding.reason());
        }
        let Some(coverage) = accepted.coverage else { return };
        if self.settings.peers.is_empty() {
            self.heard.clear();
        } else {
            self.heard.retain(|(peer, _)| *peer != accepted.source);
        }
        self.heard.push((accepted.source, coverage));
    }

    /// Sends an advertisement to the group or to each peer. The error is that of the last
    /// that could not be sent.
    pub(super) fn advertise(
        &mut self,
        config: &Config,
        priority: u8,
        port: &AdvertSocket,
    ) -> Result<(), net::Error> {
        // It was checked when it was told.
        let Ok(terms) = terms(config, self.settings.password) else { return Ok(()) };
        let source = config.source();
        // Signed once for all peers.
        let unsigned = Advertisement::new(terms, priority);
        let trailer = self.signing.trailer(&unsigned, source);
        let advertisement = Advertisement { trailer: &trailer, ..unsigned };
        let socket = self.virtual_mac.as_ref().unwrap_or(port);
        let group = [group(config.addresses().family())];
        let destinations =
            if self.settings.peers.is_empty() { &group[..] } else { &self.settings.peers };
        let mut result = Ok(());
        for &to in destinations {
            let Some(ends) = ends(source, to) else { continue };
            let mut heard = self.heard.iter();
            let heard = heard.find(|(peer, _)| self.settings.peers.is_empty() || *peer == to);
            let coverage = self.settings.checksum.sends(heard.map(|(_, coverage)| *coverage));
            self.packet.clear();
            // The family of the ends is that of the addresses.
            if advertisement.encode(ends, coverage, &mut self.packet).is_ok() {
                let sent = socket.send(source, to, &self.packet);
                result = sent.and(result);
            }
        }
        result
    }

    pub(super) fn status(&self, router: &Router, unclaimed: &Counters) -> Status {
        Status {
            state: router.state(),
            rank: router.rank(),
            preempts: router.preempts(),
            accepted: self.accepted,
            counters: self.counters.clone(),
            unclaimed: unclaimed.clone(),
        }
    }
}

pub(super) fn carrier(advertisement: &net::Advertisement<'_>) -> Option<Carrier> {
    let ends = ends(advertisement.source, advertisement.destination)?;
    Some(Carrier { ends, hop_limit: advertisement.hop_limit })
}

fn ends(source: IpAddr, destination: IpAddr) -> Option<Ends> {
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => Some(Ends::V4 { source, destination }),
        (IpAddr::V6(source), IpAddr::V6(destination)) => Some(Ends::V6 { source, destination }),
        _ => None,
    }
}
