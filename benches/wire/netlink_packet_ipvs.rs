//! The crate netlink-packet-ipvs, which is on older releases of the rust-netlink
//! crates. It reads no destinations but masquerading ones.

use netlink_packet_core_07::{NetlinkMessage, NetlinkPayload};
use netlink_packet_generic_03::GenlMessage;
use netlink_packet_ipvs::ctrl::nlas::destination::{
    Destination, DestinationExtended, ForwardTypeFull,
};
use netlink_packet_ipvs::ctrl::nlas::service::{Flags, Netmask, Protocol, Scheduler, Service};
use netlink_packet_ipvs::ctrl::nlas::{AddressFamily, IpvsCtrlAttrs};
use netlink_packet_ipvs::ctrl::{IpvsCtrlCmd, IpvsServiceCtrl};
use std::hint::black_box;
use std::net::Ipv4Addr;

fn service() -> Service {
    Service {
        address: Ipv4Addr::new(192, 0, 2, 1).into(),
        netmask: Netmask::new(32, AddressFamily::IPv4),
        scheduler: Scheduler::WeightedRoundRobin,
        flags: Flags(0),
        port: Some(443),
        fw_mark: None,
        persistence_timeout: None,
        family: AddressFamily::IPv4,
        protocol: Protocol::TCP,
    }
}

fn destination() -> Destination {
    Destination {
        address: Ipv4Addr::new(10, 0, 0, 1).into(),
        fwd_method: ForwardTypeFull::Masquerade,
        weight: 1,
        upper_threshold: None,
        lower_threshold: None,
        port: 8080,
        family: AddressFamily::IPv4,
    }
}

/// Adds a service.
pub(crate) fn new_service() -> Vec<u8> {
    of_service(IpvsCtrlCmd::NewService)
}

/// Changes it.
pub(crate) fn set_service() -> Vec<u8> {
    of_service(IpvsCtrlCmd::SetService)
}

/// Deletes it.
pub(crate) fn del_service() -> Vec<u8> {
    of_service(IpvsCtrlCmd::DelService)
}

/// Adds a destination.
pub(crate) fn new_destination() -> Vec<u8> {
    of_destination(IpvsCtrlCmd::NewDest)
}

/// Changes it.
pub(crate) fn set_destination() -> Vec<u8> {
    of_destination(IpvsCtrlCmd::SetDest)
}

/// Deletes it.
pub(crate) fn del_destination() -> Vec<u8> {
    of_destination(IpvsCtrlCmd::DelDest)
}

fn of_service(cmd: IpvsCtrlCmd) -> Vec<u8> {
    let nlas = vec![IpvsCtrlAttrs::Service(black_box(service()).create_nlas())];
    IpvsServiceCtrl { cmd, nlas, family_id: crate::ours::FAMILY }.serialize(false)
}

fn of_destination(cmd: IpvsCtrlCmd) -> Vec<u8> {
    let nlas = vec![
        IpvsCtrlAttrs::Service(black_box(service()).create_nlas()),
        IpvsCtrlAttrs::Destination(black_box(destination()).create_nlas()),
    ];
    IpvsServiceCtrl { cmd, nlas, family_id: crate::ours::FAMILY }.serialize(false)
}

/// Reads a service or a destination.
pub(crate) fn decode(datagram: &[u8]) {
    let message = NetlinkMessage::<GenlMessage<IpvsServiceCtrl>>::deserialize(datagram).unwrap();
    let NetlinkPayload::InnerMessage(message) = message.payload else { unreachable!() };
    for nla in &message.payload.nlas {
        match nla {
            IpvsCtrlAttrs::Service(nlas) => {
                black_box(Service::from_nlas(nlas).unwrap());
            }
            IpvsCtrlAttrs::Destination(nlas) => {
                black_box(DestinationExtended::from_nlas(nlas).unwrap());
            }
        }
    }
}
