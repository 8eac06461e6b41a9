//! The connections that came last, of a director that hands over.

use super::destinations::Destinations;
use super::error::Error;
use super::injector::Injector;
use super::receiver::hear;
use crate::peer::{LeftOut, Pipe};
use crate::proto::Connection;
use ipvs::{Client, Role};
use std::fmt;
use std::time::{Duration, Instant};

/// What became of the connections that were too young to be known to the director that
/// takes over. It displays as `4 young connections taken`, and what became of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Recent {
    /// How many were given to the backup daemon.
    pub taken: u64,
    /// How many have no service or destination here.
    pub without_destination: u64,
    /// How many the other director could not tell.
    pub left_out: LeftOut,
}

/// How long it may take from the word to take over until its answer, for both sides.
pub(crate) const EXCHANGE: Duration = Duration::from_secs(20);

/// Takes them, until their end has come. What cannot be given to the backup daemon of the
/// calling thread's network namespace is heard all the same.
pub(crate) fn take_recent(pipe: &mut Pipe) -> Result<Recent, Error> {
    pipe.limit(Instant::now() + EXCHANGE);
    let mut recent = Recent::default();
    let mut taker = Taker::open();
    let (_, left_out) = hear(pipe, |_, connection| {
        let (Some(connection), Ok(open)) = (connection, &mut taker) else { return Ok(()) };
        if let Err(error) = open.take(connection, &mut recent) {
            taker = Err(error);
        }
        Ok(())
    })?;
    taker?.finish()?;
    Ok(Recent { left_out, ..recent })
}

/// What gives them to the kernel.
struct Taker {
    client: Client,
    injector: Injector,
    destinations: Destinations,
}

impl Taker {
    fn open() -> Result<Self, Error> {
        let mut client = Client::connect()?;
        let injector = Injector::open(&client.daemons()?)?;
        let destinations = Destinations::new(client.snapshot()?);
        Ok(Self { client, injector, destinations })
    }

    fn take(&mut self, connection: Connection<'_>, recent: &mut Recent) -> Result<(), Error> {
        match self.destinations.bound(connection) {
            Some(bound) if self.injector.give(&bound)? => recent.taken += 1,
            Some(_) => {}
            None => recent.without_destination += 1,
        }
        Ok(())
    }

    /// What was sent was taken only if the daemon is still there: it is stopped where the
    /// router is active by then.
    fn finish(mut self) -> Result<(), Error> {
        self.injector.finish()?;
        let daemons = self.client.daemons()?;
        match daemons.iter().any(|daemon| daemon.role == Role::Backup) {
            true => Ok(()),
            false => Err(Error::NoBackup),
        }
    }
}

impl fmt::Display for Recent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} young connections taken", self.taken)?;
        for (count, what) in [
            (self.without_destination, "without a destination here"),
            (self.left_out.total(), "that cannot be told"),
        ] {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        Ok(())
    }
}
