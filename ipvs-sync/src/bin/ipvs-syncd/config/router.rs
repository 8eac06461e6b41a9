//! The configuration of one virtual router.

use super::document::{Document, Placed, Section};
use super::problem::Place;
use super::signing::Signing;
use ipvs::InterfaceName;
use ipvs_sync::net::InterfaceAddress;
use ipvs_sync::runtime::{Error, Settings, WhenDeleted};
use ipvs_sync::vrrp::packet::{Checksum, HOP_LIMIT, Password, Terms};
use ipvs_sync::vrrp::router::{self, Effect, Preempt, Tracks};
use ipvs_sync::vrrp::{
    Family, Interval, Priority, Rank, Rule, Seconds, Version, VirtualAddresses, Vrid,
};
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;
use toml::Spanned;
use toml::de::DeValue;

const ROUTER: &[&str] = &[
    "name",
    "interface",
    "vrid",
    "priority",
    "owner",
    "version",
    "interval",
    "addresses",
    "source",
    "preempt",
    "preempt-delay",
    "probe",
    "peers",
    "min-hop-limit",
    "checksum",
    "password",
    "hmac",
    "virtual-mac",
    "group",
    "track",
    "when-deleted",
];
const TRACK: &[&str] = &["interface", "lower"];

const CHECKSUMS: &[(&str, Checksum)] = &[
    ("auto", Checksum::Auto),
    ("message", Checksum::Message),
    ("pseudo-header", Checksum::PseudoHeader),
];
const WHEN_DELETED: &[(&str, WhenDeleted)] =
    &[("put-back", WhenDeleted::PutBack), ("release", WhenDeleted::Release)];

/// A virtual router, as the file has it.
#[derive(Clone)]
pub(crate) struct Router {
    pub(crate) name: String,
    pub(crate) interface: InterfaceName,
    /// Where the interface is named.
    pub(crate) place: Place,
    pub(crate) vrid: Vrid,
    pub(crate) rank: Rank,
    pub(crate) version: Version,
    pub(crate) addresses: VirtualAddresses,
    pub(crate) prefix: Option<u8>,
    /// None for the interface's primary one.
    pub(crate) source: Option<IpAddr>,
    pub(crate) preempt: Preempt,
    pub(crate) probe: bool,
    pub(crate) peers: Vec<IpAddr>,
    pub(crate) min_hop_limit: u8,
    pub(crate) checksum: Checksum,
    pub(crate) password: Option<Password>,
    pub(crate) signing: Option<Signing>,
    pub(crate) virtual_mac: Option<InterfaceName>,
    pub(crate) group: Option<String>,
    pub(crate) tracks: Vec<(InterfaceName, Effect)>,
    pub(crate) when_deleted: WhenDeleted,
    /// It has the connections of its peers first, where the directors have a link.
    pub(crate) sync_gate: bool,
}

/// What a virtual router is known by on its network.
pub(crate) type Key = (InterfaceName, Vrid, Family);

impl Router {
    pub(crate) fn key(&self) -> Key {
        (self.interface, self.vrid, self.addresses.family())
    }

    /// As the library runs it, with its own address.
    pub(crate) fn settings(&self, source: IpAddr) -> Result<Settings, Error> {
        let tracks = self.tracks.iter().map(|(name, effect)| (name.to_string(), *effect));
        let mut settings = Settings::new(self.interface, self.config(source)?)
            .with_peers(self.peers.iter().copied())
            .with_min_hop_limit(self.min_hop_limit)
            .with_checksum(self.checksum)
            .with_tracks(Tracks::new(tracks).map_err(Error::Track)?)
            .with_when_deleted(self.when_deleted);
        if let Some(prefix) = self.prefix {
            settings = settings.with_prefix(prefix);
        }
        if let Some(password) = self.password {
            settings = settings.with_password(password);
        }
        if let Some(signing) = &self.signing {
            if let Some(signed) = signing.settings()? {
                settings = settings.with_signed(signed);
            }
        }
        if let Some(name) = self.virtual_mac {
            settings = settings.with_virtual_mac(name);
        }
        Ok(match &self.group {
            Some(group) => settings.with_group(group),
            None => settings,
        })
    }

    /// What can change while it runs.
    pub(crate) fn config(&self, source: IpAddr) -> Result<router::Config, Rule> {
        let Self { vrid, rank, version, addresses, .. } = self;
        let config = router::Config::new(*vrid, *rank, addresses.clone(), *version, source)?;
        let config = config.with_preempt(self.preempt).with_probe(self.probe);
        Ok(config.with_sync_gate(self.sync_gate))
    }

    pub(super) fn read<'d>(
        document: &'d Document<'d>,
        node: &'d Spanned<DeValue<'d>>,
        folder: &Path,
    ) -> Option<(Self, Section<'d>)> {
        let called = node.get_ref().get("name").and_then(|name| name.get_ref().as_str());
        let what = called
            .map_or_else(|| "virtual-router".to_owned(), |name| format!("virtual-router {name}"));
        let section = document.section(&what, node, ROUTER)?;
        let name = section.required(section.text("name"), "name").filter(|name| {
            let breaks = |it: char| it.is_whitespace() || it.is_control();
            let is_named = !name.value.is_empty() && !name.value.contains(breaks);
            if !is_named {
                section.problem(name.at, "`name` must be one word");
            }
            is_named
        });
        let interface = section.required(section.parsed::<InterfaceName>("interface"), "interface");
        let vrid = section.required(section.number::<u8>("vrid", "1 to 255"), "vrid");
        let vrid = vrid.and_then(|vrid| section.kept(vrid.at, Vrid::new(vrid.value)));
        let rank = rank(&section);
        let version = version(&section);
        let addresses = addresses(&section);
        let source = section.parsed::<IpAddr>("source");
        let preempt = preempt(&section);
        let probe = section.boolean("probe");
        let peers = peers(&section);
        let min_hop_limit = section.number::<u8>("min-hop-limit", "0 to 255");
        let checksum = section.word("checksum", CHECKSUMS).unwrap_or_default();
        let password = section.text("password");
        let password = password.and_then(|Placed { at, value }| {
            Some(Placed { at, value: section.kept(at, Password::new(value.as_bytes()))? })
        });
        let interval = version.map_or(Duration::ZERO, Version::interval);
        let signing = Signing::read(&section, folder, interval);
        let virtual_mac = section.parsed::<InterfaceName>("virtual-mac");
        let group = section.text("group").map(|group| group.value.to_owned());
        let tracks = tracks(&section);
        let when_deleted = section.word("when-deleted", WHEN_DELETED).unwrap_or_default();

        let (addresses, prefix) = addresses?;
        let router = Self {
            name: name?.value.to_owned(),
            interface: interface?.value,
            place: document.place(interface?.at),
            vrid: vrid?,
            rank: rank?,
            version: version?,
            addresses,
            prefix,
            source: source.map(|source| source.value),
            preempt: preempt?,
            probe: probe.is_some_and(|it| it.value),
            peers: peers.iter().map(|peer| peer.value).collect(),
            min_hop_limit: min_hop_limit.map_or(HOP_LIMIT, |limit| limit.value),
            checksum,
            password: password.map(|password| password.value),
            signing,
            virtual_mac: virtual_mac.map(|name| name.value),
            group,
            tracks,
            when_deleted,
            sync_gate: false,
        };
        router.check(&section, &peers);
        Some((router, section))
    }

    /// Checks what one value alone does not show.
    fn check(&self, section: &Section<'_>, peers: &[Placed<IpAddr>]) {
        let family = self.addresses.family();
        match Terms::new(self.vrid, self.version, &self.addresses) {
            Err(rule) => section.problem(section.at("version"), rule),
            Ok(terms) => {
                let with_password = self.password.map_or(Ok(terms), |it| terms.with_password(it));
                section.kept(section.at("password"), with_password);
            }
        }
        if peers.is_empty() && self.min_hop_limit != HOP_LIMIT {
            let broken = Error::HopLimit { min: self.min_hop_limit };
            section.problem(section.at("min-hop-limit"), broken);
        }
        for peer in peers {
            let address = peer.value;
            if Family::of(address) != family || Some(address) == self.source {
                section.problem(peer.at, Error::Peer { peer: address });
            }
        }
        if self.probe && self.rank == Rank::Owner {
            section.problem(section.at("probe"), "an owner does not ask: leave `probe` out");
        }
        if let (Rank::Owner, Some(virtual_mac)) = (self.rank, self.virtual_mac) {
            section.problem(section.at("virtual-mac"), Error::OwnerVirtualMac { virtual_mac });
        }
        if let Some(source) = self.source {
            let source = self.config(source).map(drop);
            if let Err(rule @ (Rule::Source { .. } | Rule::SourceIsVirtual { .. })) = source {
                section.problem(section.at("source"), rule);
            }
        }
    }
}

fn rank(section: &Section<'_>) -> Option<Rank> {
    let priority = section.number::<u8>("priority", "1 to 254");
    match section.boolean("owner") {
        Some(Placed { value: true, .. }) => {
            if section.node("priority").is_some() {
                let rule = "an owner has priority 255: leave `priority` out";
                section.problem(section.at("priority"), rule);
                return None;
            }
            Some(Rank::Owner)
        }
        _ => match priority {
            Some(Placed { at, value }) => section.kept(at, Priority::new(value)).map(Rank::Backup),
            None if section.node("priority").is_some() => None,
            None => Some(Rank::Backup(Priority::DEFAULT)),
        },
    }
}

fn version(section: &Section<'_>) -> Option<Version> {
    let number = match section.number::<u8>("version", "2 or 3") {
        Some(Placed { value: value @ (2 | 3), .. }) => value,
        Some(Placed { at, value }) => {
            section.problem(at, format!("`version` {value} out of range: 2 or 3"));
            return None;
        }
        None if section.node("version").is_some() => return None,
        None => 3,
    };
    let interval = section.duration("interval");
    if interval.is_none() && section.node("interval").is_some() {
        return None;
    }
    let (at, interval) =
        interval.map_or((0, Duration::from_secs(1)), |interval| (interval.at, interval.value));
    let version = match number {
        2 => Seconds::try_from(interval).map(Version::V2),
        _ => Interval::try_from(interval).map(Version::V3),
    };
    section.kept(at, version)
}

/// The addresses, and the prefix that all have.
fn addresses(section: &Section<'_>) -> Option<(VirtualAddresses, Option<u8>)> {
    let texts = section.texts("addresses");
    if section.node("addresses").is_none() {
        section.required(None::<()>, "addresses");
        return None;
    }
    let mut read: Vec<(Placed<IpAddr>, Option<u8>)> = Vec::new();
    for Placed { at, value } in &texts {
        let unclear = || format!("`{value}` is no address, such as 10.0.0.7/24 or 10.0.0.7");
        let (address, prefix) = section.kept(*at, address(value).ok_or_else(unclear))?;
        if let Some(prefix) = prefix {
            section.kept(*at, InterfaceAddress::new(address, prefix))?;
        }
        if read.first().is_some_and(|(_, first)| *first != prefix) {
            section.problem(*at, "all addresses of a virtual router have the same prefix");
            return None;
        }
        read.push((Placed { at: *at, value: address }, prefix));
    }
    let all = VirtualAddresses::new(read.iter().map(|(address, _)| address.value));
    let all = all.map_err(|rule| {
        let last = |wanted: IpAddr| read.iter().rfind(|(address, _)| address.value == wanted);
        let wrong = match rule {
            Rule::MixedFamilies { address }
            | Rule::HostAddress { address }
            | Rule::DuplicateAddress { address } => last(address),
            Rule::FirstLinkLocal { address } => last(address.into()),
            _ => None,
        };
        let at = wrong.map_or_else(|| section.at("addresses"), |(address, _)| address.at);
        section.problem(at, rule);
    });
    let prefix = read.first().and_then(|(_, prefix)| *prefix);
    all.ok().map(|all| (all, prefix))
}

fn address(text: &str) -> Option<(IpAddr, Option<u8>)> {
    match text.split_once('/') {
        Some((address, prefix)) => Some((address.parse().ok()?, Some(prefix.parse().ok()?))),
        None => Some((text.parse().ok()?, None)),
    }
}

fn preempt(section: &Section<'_>) -> Option<Preempt> {
    let preempts = section.boolean("preempt");
    if preempts.is_none() && section.node("preempt").is_some() {
        return None;
    }
    let delay = section.duration("preempt-delay");
    match (preempts.is_none_or(|it| it.value), delay) {
        (false, Some(Placed { at, .. })) => {
            section.problem(at, "a router that does not preempt has no `preempt-delay`");
            None
        }
        (false, None) => Some(Preempt::Never),
        (true, Some(delay)) => Some(Preempt::After(delay.value)),
        (true, None) if section.node("preempt-delay").is_some() => None,
        (true, None) => Some(Preempt::AtOnce),
    }
}

fn peers(section: &Section<'_>) -> Vec<Placed<IpAddr>> {
    let peer = |Placed { at, value }: Placed<&str>| {
        let unclear = || format!("`{value}` is no address of a peer");
        let value = section.kept(at, value.parse::<IpAddr>().map_err(|_| unclear()))?;
        Some(Placed { at, value })
    };
    section.texts("peers").into_iter().filter_map(peer).collect()
}

fn tracks(section: &Section<'_>) -> Vec<(InterfaceName, Effect)> {
    let mut tracks: Vec<(InterfaceName, Effect)> = Vec::new();
    for node in section.array("track") {
        let what = format!("{}: track", section.what);
        let Some(track) = section.document.section(&what, node, TRACK) else { continue };
        let interface = track.required(track.parsed::<InterfaceName>("interface"), "interface");
        let lower = track.number::<u8>("lower", "1 to 254");
        let Some(interface) = interface else { continue };
        let effect = match lower {
            Some(Placed { at, value: value @ (0 | 255) }) => {
                track.problem(at, format!("`lower` {value} out of range: 1 to 254"));
                continue;
            }
            Some(lower) => Effect::Lower(lower.value),
            None => Effect::Fault,
        };
        if tracks.iter().any(|(other, _)| *other == interface.value) {
            track.problem(interface.at, format!("{} is tracked twice", interface.value));
        } else {
            tracks.push((interface.value, effect));
        }
    }
    tracks
}
