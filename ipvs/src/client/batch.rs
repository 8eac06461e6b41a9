//! Sending a batch.

use super::Client;
use crate::error::{Error, Failure, Operation, Subject};
use crate::transport::Transport;
use crate::{Batch, Change, OnFailure, Outcomes, Rule, Timeouts};

impl<T: Transport> Client<T> {
    /// Carries the changes of a batch out, in order, many to a datagram.
    ///
    /// A datagram has at most as many changes as the receive queue holds answers
    /// ([`Transport::capacity`]), so that it does not overflow if all of them
    /// fail. Only the last is acknowledged: a datagram without failures is one
    /// send and one receive. Others can change the table between any two changes.
    ///
    /// The batch goes on after a change that fails, unless it is to stop there.
    /// If answers are lost all the same, the changes of that datagram that were
    /// not answered are [uncertain](Outcomes::uncertain) and the batch goes on:
    /// read these back with [`Client::is_done`], or the table with
    /// [`Client::snapshot`]. After an error of the socket nothing more is sent.
    pub fn send_batch(&mut self, batch: &Batch) -> Outcomes {
        self.send_changes(batch.changes(), batch.on_failure(), Change::check)
    }

    /// The same with a check of the caller's.
    pub(crate) fn send_changes(
        &mut self,
        changes: &[Change],
        on_failure: OnFailure,
        check: impl Fn(&Change) -> Result<(), Rule>,
    ) -> Outcomes {
        let mut outcomes = Outcomes::new(changes.len());
        let stops = on_failure == OnFailure::Stop;
        let capacity = if stops { 1 } else { self.lane.transport.capacity().max(1) };
        let mut part = Vec::with_capacity(capacity.min(changes.len()));
        let mut rest = changes.iter().enumerate();
        let mut goes_on = true;
        while goes_on && rest.len() > 0 {
            part.clear();
            for (index, change) in rest.by_ref() {
                match check(change) {
                    Ok(()) => part.push((index, change)),
                    Err(rule) => outcomes.fail(index, change.error(rule.into())),
                }
                if part.len() == capacity || stops {
                    break;
                }
            }
            goes_on = self.send_part(&part, &mut outcomes).is_ok();
            goes_on &= !stops || outcomes.is_complete();
        }
        outcomes.end(changes.len() - rest.len());
        outcomes
    }

    /// Sends changes with their indexes in one datagram.
    ///
    /// # Errors
    ///
    /// The socket failed. What else failed is in the outcomes.
    fn send_part(
        &mut self,
        part: &[(usize, &Change)],
        outcomes: &mut Outcomes,
    ) -> Result<(), SocketFailed> {
        if part.is_empty() {
            return Ok(());
        }
        let mut answers = Vec::new();
        let changes = part.iter().map(|(_, change)| *change);
        let result = self.lane.exchange_all(changes, self.family, |position, answer| {
            answers.push((position, answer));
        });
        let lost = result.err();
        let socket_failed = matches!(lost, Some(Failure::Io(_)));
        if let Some(failure) = lost {
            let answered = |position| answers.iter().any(|(answered, _)| *answered == position);
            let unanswered = part.iter().enumerate().filter(|(position, _)| !answered(*position));
            let unanswered = unanswered.map(|(_, (index, _))| *index);
            let error = Error::new(Operation::SendBatch, Subject::nothing(), failure);
            outcomes.lose(unanswered, error);
        }
        let refused = answers.into_iter().filter_map(|(position, answer)| {
            let (index, change) = *part.get(position)?;
            Some((index, change, answer.err()?))
        });
        let (stale, failed): (Vec<_>, Vec<_>) = refused.partition(|(_, _, failure)| {
            matches!(failure, Failure::Errno { errno: libc::ENOENT, .. })
        });
        for (index, change, failure) in failed {
            outcomes.fail(index, change.error(failure));
        }
        if socket_failed {
            // Whether the family's number was stale can no longer be looked up. Either
            // way they were not carried out.
            for (index, change, failure) in stale {
                outcomes.fail(index, change.error(failure));
            }
            return Err(SocketFailed);
        }
        self.send_stale(stale, outcomes)
    }

    /// Sends changes again that were answered by ENOENT if the family's number no
    /// longer held; otherwise that is what became of them.
    fn send_stale(
        &mut self,
        refused: Vec<(usize, &Change, Failure)>,
        outcomes: &mut Outcomes,
    ) -> Result<(), SocketFailed> {
        if refused.is_empty() {
            return Ok(());
        }
        let renewed = self.renew_family();
        if let Ok(true) = renewed {
            let part: Vec<_> = refused.iter().map(|(index, change, _)| (*index, *change)).collect();
            return self.send_part(&part, outcomes);
        }
        for (index, change, failure) in refused {
            let failure = match &renewed {
                Err(Failure::NoIpvs(reason)) => Failure::NoIpvs(reason.clone()),
                _ => failure,
            };
            outcomes.fail(index, change.error(failure));
        }
        match renewed {
            Err(failure @ Failure::Io(_)) => {
                let error = Error::new(Operation::SendBatch, Subject::nothing(), failure);
                outcomes.break_off(error);
                Err(SocketFailed)
            }
            _ => Ok(()),
        }
    }

    /// Reads back whether the table is as a change leaves it, for changes whose
    /// outcome is [uncertain](Outcomes::uncertain).
    ///
    /// That is what is there now, whoever made it so. `true` can be the work of
    /// another, and after `false` the change can have been carried out all the same,
    /// if another has changed what it left: the service or destination is compared in
    /// all its values. That an addition was not carried out is certain only as far as
    /// there is nothing of that key or endpoint.
    ///
    /// # Errors
    ///
    /// Those of reading. That a service or destination is not there is an answer.
    pub fn is_done(&mut self, change: &Change) -> Result<bool, Error> {
        Ok(match change {
            Change::AddService(service) | Change::EditService(service) => {
                let found = self.service(&service.key())?;
                found.is_some_and(|found| found.service == *service)
            }
            Change::DeleteService(key) => self.service(key)?.is_none(),
            Change::AddDestination(key, destination)
            | Change::EditDestination(key, destination) => {
                let found = self.destination_if_any(key, destination.endpoint())?;
                found.is_some_and(|found| found.destination == *destination)
            }
            Change::DeleteDestination(key, endpoint) => {
                self.destination_if_any(key, *endpoint)?.is_none()
            }
            Change::SetTimeouts(timeouts) => {
                timeouts.without_same(self.timeouts()?) == Timeouts::default()
            }
        })
    }
}

/// The socket failed, so that nothing more can be sent.
struct SocketFailed;
