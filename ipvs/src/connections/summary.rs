//! How many connections each destination has.

use super::{Connection, State};
use crate::{Endpoint, ServiceKey};
use std::collections::BTreeMap;

/// How many connections there are for each service and destination, by state.
///
/// It takes memory by services and destinations, not by connections. As the
/// keys are those of the connections, a service on every port has a part for
/// each port that was used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary(BTreeMap<(ServiceKey, Endpoint), Counts>);

/// The connections of one service to one destination.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// How many of each state; templates are not among them.
    pub states: BTreeMap<State, u64>,
    /// How many templates.
    pub templates: u64,
}

impl Summary {
    /// Counts a connection.
    pub fn add(&mut self, connection: &Connection) {
        let counts = self.0.entry((connection.service, connection.destination)).or_default();
        if connection.is_template() {
            counts.templates += 1;
        } else {
            *counts.states.entry(connection.state).or_default() += 1;
        }
    }

    /// The counts of each service and destination, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&ServiceKey, &Endpoint, &Counts)> {
        self.0.iter().map(|((service, destination), counts)| (service, destination, counts))
    }

    /// The counts of one service and destination, if they have any.
    pub fn get(&self, service: ServiceKey, destination: Endpoint) -> Option<&Counts> {
        self.0.get(&(service, destination))
    }
}

impl Counts {
    /// The connections of all states, without templates.
    pub fn connections(&self) -> u64 {
        self.states.values().sum()
    }
}

impl Extend<Connection> for Summary {
    fn extend<I: IntoIterator<Item = Connection>>(&mut self, connections: I) {
        connections.into_iter().for_each(|connection| self.add(&connection));
    }
}

impl FromIterator<Connection> for Summary {
    fn from_iter<I: IntoIterator<Item = Connection>>(connections: I) -> Self {
        let mut summary = Self::default();
        summary.extend(connections);
        summary
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connections::line::parse;

    #[test]
    fn connections_are_counted_by_state_and_templates_apart() {
        let summary: Summary = [
            "TCP C0000209 C350 0A000001 0050 C0A80001 1F90 ESTABLISHED     900",
            "TCP C0000209 C351 0A000001 0050 C0A80001 1F90 ESTABLISHED     900",
            "TCP C0000209 C352 0A000001 0050 C0A80001 1F90 FIN_WAIT        120",
            "TCP C0000209 0000 0A000001 0050 C0A80001 1F90 ASSURED         300",
            "TCP C0000209 C350 0A000001 0050 C0A80002 1F90 ESTABLISHED     900",
            "UDP C0000209 C350 0A000001 0050 C0A80001 1F90 UDP             300",
        ]
        .iter()
        .map(|line| parse(line.as_bytes()).unwrap())
        .collect();
        let service = "tcp 10.0.0.1:80".parse().unwrap();
        let server = "192.168.0.1:8080".parse().unwrap();
        let counts = summary.get(service, server).unwrap();
        assert_eq!(counts.states, [(State::Established, 2), (State::FinWait, 1)].into());
        assert_eq!((counts.templates, counts.connections()), (1, 3));
        let shown: Vec<String> = summary
            .iter()
            .map(|(service, to, counts)| format!("{service} {to} {}", counts.connections()))
            .collect();
        assert_eq!(
            shown,
            [
                "tcp 10.0.0.1:80 192.168.0.1:8080 3",
                "tcp 10.0.0.1:80 192.168.0.2:8080 1",
                "udp 10.0.0.1:80 192.168.0.1:8080 1"
            ]
        );
        assert_eq!(summary.get(service, "192.168.0.9:8080".parse().unwrap()), None);
    }
}
