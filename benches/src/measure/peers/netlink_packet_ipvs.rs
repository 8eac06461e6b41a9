//! The crate netlink-packet-ipvs, over netlink-sys.

use crate::comparison::Effort;
use crate::floor;
use crate::sample::{Calls, Sample, Start};
use crate::shape::{DESTINATION, SERVICE};
use crate::single::{self, Table};
use anyhow::{Result, bail};
use netlink_packet_core_07::{NetlinkMessage, NetlinkPayload};
use netlink_packet_generic_03::GenlMessage;
use netlink_packet_ipvs::ctrl::nlas::destination::{Destination, ForwardTypeFull};
use netlink_packet_ipvs::ctrl::nlas::service::{Flags, Netmask, Protocol, Scheduler, Service};
use netlink_packet_ipvs::ctrl::nlas::{AddressFamily, IpvsCtrlAttrs};
use netlink_packet_ipvs::ctrl::{IpvsCtrlCmd, IpvsServiceCtrl};
use netlink_sys::protocols::NETLINK_GENERIC;
use netlink_sys::{Socket, SocketAddr};
use std::hint::black_box;
use std::net::Ipv4Addr;

/// The loop of four.
pub(crate) fn run(table: Table, Effort { rounds, .. }: Effort) -> Result<Sample> {
    single::prepare(table)?;
    let family_id = floor::family()?;
    let mut socket = Socket::new(NETLINK_GENERIC)?;
    socket.bind_auto()?;
    socket.connect(&SocketAddr::new(0, 0))?;
    let (service, destination) = (black_box(service()), black_box(destination()));
    let steps = [
        (IpvsCtrlCmd::NewService, false),
        (IpvsCtrlCmd::NewDest, true),
        (IpvsCtrlCmd::DelDest, true),
        (IpvsCtrlCmd::DelService, false),
    ];
    let start = Start::now()?;
    for _ in 0..rounds {
        for (cmd, with_destination) in steps {
            let mut nlas = vec![IpvsCtrlAttrs::Service(service.create_nlas())];
            if with_destination {
                nlas.push(IpvsCtrlAttrs::Destination(destination.create_nlas()));
            }
            socket.send(&IpvsServiceCtrl { cmd, nlas, family_id }.serialize(false), 0)?;
            let (answer, _) = socket.recv_from_full()?;
            let answer = NetlinkMessage::<GenlMessage<IpvsServiceCtrl>>::deserialize(&answer)?;
            match answer.payload {
                NetlinkPayload::Error(error) if error.code.is_none() => {}
                other => bail!("{other:?}"),
            }
        }
    }
    let sends = 4 * u64::from(rounds);
    // To learn the length of an answer, netlink-sys looks at it first.
    let calls = Calls { sends, receives: 2 * sends };
    start.end(rounds, Some(calls))
}

fn service() -> Service {
    let (address, port) = SERVICE;
    Service {
        address: Ipv4Addr::from(address).into(),
        netmask: Netmask::new(32, AddressFamily::IPv4),
        scheduler: Scheduler::WeightedRoundRobin,
        flags: Flags(0),
        port: Some(port),
        fw_mark: None,
        persistence_timeout: None,
        family: AddressFamily::IPv4,
        protocol: Protocol::TCP,
    }
}

fn destination() -> Destination {
    let (address, port) = DESTINATION;
    Destination {
        address: Ipv4Addr::from(address).into(),
        fwd_method: ForwardTypeFull::Masquerade,
        weight: 1,
        upper_threshold: None,
        lower_threshold: None,
        port,
        family: AddressFamily::IPv4,
    }
}
