//! Reading the table so that it is known not to have changed meanwhile.

use super::Client;
use super::listing::Digest;
use crate::error::{Error, Failure, Operation, Subject};
use crate::transport::Transport;
use crate::{DestinationEntry, ServiceEntry, ServiceKey, Snapshot};
use ipvs_sys::{Body, GetDestination, GetService};

/// How often a table that changes is read before that is given up.
const ATTEMPTS: usize = 8;

/// What a second look at the table gives.
enum SecondLook {
    /// Whether it is as it was read before.
    Verdict(bool),
    /// It was read once more: to be compared, and the first reading of the next
    /// attempt.
    Reading(Snapshot),
}

impl<T: Transport> Client<T> {
    /// Reads all services and destinations, as they were at one moment.
    ///
    /// The kernel lists services and the destinations of each one by one, while
    /// others change them, and does not tell (`ip_vs_ctl.c:
    /// ip_vs_genl_dump_services`). So after everything was read, a second look
    /// is taken, and what both agree on was there between the two: all services
    /// with all that they are, and of each destination address, port, forwarding
    /// method and weight. The second look at destinations is at the kernel's
    /// listing as text, which is several times cheaper; thresholds, tunnel kind
    /// and counters are not in it, and are those of the moment when their
    /// destination was read. Where that text is not there or differs, all is read
    /// twice and all is compared but what the kernel counts.
    ///
    /// If both looks differ, all is read again, up to eight times.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unstable`](crate::ErrorKind::Unstable) if the table never
    /// held still.
    pub fn snapshot(&mut self) -> Result<Snapshot, Error> {
        self.verified(false)
    }

    /// The same with timeouts and sync daemons.
    ///
    /// # Errors
    ///
    /// As [`Client::snapshot`].
    pub fn full_snapshot(&mut self) -> Result<Snapshot, Error> {
        self.verified(true)
    }

    /// Reads one service with its destinations, as they were at one moment: a
    /// snapshot of one service, or of none if there is none of this key. All is
    /// read twice and compared.
    ///
    /// # Errors
    ///
    /// As [`Client::snapshot`].
    pub fn snapshot_of(&mut self, key: &ServiceKey) -> Result<Snapshot, Error> {
        self.until_stable(Subject::key(key), |client| {
            let first = client.read_one(key)?;
            let second = client.read_one(key)?;
            Ok((!first.has_duplicates() && first.is_same_table(&second)).then_some(second))
        })
    }

    /// Reads the keys of all services, as they were at one moment, in order. The
    /// services are listed twice and compared.
    ///
    /// # Errors
    ///
    /// As [`Client::snapshot`].
    pub fn service_keys(&mut self) -> Result<Vec<ServiceKey>, Error> {
        self.until_stable(Subject::nothing(), |client| {
            let first = client.read_keys()?;
            let second = client.read_keys()?;
            let twice = first.windows(2).any(|pair| matches!(pair, [a, b] if a == b));
            Ok((!twice && first == second).then_some(second))
        })
    }

    fn verified(&mut self, full: bool) -> Result<Snapshot, Error> {
        let mut last = None;
        self.until_stable(Subject::nothing(), |client| {
            let first = match last.take() {
                Some(second) => second,
                None => client.read_all(full)?,
            };
            if first.has_duplicates() {
                return Ok(None);
            }
            let same = match client.look_again(&first, full)? {
                SecondLook::Verdict(same) => same,
                SecondLook::Reading(second) => {
                    let same = second.is_same_table(&first);
                    last = Some(second);
                    same
                }
            };
            Ok(same.then_some(first))
        })
    }

    fn look_again(&mut self, read: &Snapshot, full: bool) -> Result<SecondLook, Failure> {
        let listed = self.lane.transport.listing().map(Digest::read);
        if !listed.is_some_and(|listed| listed.is_ok_and(|listed| listed == Digest::of(read))) {
            // The text may lack what is there: before Linux 7.1 it skips ours for
            // each service of another namespace, once it is longer than a page
            // (`ip_vs_ctl.c: ip_vs_info_seq_next`).
            return Ok(SecondLook::Reading(self.read_all(full)?));
        }
        let services = self.read_services()?;
        let mut both = services.iter().zip(read.services());
        let same = services.len() == read.services().len()
            && both.all(|(now, read)| now.service == read.entry.service);
        if !same || !full {
            return Ok(SecondLook::Verdict(same));
        }
        let daemons = self.list_daemons()?;
        let same =
            read.daemons() == Some(&*daemons) && read.timeouts() == Some(self.read_timeouts()?);
        Ok(SecondLook::Verdict(same))
    }

    fn read_all(&mut self, full: bool) -> Result<Snapshot, Failure> {
        let mut snapshot = Snapshot::default();
        let mut destinations = Vec::new();
        for entry in self.read_services()? {
            self.read_destinations(&entry.service.key(), &mut destinations)?;
            snapshot.push(entry, destinations.drain(..));
        }
        snapshot.shrink();
        if full {
            snapshot.timeouts = Some(self.read_timeouts()?);
            snapshot.daemons = Some(self.list_daemons()?);
        }
        Ok(snapshot)
    }

    fn read_one(&mut self, key: &ServiceKey) -> Result<Snapshot, Failure> {
        let mut snapshot = Snapshot::default();
        match self.read_service(key) {
            Ok(entry) => {
                let mut destinations = Vec::new();
                self.read_destinations(key, &mut destinations)?;
                snapshot.push(entry, destinations);
            }
            Err(Failure::Errno { errno: libc::ESRCH, .. }) => {}
            Err(failure) => return Err(failure),
        }
        Ok(snapshot)
    }

    /// All services, in the order of their keys.
    fn read_services(&mut self) -> Result<Vec<ServiceEntry>, Failure> {
        let mut services: Vec<ServiceEntry> = Vec::new();
        self.wide_dump(&GetService(None), |attrs| {
            if let Some(service) = Body::service(attrs)? {
                services.push((&service).try_into()?);
            }
            Ok(())
        })?;
        services.sort_unstable_by_key(|entry| entry.service.key());
        Ok(services)
    }

    fn read_keys(&mut self) -> Result<Vec<ServiceKey>, Failure> {
        let mut keys = Vec::new();
        self.wide_dump(&GetService(None), |attrs| {
            if let Some(service) = Body::service(attrs)? {
                keys.push(ServiceKey::try_from(&service)?);
            }
            Ok(())
        })?;
        keys.sort_unstable();
        Ok(keys)
    }

    /// The destinations of a service; none if it does not exist.
    fn read_destinations(
        &mut self,
        key: &ServiceKey,
        destinations: &mut Vec<DestinationEntry>,
    ) -> Result<(), Failure> {
        let octets = key.octets();
        self.dump(&GetDestination(key.attrs(&octets)), |attrs| {
            if let Some(destination) = Body::destination(attrs)? {
                destinations.push((&destination).try_into()?);
            }
            Ok(())
        })
        .map(drop)
    }

    /// Reads until two looks agree, and gives up after a while.
    fn until_stable<R>(
        &mut self,
        subject: Subject,
        mut read: impl FnMut(&mut Self) -> Result<Option<R>, Failure>,
    ) -> Result<R, Error> {
        for _ in 0..ATTEMPTS {
            match read(self) {
                Ok(Some(stable)) => return Ok(stable),
                // The receive buffer has grown, if it was that.
                Ok(None) | Err(Failure::DumpInterrupted | Failure::Truncated { .. }) => {}
                Err(failure) => return Err(Error::new(Operation::TakeSnapshot, subject, failure)),
            }
        }
        let failure = Failure::Unstable { readings: ATTEMPTS };
        Err(Error::new(Operation::TakeSnapshot, subject, failure))
    }
}
