//! Applying a plan.

use super::Client;
use crate::error::{Error, ErrorKind, Failure, Operation, Subject};
use crate::plan::{Applied, NotTakenBack, Plan, Recovery, Step, StepResult};
use crate::transport::Transport;
use crate::{Before, Change, OnFailure, Outcome, Scheduler, ServiceKey};

impl<T: Transport> Client<T> {
    /// Carries a plan out, if the table is still the one that the plan was made
    /// from, which takes a [snapshot](Client::snapshot).
    ///
    /// What adds and edits comes before what takes away, and nothing is taken
    /// away unless all before it succeeded: a server that cannot be added does not
    /// cost the one that it replaces. After the first datagram with a failure
    /// nothing more is sent. Whether a step was carried out whose answer was lost
    /// is read back, and if all were, the plan goes on. If others changed the same
    /// meanwhile that can be impossible to tell ([`StepResult::Uncertain`]). Then all
    /// that was done is taken back, or left, as `recovery` says; [`Applied`] tells
    /// what became of each step in the end.
    ///
    /// Others can change the table between the snapshot and the steps. A service
    /// or destination that they deleted makes its step fail. Timeouts are not
    /// among what is compared.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Changed`] with the first service that is not as it was, and
    /// those of [`Client::snapshot`]. Nothing was sent then.
    pub fn apply(&mut self, plan: &Plan, recovery: Recovery) -> Result<Applied, Error> {
        let mut applied = Applied { results: Vec::new(), losses: Vec::new() };
        if plan.is_empty() {
            return Ok(applied);
        }
        let now = self.snapshot()?;
        if let Some(key) = plan.base.first_changed(&now) {
            return Err(Error::new(Operation::ApplyPlan, Subject::key(&key), Failure::Changed));
        }
        let settled = self.carry_out(plan, &mut applied.losses);
        let complete = settled.iter().all(Settled::is_done);
        applied.results = if complete || recovery == Recovery::Leave {
            settled.into_iter().map(StepResult::from).collect()
        } else {
            self.roll_back(plan, settled, &mut applied.losses)
        };
        Ok(applied)
    }

    /// Sends the steps, each only if all of the datagrams before were carried out.
    fn carry_out(&mut self, plan: &Plan, losses: &mut Vec<Error>) -> Vec<Settled> {
        let capacity = self.lane.transport.capacity().max(1);
        let (adding, taking) = plan.halves();
        let mut all = Vec::with_capacity(plan.steps().len());
        for part in adding.chunks(capacity).chain(taking.chunks(capacity)) {
            let mut settled = self.settle(part, losses);
            let socket_failed = losses.iter().any(|loss| loss.kind() == ErrorKind::Io);
            let goes_on = settled.iter().all(Settled::is_done) && !socket_failed;
            all.append(&mut settled);
            if !goes_on {
                break;
            }
        }
        all.resize_with(plan.steps().len(), || Settled::NotSent);
        all
    }

    /// Sends steps, and reads back what is uncertain.
    fn settle(&mut self, steps: &[Step], losses: &mut Vec<Error>) -> Vec<Settled> {
        let changes: Vec<Change> = steps.iter().map(|step| step.change).collect();
        // The wanted table keeps the rules; what is only quiesced or was there
        // before need not.
        let outcomes = self.send_changes(&changes, OnFailure::CarryOn, |_| Ok(()));
        let settle = |(step, outcome): (&Step, Outcome<'_>)| match outcome {
            // The errors of those that failed come below.
            Outcome::Done | Outcome::Failed(_) => Settled::Done,
            Outcome::NotSent => Settled::NotSent,
            Outcome::Uncertain => self.read_back(step),
        };
        let mut settled: Vec<Settled> = steps.iter().zip(outcomes.iter()).map(settle).collect();
        let (failures, lost) = outcomes.into_errors();
        for (index, error) in failures {
            if let Some(settled) = settled.get_mut(index) {
                *settled = Settled::Failed(error);
            }
        }
        losses.extend(lost);
        for (step, settled) in steps.iter().zip(&mut settled) {
            self.give_scheduler_back(step, settled);
        }
        settled
    }

    /// What became of a step whose answer was lost. Others may have changed what it
    /// left: that it failed is known only if all is as before.
    fn read_back(&mut self, step: &Step) -> Settled {
        let settled = match self.is_done(&step.change) {
            Ok(true) => return Settled::FoundDone,
            Ok(false) => self.is_as_before(step),
            Err(error) => Err(error),
        };
        match settled {
            Ok(true) => Settled::Failed(step.change.error(Failure::NotDone)),
            Ok(false) => {
                let reason = Failure::NotTakenBack(NotTakenBack::Differs);
                Settled::Unknown(step.change.error(reason))
            }
            Err(error) => Settled::Unknown(error),
        }
    }

    /// Reads whether there is what was there before a step, if that is known.
    fn is_as_before(&mut self, step: &Step) -> Result<bool, Error> {
        let undo = step.undo();
        for step in &undo {
            if !self.is_done(&step.change)? {
                return Ok(false);
            }
        }
        Ok(!undo.is_empty())
    }

    /// Kernels until the middle of 2026 leave a service whose new scheduler is
    /// refused without any: the old one is gone by then (`ip_vs_ctl.c:
    /// ip_vs_edit_service`). It gets back what it was or, if that is refused too,
    /// what the edit was to make of it.
    fn give_scheduler_back(&mut self, step: &Step, settled: &mut Settled) {
        let (Settled::Failed(_) | Settled::Unknown(_), Before::Service(before)) =
            (&settled, &step.before)
        else {
            return;
        };
        if before.scheduler() == Scheduler::Unscheduled {
            return;
        }
        match self.service(&before.key()) {
            Ok(Some(found)) if found.service.scheduler() == Scheduler::Unscheduled => {}
            Ok(_) => return,
            Err(error) => {
                *settled = Settled::Unknown(error);
                return;
            }
        }
        match self.checked_change(&Change::EditService(*before), Ok(())) {
            Ok(()) if matches!(settled, Settled::Unknown(_)) => *settled = self.read_back(step),
            Ok(()) => {}
            Err(error) => {
                *settled = match self.checked_change(&step.change, Ok(())) {
                    Ok(()) => Settled::Done,
                    Err(_) => Settled::Unknown(error),
                };
            }
        }
    }

    /// Takes back what was done, the last first: puts back what was taken away
    /// and, once that is all there, takes away what was added.
    fn roll_back(
        &mut self,
        plan: &Plan,
        settled: Vec<Settled>,
        losses: &mut Vec<Error>,
    ) -> Vec<StepResult> {
        let (adding, taking) = plan.halves();
        let result = |(step, settled): (&Step, Settled)| match settled {
            Settled::FoundDone if step.adds() => step.stuck(NotTakenBack::PerhapsAnothers),
            settled => settled.into(),
        };
        let mut results: Vec<StepResult> = plan.steps().iter().zip(settled).map(result).collect();
        let (added, taken) = results.split_at_mut(adding.len());
        self.take_back(taking, taken, losses);
        if taken.iter().all(StepResult::is_unchanged) {
            self.take_back(adding, added, losses);
        } else {
            for (step, result) in adding.iter().zip(added) {
                if let StepResult::Done = result {
                    *result = step.stuck(NotTakenBack::Replacement);
                }
            }
        }
        results
    }

    /// Takes back those of the steps that were done, the last first.
    fn take_back(&mut self, steps: &[Step], results: &mut [StepResult], losses: &mut Vec<Error>) {
        let mut undos = Vec::new();
        let mut indexes = Vec::new();
        for (index, (step, result)) in steps.iter().zip(results.iter_mut()).enumerate().rev() {
            if let StepResult::Done = result {
                let undo = step.undo();
                if undo.is_empty() {
                    *result = step.stuck(NotTakenBack::BeforeUnknown);
                }
                indexes.extend(undo.iter().map(|_| index));
                undos.extend(undo);
            }
        }
        let settled = self.settle(&undos, losses);
        for ((index, undo), settled) in indexes.into_iter().zip(&undos).zip(settled) {
            let Some(result) = results.get_mut(index) else { continue };
            *result = match (std::mem::replace(result, StepResult::RolledBack), settled) {
                // Of several changes, the first that fails is the cause.
                (first @ (StepResult::Stuck(_) | StepResult::Uncertain(_)), _) => first,
                (_, Settled::Done | Settled::FoundDone) => StepResult::RolledBack,
                (_, Settled::Failed(error)) => StepResult::Stuck(error),
                (_, Settled::Unknown(error)) => StepResult::Uncertain(error),
                (_, Settled::NotSent) => undo.stuck(NotTakenBack::NotSent),
            };
        }
        with_their_services(steps, results);
    }
}

/// Destinations go with the service that was added for them and is taken back,
/// whatever else became of them.
fn with_their_services(steps: &[Step], results: &mut [StepResult]) {
    let mut gone: Option<ServiceKey> = None;
    for (step, result) in steps.iter().zip(results) {
        match &step.change {
            Change::AddService(service) => {
                gone = matches!(result, StepResult::RolledBack).then(|| service.key());
            }
            Change::AddDestination(key, _) if gone == Some(*key) && !result.is_unchanged() => {
                *result = StepResult::RolledBack;
            }
            _ => {}
        }
    }
}

/// What became of a change, as far as can be known.
enum Settled {
    Done,
    /// Its answer was lost, and the table is as it leaves it.
    FoundDone,
    Failed(Error),
    NotSent,
    /// Its answer was lost, and reading back failed or does not tell.
    Unknown(Error),
}

impl Settled {
    fn is_done(&self) -> bool {
        matches!(self, Self::Done | Self::FoundDone)
    }
}

impl From<Settled> for StepResult {
    fn from(settled: Settled) -> Self {
        match settled {
            Settled::Done | Settled::FoundDone => Self::Done,
            Settled::Failed(error) => Self::Failed(error),
            Settled::NotSent => Self::NotSent,
            Settled::Unknown(error) => Self::Uncertain(error),
        }
    }
}
