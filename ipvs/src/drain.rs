//! Taking a destination out without breaking connections. Pure: the clock and
//! what was read come in as arguments, and what to do comes out.

use crate::pace::{Pace, later};
use crate::{Connections, DestinationEntry, Protocol, ServiceKey, Weight};
use std::time::{Duration, Instant};

/// Takes a destination out of its service: weight 0, then waiting until its
/// connections are gone or a deadline has passed, then deletion.
///
/// [`Tasks`](crate::Tasks) carries out many of them over one client:
///
/// ```no_run
/// use ipvs::{Client, Drain, Endpoint, ServiceKey, TaskEvent, Tasks};
/// use std::time::{Duration, Instant};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut client = Client::connect()?;
/// let key: ServiceKey = "tcp 10.0.0.1:80".parse()?;
/// let server: Endpoint = "192.168.0.1:80".parse()?;
///
/// let mut tasks = Tasks::default();
/// let limit = Duration::from_secs(10 * 60);
/// tasks.insert(&key, server, Drain::new(&key, Instant::now(), limit));
/// while let Some(next) = tasks.poll_timeout() {
///     std::thread::sleep(next.saturating_duration_since(Instant::now()));
///     for event in tasks.run(Instant::now(), &mut client) {
///         match event {
///             TaskEvent::DrainEnded { endpoint, outcome, .. } => println!("{endpoint}: {outcome:?}"),
///             other => println!("{other:?}"),
///         }
///     }
/// }
/// # Ok(())
/// # }
/// ```
///
/// By itself it is a state machine. At [`poll_timeout`](Self::poll_timeout) the
/// destination is read and given to [`observe`](Self::observe). If that returns
/// an action, the action is carried out at once, and [`done`](Self::done),
/// [`failed`](Self::failed) or [`gone`](Self::gone) says what came of it. So it
/// goes on until there is an [`outcome`](Self::outcome). After each of these
/// calls `poll_timeout` may be another.
///
/// # What it does not act against
///
/// A destination is deleted only right after it was read with weight 0. A weight
/// above 0 that is found after weight 0 was set is another's wish: the drain ends
/// with [`DrainOutcome::TakenBack`] and leaves the destination alone. Between
/// reading and deleting another process can still change it; the kernel has no
/// conditional deletion.
///
/// # What the kernel does meanwhile
///
/// With weight 0 a destination is not scheduled for new connections, whatever the
/// scheduler. It still gets those of
///
/// - clients that it is remembered for by a persistence template, for as long as
///   the template lives, which each of them prolongs; unless
///   `net.ipv4.vs.expire_quiescent_template` is 1 (`ip_vs_conn.c:
///   ip_vs_check_template`);
/// - clients that use a port again whose connection the kernel has not forgotten,
///   if `net.ipv4.vs.conn_reuse_mode` is 0. It is 1 by default: a SYN for a
///   connection that is being closed is scheduled anew, and with
///   `net.ipv4.vs.expire_nodest_conn` a SYN for any connection of a destination
///   of weight 0 is (`ip_vs_core.c: ip_vs_in`).
///
/// Connections that a deleted destination leaves behind stay until they time out,
/// and the kernel drops their packets; with `net.ipv4.vs.expire_nodest_conn` 1
/// such a packet ends its connection and the next is scheduled anew.
#[derive(Clone, Debug)]
pub struct Drain {
    wait_for: WaitFor,
    at_deadline: AtDeadline,
    interval: Duration,
    deadline: Instant,
    /// The weight that a cancelled drain restores.
    had: Weight,
    /// Whether weight 0 was acknowledged or seen.
    lowered: bool,
    cancelled: bool,
    /// The action that has no result yet.
    sent: Option<Sent>,
    /// How it ends if the deletion that failed last was carried out after all.
    unsure: Option<DrainOutcome>,
    pace: Pace,
    outcome: Option<DrainOutcome>,
}

/// What keeps a destination from being deleted.
///
/// Each includes those before it. That is no choice where templates are
/// concerned: a template lives as long as the connections that it led to
/// (`ip_vs_conn.c: ip_vs_conn_expire`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WaitFor {
    /// Nothing: it is deleted as soon as it has weight 0.
    Nothing,
    /// Active connections. Of TCP those that are being established or are, of
    /// SCTP the established ones, of UDP none. A TCP connection that one side has
    /// closed is not active, though the other may still send.
    Active,
    /// Active and inactive connections. TCP's inactive ones go two minutes after
    /// their last packet at the latest (`ip_vs_proto_tcp.c: tcp_timeouts`), UDP's
    /// after the `udp` timeout; a UDP client that keeps sending from the same port
    /// keeps its one for ever.
    Connections,
    /// Connections and persistence templates: remembered clients.
    Clients,
}

/// What is done with a destination that has connections left at the deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AtDeadline {
    /// It is deleted, and the connections break.
    Delete,
    /// It stays, with weight 0, and the connections live on.
    Keep,
}

/// What to do with the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DrainAction {
    /// Give it this weight and leave all else as it was read.
    SetWeight(Weight),
    /// Delete it.
    Delete,
}

/// How a drain ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DrainOutcome {
    /// Nothing was left to wait for, and the destination was deleted.
    Drained,
    /// The deadline passed with connections left.
    DeadlinePassed {
        /// What was left.
        left: Connections,
        /// Whether the destination was deleted, by [`AtDeadline`].
        deleted: bool,
    },
    /// Another deleted the destination or its service.
    Gone,
    /// The drain was cancelled; the destination has this weight.
    Cancelled {
        /// The one that it had before, restored.
        weight: Weight,
    },
    /// Another gave the destination this weight, and it was left alone.
    TakenBack {
        /// The weight that was found.
        weight: Weight,
    },
    /// Looks or commands failed to the deadline and after it. What the
    /// destination is now is not known.
    Failed,
}

#[derive(Clone, Copy, Debug)]
enum Sent {
    Lower,
    Restore,
    Delete(DrainOutcome),
}

impl Drain {
    /// Drains a destination of the service `key` from `start` on, for `limit` at
    /// most. [`Duration::MAX`] is as good as no limit.
    ///
    /// It waits for what [`WaitFor::of`] the service says, looks every second,
    /// and deletes at the deadline. A destination that has weight 0 already has
    /// none to be restored; see [`Drain::resume`].
    pub fn new(key: &ServiceKey, start: Instant, limit: Duration) -> Self {
        Self {
            wait_for: WaitFor::of(key),
            at_deadline: AtDeadline::Delete,
            interval: INTERVAL,
            deadline: later(start, limit),
            had: Weight::ZERO,
            lowered: false,
            cancelled: false,
            sent: None,
            unsure: None,
            pace: Pace::new(start),
            outcome: None,
        }
    }

    /// Goes on with a drain that was begun before a restart, when the
    /// destination was found with weight 0. The kernel does not tell the weight
    /// that it had, which is restored on cancel; what it should have comes from
    /// the caller.
    ///
    /// `start` is now, or, where it is known, when the drain began. A weight
    /// above 0 at the first look is another's: [`DrainOutcome::TakenBack`].
    pub fn resume(key: &ServiceKey, start: Instant, limit: Duration, weight: Weight) -> Self {
        Self { had: weight, lowered: true, ..Self::new(key, start, limit) }
    }

    /// The same, waiting for something else.
    pub fn with_wait_for(self, wait_for: WaitFor) -> Self {
        Self { wait_for, ..self }
    }

    /// The same with another end at the deadline.
    pub fn with_at_deadline(self, at_deadline: AtDeadline) -> Self {
        Self { at_deadline, ..self }
    }

    /// The same with another time between looks; at least a millisecond.
    pub fn with_interval(self, interval: Duration) -> Self {
        Self { interval: interval.max(SHORTEST_INTERVAL), ..self }
    }

    /// The destination as it was read at `now`, or `None` if a listing lacked it.
    /// Returns what to do.
    ///
    /// It may be called at any time. It changes nothing while an action has no
    /// result yet, before the start, for an interval after weight 0 was set (a
    /// packet that was being scheduled is counted by then), and while a failure
    /// is waited out. A listing can lack a destination that is there, while
    /// another process deletes others; two in a row are believed.
    #[must_use]
    pub fn observe(
        &mut self,
        now: Instant,
        found: Option<&DestinationEntry>,
    ) -> Option<DrainAction> {
        if self.outcome.is_some() || self.sent.is_some() || self.pace.is_early(now) {
            return None;
        }
        let Some(entry) = found else {
            if self.pace.missed() {
                self.gone();
            }
            return None;
        };
        self.pace.found();
        self.unsure = None;
        self.sent = match entry.destination.weight() {
            Weight::ZERO => self.without_weight(now, entry.connections),
            weight => self.with_weight(weight),
        };
        self.sent.map(|sent| match sent {
            Sent::Lower => DrainAction::SetWeight(Weight::ZERO),
            Sent::Restore => DrainAction::SetWeight(self.had),
            Sent::Delete(_) => DrainAction::Delete,
        })
    }

    /// The action was carried out.
    pub fn done(&mut self, now: Instant) {
        match self.sent.take() {
            None => {}
            Some(Sent::Lower) => {
                self.lowered = true;
                self.pace.succeeded();
                let at_once = self.cancelled || self.wait_for == WaitFor::Nothing;
                self.pace.not_before(if at_once { now } else { self.next_look(now) });
            }
            Some(Sent::Restore) => self.end(DrainOutcome::Cancelled { weight: self.had }),
            Some(Sent::Delete(outcome)) => self.end(outcome),
        }
    }

    /// The action, or reading the destination, failed. It is tried again: after
    /// one second, then two, up to 32, and at the deadline. After the deadline
    /// the drain ends with the third failure in a row.
    pub fn failed(&mut self, now: Instant) {
        if self.outcome.is_some() {
            return;
        }
        if let Some(Sent::Delete(outcome)) = self.sent.take() {
            self.unsure = Some(outcome);
        }
        if self.pace.failed(now, self.deadline) {
            self.end(DrainOutcome::Failed);
        }
    }

    /// The kernel said for certain that the destination or its service does not
    /// exist: a command was answered by ENOENT or ESRCH.
    pub fn gone(&mut self) {
        if self.outcome.is_none() {
            self.end(self.unsure.unwrap_or(DrainOutcome::Gone));
        }
    }

    /// Stops draining. At the next look, which is due now, the weight is restored.
    pub fn cancel(&mut self, now: Instant) {
        self.cancelled = true;
        if self.sent.is_none() {
            self.pace.not_before(now);
        }
    }

    /// When to look next; `None` while an action has no result, and at the end.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let waits = self.outcome.is_none() && self.sent.is_none();
        waits.then(|| self.pace.next())
    }

    /// How it ended, once it has.
    pub fn outcome(&self) -> Option<DrainOutcome> {
        self.outcome
    }

    fn with_weight(&mut self, weight: Weight) -> Option<Sent> {
        // A restored weight can be what the answer to it was lost for.
        if self.cancelled && (!self.lowered || weight == self.had) {
            self.end(DrainOutcome::Cancelled { weight });
            return None;
        }
        if self.lowered {
            self.end(DrainOutcome::TakenBack { weight });
            return None;
        }
        self.had = weight;
        Some(Sent::Lower)
    }

    fn without_weight(&mut self, now: Instant, left: Connections) -> Option<Sent> {
        self.lowered = true;
        if self.cancelled {
            if self.had == Weight::ZERO {
                self.end(DrainOutcome::Cancelled { weight: Weight::ZERO });
                return None;
            }
            return Some(Sent::Restore);
        }
        if !self.wait_for.is_kept_by(left) {
            return Some(Sent::Delete(DrainOutcome::Drained));
        }
        if now < self.deadline {
            self.pace.look_at(self.next_look(now));
            return None;
        }
        match self.at_deadline {
            AtDeadline::Delete => {
                Some(Sent::Delete(DrainOutcome::DeadlinePassed { left, deleted: true }))
            }
            AtDeadline::Keep => {
                self.end(DrainOutcome::DeadlinePassed { left, deleted: false });
                None
            }
        }
    }

    fn next_look(&self, now: Instant) -> Instant {
        later(now, self.interval).min(self.deadline.max(now))
    }

    fn end(&mut self, outcome: DrainOutcome) {
        self.sent = None;
        self.outcome = Some(outcome);
    }
}

impl WaitFor {
    /// What a destination of this service is waited for by default: of UDP
    /// nothing, because a client that keeps sending would keep it for ever; of
    /// TCP and SCTP, and of a firewall mark, which stands for any protocol, all
    /// connections.
    pub fn of(key: &ServiceKey) -> Self {
        match key {
            ServiceKey::Address { protocol: Protocol::UDP, .. } => Self::Nothing,
            ServiceKey::Address { .. } | ServiceKey::Mark { .. } => Self::Connections,
        }
    }

    fn is_kept_by(self, left: Connections) -> bool {
        let Connections { active, inactive, persistent } = left;
        (self >= Self::Active && active > 0)
            || (self >= Self::Connections && inactive > 0)
            || (self >= Self::Clients && persistent > 0)
    }
}

const INTERVAL: Duration = Duration::from_secs(1);
const SHORTEST_INTERVAL: Duration = Duration::from_millis(1);
