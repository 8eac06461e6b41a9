//! The crate nlrs: one send and one receive each.

use crate::comparison::Effort;
use crate::sample::{Sample, Start};
use crate::shape::{DESTINATION, Place, SERVICE};
use crate::single::{self, Table};
use anyhow::{Result, anyhow};
use nlrs::genetlink::socket::{GenericNetlinkSocket, GenericRequestBuilder as _};
use nlrs::ipvs::destination::{
    DelDestinationMessageBuilder, IpvsForwardMethod, NewDestinationMessageBuilder,
};
use nlrs::ipvs::service::{DeleteServiceMessageBuilder, NewServiceMessageBuilder};
use nlrs::ipvs::{IPVS_FAMILY, IpvsService, Protocol};
use nlrs::netlink::socket::NlSocketType;
use nlrs::socket::NetlinkSocket;
use std::hint::black_box;
use std::net::{Ipv4Addr, SocketAddr};

/// The loop of four.
pub(crate) fn run(table: Table, Effort { rounds, .. }: Effort) -> Result<Sample> {
    single::prepare(table)?;
    let socket = NetlinkSocket::new_vectored(NlSocketType::NETLINK_GENERIC)?;
    let mut socket = GenericNetlinkSocket::from_netlink_socket(socket, IPVS_FAMILY.to_owned())?;
    let service_address = address(SERVICE);
    let key = black_box(IpvsService { service_address, protocol: Protocol::TCP });
    let server = black_box(address(DESTINATION));
    let failed = |what: &'static str| move |error| anyhow!("{what}: {error}");
    let start = Start::now()?;
    for _ in 0..rounds {
        let mut add: NewServiceMessageBuilder<'_, _> = socket.message_builder(key);
        add.sched_name = "wrr".to_owned();
        add.call().map_err(failed("add a service"))?;
        let mut add: NewDestinationMessageBuilder<'_, _> = socket.message_builder((key, server));
        add.set_forwarding_method(IpvsForwardMethod::Masquerade);
        add.call().map_err(failed("add a destination"))?;
        let delete: DelDestinationMessageBuilder<'_, _> = socket.message_builder((key, server));
        delete.call().map_err(failed("delete a destination"))?;
        let delete: DeleteServiceMessageBuilder<'_, _> = socket.message_builder(key);
        delete.call().map_err(failed("delete a service"))?;
    }
    start.end(rounds, None)
}

fn address((address, port): Place) -> SocketAddr {
    (Ipv4Addr::from(address), port).into()
}
