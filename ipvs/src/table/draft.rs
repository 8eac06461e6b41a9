//! A table while a text is read, which remembers what stands where.

use super::Table;
use super::error::{Object, TableError, TableProblem, line};
use crate::{Destination, Endpoint, Rule, Service, ServiceKey, Timeouts};
use std::collections::BTreeMap;

/// A table that is being read from `text`.
pub(crate) struct Draft<'a> {
    text: &'a str,
    table: Table,
    /// Where each was first given, as a byte of the text.
    found: BTreeMap<Found, usize>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Found {
    Timeouts,
    Service(ServiceKey),
    #[cfg(any(feature = "json", feature = "toml"))]
    Name(String),
    Destination(ServiceKey, Endpoint),
}

/// Where an object and its parts stand, as bytes of the text.
pub(crate) struct Places {
    pub(crate) object: usize,
    pub(crate) parts: Vec<(&'static str, usize)>,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, table: Table::new(), found: BTreeMap::new() }
    }

    pub(crate) fn service(&mut self, service: Service, places: &Places) -> Result<(), TableError> {
        let added = self.table.add_service(service);
        self.note(added, places, Found::Service(service.key()), "key")
    }

    /// Names a service; only documents do.
    #[cfg(any(feature = "json", feature = "toml"))]
    pub(crate) fn name(
        &mut self,
        key: &ServiceKey,
        name: &str,
        places: &Places,
    ) -> Result<(), TableError> {
        let named = self.table.name_service(key, name);
        self.note(named, places, Found::Name(name.to_owned()), "name")
    }

    pub(crate) fn destination(
        &mut self,
        key: &ServiceKey,
        destination: Destination,
        places: &Places,
    ) -> Result<(), TableError> {
        let added = self.table.add_destination(key, destination);
        self.note(added, places, Found::Destination(*key, destination.endpoint()), "endpoint")
    }

    pub(crate) fn timeouts(
        &mut self,
        timeouts: Timeouts,
        places: &Places,
    ) -> Result<(), TableError> {
        let set = match self.found.contains_key(&Found::Timeouts) {
            true => {
                let twice = TableProblem::Duplicate { line: None };
                Err(TableError::new(Object::Timeouts, twice))
            }
            false => self.table.set_timeouts(timeouts),
        };
        self.note(set, places, Found::Timeouts, "timeouts")
    }

    pub(crate) fn finish(self) -> Table {
        self.table
    }

    /// Remembers where something was given, or says where the error is.
    fn note(
        &mut self,
        done: Result<(), TableError>,
        places: &Places,
        found: Found,
        part: &'static str,
    ) -> Result<(), TableError> {
        let Err(mut error) = done else {
            self.found.insert(found, places.of(part));
            return Ok(());
        };
        let first = self.found.get(&found).map(|at| line(self.text, *at));
        let part = match error.problem_mut() {
            TableProblem::Duplicate { line } | TableProblem::DuplicateName { line, .. } => {
                *line = first;
                part
            }
            TableProblem::Rule(rule) => broken_part(rule),
            _ => "key",
        };
        Err(error.at(self.text, places.of(part)))
    }
}

impl Places {
    /// Where a part stands, or else the object.
    fn of(&self, part: &str) -> usize {
        let found = self.parts.iter().find(|(name, _)| *name == part);
        found.map_or(self.object, |(_, at)| *at)
    }
}

/// The part of a service, destination or of the timeouts that breaks a rule.
fn broken_part(rule: &Rule) -> &'static str {
    match rule {
        Rule::ProtocolScheduled { .. } | Rule::PortZeroPersistent => "key",
        Rule::OnePacketUdp { .. } => "one-packet",
        Rule::PersistenceTimeout { .. } => "timeout",
        Rule::NetmaskFamily { .. } => "netmask",
        Rule::SipUdp { .. } => "engine",
        Rule::AddressUnicast { .. } | Rule::MixedFamilyTunnel { .. } | Rule::PortKept { .. } => {
            "endpoint"
        }
        Rule::TimeoutRange { what: "tcp fin", .. } => "tcp-fin",
        Rule::TimeoutRange { what, .. } => what,
        // The others are those of a single value, which was read before.
        _ => "",
    }
}
