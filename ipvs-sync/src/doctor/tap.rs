//! Counting what masters send. Bounded memory, whatever comes.

use crate::proto::{Loss, Message, Rejected, receive};
use crate::vrrp::Time;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// Counts the messages to a group beside the kernel's backup daemon, as one with the same
/// id and longest message sees them: the kernel itself counts nothing.
///
/// It does no I/O: give it what a [`SyncListener`](crate::net::SyncListener) receives, one
/// for each port.
///
/// ```no_run
/// use ipvs_sync::doctor::Tap;
/// use ipvs_sync::net::{Rtnetlink, SyncListener, now};
/// use ipvs_sync::proto::{GROUP, PORT};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let interface = Rtnetlink::open()?.interface("eth1".parse()?)?;
/// let mut listener = SyncListener::open(&interface, GROUP.into(), PORT)?;
/// let mut tap = Tap::new(7, 1472);
/// // Whenever the listener's descriptor is readable:
/// while let Some((source, datagram)) = listener.receive()? {
///     tap.take(datagram, source, now());
/// }
/// for (source, heard) in tap.senders() {
///     println!("{source}: {} connections, {} lost", heard.connections, heard.lost);
/// }
/// # Ok(())
/// # }
/// ```
///
/// # What it sees of losses, and what not
///
/// - Seen: what the backup drops of what arrives, with the reason, and the connections that
///   a master does not count because there are too many in its message.
/// - Not seen: messages that a master drops before it sends them or that are lost on the
///   way. Messages have no sequence number, so one that is missing leaves no trace; a
///   silence that is longer than usual is all there is ([`Heard::longest_silence`]).
/// - Nor messages that the backup's own receive queue has no room for: those are in
///   [`Report::drops`](super::Report::drops).
#[derive(Clone, Debug)]
pub struct Tap {
    id: u8,
    max_len: u16,
    senders: BTreeMap<IpAddr, Heard>,
    others: u64,
}

/// What was heard of one address. Counts wrap.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Heard {
    /// Datagrams, all of them.
    pub datagrams: u64,
    /// Their bytes, without headers of IP and UDP.
    pub bytes: u64,
    /// Connections and templates that the backup takes.
    pub connections: u64,
    /// The templates among them.
    pub templates: u64,
    /// Connections that were sent and that the backup does not take, as far as that can be
    /// known: those of datagrams without a header that holds are not among them.
    pub lost: u64,
    /// Datagrams that are longer than the backup takes. All their connections are lost.
    pub oversize: u64,
    /// Datagrams with more connections than they count: 256 of each are lost, or more.
    pub wrapped: u64,
    /// How long the longest datagram was, in bytes.
    pub longest: usize,
    /// When the first came.
    pub first: Time,
    /// When the last came.
    pub last: Time,
    /// The longest time between two.
    pub longest_silence: Duration,
    rejected: BTreeMap<&'static str, u64>,
    window: Window,
}

/// Messages and connections per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// Datagrams per second.
    pub datagrams: u64,
    /// Connections per second that the backup takes.
    pub connections: u64,
}

/// What was counted when the present window and the one before it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Window {
    start: Time,
    at_start: (u64, u64),
    before: Rates,
}

impl Tap {
    /// For a backup with this id, which takes every one if that is 0, and this longest
    /// message in bytes.
    pub fn new(id: u8, max_len: u16) -> Self {
        Self { id, max_len, senders: BTreeMap::new(), others: 0 }
    }

    /// Counts a datagram that came from this address.
    ///
    /// No more than [`SENDERS`] addresses are known at a time. One that was silent for
    /// [`FORGET`] makes room for another.
    pub fn take(&mut self, datagram: &[u8], source: IpAddr, now: Time) {
        if !self.senders.contains_key(&source) {
            if self.senders.len() >= SENDERS {
                self.senders.retain(|_, heard| now.since(heard.last) < FORGET);
            }
            if self.senders.len() >= SENDERS {
                self.others = self.others.wrapping_add(1);
                return;
            }
        }
        let heard = self.senders.entry(source).or_insert_with(|| Heard::new(now));
        heard.arrived(datagram, now);
        match receive(datagram, self.id) {
            Err(rejected) => heard.reject(rejected),
            Ok(message) if datagram.len() > usize::from(self.max_len) => {
                count(&mut heard.oversize, 1);
                count(&mut heard.lost, message.count.into());
            }
            Ok(message) => heard.take(&message),
        }
    }

    /// Each address that something was heard of, with that.
    pub fn senders(&self) -> impl ExactSizeIterator<Item = (IpAddr, &Heard)> {
        self.senders.iter().map(|(source, heard)| (*source, heard))
    }

    /// How many datagrams came from addresses that there was no room for.
    pub fn others(&self) -> u64 {
        self.others
    }
}

impl Heard {
    fn new(now: Time) -> Self {
        Self {
            datagrams: 0,
            bytes: 0,
            connections: 0,
            templates: 0,
            lost: 0,
            oversize: 0,
            wrapped: 0,
            longest: 0,
            first: now,
            last: now,
            longest_silence: Duration::ZERO,
            rejected: BTreeMap::new(),
            window: Window { start: now, at_start: (0, 0), before: Rates::default() },
        }
    }

    /// What was rejected, by the name of the reason ([`Rejected::name`]), and how often.
    pub fn rejected(&self) -> impl ExactSizeIterator<Item = (&'static str, u64)> {
        self.rejected.iter().map(|(name, count)| (*name, *count))
    }

    /// The rates of the last [`WINDOW`] that is over.
    pub fn rates(&self, now: Time) -> Rates {
        let mut window = self.window;
        window.advance(now, (self.datagrams, self.connections));
        window.before
    }

    fn arrived(&mut self, datagram: &[u8], now: Time) {
        self.window.advance(now, (self.datagrams, self.connections));
        count(&mut self.datagrams, 1);
        count(&mut self.bytes, datagram.len() as u64);
        self.longest = self.longest.max(datagram.len());
        self.longest_silence = self.longest_silence.max(now.since(self.last));
        self.last = self.last.max(now);
    }

    fn take(&mut self, message: &Message<'_>) {
        let mut connections = message.connections();
        let mut left = u64::from(message.count);
        for read in connections.by_ref() {
            match read.and_then(|connection| connection.check().map(|()| connection)) {
                Ok(connection) => {
                    count(&mut self.connections, 1);
                    count(&mut self.templates, connection.is_template().into());
                }
                Err(rejected) => {
                    let lost = if rejected.loss() == Loss::Connection { 1 } else { left };
                    count(&mut self.lost, lost);
                    self.reject(rejected);
                    if rejected.loss() != Loss::Connection {
                        return;
                    }
                }
            }
            left -= 1;
        }
        if connections.as_bytes().len() >= 256 * SHORTEST {
            count(&mut self.wrapped, 1);
            count(&mut self.lost, 256);
        }
    }

    fn reject(&mut self, rejected: Rejected) {
        count(self.rejected.entry(rejected.name()).or_default(), 1);
    }
}

impl Window {
    /// Begins the next window, if it is time; `counted` are datagrams and connections.
    fn advance(&mut self, now: Time, counted: (u64, u64)) {
        let passed = now.since(self.start);
        if passed < WINDOW {
            return;
        }
        // After a longer silence the last window had nothing in it.
        let is_next = passed < 2 * WINDOW;
        let rate = |now: u64, then: u64| {
            if is_next { now.wrapping_sub(then) / WINDOW.as_secs() } else { 0 }
        };
        self.before = Rates {
            datagrams: rate(counted.0, self.at_start.0),
            connections: rate(counted.1, self.at_start.1),
        };
        self.start = if is_next { self.start + WINDOW } else { now };
        self.at_start = counted;
    }
}

fn count(counter: &mut u64, more: u64) {
    *counter = counter.wrapping_add(more);
}

/// How many addresses are known at a time.
pub const SENDERS: usize = 16;
/// After how long a silence an address makes room for another.
pub const FORGET: Duration = Duration::from_secs(60);
/// Over how long rates are taken.
pub const WINDOW: Duration = Duration::from_secs(10);

/// The shortest record there is, of version 0.
const SHORTEST: usize = 24;
