//! What became of a plan, and how it is taken back.

use super::{Before, Plan, Step};
use crate::error::Failure;
use crate::{Change, Error, Timeouts};
use std::fmt;

/// What is done about a plan that cannot be carried out whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Recovery {
    /// What was done is taken back: first what was taken away is put back and, if
    /// all of that succeeds, what was added and edited goes. So a service always has
    /// either the servers that it had or those that replace them.
    ///
    /// A service that was added is deleted with its destinations, those too that
    /// others added to it meanwhile. An addition stays if its answer was lost:
    /// others may have been faster, and what is there is theirs.
    RollBack,
    /// What was done stays.
    Leave,
}

/// What became of each step of a plan.
#[derive(Debug)]
#[must_use = "the plan can have failed"]
pub struct Applied {
    pub(crate) results: Vec<StepResult>,
    /// In the order in which they happened.
    pub(crate) losses: Vec<Error>,
}

/// What became of one step.
#[derive(Debug)]
pub enum StepResult {
    /// It was carried out.
    Done,
    /// It was not carried out.
    Failed(Error),
    /// It was not sent, because of one that failed or of the socket.
    NotSent,
    /// It was carried out and taken back.
    RolledBack,
    /// It was carried out, and was not taken back whole: why.
    Stuck(Error),
    /// Whether it was carried out, or taken back, is not known: the answer was lost,
    /// and it could not be read back, or what is there is not as wanted and not known
    /// to be as before, as after another's change. Or it is the edit of a service
    /// that failed, or could not be taken back, and cost it its scheduler, which
    /// could not be given back.
    Uncertain(Error),
}

impl Applied {
    /// What became of each step, in the order of [`Plan::steps`].
    pub fn results(&self) -> &[StepResult] {
        &self.results
    }

    /// Whether every step was carried out and stands.
    pub fn is_complete(&self) -> bool {
        self.results.iter().all(|result| matches!(result, StepResult::Done))
    }

    /// Whether the table is as before: no step was carried out, or all were taken
    /// back.
    pub fn is_unchanged(&self) -> bool {
        self.results.iter().all(StepResult::is_unchanged)
    }

    /// Why answers were lost, if they were: to the steps, or to what took them
    /// back. What became of each was read back, as far as it could be.
    pub fn losses(&self) -> &[Error] {
        &self.losses
    }

    /// What became of each step of `plan`, a line each: for logs.
    pub fn report<'a>(&'a self, plan: &'a Plan) -> impl fmt::Display + 'a {
        Report { applied: self, plan }
    }

    /// Whether all went well: [every step](Applied::is_complete) was carried out,
    /// though answers may have been lost.
    ///
    /// # Errors
    ///
    /// Why the first step failed, or else why the plan stopped.
    pub fn into_result(self) -> Result<(), Error> {
        if self.is_complete() {
            return Ok(());
        }
        let failures = self.results.into_iter().filter_map(|result| match result {
            StepResult::Failed(error) | StepResult::Uncertain(error) => Some(error),
            _ => None,
        });
        failures.chain(self.losses).next().map_or(Ok(()), Err)
    }
}

impl StepResult {
    /// Whether what it was to change is as before.
    pub(crate) fn is_unchanged(&self) -> bool {
        matches!(self, Self::NotSent | Self::Failed(_) | Self::RolledBack)
    }
}

/// Why a step was not taken back, other than by the kernel's refusal.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NotTakenBack {
    /// An addition that was found done, but whose answer was lost.
    PerhapsAnothers,
    /// The answer was lost, and what is there is not as the step leaves it and not
    /// known to be as before.
    Differs,
    /// What was taken away for it is not back.
    Replacement,
    /// What was there before was not read.
    BeforeUnknown,
    /// The socket failed before.
    NotSent,
}

impl fmt::Display for NotTakenBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PerhapsAnothers => {
                "left, because the answer was lost and another may have done it"
            }
            Self::Differs => {
                "left, because the answer was lost, and what is there is not as wanted and not known \
                 to be as before"
            }
            Self::Replacement => "left, because what it replaces could not be put back",
            Self::BeforeUnknown => "left, because it is not known what was there before",
            Self::NotSent => "not sent, because the socket failed",
        })
    }
}

struct Report<'a> {
    applied: &'a Applied,
    plan: &'a Plan,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (step, result) in self.plan.steps.iter().zip(&self.applied.results) {
            let change = step.change;
            match result {
                StepResult::Done => writeln!(f, "done: {change}")?,
                StepResult::NotSent => writeln!(f, "not sent: {change}")?,
                StepResult::RolledBack => writeln!(f, "taken back: {change}")?,
                StepResult::Failed(error) => writeln!(f, "failed: {error}")?,
                StepResult::Stuck(error) => writeln!(f, "done and not taken back: {error}")?,
                StepResult::Uncertain(error) => writeln!(f, "unknown: {change}: {error}")?,
            }
        }
        Ok(())
    }
}

impl Step {
    pub(crate) fn adds(&self) -> bool {
        matches!(self.change, Change::AddService(_) | Change::AddDestination(..))
    }

    /// Its result if it is left for this reason.
    pub(crate) fn stuck(&self, reason: NotTakenBack) -> StepResult {
        StepResult::Stuck(self.change.error(Failure::NotTakenBack(reason)))
    }

    /// The steps that take this one back, in order. None if what was there before is
    /// not known.
    pub(crate) fn undo(&self) -> Vec<Self> {
        let step = |change, before| Self { change, before };
        match (&self.change, &self.before) {
            (Change::AddService(added), _) => {
                vec![step(Change::DeleteService(added.key()), Before::Whole(*added, Vec::new()))]
            }
            (Change::AddDestination(key, added), _) => {
                let delete = Change::DeleteDestination(*key, added.endpoint());
                vec![step(delete, Before::Destination(*added))]
            }
            (Change::EditService(after), Before::Service(before)) => {
                vec![step(Change::EditService(*before), Before::Service(*after))]
            }
            (Change::EditDestination(key, after), Before::Destination(before)) => {
                let edit = Change::EditDestination(*key, *before);
                vec![step(edit, Before::Destination(*after))]
            }
            (Change::DeleteDestination(key, _), Before::Destination(before)) => {
                vec![step(Change::AddDestination(*key, *before), Before::Nothing)]
            }
            (Change::DeleteService(key), Before::Whole(before, destinations)) => {
                let add = |destination| Change::AddDestination(*key, destination);
                let destinations = destinations.iter().rev().copied().map(add);
                let additions = std::iter::once(Change::AddService(*before)).chain(destinations);
                additions.map(|change| step(change, Before::Nothing)).collect()
            }
            (Change::SetTimeouts(set), Before::Timeouts(Some(before))) => {
                let reset = Change::SetTimeouts(Timeouts {
                    tcp: set.tcp.and(before.tcp),
                    tcp_fin: set.tcp_fin.and(before.tcp_fin),
                    udp: set.udp.and(before.udp),
                });
                vec![step(reset, Before::Timeouts(Some(*set)))]
            }
            // The timeouts before are not known.
            _ => Vec::new(),
        }
    }
}
