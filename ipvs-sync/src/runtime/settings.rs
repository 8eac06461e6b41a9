//! What a virtual router is on this host: its configuration, and how it is connected.

use super::Error;
use crate::net::InterfaceAddress;
#[cfg(feature = "hmac")]
use crate::vrrp::packet::auth_hmac;
use crate::vrrp::packet::{Checksum, HOP_LIMIT, Password, Terms};
use crate::vrrp::router::{Config, Tracks};
use crate::vrrp::{Family, Rank, Rule};
use ipvs::InterfaceName;
use std::net::IpAddr;

/// A virtual router and its interface.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(super) interface: InterfaceName,
    pub(super) config: Config,
    pub(super) peers: Vec<IpAddr>,
    pub(super) min_hop_limit: u8,
    pub(super) prefix: Option<u8>,
    pub(super) checksum: Checksum,
    pub(super) password: Option<Password>,
    #[cfg(feature = "hmac")]
    pub(super) signed: Option<auth_hmac::Settings>,
    pub(super) virtual_mac: Option<InterfaceName>,
    pub(super) tracks: Tracks,
    pub(super) group: Option<String>,
    pub(super) when_deleted: WhenDeleted,
}

/// What is done if somebody else deletes virtual addresses that this router has set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum WhenDeleted {
    /// They are added and announced again, 10 times within 10 seconds at most. If they are
    /// deleted once more the router hands over
    /// ([`Cause::NotKept`](crate::vrrp::router::Cause::NotKept)). As one that was told to
    /// [resign](super::Handle::resign) it takes them again only if nobody else does, and a
    /// second later at the earliest.
    ///
    /// To create the interface with the virtual MAC address again, or to set it up, counts
    /// as one of the 10. That of a backup is left alone after them, until it takes over.
    #[default]
    PutBack,
    /// The router hands over: whoever deleted them may have meant that.
    Release,
}

impl Settings {
    /// A virtual router on this interface that advertises to the group. Its addresses are
    /// of no prefix (/32, /128) and at the interface's own MAC address; its checksum is
    /// as [`Checksum::Auto`] says.
    pub fn new(interface: InterfaceName, config: Config) -> Self {
        Self {
            interface,
            config,
            peers: Vec::new(),
            min_hop_limit: HOP_LIMIT,
            prefix: None,
            checksum: Checksum::Auto,
            password: None,
            #[cfg(feature = "hmac")]
            signed: None,
            virtual_mac: None,
            tracks: Tracks::default(),
            group: None,
            when_deleted: WhenDeleted::default(),
        }
    }

    /// The same, advertising to each of these instead of to the group, and hearing only
    /// them. With none it is the group again.
    #[must_use]
    pub fn with_peers(self, peers: impl IntoIterator<Item = IpAddr>) -> Self {
        Self { peers: peers.into_iter().collect(), ..self }
    }

    /// The same, taking what its peers send if its TTL or hop limit is this or more: for
    /// peers behind other routers, and for keepalived, which sends to IPv6 peers with the
    /// host's default of 64. Without peers only 255 is right.
    #[must_use]
    pub fn with_min_hop_limit(self, min_hop_limit: u8) -> Self {
        Self { min_hop_limit, ..self }
    }

    /// The same, with virtual addresses that share so many bits with their neighbours.
    #[must_use]
    pub fn with_prefix(self, prefix: u8) -> Self {
        Self { prefix: Some(prefix), ..self }
    }

    /// The same, with another checksum of version 3 over IPv4.
    #[must_use]
    pub fn with_checksum(self, checksum: Checksum) -> Self {
        Self { checksum, ..self }
    }

    /// The same, with a password, which only version 2 has.
    #[must_use]
    pub fn with_password(self, password: Password) -> Self {
        Self { password: Some(password), ..self }
    }

    /// The same, with advertisements that are signed and verified.
    #[cfg(feature = "hmac")]
    #[must_use]
    pub fn with_signed(self, signed: auth_hmac::Settings) -> Self {
        Self { signed: Some(signed), ..self }
    }

    /// The same, with its addresses at the virtual router's MAC address: on an interface
    /// of this name, which is created, also after somebody else has deleted it, and
    /// removed. Its alias says what the settings of the interface below were before
    /// ([`ParentSettings`](crate::net::ParentSettings)).
    #[must_use]
    pub fn with_virtual_mac(self, name: InterfaceName) -> Self {
        Self { virtual_mac: Some(name), ..self }
    }

    /// The same, with conditions that lower its priority or put it at fault.
    #[must_use]
    pub fn with_tracks(self, tracks: Tracks) -> Self {
        Self { tracks, ..self }
    }

    /// The same, as one of those that move together: all with this name.
    #[must_use]
    pub fn with_group(self, name: impl Into<String>) -> Self {
        Self { group: Some(name.into()), ..self }
    }

    /// The same, doing this if somebody deletes its addresses.
    #[must_use]
    pub fn with_when_deleted(self, when_deleted: WhenDeleted) -> Self {
        Self { when_deleted, ..self }
    }

    pub(super) fn family(&self) -> Family {
        self.config.addresses().family()
    }

    /// Checks what one value alone does not show, without looking at the system: for who wants
    /// to know before anything is done. [`spawn`](super::spawn) and
    /// [`reconfigure`](super::Handle::reconfigure) check it too.
    ///
    /// # Errors
    /// [`Error::Rule`], [`Error::Accepts`], [`Error::HopLimit`], [`Error::OwnerVirtualMac`],
    /// [`Error::Peer`] and [`Error::Prefix`].
    pub fn check(&self) -> Result<(), Error> {
        terms(&self.config, self.password)?;
        if !self.config.accepts() {
            return Err(Error::Accepts);
        }
        if self.peers.is_empty() && self.min_hop_limit != HOP_LIMIT {
            return Err(Error::HopLimit { min: self.min_hop_limit });
        }
        if let (Rank::Owner, Some(virtual_mac)) = (self.config.rank(), self.virtual_mac) {
            return Err(Error::OwnerVirtualMac { virtual_mac });
        }
        let is_wrong =
            |peer: &&IpAddr| Family::of(**peer) != self.family() || **peer == self.config.source();
        if let Some(&peer) = self.peers.iter().find(is_wrong) {
            return Err(Error::Peer { peer });
        }
        let prefix = |address| self.on_interface(address).map(drop);
        self.config.addresses().iter().try_for_each(prefix)
    }

    /// What differs of what is as it was at the start while a router runs.
    pub(super) fn fixed(&self, new: &Self) -> Option<&'static str> {
        let has_group = |it: &Self| it.peers.is_empty();
        let all = [
            ("interface", self.interface != new.interface),
            ("prefix of its addresses", self.prefix != new.prefix),
            ("change between the group and unicast peers", has_group(self) != has_group(new)),
            ("virtual MAC address", self.virtual_mac != new.virtual_mac),
            ("group", self.group != new.group),
        ];
        all.into_iter().find(|(_, differs)| *differs).map(|(what, _)| what)
    }

    pub(super) fn on_interface(&self, address: IpAddr) -> Result<InterfaceAddress, Error> {
        match self.prefix {
            Some(prefix) => InterfaceAddress::new(address, prefix).map_err(Error::Prefix),
            None => Ok(InterfaceAddress::host(address)),
        }
    }
}

/// What the packets of a router show.
pub(super) fn terms(config: &Config, password: Option<Password>) -> Result<Terms<'_>, Rule> {
    let terms = Terms::new(config.vrid(), config.version(), config.addresses())?;
    match password {
        Some(password) => terms.with_password(password),
        None => Ok(terms),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vrrp::{Interval, Priority, Version, VirtualAddresses, Vrid};

    fn settings() -> Settings {
        let addresses = VirtualAddresses::new([[10, 0, 0, 7].into()]).unwrap();
        let version = Version::V3(Interval::DEFAULT);
        let rank = Rank::Backup(Priority::DEFAULT);
        let source = [10, 0, 0, 1].into();
        let config = Config::new(Vrid::new(7).unwrap(), rank, addresses, version, source);
        Settings::new("eth0".parse().unwrap(), config.unwrap())
    }

    // shows: 9568-5.1.1.3-2, 9568-7.1-1
    #[test]
    fn what_does_not_go_together_is_refused() {
        assert!(settings().check().is_ok());
        let told = |settings: Settings| settings.check().unwrap_err().to_string();
        let password = Password::new(b"secret").unwrap();
        assert_eq!(
            told(settings().with_password(password)),
            "version 3 has no password: version 2 has"
        );
        for peer in ["10.0.0.1", "fe80::2"] {
            let said = told(settings().with_peers([peer.parse().unwrap()]));
            assert!(said.starts_with(&format!("unicast peer {peer} is this router")), "{said}");
        }
        let said = told(settings().with_min_hop_limit(64));
        assert!(said.starts_with("hop limit 64 without unicast peers"), "{said}");
        assert_eq!(told(settings().with_prefix(33)), "prefix of 33 bits for 10.0.0.7: at most 32");
        let deaf = Settings { config: settings().config.with_accept(false), ..settings() };
        assert!(told(deaf).starts_with("accept mode false"));
        let owner = settings().config.with_rank(Rank::Owner).unwrap();
        let owner = Settings { config: owner, ..settings() };
        assert!(owner.check().is_ok());
        let said = told(owner.with_virtual_mac("vrrp7".parse().unwrap()));
        assert!(said.starts_with("virtual MAC address on vrrp7 for an owner"), "{said}");
    }
}
