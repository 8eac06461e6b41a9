//! Virtual services.

use super::{Client, Put};
use crate::error::{Error, ErrorKind, Failure, Operation, Subject};
use crate::key::required;
use crate::transport::Transport;
use crate::{Change, Rule, Service, ServiceEntry, ServiceKey};
use ipvs_sys::{Body, GetService, ServiceAttrs};

impl<T: Transport> Client<T> {
    /// Adds a service.
    ///
    /// The first service of an address family in a network namespace makes the
    /// kernel hook into its packet path, which takes milliseconds, and the last
    /// one to go takes the hooks out: add new services before old ones go.
    ///
    /// # Errors
    ///
    /// A broken [`Rule`]; [`Error::is_already_exists`];
    /// [`ErrorKind::NoSuchScheduler`], after the kernel looked for a module.
    pub fn add_service(&mut self, service: &Service) -> Result<(), Error> {
        self.change(&Change::AddService(*service))
    }

    /// Gives the service of this key these parameters: scheduler and flags,
    /// persistence, one-packet scheduling. Its destinations, connections and
    /// counters stay.
    ///
    /// Another scheduler than before costs the kernel tens of milliseconds
    /// (`ip_vs_ctl.c: ip_vs_edit_service` waits for all readers).
    ///
    /// # Errors
    ///
    /// A broken [`Rule`]; [`Error::is_not_found`]; [`ErrorKind::NoSuchScheduler`].
    pub fn edit_service(&mut self, service: &Service) -> Result<(), Error> {
        self.change(&Change::EditService(*service))
    }

    /// Adds the service, or edits it if it exists.
    ///
    /// # Errors
    ///
    /// A broken [`Rule`]; [`ErrorKind::NoSuchScheduler`].
    pub fn put_service(&mut self, service: &Service) -> Result<Put, Error> {
        self.put(
            |client| client.add_service(service),
            |client| client.edit_service(service),
            ErrorKind::NoSuchService,
        )
    }

    /// Reads the service, lets `edit` change it, and writes it back: what the
    /// edit does not name stays as it is. Returns what was written.
    ///
    /// Between reading and writing another process can change the service too.
    ///
    /// # Errors
    ///
    /// A [`Rule`] that the edit breaks; [`Error::is_not_found`].
    pub fn update_service(
        &mut self,
        key: &ServiceKey,
        edit: impl FnOnce(Service) -> Service,
    ) -> Result<Service, Error> {
        let error = |failure| Error::new(Operation::EditService, Subject::key(key), failure);
        let before = self.read_service(key).map_err(error)?.service;
        let after = edit(before);
        if after.key() != *key {
            return Err(error(Failure::Rule(Rule::KeyKept)));
        }
        self.checked_change(&Change::EditService(after), after.check_edit(&before))?;
        Ok(after)
    }

    /// Deletes a service with its destinations. Their connections stay until
    /// they time out; their packets are dropped.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub fn delete_service(&mut self, key: &ServiceKey) -> Result<(), Error> {
        self.change(&Change::DeleteService(*key))
    }

    /// Reads one service; `None` if there is none of this key.
    pub fn service(&mut self, key: &ServiceKey) -> Result<Option<ServiceEntry>, Error> {
        match self.read_service(key) {
            Ok(entry) => Ok(Some(entry)),
            Err(Failure::Errno { errno: libc::ESRCH, .. }) => Ok(None),
            Err(failure) => Err(Error::new(Operation::GetService, Subject::key(key), failure)),
        }
    }

    /// Reads all services, in no particular order.
    ///
    /// The kernel neither locks its table for this nor tells when it changes
    /// underneath: with other writers about, services can be missing or come twice.
    pub fn services(&mut self) -> Result<Vec<ServiceEntry>, Error> {
        let mut entries = Vec::new();
        self.list_services(|attrs| {
            entries.push(ServiceEntry::try_from(attrs)?);
            Ok(())
        })?;
        Ok(entries)
    }

    /// Lends each service as the kernel sent it, without copying; what is not asked
    /// for ([`ServiceAttrs::counters`]) is not read. See [`Client::services`].
    pub fn for_each_service(
        &mut self,
        mut each: impl FnMut(&ServiceAttrs<'_>),
    ) -> Result<(), Error> {
        self.list_services(|attrs| {
            each(attrs);
            Ok(())
        })
    }

    fn list_services(
        &mut self,
        mut each: impl FnMut(&ServiceAttrs<'_>) -> Result<(), Failure>,
    ) -> Result<(), Error> {
        self.wide_dump(&GetService(None), |attrs| match Body::service(attrs)? {
            Some(service) => each(&service),
            None => Ok(()),
        })
        .map(drop)
        .map_err(|failure| Error::new(Operation::ListServices, Subject::nothing(), failure))
    }

    pub(super) fn read_service(&mut self, key: &ServiceKey) -> Result<ServiceEntry, Failure> {
        let octets = key.octets();
        self.get(&GetService(Some(key.attrs(&octets))), |attrs| {
            let service = required(Body::service(attrs)?, "service")?;
            Ok(ServiceEntry::try_from(&service)?)
        })
    }
}
