//! Interfaces.

use super::error::{Cause, Error, Operation};
use super::rtnetlink::Rtnetlink;
use ipvs::InterfaceName;
use ipvs::ipvs_sys::Attrs;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{
    LinkAttribute, LinkExtentMask, LinkFlags, LinkHeader, LinkLayerType, LinkMessage,
};

/// A network interface, as it was when it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Interface {
    /// Its number, by which sockets are bound to it. It stays when the name changes.
    pub index: u32,
    /// Its name.
    pub name: InterfaceName,
    /// Its MAC address, if it is an Ethernet.
    pub mac: Option<[u8; 6]>,
    /// The longest packet that it sends, in bytes.
    pub mtu: u32,
    /// It was set up (`IFF_UP`).
    pub is_up: bool,
    /// It works: set up and with a carrier (`IFF_RUNNING`).
    pub is_running: bool,
    /// Its neighbours are found by ARP and ND (not `IFF_NOARP`).
    pub has_arp: bool,
    /// It is a macvlan on the interface with this number.
    pub macvlan_of: Option<u32>,
}

impl Rtnetlink {
    /// The interface with this name.
    ///
    /// # Errors
    /// [`ErrorKind::NoSuchInterface`](super::ErrorKind::NoSuchInterface), or what the
    /// system says.
    pub fn interface(&mut self, name: InterfaceName) -> Result<Interface, Error> {
        let mut request = without_statistics();
        request.attributes.push(LinkAttribute::IfName(name.to_string()));
        let found = self.get(RouteNetlinkMessage::GetLink(request), read);
        found.map_err(|cause| Error::new(Operation::FindInterface { name }, None, cause))
    }

    /// The interface with this number.
    ///
    /// # Errors
    /// As [`Rtnetlink::interface`].
    pub fn interface_at(&mut self, index: u32) -> Result<Interface, Error> {
        let mut request = without_statistics();
        request.header.index = index;
        let found = self.get(RouteNetlinkMessage::GetLink(request), read);
        found.map_err(|cause| Error::new(Operation::FindIndex { index }, None, cause))
    }

    /// All interfaces, by number.
    ///
    /// # Errors
    /// [`ErrorKind::Incomplete`](super::ErrorKind::Incomplete), or what the system says.
    pub fn interfaces(&mut self) -> Result<Vec<Interface>, Error> {
        let failed = |cause| Error::new(Operation::ListInterfaces, None, cause);
        self.list(&RouteNetlinkMessage::GetLink(without_statistics()), read).map_err(failed)
    }

    /// All objects of a kind; again if they changed underneath.
    pub(super) fn list<R>(
        &mut self,
        request: &RouteNetlinkMessage,
        read: impl Fn(&[u8]) -> Option<R>,
    ) -> Result<Vec<R>, Cause> {
        for _ in 1..ATTEMPTS {
            let mut all = Vec::new();
            match self.dump(request.clone(), |body| all.extend(read(body))) {
                Err(Cause::Interrupted) => {}
                result => return result.map(|()| all),
            }
        }
        Err(Cause::Interrupted)
    }
}

/// How often a listing is tried that others change underneath.
const ATTEMPTS: usize = 8;

fn without_statistics() -> LinkMessage {
    let mut request = LinkMessage::default();
    request.attributes.push(LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]));
    request
}

/// Reads `RTM_NEWLINK` and `RTM_DELLINK`; `None` for what is not about an interface
/// itself: bridges tell of their ports, and wireless ones of their state, by messages of
/// the same kind.
pub(super) fn read(body: &[u8]) -> Option<Interface> {
    let header = LinkHeader::parse(body).ok()?;
    if u8::from(header.interface_family) != UNSPECIFIED {
        return None;
    }
    let (mut name, mut address, mut mtu, mut lower, mut is_macvlan) = (None, None, 0, None, false);
    for attr in Attrs::new(body.get(HEADER..)?, "link").flatten() {
        match attr.kind {
            libc::IFLA_IFNAME => name = InterfaceName::from_kernel(attr.string()),
            libc::IFLA_ADDRESS => address = <[u8; 6]>::try_from(attr.value).ok(),
            libc::IFLA_MTU => mtu = attr.u32_ne("link/mtu").unwrap_or(0),
            libc::IFLA_LINK => lower = attr.u32_ne("link/link").ok(),
            libc::IFLA_LINKINFO => {
                let mut info = Attrs::new(attr.value, "link/info").flatten();
                is_macvlan = info
                    .any(|attr| attr.kind == libc::IFLA_INFO_KIND && attr.string() == b"macvlan");
            }
            _ => {}
        }
    }
    Some(Interface {
        index: header.index,
        name: name?,
        mac: address.filter(|_| header.link_layer_type == LinkLayerType::Ether),
        mtu,
        is_up: header.flags.contains(LinkFlags::Up),
        is_running: header.flags.contains(LinkFlags::Up | LinkFlags::Running),
        has_arp: !header.flags.contains(LinkFlags::Noarp),
        macvlan_of: lower.filter(|_| is_macvlan),
    })
}

/// The length of `ifinfomsg`.
const HEADER: usize = 16;
/// `AF_UNSPEC`.
const UNSPECIFIED: u8 = 0;
