//! Which connections are meant.

use super::{Connection, State};
use crate::{Endpoint, Protocol, ServiceKey};
use std::net::IpAddr;

/// Which connections are meant: those that match every part that is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// The protocol, and the virtual address and port. Port 0 is every port.
    ///
    /// A firewall mark matches templates only: connections do not show by which
    /// service they came.
    pub service: Option<ServiceKey>,
    /// The client's address, whatever its port.
    pub client: Option<IpAddr>,
    /// The real server. Port 0 is every port.
    pub destination: Option<Endpoint>,
    /// The protocol. Templates of services by firewall mark have none.
    pub protocol: Option<Protocol>,
    /// The state.
    pub state: Option<State>,
    /// `true` for templates only, `false` for connections only.
    pub template: Option<bool>,
}

impl Filter {
    /// Whether a connection is meant.
    pub fn matches(&self, connection: &Connection) -> bool {
        self.service.is_none_or(|wanted| same_service(wanted, connection.service))
            && self.client.is_none_or(|wanted| wanted == connection.client.address)
            && self.destination.is_none_or(|wanted| covers(wanted, connection.destination))
            && self.protocol.is_none_or(|wanted| connection.protocol() == Some(wanted))
            && self.state.is_none_or(|wanted| wanted == connection.state)
            && self.template.is_none_or(|wanted| wanted == connection.is_template())
    }
}

fn same_service(wanted: ServiceKey, found: ServiceKey) -> bool {
    match (wanted, found) {
        (
            ServiceKey::Address { protocol, endpoint },
            ServiceKey::Address { protocol: found_protocol, endpoint: found_endpoint },
        ) => protocol == found_protocol && covers(endpoint, found_endpoint),
        _ => wanted == found,
    }
}

fn covers(wanted: Endpoint, found: Endpoint) -> bool {
    wanted.address == found.address && (wanted.port == 0 || wanted.port == found.port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connections::line::parse;

    /// Which of a TCP connection, its template, a UDP connection over a tunnel
    /// to IPv6, and the template of a firewall mark match.
    fn matching(filter: Filter) -> [bool; 4] {
        [
            "TCP C0000209 C350 0A000001 0050 C0A80001 1F90 ESTABLISHED     900",
            "TCP C0000200 0000 0A000001 0050 C0A80001 1F90 ASSURED         300",
            "UDP C0000209 C351 0A000001 0035 fd00:0000:0000:0000:0000:0000:0000:0001 0035 UDP   9",
            "IP  C0000209 0000 00000007 0000 C0A80001 0000 NONE            300",
        ]
        .map(|line| filter.matches(&parse(line.as_bytes()).unwrap()))
    }

    fn service(key: &str) -> Filter {
        Filter { service: Some(key.parse().unwrap()), ..Filter::default() }
    }

    fn destination(endpoint: &str) -> Filter {
        Filter { destination: Some(endpoint.parse().unwrap()), ..Filter::default() }
    }

    #[test]
    fn every_part_that_is_there_must_match() {
        assert_eq!(matching(Filter::default()), [true; 4]);
        assert_eq!(matching(service("tcp 10.0.0.1:80")), [true, true, false, false]);
        assert_eq!(matching(service("tcp 10.0.0.1:0")), [true, true, false, false]);
        assert_eq!(matching(service("udp 10.0.0.1")), [false, false, true, false]);
        assert_eq!(matching(service("tcp 10.0.0.1:81")), [false; 4]);
        assert_eq!(matching(service("fwmark 7")), [false, false, false, true]);
        assert_eq!(matching(service("fwmark 7 ipv6")), [false; 4]);
        assert_eq!(matching(destination("192.168.0.1:8080")), [true, true, false, false]);
        assert_eq!(matching(destination("192.168.0.1")), [true, true, false, true]);
        assert_eq!(matching(destination("[fd00::1]:53")), [false, false, true, false]);
        let client = Some(IpAddr::from([192, 0, 2, 9]));
        assert_eq!(matching(Filter { client, ..Filter::default() }), [true, false, true, true]);
        let protocol = Some(Protocol::UDP);
        assert_eq!(matching(Filter { protocol, ..Filter::default() }), [false, false, true, false]);
        let state = Some(State::Assured);
        assert_eq!(matching(Filter { state, ..Filter::default() }), [false, true, false, false]);
        let only = |template| Filter { template: Some(template), ..Filter::default() };
        assert_eq!(matching(only(true)), [false, true, false, true]);
        assert_eq!(matching(only(false)), [true, false, true, false]);
        let both = Filter { template: Some(false), ..service("tcp 10.0.0.1:80") };
        assert_eq!(matching(both), [true, false, false, false]);
    }
}
