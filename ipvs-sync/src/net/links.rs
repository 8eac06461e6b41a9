//! Interfaces.

use super::error::{Cause, Error};
use super::operation::Operation;
use super::rtnetlink::Rtnetlink;
use ipvs::InterfaceName;
use ipvs::ipvs_sys::Attrs;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{
    LinkAttribute, LinkExtentMask, LinkFlags, LinkHeader, LinkLayerType, LinkMessage,
};

/// A network interface, as it was when it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields, rename_all = "kebab-case"))]
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
    /// It can reach many at once (`IFF_MULTICAST`).
    pub has_multicast: bool,
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
        self.interfaces_with(read).map_err(failed)
    }

    /// What is read of all interfaces, where something is.
    pub(super) fn interfaces_with<R>(
        &mut self,
        read: impl Fn(&[u8]) -> Option<R>,
    ) -> Result<Vec<R>, Cause> {
        self.list(&RouteNetlinkMessage::GetLink(without_statistics()), read)
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
        has_multicast: header.flags.contains(LinkFlags::Multicast),
        macvlan_of: lower.filter(|_| is_macvlan),
    })
}

/// The alias that somebody has given an interface.
pub(super) fn read_alias(body: &[u8]) -> Option<String> {
    let mut attrs = Attrs::new(body.get(HEADER..)?, "link").flatten();
    let alias = attrs.find(|attr| attr.kind == libc::IFLA_IFALIAS)?;
    Some(String::from_utf8_lossy(alias.string()).into_owned())
}

/// The length of `ifinfomsg`.
const HEADER: usize = 16;
/// `AF_UNSPEC`.
const UNSPECIFIED: u8 = 0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::datagram::{Message, messages};

    const VETH: &[u8] = include_bytes!("testdata/link_veth.bin");
    const MACVLAN: &[u8] = include_bytes!("testdata/link_macvlan.bin");
    const LOOPBACK: &[u8] = include_bytes!("testdata/link_loopback.bin");

    fn body(datagram: &[u8]) -> &[u8] {
        match messages(datagram).next().unwrap().ok().unwrap().1 {
            Message::Data { kind: libc::RTM_NEWLINK, body, .. } => body,
            _ => panic!("no link"),
        }
    }

    #[test]
    fn an_interface_is_read_as_the_kernel_tells_it() {
        let veth = Interface {
            index: 3,
            name: "eth0".parse().unwrap(),
            mac: Some([0xa2, 0x2a, 0x90, 0xc6, 0xaf, 0x5d]),
            mtu: 1_500,
            is_up: true,
            is_running: true,
            has_arp: true,
            has_multicast: true,
            macvlan_of: None,
        };
        assert_eq!(read(body(VETH)), Some(veth));
        let macvlan = Interface {
            index: 4,
            name: "vmac7".parse().unwrap(),
            mac: Some([0, 0, 0x5e, 0, 1, 7]),
            is_up: false,
            is_running: false,
            macvlan_of: Some(3),
            ..veth
        };
        assert_eq!(read(body(MACVLAN)), Some(macvlan));
        let loopback = read(body(LOOPBACK)).unwrap();
        assert_eq!((loopback.mac, loopback.mtu), (None, 65_536));
        assert!(!loopback.has_multicast);
    }

    #[test]
    fn what_a_bridge_tells_of_its_port_is_not_about_the_interface() {
        let mut of_bridge = body(VETH).to_vec();
        of_bridge[0] = 7;
        assert_eq!(read(&of_bridge), None);
    }

    #[test]
    fn attributes_that_are_not_as_expected_cost_no_other() {
        // An unknown one, and one of a known type that is longer than it is today.
        let mut longer = body(VETH).to_vec();
        longer.extend([12, 0, 0xff, 0x3f, 1, 2, 3, 4, 5, 6, 7, 8]);
        longer.extend([12, 0, 13, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(read(&longer), read(body(VETH)));
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let body = body(MACVLAN);
        for at in 0..body.len() {
            read(&body[..at]);
            for byte in [0, 1, 3, 0x7f, 0xff] {
                let mut changed = body.to_vec();
                changed[at] = byte;
                read(&changed);
            }
        }
    }
}
