//! Applying a plan.

use super::Client;
use crate::error::{Error, Failure, Operation, Subject};
use crate::plan::{Applied, Plan, Recovery, Step, StepResult};
use crate::transport::Transport;
use crate::{Change, OnFailure, Outcome, Outcomes};

impl<T: Transport> Client<T> {
    /// Carries a plan out, if the table is still the one that the plan was made
    /// from, which takes a [snapshot](Client::snapshot).
    ///
    /// What adds and edits comes before what takes away, and nothing is taken
    /// away unless all before it succeeded: a server that cannot be added does not
    /// cost the one that it replaces. After the first datagram with a failure
    /// nothing more is sent. Whether a step was carried out whose answer was lost
    /// is read back. Then all that was done is taken back, or left, as `recovery`
    /// says; [`Applied`] tells what became of each step in the end.
    ///
    /// Others can change the table between the snapshot and the steps. A service
    /// or destination that they deleted makes its step fail.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Changed`](crate::ErrorKind::Changed) with the first service
    /// that is not as it was, and those of [`Client::snapshot`]. Nothing was sent
    /// then.
    pub fn apply(&mut self, plan: &Plan, recovery: Recovery) -> Result<Applied, Error> {
        let mut applied = Applied { results: Vec::new(), losses: Vec::new() };
        if plan.is_empty() {
            return Ok(applied);
        }
        let now = self.snapshot()?;
        if let Some(key) = plan.base.first_changed(&now) {
            return Err(Error::new(Operation::ApplyPlan, Subject::key(&key), Failure::Changed));
        }
        self.carry_out(plan, &mut applied);
        if !applied.is_complete() && recovery == Recovery::RollBack {
            self.roll_back(plan, &mut applied);
        }
        Ok(applied)
    }

    fn carry_out(&mut self, plan: &Plan, applied: &mut Applied) {
        let capacity = self.lane.transport.capacity().max(1);
        let (adding, taking) = plan.halves();
        for part in adding.chunks(capacity).chain(taking.chunks(capacity)) {
            let changes: Vec<Change> = part.iter().map(|step| step.change).collect();
            // The wanted table keeps the rules; what is only quiesced need not.
            let outcomes = self.send_changes(&changes, OnFailure::CarryOn, |_| Ok(()));
            let complete = outcomes.is_complete();
            self.record(part, outcomes, applied);
            if !complete {
                break;
            }
        }
        applied.results.resize_with(plan.steps().len(), || StepResult::NotSent);
    }

    /// Takes the outcomes of some steps down, and reads back what is uncertain.
    fn record(&mut self, part: &[Step], outcomes: Outcomes, applied: &mut Applied) {
        for (step, outcome) in part.iter().zip(outcomes.iter()) {
            applied.results.push(match outcome {
                Outcome::Done | Outcome::Failed(_) => StepResult::Done,
                Outcome::NotSent => StepResult::NotSent,
                Outcome::Uncertain => match self.is_done(&step.change) {
                    Ok(true) => StepResult::Done,
                    Ok(false) => StepResult::Failed(step.change.error(Failure::NotDone)),
                    Err(error) => StepResult::Uncertain(error),
                },
            });
        }
        let first = applied.results.len() - part.len();
        let (failures, losses) = outcomes.into_errors();
        for (index, error) in failures {
            if let Some(result) = applied.results.get_mut(first + index) {
                *result = StepResult::Failed(error);
            }
        }
        applied.losses.extend(losses);
    }

    /// Takes back what was done, the last first.
    fn roll_back(&mut self, plan: &Plan, applied: &mut Applied) {
        let mut changes = Vec::new();
        let mut steps = Vec::new();
        for (index, step) in plan.steps().iter().enumerate().rev() {
            if let Some(StepResult::Done) = applied.results.get(index) {
                let undo = step.undo();
                steps.extend(undo.iter().map(|_| index));
                changes.extend(undo);
            }
        }
        // What was there before need not keep the rules.
        let outcomes = self.send_changes(&changes, OnFailure::CarryOn, |_| Ok(()));
        for ((index, change), outcome) in steps.iter().zip(&changes).zip(outcomes.iter()) {
            let Some(result) = applied.results.get_mut(*index) else { continue };
            match (&result, outcome) {
                (StepResult::Stuck(_), _) => {}
                (_, Outcome::Done) => *result = StepResult::RolledBack,
                (_, Outcome::Uncertain | Outcome::NotSent) => {
                    *result = StepResult::Stuck(change.error(Failure::NoAnswer));
                }
                // Its error is taken from the outcomes below.
                (_, Outcome::Failed(_)) => {}
            }
        }
        let (failures, losses) = outcomes.into_errors();
        for (undo, error) in failures {
            let result = steps.get(undo).and_then(|index| applied.results.get_mut(*index));
            if let Some(result) = result {
                *result = StepResult::Stuck(error);
            }
        }
        applied.losses.extend(losses);
    }
}
