//! What concerns the whole table: timeouts, counters, version, flush.

use super::Client;
use crate::error::{Error, Failure, Operation, Subject};
use crate::transport::Transport;
use crate::{Change, Info, ServiceKey, Timeouts};
use ipvs_sys::{Body, Flush, GetConfig, GetInfo, InfoAttrs, Zero};

impl<T: Transport> Client<T> {
    /// Reads the connection timeouts.
    pub fn timeouts(&mut self) -> Result<Timeouts, Error> {
        self.read_timeouts()
            .map_err(|failure| Error::new(Operation::GetTimeouts, Subject::nothing(), failure))
    }

    pub(super) fn read_timeouts(&mut self) -> Result<Timeouts, Failure> {
        self.get(&GetConfig, |attrs| Ok(Body::parse(attrs)?.timeouts.into()))
    }

    /// Sets those connection timeouts that are `Some` and keeps the others.
    ///
    /// # Errors
    ///
    /// [`Rule::TimeoutRange`](crate::Rule::TimeoutRange).
    pub fn set_timeouts(&mut self, timeouts: &Timeouts) -> Result<(), Error> {
        self.change(&Change::SetTimeouts(*timeouts))
    }

    /// Reads version and size.
    pub fn info(&mut self) -> Result<Info, Error> {
        self.get(&GetInfo, |attrs| Ok(InfoAttrs::parse(attrs)?.into()))
            .map_err(|failure| Error::new(Operation::GetInfo, Subject::nothing(), failure))
    }

    /// Zeroes the counters and rates of a service and its destinations.
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`].
    pub fn zero_service(&mut self, key: &ServiceKey) -> Result<(), Error> {
        let octets = key.octets();
        self.ack(&Zero(Some(key.attrs(&octets))))
            .map_err(|failure| Error::new(Operation::Zero, Subject::key(key), failure))
    }

    /// Zeroes all counters and rates, the totals included.
    pub fn zero(&mut self) -> Result<(), Error> {
        self.ack(&Zero(None))
            .map_err(|failure| Error::new(Operation::Zero, Subject::nothing(), failure))
    }

    /// Deletes all services. Timeouts and sync daemons stay.
    ///
    /// Not the way to replace a table: every deleted destination stays on a
    /// list that each later add walks, for two to three minutes (`ip_vs_ctl.c:
    /// ip_vs_trash_get_dest`).
    pub fn flush(&mut self) -> Result<(), Error> {
        self.ack(&Flush)
            .map_err(|failure| Error::new(Operation::Flush, Subject::nothing(), failure))
    }
}
