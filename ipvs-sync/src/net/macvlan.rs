//! An interface with the virtual router's MAC address, on top of another.
//!
//! The addresses are added to it, so that they are at the virtual MAC address, which
//! moves with them: the neighbours need not learn another. Announcements and
//! advertisements are sent on it too, so that switches learn where that address is.
//! Advertisements are heard on the interface below, which has addresses of its own: IPv4
//! drops what comes to an interface without any (`rp_filter`).

use super::error::{Cause, Error, ErrorKind};
use super::links::Interface;
use super::operation::Operation;
use super::parent::ParentSettings;
use super::rtnetlink::Rtnetlink;
use super::sysctl;
use crate::vrrp::Family;
use ipvs::InterfaceName;
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{
    InfoData, InfoKind, InfoMacVlan, LinkAttribute, LinkFlags, LinkInfo, LinkMessage, MacVlanMode,
};
use std::sync::Arc;

/// An interface with a virtual router's MAC address. It is removed when this is dropped.
#[derive(Debug)]
pub struct VirtualMac {
    interface: Interface,
    mac: [u8; 6],
    netlink: Rtnetlink,
    is_there: bool,
    parent: Arc<ParentSettings>,
}

const OWN: [(Family, &str, &str); 6] = [
    (Family::V4, "arp_ignore", "1"),
    // Answers leave by the interface below. Loose is enough, and is stronger than what is
    // set for all interfaces (`inetdevice.h: IN_DEV_RPFILTER` is the maximum).
    (Family::V4, "rp_filter", "2"),
    // Of addresses that share a prefix, the first does not take the others with it.
    (Family::V4, "promote_secondaries", "1"),
    // No address is made of the virtual MAC address (RFC 9568 §7.4).
    (Family::V6, "addr_gen_mode", "1"),
    (Family::V6, "autoconf", "0"),
    (Family::V6, "accept_ra", "0"),
];

impl VirtualMac {
    /// Creates a macvlan with this name and MAC address on the interface, and sets it up.
    /// One that was left behind is taken over.
    ///
    /// # Errors
    /// [`Error::is_permission`]; [`ErrorKind::AlreadyExists`] if the name is of something
    /// else; or what the system says. Nothing is left behind then.
    pub fn create(
        parent: &Arc<ParentSettings>,
        name: InterfaceName,
        mac: [u8; 6],
    ) -> Result<Self, Error> {
        let mut netlink = Rtnetlink::open()?;
        let failed = |operation, cause| Error::new(operation, Some(name), cause);
        let request = RouteNetlinkMessage::NewLink(macvlan(parent.interface(), name, mac));
        let created = netlink.change(request, NLM_F_CREATE | NLM_F_EXCL);
        let created = created.map_err(|cause| failed(Operation::CreateInterface, cause));
        let was_there = match created {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => true,
            result => result.map(|()| false)?,
        };
        let interface = netlink.interface(name)?;
        let is_ours =
            interface.macvlan_of == Some(parent.interface().index) && interface.mac == Some(mac);
        if was_there && !is_ours {
            return Err(failed(Operation::CreateInterface, Cause::OtherInterface));
        }
        // From here on it is removed again if something fails.
        let mut this = Self { interface, mac, netlink, is_there: true, parent: Arc::clone(parent) };
        this.configure()?;
        this.interface = this.netlink.interface_at(interface.index)?;
        Ok(this)
    }

    fn configure(&mut self) -> Result<(), Error> {
        for (family, name, value) in OWN {
            match sysctl::set(&self.interface, family, name, value) {
                // This kernel has no IPv6.
                Err(error)
                    if family == Family::V6 && error.raw_os_error() == Some(libc::ENOENT) => {}
                result => result?,
            }
        }
        self.bring_up()
    }

    /// Sets the interface up, also if somebody has set it down.
    ///
    /// # Errors
    /// What the system says.
    pub fn bring_up(&mut self) -> Result<(), Error> {
        let request = set_up(self.interface.index, self.parent.before());
        let up = RouteNetlinkMessage::SetLink(request);
        let failed = |cause| Error::new(Operation::BringUp, Some(self.interface.name), cause);
        self.netlink.change(up, 0).map_err(failed)
    }

    /// The interface.
    pub fn interface(&self) -> &Interface {
        &self.interface
    }

    /// Its MAC address.
    pub fn mac(&self) -> [u8; 6] {
        self.mac
    }

    /// The settings of the interface below.
    pub fn parent(&self) -> &Arc<ParentSettings> {
        &self.parent
    }

    /// Removes the interface, and with it its addresses.
    ///
    /// # Errors
    /// What the system says. That it is gone is none.
    pub fn remove(mut self) -> Result<(), Error> {
        self.take_away()
    }

    fn take_away(&mut self) -> Result<(), Error> {
        if !std::mem::take(&mut self.is_there) {
            return Ok(());
        }
        let mut request = LinkMessage::default();
        request.header.index = self.interface.index;
        let removed = self.netlink.change(RouteNetlinkMessage::DelLink(request), 0);
        let failed =
            |cause| Error::new(Operation::RemoveInterface, Some(self.interface.name), cause);
        match removed.map_err(failed) {
            Err(error) if error.kind() == ErrorKind::NoSuchInterface => Ok(()),
            result => result,
        }
    }
}

impl Drop for VirtualMac {
    fn drop(&mut self) {
        // There is nobody to tell of a failure.
        let _ = self.take_away();
    }
}

fn macvlan(parent: &Interface, name: InterfaceName, mac: [u8; 6]) -> LinkMessage {
    let mode = InfoMacVlan::Mode(MacVlanMode::Private);
    let info =
        vec![LinkInfo::Kind(InfoKind::MacVlan), LinkInfo::Data(InfoData::MacVlan(vec![mode]))];
    let mut message = LinkMessage::default();
    message.attributes.push(LinkAttribute::IfName(name.to_string()));
    message.attributes.push(LinkAttribute::Link(parent.index));
    message.attributes.push(LinkAttribute::Address(mac.to_vec()));
    message.attributes.push(LinkAttribute::LinkInfo(info));
    message
}

/// An alias is not taken by the request that creates an interface.
fn set_up(index: u32, alias: String) -> LinkMessage {
    let mut message = LinkMessage::default();
    message.attributes.push(LinkAttribute::IfAlias(alias));
    message.header.index = index;
    message.header.flags = LinkFlags::Up;
    message.header.change_mask = LinkFlags::Up;
    message
}
