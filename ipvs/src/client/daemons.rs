//! The kernel's connection-sync daemons.

use super::Client;
use crate::error::{Error, Failure, Operation, Subject};
use crate::transport::Transport;
use crate::{Role, SyncDaemon};
use ipvs_sys::{Body, DaemonAttrs, DelDaemon, GetDaemon, NewDaemon};

impl<T: Transport> Client<T> {
    /// Starts a sync daemon. To change the parameters of one, stop it first.
    ///
    /// # Errors
    ///
    /// A broken [`Rule`](crate::Rule); [`Error::is_already_exists`] if one of its
    /// role runs; [`ErrorKind::NoSuchInterface`](crate::ErrorKind::NoSuchInterface); a refusal if a
    /// service has destinations of another address family, which the sync
    /// protocol cannot express, or if the interface has no address.
    pub fn start_daemon(&mut self, daemon: &SyncDaemon) -> Result<(), Error> {
        self.checked_ack(daemon.check(), &NewDaemon(daemon.attrs()))
            .map_err(|failure| Error::new(Operation::StartDaemon, Subject::daemon(daemon), failure))
    }

    /// Stops a sync daemon.
    ///
    /// Connections that a master has queued and not sent are lost
    /// (`ip_vs_sync.c: stop_sync_thread`).
    ///
    /// # Errors
    ///
    /// [`Error::is_not_found`] if none of this role runs.
    pub fn stop_daemon(&mut self, role: Role) -> Result<(), Error> {
        let error = |failure| Error::new(Operation::StopDaemon, Subject::role(role), failure);
        let attrs = DaemonAttrs { state: Some(role.number()), ..DaemonAttrs::default() };
        match self.ack(&DelDaemon(attrs)) {
            // A thread of the kernel that was stopped before it first ran makes
            // the handler return EINTR, which netlink does not send on. The
            // daemon is gone; see for ourselves.
            Err(Failure::NoAnswer) => {
                let left = self.list_daemons().map_err(error)?;
                if left.iter().any(|daemon| daemon.role == role) {
                    return Err(error(Failure::NoAnswer));
                }
                Ok(())
            }
            result => result.map_err(error),
        }
    }

    /// Reads the sync daemons that run, with the parameters in effect.
    pub fn daemons(&mut self) -> Result<Vec<SyncDaemon>, Error> {
        self.list_daemons()
            .map_err(|failure| Error::new(Operation::ListDaemons, Subject::nothing(), failure))
    }

    pub(super) fn list_daemons(&mut self) -> Result<Vec<SyncDaemon>, Failure> {
        let mut daemons = Vec::new();
        self.dump(&GetDaemon, |attrs| {
            if let Some(daemon) = Body::parse(attrs)?.daemon {
                daemons.push(SyncDaemon::try_from(&daemon)?);
            }
            Ok(())
        })?;
        Ok(daemons)
    }
}
