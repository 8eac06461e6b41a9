//! The side of the joining director.

use super::destinations::Destinations;
use super::error::Error;
use super::injector::Injector;
use super::present::Present;
use super::report::{Progress, Report};
use super::shifted::Shifted;
use super::told::Told;
use crate::peer::{self, GREETING, Key, LeftOut, Message, Pipe, Refused};
use crate::proto::Connection;
use ipvs::transport::Transport;
use ipvs::{Client, connections};
use std::net::{IpAddr, TcpStream};
use std::time::{Duration, Instant};

/// Fetches the connection table of the active director, and puts it into the kernel's.
#[derive(Clone, Debug)]
pub struct Receiver {
    key: Key,
    /// How many connections of the active director's table have been taken.
    position: u64,
}

/// How often the table is read at most: once to take all, then to see what is missing.
const PASSES: u32 = 5;

/// How long the active director may be silent.
const PATIENCE: Duration = Duration::from_secs(60);

impl Receiver {
    /// One that fetches with this key.
    pub fn new(key: Key) -> Self {
        Self { key, position: 0 }
    }

    /// Fetches the table over a stream to the active director, in the calling thread and
    /// until all is here. `client` is that of the calling thread's network namespace, where
    /// a backup daemon runs and the services and destinations are.
    ///
    /// The first time that the table is read, all of it is given to the backup daemon but
    /// connections of FTP; after that what is missing, until nothing is or it was read five
    /// times. After an error, with another stream it goes on where it was.
    ///
    /// `active` says which virtual addresses are active here. Their connections are known here
    /// better than there: of those only what is missing is taken, where anything else is brought
    /// to what the other says. It is asked again and again, since it may change meanwhile.
    ///
    /// It takes 2 MiB and the memory of services and destinations, whatever the number of
    /// connections.
    ///
    /// # Errors
    /// [`Error`]. What was taken until then stays. [`Error::Missing`] if after the last time
    /// more is missing than is there; [`Error::NoDestination`] at the first connection if no
    /// service here has a destination.
    pub fn run<T: Transport>(
        &mut self,
        stream: TcpStream,
        client: &mut Client<T>,
        active: impl Fn() -> Vec<IpAddr>,
        mut progress: impl FnMut(Progress),
    ) -> Result<Report, Error> {
        let mut injector = Injector::open(&client.daemons()?)?;
        let destinations = Destinations::new(client.snapshot()?);
        let shifted = Shifted::here();
        let mut pipe = Pipe::asking(stream, &self.key, Instant::now() + GREETING)?;
        let mut report = Report::default();
        let mut most_unshifted = 0;
        for pass in 1..=PASSES {
            let is_first = pass == 1;
            let mut own = active();
            let mut here = None;
            if !is_first {
                here = Some(Present::read(connections::open()?, &own, || {
                    Ok(pipe.send(&Message::Reading, Instant::now() + PATIENCE)?)
                })?);
            }
            let skip = if is_first { self.position } else { 0 };
            pipe.send(&Message::Table { skip }, Instant::now() + PATIENCE)?;
            if is_first && !own.is_empty() {
                // While the other one reads its own.
                here = Some(Present::read(connections::open()?, &own, || Ok(()))?);
            }
            report = Report { passes: pass, ..Report::default() };
            let mut given = 0;
            let (total, left_out) = hear(&mut pipe, |read, connection| {
                let Some(connection) = connection else {
                    if is_first {
                        // What is not sent yet would be passed over after an error.
                        injector.finish()?;
                        // What is passed over counts from the beginning.
                        self.position = read.max(self.position);
                    }
                    progress(Progress { read, given, pass });
                    own = active();
                    return Ok(());
                };
                let Some(bound) = destinations.bound(connection) else {
                    if destinations.are_none() {
                        return Err(Error::NoDestination);
                    }
                    report.without_destination += 1;
                    return Ok(());
                };
                let is_own = own.contains(&bound.service.address);
                let is_known = match &here {
                    Some(here) => (is_own || !is_first) && here.has(&bound),
                    // It became active meanwhile: the next pass sees.
                    None => is_own,
                };
                let may_be_shifted = shifted.may_be(&bound) && destinations.masquerade(&bound);
                if is_known {
                    report.synced += 1;
                } else if is_first && may_be_shifted {
                    // It is given only when it is known to be missing.
                } else if injector.give(&bound)? {
                    given += 1;
                    report.unshifted += u64::from(may_be_shifted);
                }
                Ok(())
            })?;
            injector.finish()?;
            most_unshifted = report.unshifted.max(most_unshifted);
            (report.total, report.left_out) = (total, left_out);
            if !is_first && report.is_complete() {
                break;
            }
        }
        self.position = 0;
        pipe.send(&Message::Thanks, Instant::now() + PATIENCE)?;
        report.unshifted = most_unshifted;
        // Some may have come or changed since, but not most.
        if report.missing() > report.synced {
            return Err(Error::Missing(report));
        }
        Ok(report)
    }
}

/// Hears connections until their end. `take` is told each, and after those of a message
/// how many the active director has read.
pub(crate) fn hear(
    pipe: &mut Pipe,
    mut take: impl FnMut(u64, Option<Connection<'_>>) -> Result<(), Error>,
) -> Result<(u64, LeftOut), Error> {
    let mut told = Told::default();
    loop {
        let bytes = pipe.receive(Instant::now() + PATIENCE)?;
        if let Ok(Message::Declined { reason }) = Message::read(bytes) {
            return Err(peer::Error::declined(reason).into());
        }
        let message = told.hear(bytes)?;
        if let Some(left_out) = told.end() {
            return Ok((told.read(), left_out));
        }
        for connection in message.iter().flat_map(|message| message.connections()) {
            let connection = connection.map_err(Refused::Datagram)?;
            // The kernel would drop it; the active director does not send such.
            connection.check().map_err(Refused::Datagram)?;
            take(told.read(), Some(connection))?;
        }
        take(told.read(), None)?;
    }
}
