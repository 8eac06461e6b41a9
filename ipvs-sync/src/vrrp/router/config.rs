//! What a virtual router is told to be.

use crate::vrrp::addresses::can_be_a_hosts;
use crate::vrrp::{Family, Rank, Rule, Version, VirtualAddresses, Vrid};
use std::net::IpAddr;
use std::time::Duration;

/// The configuration of one virtual router on one router. It can be changed while the
/// router runs: [`Router::reconfigure`](super::Router::reconfigure).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    vrid: Vrid,
    rank: Rank,
    addresses: VirtualAddresses,
    version: Version,
    source: IpAddr,
    preempt: Preempt,
    accept: bool,
    startup_delay: Duration,
    sync_gate: bool,
    probe: bool,
    announcements: Announcements,
}

/// Whether a backup takes over from an active router of lower priority.
///
/// The owner always does (RFC 9568 §6.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Preempt {
    /// It leaves it alone for as long as it is heard.
    Never,
    /// As soon as its own silence would have been noticed: it no longer listens to it.
    #[default]
    AtOnce,
    /// So long after it heard it first. Until then it leaves it alone. An advertisement
    /// of its own priority or a higher one begins this anew.
    After(Duration),
}

/// How the addresses are announced to their neighbours (gratuitous ARP, unsolicited
/// neighbour advertisements).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Announcements {
    rounds: u8,
    delay: Duration,
}

impl Config {
    /// A virtual router, on a router whose own primary address on that interface is
    /// `source` (of IPv6 its link-local one): advertisements come from there, and of two
    /// active routers of one priority the one with the higher address stays.
    ///
    /// It preempts at once, accepts packets for the virtual addresses, has no start-up
    /// delay and no gate, does not probe, and announces as [`Announcements::default`] says.
    ///
    /// # Errors
    /// [`Rule::Version2Family`], [`Rule::Source`] and [`Rule::SourceIsVirtual`].
    pub fn new(
        vrid: Vrid,
        rank: Rank,
        addresses: VirtualAddresses,
        version: Version,
        source: IpAddr,
    ) -> Result<Self, Rule> {
        let config = Self {
            vrid,
            rank,
            addresses,
            version,
            source,
            preempt: Preempt::default(),
            accept: true,
            startup_delay: Duration::ZERO,
            sync_gate: false,
            probe: false,
            announcements: Announcements::default(),
        };
        config.checked()
    }

    /// The same with another rank.
    ///
    /// # Errors
    /// [`Rule::SourceIsVirtual`].
    pub fn with_rank(self, rank: Rank) -> Result<Self, Rule> {
        Self { rank, ..self }.checked()
    }

    /// The same with other addresses.
    ///
    /// # Errors
    /// As [`Config::new`].
    pub fn with_addresses(self, addresses: VirtualAddresses) -> Result<Self, Rule> {
        Self { addresses, ..self }.checked()
    }

    /// The same with another version or interval.
    ///
    /// # Errors
    /// [`Rule::Version2Family`].
    pub fn with_version(self, version: Version) -> Result<Self, Rule> {
        Self { version, ..self }.checked()
    }

    /// The same on an interface with another primary address.
    ///
    /// # Errors
    /// [`Rule::Source`] and [`Rule::SourceIsVirtual`].
    pub fn with_source(self, source: IpAddr) -> Result<Self, Rule> {
        Self { source, ..self }.checked()
    }

    /// The same, with other rules for taking over from a lower priority.
    #[must_use]
    pub fn with_preempt(self, preempt: Preempt) -> Self {
        Self { preempt, ..self }
    }

    /// The same, accepting packets for the virtual addresses or not (Accept_Mode).
    ///
    /// The default is to accept, where RFC 9568 §6.1 has the opposite: IPVS takes its
    /// packets from the host's own input.
    #[must_use]
    pub fn with_accept(self, accept: bool) -> Self {
        Self { accept, ..self }
    }

    /// The same, not becoming active before so much time has passed since it was started
    /// or its link came up. It listens meanwhile: a switch can take half a minute until
    /// it forwards to a port, and who hears nobody thinks that nobody is there.
    ///
    /// An owner without a delay is active at once, as RFC 9568 §6.4.1 has it; with one it
    /// listens first as any other.
    #[must_use]
    pub fn with_startup_delay(self, startup_delay: Duration) -> Self {
        Self { startup_delay, ..self }
    }

    /// The same, with a gate or without: it takes over from an active router of lower
    /// priority only while it is [ready](super::Event::SyncReady). If nobody is active it
    /// takes over, ready or not.
    #[must_use]
    pub fn with_sync_gate(self, sync_gate: bool) -> Self {
        Self { sync_gate, ..self }
    }

    /// The same, asking for its addresses before it takes over in a silence, or not: while
    /// somebody answers it [stays a backup](super#asking-for-the-addresses). An owner does
    /// not ask: what it owns is on its interface whoever else says that he has it.
    #[must_use]
    pub fn with_probe(self, probe: bool) -> Self {
        Self { probe, ..self }
    }

    /// The same, announcing otherwise.
    #[must_use]
    pub fn with_announcements(self, announcements: Announcements) -> Self {
        Self { announcements, ..self }
    }

    /// Its identifier.
    pub fn vrid(&self) -> Vrid {
        self.vrid
    }

    /// Its rank before anything that is tracked lowers it.
    pub fn rank(&self) -> Rank {
        self.rank
    }

    /// What it is reached by.
    pub fn addresses(&self) -> &VirtualAddresses {
        &self.addresses
    }

    /// The version, and its own interval.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The own primary address of the router.
    pub fn source(&self) -> IpAddr {
        self.source
    }

    /// Whether it takes over from a lower priority.
    pub fn preempt(&self) -> Preempt {
        self.preempt
    }

    /// Whether packets for the virtual addresses are for this host while it is active:
    /// the owner always accepts them (RFC 9568 §6.4.3).
    pub fn accepts(&self) -> bool {
        self.accept || self.rank == Rank::Owner
    }

    /// How long it only listens after a start.
    pub fn startup_delay(&self) -> Duration {
        self.startup_delay
    }

    /// Whether it must be ready to take over from a lower priority.
    pub fn sync_gate(&self) -> bool {
        self.sync_gate
    }

    /// Whether it asks for its addresses before it takes over in a silence.
    pub fn probe(&self) -> bool {
        self.probe
    }

    /// The addresses that it asks for: the first four, or none if it does not ask. One
    /// would do, since an active router has all of them or none, if the lists of two
    /// routers never differed.
    pub fn probed(&self) -> impl Iterator<Item = IpAddr> {
        let count = if self.probe && self.rank != Rank::Owner { PROBED } else { 0 };
        self.addresses.iter().take(count)
    }

    /// How it announces the addresses.
    pub fn announcements(&self) -> Announcements {
        self.announcements
    }

    fn checked(self) -> Result<Self, Rule> {
        let Self { rank, version, source, .. } = self;
        let family = self.addresses.family();
        if family == Family::V6 && matches!(version, Version::V2(_)) {
            return Err(Rule::Version2Family);
        }
        if Family::of(source) != family || !can_be_a_hosts(source) {
            return Err(Rule::Source { source });
        }
        if rank != Rank::Owner && self.addresses.iter().any(|address| address == source) {
            return Err(Rule::SourceIsVirtual { source });
        }
        Ok(self)
    }

    /// Whether it is of the same virtual router.
    pub(super) fn is_of(&self, other: &Self) -> bool {
        self.vrid == other.vrid && self.addresses.family() == other.addresses.family()
    }

    /// Whether advertisements with it differ from those with the other.
    pub(super) fn advertises_otherwise(&self, other: &Self) -> bool {
        (self.rank, self.version, self.source) != (other.rank, other.version, other.source)
            || self.addresses != other.addresses
    }
}

impl Announcements {
    /// So many rounds in a row, in each of which every address is announced once, and as
    /// many again after a delay.
    ///
    /// # Errors
    /// [`Rule::Announcements`] for what is not 1 to 10 rounds and 1 to 3,600 seconds.
    pub fn new(rounds: u8, delay: Duration) -> Result<Self, Rule> {
        let delays = Duration::from_secs(1)..=Duration::from_secs(3_600);
        if !(1..=10).contains(&rounds) || !delays.contains(&delay) {
            return Err(Rule::Announcements { rounds, delay });
        }
        Ok(Self { rounds, delay })
    }

    /// How many rounds there are in a row.
    pub const fn rounds(self) -> u8 {
        self.rounds
    }

    /// After how long they are repeated.
    pub const fn delay(self) -> Duration {
        self.delay
    }
}

impl Default for Announcements {
    /// Five rounds, and five again after five seconds, as keepalived.
    fn default() -> Self {
        Self { rounds: 5, delay: Duration::from_secs(5) }
    }
}

/// Each is a frame to all neighbours, or to a few of them with IPv6.
const PROBED: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vrrp::Priority;
    use crate::vrrp::{Interval, Seconds};

    fn config(rank: Rank, address: &str, version: Version, source: &str) -> Result<Config, Rule> {
        let addresses = VirtualAddresses::new([address.parse().unwrap()])?;
        Config::new(Vrid::new(7)?, rank, addresses, version, source.parse().unwrap())
    }

    const BACKUP: Rank = Rank::Backup(Priority::DEFAULT);
    const V2: Version = Version::V2(Seconds::DEFAULT);
    const V3: Version = Version::V3(Interval::DEFAULT);

    // shows: 9568-6.1-1, 9568-6.1-2, 9568-6.1-3, 3768-5.3.7-1
    #[test]
    fn what_is_not_said_is_as_in_the_standards() {
        assert_eq!(Priority::DEFAULT.number(), 100);
        assert_eq!(Interval::DEFAULT.centis(), 100);
        assert_eq!(Seconds::DEFAULT.number(), 1);
        let config = config(BACKUP, "10.0.0.7", V3, "10.0.0.1").unwrap();
        assert_eq!(config.preempt(), Preempt::AtOnce);
    }

    #[test]
    fn version_2_is_of_ipv4_only() {
        assert_eq!(config(BACKUP, "fe80::7", V2, "fe80::1"), Err(Rule::Version2Family));
        assert!(config(BACKUP, "fe80::7", V3, "fe80::1").is_ok());
        assert!(config(BACKUP, "10.0.0.7", V2, "10.0.0.1").is_ok());
    }

    #[test]
    fn the_own_address_is_a_hosts_and_of_the_family() {
        for source in ["fe80::1", "0.0.0.0", "224.0.0.18"] {
            let rule = Rule::Source { source: source.parse().unwrap() };
            assert_eq!(config(BACKUP, "10.0.0.7", V3, source), Err(rule));
        }
    }

    #[test]
    fn only_an_owner_has_a_virtual_address_for_its_own() {
        let source = "10.0.0.7".parse().unwrap();
        let rule = Rule::SourceIsVirtual { source };
        assert_eq!(config(BACKUP, "10.0.0.7", V3, "10.0.0.7"), Err(rule));
        let owner = config(Rank::Owner, "10.0.0.7", V3, "10.0.0.7").unwrap();
        assert_eq!(owner.with_rank(BACKUP), Err(rule));
    }

    #[test]
    fn what_is_changed_is_checked_as_what_is_new() {
        let v4 = config(BACKUP, "10.0.0.7", V3, "10.0.0.1").unwrap();
        let v6 = config(BACKUP, "fe80::7", V3, "fe80::1").unwrap();
        let source = v4.source();
        assert_eq!(v4.clone().with_addresses(v6.addresses().clone()), Err(Rule::Source { source }));
        assert_eq!(v6.with_version(V2), Err(Rule::Version2Family));
        let source = "10.0.0.7".parse().unwrap();
        assert_eq!(v4.with_source(source), Err(Rule::SourceIsVirtual { source }));
    }

    // shows: 9568-6.4.3-6
    #[test]
    fn the_owner_accepts_whatever_it_is_told() {
        let backup = config(BACKUP, "10.0.0.7", V3, "10.0.0.1").unwrap();
        assert!(backup.clone().with_accept(true).accepts());
        assert!(!backup.with_accept(false).accepts());
        let owner = config(Rank::Owner, "10.0.0.7", V3, "10.0.0.7").unwrap();
        assert!(owner.with_accept(false).accepts());
    }

    #[test]
    fn announcements_are_few_and_not_too_often() {
        let second = Duration::from_secs(1);
        assert!(Announcements::new(10, second).is_ok());
        for (rounds, delay) in [(0, second), (11, second), (5, second / 2), (5, second * 3_601)] {
            let told = Announcements::new(rounds, delay);
            assert_eq!(told, Err(Rule::Announcements { rounds, delay }));
        }
    }
}
