//! Destinations of a service.

use super::{Client, Put};
use crate::destination::key_attrs;
use crate::error::{Error, ErrorKind, Failure, Operation, Subject};
use crate::transport::Transport;
use crate::{Destination, DestinationEntry, Endpoint, Rule, ServiceKey, Weight};
use ipvs_sys::{
    Body, DelDestination, DestinationAttrs, GetDestination, NewDestination, SetDestination,
};

impl<T: Transport> Client<T> {
    /// Adds a destination to a service.
    ///
    /// # Errors
    ///
    /// A broken [`Rule`]; [`Error::is_already_exists`]; [`Error::is_not_found`]
    /// for the service.
    pub fn add_destination(
        &mut self,
        key: &ServiceKey,
        destination: &Destination,
    ) -> Result<(), Error> {
        let (vip, rip) = (key.octets(), destination.endpoint().octets());
        let sent = destination.check(key).map_err(Failure::from);
        sent.and_then(|()| {
            self.ack(&NewDestination {
                service: Some(key.attrs(&vip)),
                destination: destination.attrs(&rip),
            })
        })
        .map_err(|failure| error(Operation::AddDestination, key, destination.endpoint(), failure))
    }

    /// Gives the destination of this address and port these parameters:
    /// weight, forwarding method, thresholds. Its connections and counters stay.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] for the service or the destination.
    pub fn edit_destination(
        &mut self,
        key: &ServiceKey,
        destination: &Destination,
    ) -> Result<(), Error> {
        let (vip, rip) = (key.octets(), destination.endpoint().octets());
        self.ack(&SetDestination { service: key.attrs(&vip), destination: destination.attrs(&rip) })
            .map_err(|failure| {
                error(Operation::EditDestination, key, destination.endpoint(), failure)
            })
    }

    /// Adds the destination, or edits it if it exists.
    ///
    /// # Errors
    ///
    /// A broken [`Rule`]; [`Error::is_not_found`] for the service.
    pub fn put_destination(
        &mut self,
        key: &ServiceKey,
        destination: &Destination,
    ) -> Result<Put, Error> {
        // Others may add and delete it in between; they do not do so for ever.
        loop {
            match self.edit_destination(key, destination) {
                Ok(()) => return Ok(Put::Edited),
                Err(error) if error.kind() == ErrorKind::NoSuchDestination => {}
                Err(error) => return Err(error),
            }
            match self.add_destination(key, destination) {
                Ok(()) => return Ok(Put::Added),
                Err(error) if error.is_already_exists() => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads the destination, lets `edit` change it, and writes it back: what
    /// the edit does not name stays as it is. Returns what was written.
    ///
    /// The kernel can list the destinations of a service but not look one up,
    /// so all are read. Between reading and writing another process can change
    /// the destination too.
    ///
    /// # Errors
    ///
    /// A [`Rule`] that the edit breaks; [`Error::is_not_found`].
    pub fn update_destination(
        &mut self,
        key: &ServiceKey,
        endpoint: Endpoint,
        edit: impl FnOnce(Destination) -> Destination,
    ) -> Result<Destination, Error> {
        let error = |failure| error(Operation::EditDestination, key, endpoint, failure);
        let Some(found) = self.destination(key, endpoint)? else {
            return Err(error(Failure::Errno { errno: libc::ENOENT, text: None }));
        };
        let after = edit(found.destination);
        if after.endpoint() != endpoint {
            return Err(error(Failure::Rule(Rule::KeyKept)));
        }
        self.edit_destination(key, &after)?;
        Ok(after)
    }

    /// Gives a destination another weight and leaves all else as it is.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub fn set_weight(
        &mut self,
        key: &ServiceKey,
        endpoint: Endpoint,
        weight: Weight,
    ) -> Result<(), Error> {
        self.update_destination(key, endpoint, |found| found.with_weight(weight)).map(drop)
    }

    /// Deletes a destination. Its connections stay until they time out; their
    /// packets are dropped. To let them end, give it weight 0 first and wait.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] for the service or the destination.
    pub fn delete_destination(
        &mut self,
        key: &ServiceKey,
        endpoint: Endpoint,
    ) -> Result<(), Error> {
        let (vip, rip) = (key.octets(), endpoint.octets());
        self.ack(&DelDestination {
            service: key.attrs(&vip),
            destination: key_attrs(endpoint, &rip),
        })
        .map_err(|failure| error(Operation::DeleteDestination, key, endpoint, failure))
    }

    /// Reads one destination; `None` if the service has none of this address and port.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] for the service.
    pub fn destination(
        &mut self,
        key: &ServiceKey,
        endpoint: Endpoint,
    ) -> Result<Option<DestinationEntry>, Error> {
        let entries = self.destinations(key)?;
        Ok(entries.into_iter().find(|entry| entry.destination.endpoint() == endpoint))
    }

    /// Reads the destinations of a service, in no particular order.
    ///
    /// The kernel neither locks its table for this nor tells when it changes
    /// underneath: with other writers about, destinations can be missing or come twice.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] for the service.
    pub fn destinations(&mut self, key: &ServiceKey) -> Result<Vec<DestinationEntry>, Error> {
        let mut entries = Vec::new();
        self.list_destinations(key, |attrs| {
            entries.push(DestinationEntry::from_attrs(attrs, key.family())?);
            Ok(())
        })?;
        Ok(entries)
    }

    /// Lends each destination as the kernel sent it, without copying. See
    /// [`Client::destinations`].
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] for the service.
    pub fn for_each_destination(
        &mut self,
        key: &ServiceKey,
        mut each: impl FnMut(&DestinationAttrs<'_>),
    ) -> Result<(), Error> {
        self.list_destinations(key, |attrs| {
            each(attrs);
            Ok(())
        })
    }

    fn list_destinations(
        &mut self,
        key: &ServiceKey,
        mut each: impl FnMut(&DestinationAttrs<'_>) -> Result<(), Failure>,
    ) -> Result<(), Error> {
        let octets = key.octets();
        let mut none = true;
        self.dump(&GetDestination(key.attrs(&octets)), |attrs| {
            none = false;
            match Body::parse(attrs)?.destination {
                Some(destination) => each(&destination),
                None => Ok(()),
            }
        })
        // Of a service that does not exist the kernel lists nothing, without an error.
        .and_then(|()| if none { self.read_service(key).map(drop) } else { Ok(()) })
        .map_err(|failure| Error::new(Operation::ListDestinations, Subject::key(key), failure))
    }
}

fn error(operation: Operation, key: &ServiceKey, endpoint: Endpoint, failure: Failure) -> Error {
    Error::new(operation, Subject::destination(key, endpoint), failure)
}
