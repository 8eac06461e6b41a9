//! The settings of an interface below virtual MAC addresses.

use super::error::Error;
use super::links::{self, Interface};
use super::operation::Operation;
use super::rtnetlink::Rtnetlink;
use super::sysctl::Setting;
use crate::vrrp::Family;
use std::sync::Arc;

/// The settings that an interface needs below virtual MAC addresses. They are set back
/// when the last [`VirtualMac`](super::VirtualMac) on it is gone, whoever has that, and
/// this.
///
/// What they were before the first is the alias of each of those interfaces (`ipvs-sync
/// arp_ignore=0 arp_announce=0`). So whoever comes later knows it, also after a crash, as
/// long as one of them is there.
#[derive(Debug)]
pub struct ParentSettings {
    interface: Interface,
    netlink: Rtnetlink,
    settings: Vec<Setting>,
}

impl ParentSettings {
    /// Makes the interface answer ARP for its own addresses only, and ask from its own.
    ///
    /// # Errors
    /// [`Error::is_permission`], or what the system says.
    pub fn change(interface: &Interface) -> Result<Arc<Self>, Error> {
        let mut netlink = Rtnetlink::open()?;
        let aliases = netlink.macvlan_aliases(interface)?;
        let before = |name| aliases.iter().find_map(|alias| told(alias, name));
        // From here on what has been changed is set back if something fails.
        let mut this = Self { interface: *interface, netlink, settings: Vec::new() };
        for (name, value) in PARENT {
            let setting = Setting::change(interface, Family::V4, name, value, before(name))?;
            this.settings.push(setting);
        }
        Ok(Arc::new(this))
    }

    /// The interface that has them.
    pub fn interface(&self) -> &Interface {
        &self.interface
    }

    /// What they were, as the alias of an interface.
    pub(super) fn before(&self) -> String {
        let before = |setting: &Setting| format!(" {}={}", setting.name, setting.before);
        let all: String = self.settings.iter().map(before).collect();
        format!("{MARK}{all}")
    }
}

impl Drop for ParentSettings {
    fn drop(&mut self) {
        let others = self.netlink.macvlan_aliases(&self.interface);
        let is_needed = others.is_ok_and(|all| all.iter().any(|it| it.starts_with(MARK)));
        if !is_needed {
            self.settings.iter().for_each(Setting::set_back);
        }
    }
}

/// What an alias says of a setting.
fn told<'a>(alias: &'a str, name: &str) -> Option<&'a str> {
    let mut words = alias.strip_prefix(MARK)?.split_ascii_whitespace();
    words.find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}

impl Rtnetlink {
    /// The aliases of the macvlans on an interface.
    fn macvlan_aliases(&mut self, interface: &Interface) -> Result<Vec<String>, Error> {
        let aliases = self.interfaces_with(|body| {
            let above = links::read(body)?.macvlan_of == Some(interface.index);
            links::read_alias(body).filter(|_| above)
        });
        aliases.map_err(|cause| Error::new(Operation::ListInterfaces, None, cause))
    }
}

/// Otherwise the interface would answer for the virtual addresses too, with its own MAC
/// address, and name them where it asks for a neighbour.
const PARENT: [(&str, &str); 2] = [("arp_ignore", "1"), ("arp_announce", "2")];

/// With what the aliases begin.
const MARK: &str = "ipvs-sync";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_says_what_the_settings_were() {
        let alias = "ipvs-sync arp_ignore=0 arp_announce=12";
        assert_eq!(told(alias, "arp_ignore"), Some("0"));
        assert_eq!(told(alias, "arp_announce"), Some("12"));
        assert_eq!(told(alias, "arp"), None);
        assert_eq!(told("of mine arp_ignore=0", "arp_ignore"), None);
        assert_eq!(told("", "arp_ignore"), None);
    }
}
