//! Many changes at a time, and what became of each.

use crate::{Change, Destination, Error, Table, Timeouts};
use std::ops::Range;

/// Changes that are sent many to a datagram, in order.
///
/// ```no_run
/// use ipvs::{Batch, Change, Client, Destination, Endpoint, Service};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut client = Client::connect()?;
/// let key = "tcp 10.0.0.1:80".parse()?;
/// let mut batch = Batch::new();
/// batch.push(Change::AddService(Service::new(key)));
/// for host in 1..=200 {
///     let server = Destination::new(Endpoint::new([192, 168, 0, host], 80));
///     batch.push(Change::AddDestination(key, server));
/// }
/// let outcomes = client.send_batch(&batch);
/// for (index, error) in outcomes.failures() {
///     eprintln!("change {index}: {error}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    changes: Vec<Change>,
    on_failure: OnFailure,
}

/// What becomes of the changes after one that failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnFailure {
    /// They are carried out. Failures are independent.
    #[default]
    CarryOn,
    /// None of them is carried out. The kernel does not stop by itself within a
    /// datagram, so each change gets one of its own: as dear as single commands.
    Stop,
}

impl Batch {
    /// A batch without changes.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with another way to treat a failure.
    pub fn with_on_failure(self, on_failure: OnFailure) -> Self {
        Self { on_failure, ..self }
    }

    /// Appends a change. Its index is the number of those before it.
    pub fn push(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// The changes, in order.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// What becomes of the changes after one that failed.
    pub fn on_failure(&self) -> OnFailure {
        self.on_failure
    }
}

impl From<Vec<Change>> for Batch {
    fn from(changes: Vec<Change>) -> Self {
        Self { changes, on_failure: OnFailure::default() }
    }
}

/// Makes the table where there is none: each service with its destinations, the
/// last key first, as a [`Plan`](crate::Plan) adds.
impl From<&Table> for Batch {
    fn from(table: &Table) -> Self {
        let mut batch = Self::new();
        if table.timeouts() != Timeouts::default() {
            batch.push(Change::SetTimeouts(table.timeouts()));
        }
        for wanted in table.services().rev() {
            let key = wanted.service().key();
            batch.push(Change::AddService(*wanted.service()));
            let add = |destination: &Destination| Change::AddDestination(key, *destination);
            batch.extend(wanted.destinations().rev().map(add));
        }
        batch
    }
}

impl FromIterator<Change> for Batch {
    fn from_iter<I: IntoIterator<Item = Change>>(changes: I) -> Self {
        Vec::from_iter(changes).into()
    }
}

impl Extend<Change> for Batch {
    fn extend<I: IntoIterator<Item = Change>>(&mut self, changes: I) {
        self.changes.extend(changes);
    }
}

/// What became of each change of a batch.
#[derive(Debug)]
#[must_use = "changes can have failed"]
pub struct Outcomes {
    len: usize,
    /// In order of the index.
    failures: Vec<(usize, Error)>,
    /// In order.
    uncertain: Vec<usize>,
    losses: Vec<Error>,
    /// Changes from here on were not sent.
    sent: usize,
}

/// What became of one change.
#[derive(Clone, Copy, Debug)]
pub enum Outcome<'a> {
    /// It was carried out.
    Done,
    /// It was not carried out.
    Failed(&'a Error),
    /// Its answer, if it had one, was lost: it was carried out or has failed.
    /// [`Client::is_done`](crate::Client::is_done) reads back what the table says of
    /// it.
    Uncertain,
    /// It was not sent: one before it failed and the batch was to stop there, or
    /// the socket had failed before its turn.
    NotSent,
}

impl Outcomes {
    pub(crate) fn new(len: usize) -> Self {
        Self { len, failures: Vec::new(), uncertain: Vec::new(), losses: Vec::new(), sent: len }
    }

    /// Records why a change was not carried out.
    pub(crate) fn fail(&mut self, index: usize, error: Error) {
        self.failures.push((index, error));
    }

    /// Records why the batch goes no further.
    pub(crate) fn break_off(&mut self, error: Error) {
        self.losses.push(error);
    }

    /// Records changes whose outcome is not known, and why.
    pub(crate) fn lose(&mut self, indexes: impl Iterator<Item = usize>, error: Error) {
        self.uncertain.extend(indexes);
        self.losses.push(error);
    }

    /// Ends the records: nothing from this index on was sent.
    pub(crate) fn end(&mut self, sent: usize) {
        self.sent = sent;
        // Stable: of several answers to one change, the first counts.
        self.failures.sort_by_key(|(index, _)| *index);
        self.failures.dedup_by_key(|(index, _)| *index);
        self.uncertain.sort_unstable();
    }

    /// The errors: of changes with their indexes, and of datagrams.
    pub(crate) fn into_errors(self) -> (Vec<(usize, Error)>, Vec<Error>) {
        (self.failures, self.losses)
    }

    /// Whether every change was carried out.
    pub fn is_complete(&self) -> bool {
        self.failures.is_empty() && self.uncertain.is_empty() && self.sent == self.len
    }

    /// What became of the change of this index; `None` beyond the last.
    pub fn get(&self, index: usize) -> Option<Outcome<'_>> {
        if index >= self.len {
            return None;
        }
        if let Ok(found) = self.failures.binary_search_by_key(&index, |(index, _)| *index) {
            return self.failures.get(found).map(|(_, error)| Outcome::Failed(error));
        }
        Some(if self.uncertain.binary_search(&index).is_ok() {
            Outcome::Uncertain
        } else if index < self.sent {
            Outcome::Done
        } else {
            Outcome::NotSent
        })
    }

    /// What became of each change, in order.
    pub fn iter(&self) -> impl Iterator<Item = Outcome<'_>> {
        (0..self.len).filter_map(|index| self.get(index))
    }

    /// The changes that failed: index and why, in order.
    pub fn failures(&self) -> &[(usize, Error)] {
        &self.failures
    }

    /// The indexes of the changes whose outcome is not known, in order.
    pub fn uncertain(&self) -> &[usize] {
        &self.uncertain
    }

    /// Why answers were lost, one error for each datagram that it befell, or why the
    /// batch ended early.
    pub fn losses(&self) -> &[Error] {
        &self.losses
    }

    /// The indexes of the changes that were not sent.
    pub fn not_sent(&self) -> Range<usize> {
        self.sent..self.len
    }

    /// Whether all went well.
    ///
    /// # Errors
    ///
    /// Why the first change failed that is known to have failed, or else why
    /// outcomes are not known.
    pub fn into_result(self) -> Result<(), Error> {
        if self.is_complete() {
            return Ok(());
        }
        let failures = self.failures.into_iter().map(|(_, error)| error);
        failures.chain(self.losses).next().map_or(Ok(()), Err)
    }
}
