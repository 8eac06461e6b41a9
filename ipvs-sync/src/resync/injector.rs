//! Giving connections to the kernel's backup daemon, no faster than it takes them.

use super::error::Error;
use crate::net::{ErrorKind, Reach, Rtnetlink, SyncSender};
use crate::proto::{self, Connection, Datagram, Version};
use ipvs::{Family, Role, SyncDaemon};
use std::fmt;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::IpAddr;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Sends sync messages to the backup daemon of this host.
///
/// What does not fit the receive queue of its socket the kernel drops without a word. So
/// only as much is sent as any queue takes, and then the queue is looked at until it is
/// empty: procfs shows how much is in it.
pub(super) struct Injector {
    sender: SyncSender,
    datagram: Datagram,
    family: Family,
    port: u16,
    sent: u32,
}

/// How many datagrams are sent before the queue is looked at: of 1,472 bytes each takes
/// about 2,300 of a queue that has 212,992 by default and at least 2,304 of them.
const BURST: u32 = 16;

/// How long the daemon may take for a burst.
const PATIENCE: Duration = Duration::from_secs(10);

impl Injector {
    /// For the backup daemon among these.
    pub(super) fn open(daemons: &[SyncDaemon]) -> Result<Self, Error> {
        let backup = daemons.iter().find(|daemon| daemon.role == Role::Backup);
        let backup = backup.ok_or(Error::NoBackup)?;
        let interface = Rtnetlink::open()?.interface(backup.interface)?;
        let group = backup.group.unwrap_or(IpAddr::V4(proto::GROUP));
        let port = backup.port.unwrap_or(proto::PORT);
        let sender = SyncSender::open(&interface, group, port, Reach::ThisHost)?;
        let family = Family::of(group);
        let whole = match family {
            Family::V4 => 1472,
            Family::V6 => 1452,
        };
        // More would be sent in fragments, and a daemon with a shorter longest takes none.
        let max = backup.max_len.map_or(whole, |max| max.min(whole));
        // The kernel compares eight bits of the id, of which it may have more.
        let [.., id] = backup.id.to_be_bytes();
        let datagram = Datagram::new(Version::V1, id, max);
        Ok(Self { sender, datagram, family, port, sent: 0 })
    }

    /// Puts a connection into the next datagram, and sends that if it is full. Whether it
    /// can be told at all.
    pub(super) fn give(&mut self, connection: &Connection<'_>) -> Result<bool, Error> {
        match self.datagram.push(connection) {
            Ok(true) => Ok(true),
            Ok(false) => {
                self.send()?;
                Ok(self.datagram.push(connection) == Ok(true))
            }
            Err(_) => Ok(false),
        }
    }

    /// Sends what is left, and waits until the daemon has taken all.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        if self.datagram.count() > 0 {
            self.send()?;
        }
        self.wait()
    }

    fn send(&mut self) -> Result<(), Error> {
        if self.sent >= BURST {
            self.wait()?;
        }
        let by = Instant::now() + PATIENCE;
        while let Err(error) = self.sender.send(self.datagram.as_bytes()) {
            if error.kind() != ErrorKind::Busy || Instant::now() >= by {
                return Err(error.into());
            }
            sleep(PAUSE);
        }
        self.sent += 1;
        self.datagram.clear();
        Ok(())
    }

    fn wait(&mut self) -> Result<(), Error> {
        self.sent = 0;
        let by = Instant::now() + PATIENCE;
        while queued(self.family, self.port)? > 0 {
            if Instant::now() >= by {
                return Err(Error::Stalled);
            }
            sleep(PAUSE);
        }
        Ok(())
    }
}

const PAUSE: Duration = Duration::from_micros(500);

/// How many bytes wait in the fullest receive queue of the sockets of a port. The daemon's
/// is not told from others of the port, which are few and empty theirs too.
fn queued(family: Family, port: u16) -> Result<u64, Error> {
    let path = match family {
        Family::V4 => "/proc/thread-self/net/udp",
        Family::V6 => "/proc/thread-self/net/udp6",
    };
    let mut most = 0;
    for line in BufReader::new(File::open(path).map_err(Error::Queue)?).lines() {
        if let Some((_, queued)) =
            socket(&line.map_err(Error::Queue)?).filter(|(found, _)| *found == port)
        {
            most = queued.max(most);
        }
    }
    Ok(most)
}

/// The port and the bytes in the receive queue of a line (`udp.c: udp4_format_sock`).
fn socket(line: &str) -> Option<(u16, u64)> {
    let mut fields = line.split_ascii_whitespace();
    let port = fields.nth(1)?.rsplit(':').next()?;
    let queued = fields.nth(2)?.rsplit(':').next()?;
    Some((u16::from_str_radix(port, 16).ok()?, u64::from_str_radix(queued, 16).ok()?))
}

impl fmt::Debug for Injector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Injector({:?})", self.sender)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queue_of_a_socket_is_read_as_procfs_shows_it() {
        let title = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when \
                     retrnsmt   uid  timeout inode ref pointer drops";
        assert_eq!(socket(title), None);
        let line = "  624: 510000E0:2290 00000000:0000 07 00000000:00001200 00:00000000 00000000 \
                    0        0 4242 2 0000000000000000 0";
        assert_eq!(socket(line), Some((8848, 0x1200)));
        let line = "  624: 000002FF000000000000000081000000:2290 \
                    00000000000000000000000000000000:0000 07 00000000:00000300 00:00000000 00000000 \
                    0        0 4242 2 0000000000000000 0";
        assert_eq!(socket(line), Some((8848, 0x300)));
        assert_eq!(socket(""), None);
    }
}
