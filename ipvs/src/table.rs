//! The virtual services that people want, with their destinations.

#[cfg(any(feature = "json", feature = "toml"))]
mod document;
mod draft;
mod error;
mod file;
mod ipvsadm;
#[cfg(feature = "json")]
mod json;
#[cfg(any(feature = "json", feature = "toml"))]
mod node;
#[cfg(feature = "toml")]
mod toml;

pub use error::{TableError, TableProblem};

use crate::{Destination, Endpoint, Service, ServiceKey, Snapshot, Timeouts};
use error::Object;
use std::collections::{BTreeMap, BTreeSet};

/// A table as it should be: services with their destinations, and timeouts.
///
/// It holds only what the kernel would balance by: each service, destination
/// and timeout is checked when it is added. Two tables are equal when they mean
/// the same and name it the same, in whatever order they were made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    services: BTreeMap<ServiceKey, TableService>,
    names: BTreeSet<String>,
    timeouts: Timeouts,
}

/// A service of a [`Table`] with its destinations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableService {
    service: Service,
    name: Option<String>,
    destinations: BTreeMap<Endpoint, Destination>,
}

impl Table {
    /// A table without services, that leaves the timeouts as they are.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a service without destinations.
    ///
    /// # Errors
    ///
    /// The [`Rule`](crate::Rule) that it breaks, or that there is one with its key.
    pub fn add_service(&mut self, service: Service) -> Result<(), TableError> {
        let key = service.key();
        let error = |problem| Err(TableError::new(Object::Service(Some(key)), problem));
        if let Err(rule) = service.check() {
            return error(TableProblem::Rule(rule));
        }
        if self.services.contains_key(&key) {
            return error(TableProblem::Duplicate { line: None });
        }
        let entry = TableService { service, name: None, destinations: BTreeMap::new() };
        self.services.insert(key, entry);
        Ok(())
    }

    /// Names a service, for people and exporters; the kernel does not see it.
    ///
    /// # Errors
    ///
    /// That there is no such service, or that another has the name.
    pub fn name_service(
        &mut self,
        key: &ServiceKey,
        name: impl Into<String>,
    ) -> Result<(), TableError> {
        let object = Object::Service(Some(*key));
        let Some(entry) = self.services.get_mut(key) else {
            return Err(TableError::new(object, TableProblem::NoSuchService));
        };
        let name = name.into();
        if entry.name.as_ref() == Some(&name) {
            return Ok(());
        }
        if !self.names.insert(name.clone()) {
            return Err(TableError::new(object, TableProblem::DuplicateName { name, line: None }));
        }
        if let Some(old) = entry.name.replace(name) {
            self.names.remove(&old);
        }
        Ok(())
    }

    /// Adds a destination to a service.
    ///
    /// # Errors
    ///
    /// That there is no such service, the [`Rule`](crate::Rule) that the
    /// destination breaks there, or that there is one with its endpoint.
    pub fn add_destination(
        &mut self,
        key: &ServiceKey,
        destination: Destination,
    ) -> Result<(), TableError> {
        let endpoint = destination.endpoint();
        let error = |problem| {
            Err(TableError::new(Object::Destination(Some(*key), Some(endpoint)), problem))
        };
        let Some(entry) = self.services.get_mut(key) else {
            return error(TableProblem::NoSuchService);
        };
        if let Err(rule) = destination.check(key) {
            return error(TableProblem::Rule(rule));
        }
        if entry.destinations.contains_key(&endpoint) {
            return error(TableProblem::Duplicate { line: None });
        }
        entry.destinations.insert(endpoint, destination);
        Ok(())
    }

    /// Sets the timeouts that are wanted; those that are `None` stay as they are.
    ///
    /// # Errors
    ///
    /// [`Rule::TimeoutRange`](crate::Rule::TimeoutRange).
    pub fn set_timeouts(&mut self, timeouts: Timeouts) -> Result<(), TableError> {
        timeouts
            .check()
            .map_err(|rule| TableError::new(Object::Timeouts, TableProblem::Rule(rule)))?;
        self.timeouts = timeouts;
        Ok(())
    }

    /// The services in the order of their keys.
    pub fn services(&self) -> impl DoubleEndedIterator<Item = &TableService> + ExactSizeIterator {
        self.services.values()
    }

    /// The service with this key.
    pub fn get(&self, key: &ServiceKey) -> Option<&TableService> {
        self.services.get(key)
    }

    /// The timeouts that are wanted.
    pub fn timeouts(&self) -> Timeouts {
        self.timeouts
    }

    /// What was written, if it reads as this table: a text that says something
    /// else is worse than none.
    fn verified(
        &self,
        text: String,
        read: fn(&str) -> Result<Self, TableError>,
    ) -> Result<String, TableError> {
        let read = read(&text).map_err(TableError::of_writing)?;
        for (wanted, got) in self.services().zip(read.services()) {
            if (wanted.service, &wanted.destinations) != (got.service, &got.destinations) {
                let object = Object::Service(Some(wanted.service.key()));
                let reason = "one of its flags or names has no text form".to_owned();
                return Err(TableError::new(object, TableProblem::NotExpressible { reason }));
            }
        }
        Ok(text)
    }
}

/// The table as it is, without names, to be written down.
impl TryFrom<&Snapshot> for Table {
    type Error = TableError;

    /// # Errors
    ///
    /// The first service or destination that breaks a rule: another tool can have
    /// put it there, and a table that is wanted has none such.
    fn try_from(snapshot: &Snapshot) -> Result<Self, TableError> {
        let mut table = Self::new();
        for found in snapshot.services() {
            let service = found.entry.service;
            table.add_service(service)?;
            for entry in found.destinations {
                table.add_destination(&service.key(), entry.destination)?;
            }
        }
        table.set_timeouts(snapshot.timeouts().unwrap_or_default())?;
        Ok(table)
    }
}

impl TableService {
    /// The service itself.
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// What people call it.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Its destinations in the order of their endpoints.
    pub fn destinations(
        &self,
    ) -> impl DoubleEndedIterator<Item = &Destination> + ExactSizeIterator {
        self.destinations.values()
    }

    /// The destination with this endpoint.
    pub fn get(&self, endpoint: Endpoint) -> Option<&Destination> {
        self.destinations.get(&endpoint)
    }
}
