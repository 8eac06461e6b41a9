//! Destinations of a service.

use super::{Client, Put};
use crate::error::{Error, ErrorKind, Failure, Operation, Subject};
use crate::transport::Transport;
use crate::{Change, Destination, DestinationEntry, Endpoint, Rule, ServiceKey, Weight};
use ipvs_sys::{Body, DestinationAttrs, GetDestination};

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
        self.change(&Change::AddDestination(*key, *destination))
    }

    /// Gives the destination of this address and port these parameters:
    /// weight, forwarding method, thresholds. Its connections and counters stay.
    ///
    /// # Errors
    ///
    /// A broken [`Rule`]; [`Error::is_not_found`] for the service or the destination.
    pub fn edit_destination(
        &mut self,
        key: &ServiceKey,
        destination: &Destination,
    ) -> Result<(), Error> {
        self.change(&Change::EditDestination(*key, *destination))
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
        self.put(
            |client| client.add_destination(key, destination),
            |client| client.edit_destination(key, destination),
            ErrorKind::NoSuchDestination,
        )
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
        let absent = Failure::Errno { errno: libc::ENOENT, text: None };
        let found = self.find_destination(key, endpoint).map_err(error)?;
        let before = found.ok_or(absent).map_err(error)?.destination;
        let after = edit(before);
        if after.endpoint() != endpoint {
            return Err(error(Failure::Rule(Rule::KeyKept)));
        }
        self.edit_found(key, &before, &after)?;
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
        self.change(&Change::DeleteDestination(*key, endpoint))
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
        self.find_destination(key, endpoint)
            .map_err(|failure| error(Operation::GetDestination, key, endpoint, failure))
    }

    /// Reads one destination; `None` if there is none, or no such service.
    pub(super) fn destination_if_any(
        &mut self,
        key: &ServiceKey,
        endpoint: Endpoint,
    ) -> Result<Option<DestinationEntry>, Error> {
        match self.destination(key, endpoint) {
            Err(error) if error.is_not_found() => Ok(None),
            found => found,
        }
    }

    /// Reads the destinations of a service, in no particular order.
    ///
    /// The kernel neither locks its table for this nor tells when it changes
    /// underneath: with other writers about, destinations can be missing or come
    /// twice, and the list of a service that goes meanwhile can end early.
    /// [`Client::snapshot_of`] is free of that.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] for the service.
    pub fn destinations(&mut self, key: &ServiceKey) -> Result<Vec<DestinationEntry>, Error> {
        let mut entries = Vec::with_capacity(IN_ONE_DATAGRAM);
        self.list_destinations(key, |attrs| {
            entries.push(DestinationEntry::try_from(attrs)?);
            Ok(())
        })
        .map_err(|failure| unlisted(key, failure))?;
        if entries.len() < IN_ONE_DATAGRAM / 2 {
            entries.shrink_to_fit();
        }
        Ok(entries)
    }

    /// Lends each destination as the kernel sent it, without copying; what is not
    /// asked for ([`DestinationAttrs::counters`]) is not read. See
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
        .map_err(|failure| unlisted(key, failure))
    }

    /// Edits a destination that was just read. It may break the rules that it
    /// broke before: another tool made it so.
    pub(crate) fn edit_found(
        &mut self,
        key: &ServiceKey,
        before: &Destination,
        after: &Destination,
    ) -> Result<(), Error> {
        self.checked_change(&Change::EditDestination(*key, *after), after.check_edit(key, before))
    }

    fn find_destination(
        &mut self,
        key: &ServiceKey,
        endpoint: Endpoint,
    ) -> Result<Option<DestinationEntry>, Failure> {
        let mut found = None;
        self.list_destinations(key, |attrs| {
            let entry = DestinationEntry::try_from(attrs)?;
            if entry.destination.endpoint() == endpoint {
                found = Some(entry);
            }
            Ok(())
        })?;
        Ok(found)
    }

    fn list_destinations(
        &mut self,
        key: &ServiceKey,
        mut each: impl FnMut(&DestinationAttrs<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let octets = key.octets();
        let list = GetDestination(key.attrs(&octets));
        let bytes = self.dump(&list, |attrs| match Body::destination(attrs)? {
            Some(destination) => each(&destination),
            None => Ok(()),
        })?;
        // Of a service that does not exist the kernel lists nothing, without an error.
        if bytes > 0 { Ok(()) } else { self.read_service(key).map(drop) }
    }
}

/// What the first datagram of a listing holds with a page of 4 KiB.
const IN_ONE_DATAGRAM: usize = 10;

fn error(operation: Operation, key: &ServiceKey, endpoint: Endpoint, failure: Failure) -> Error {
    Error::new(operation, Subject::destination(key, endpoint), failure)
}

fn unlisted(key: &ServiceKey, failure: Failure) -> Error {
    Error::new(Operation::ListDestinations, Subject::key(key), failure)
}
