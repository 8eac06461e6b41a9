//! Many drains and ramps over one client, without a thread and without sleeping.

use crate::transport::Transport;
use crate::{
    Client, DestinationEntry, Drain, DrainAction, DrainOutcome, Endpoint, Error, ErrorKind, Ramp,
    RampOutcome, ServiceKey, Weight,
};
use std::collections::BTreeMap;
use std::time::Instant;

/// Drains and ramps that are under way, one for each destination.
///
/// [`run`](Self::run) does what is due and returns;
/// [`poll_timeout`](Self::poll_timeout) says when to call it again. The loop
/// around it sleeps, or waits for other things too; [`Drain`] has an example.
///
/// However many destinations of a service are in it, they are read by one
/// listing, which serves those too that are not due yet: so they come to be due
/// together.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    services: BTreeMap<ServiceKey, BTreeMap<Endpoint, Task>>,
}

/// What is under way with a destination.
#[derive(Clone, Debug)]
pub enum Task {
    /// It is taken out.
    Drain(Drain),
    /// It gets its share.
    Ramp(Ramp),
}

/// What happened in a [`Tasks::run`].
#[derive(Debug)]
#[non_exhaustive]
pub enum TaskEvent {
    /// The destinations of the service could not be read. That is tried again
    /// for each that was due, but for those whose end is reported after this.
    Unread {
        /// The service.
        service: ServiceKey,
        /// Why.
        error: Error,
    },
    /// A change to the destination failed. It is tried again, unless the end is
    /// reported after this.
    Failed {
        /// The service.
        service: ServiceKey,
        /// The destination.
        endpoint: Endpoint,
        /// Why.
        error: Error,
    },
    /// The destination was given a weight.
    WeightSet {
        /// The service.
        service: ServiceKey,
        /// The destination.
        endpoint: Endpoint,
        /// The weight.
        weight: Weight,
    },
    /// A drain ended and is no longer here.
    DrainEnded {
        /// The service.
        service: ServiceKey,
        /// The destination.
        endpoint: Endpoint,
        /// How.
        outcome: DrainOutcome,
    },
    /// A ramp ended and is no longer here.
    RampEnded {
        /// The service.
        service: ServiceKey,
        /// The destination.
        endpoint: Endpoint,
        /// How.
        outcome: RampOutcome,
    },
}

impl Tasks {
    /// Begins a drain or a ramp. Returns the task that the destination had until
    /// now, which is given up as it stands.
    pub fn insert(
        &mut self,
        service: &ServiceKey,
        endpoint: Endpoint,
        task: impl Into<Task>,
    ) -> Option<Task> {
        self.services.entry(*service).or_default().insert(endpoint, task.into())
    }

    /// Cancels the destination's task. A drain restores the weight in the next
    /// [`run`](Self::run), which is due now, and its end is told there. A ramp is
    /// over and gone with this. Returns whether there was a task.
    pub fn cancel(&mut self, service: &ServiceKey, endpoint: Endpoint, now: Instant) -> bool {
        let Some(tasks) = self.services.get_mut(service) else { return false };
        match tasks.get_mut(&endpoint) {
            None => false,
            Some(Task::Drain(drain)) => {
                drain.cancel(now);
                true
            }
            Some(Task::Ramp(_)) => {
                tasks.remove(&endpoint);
                true
            }
        }
    }

    /// Does what is due at `now`, and tells what came of it.
    ///
    /// For each service with a task that is due, its destinations are read once;
    /// each change is a command, so that what the last one acts on is as old as the
    /// others of its service take. What fails is reported and tried again later, as
    /// the tasks say; it does not keep the others from being done.
    pub fn run<T: Transport>(&mut self, now: Instant, client: &mut Client<T>) -> Vec<TaskEvent> {
        let mut events = Vec::new();
        for (service, tasks) in &mut self.services {
            if tasks.values().any(|task| task.is_due(now)) {
                run_service(service, tasks, now, client, &mut events);
            }
            tasks.retain(|endpoint, task| match task.end(service, *endpoint) {
                Some(end) => {
                    events.push(end);
                    false
                }
                None => true,
            });
        }
        self.services.retain(|_, tasks| !tasks.is_empty());
        events
    }

    /// When to call [`run`](Self::run) again, which can be now; `None` when
    /// nothing is under way.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.services.values().flat_map(BTreeMap::values).filter_map(Task::poll_timeout).min()
    }

    /// What is under way, by service and destination.
    pub fn iter(&self) -> impl Iterator<Item = (&ServiceKey, Endpoint, &Task)> {
        self.services.iter().flat_map(|(service, tasks)| {
            tasks.iter().map(move |(endpoint, task)| (service, *endpoint, task))
        })
    }
}

impl Task {
    fn is_due(&self, now: Instant) -> bool {
        self.poll_timeout().is_some_and(|next| next <= now)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        match self {
            Self::Drain(drain) => drain.poll_timeout(),
            Self::Ramp(ramp) => ramp.poll_timeout(),
        }
    }

    fn observe(&mut self, now: Instant, found: Option<&DestinationEntry>) -> Option<DrainAction> {
        match self {
            Self::Drain(drain) => drain.observe(now, found),
            Self::Ramp(ramp) => ramp.observe(now, found).map(DrainAction::SetWeight),
        }
    }

    fn done(&mut self, now: Instant) {
        match self {
            Self::Drain(drain) => drain.done(now),
            Self::Ramp(ramp) => ramp.done(),
        }
    }

    fn failed(&mut self, now: Instant) {
        match self {
            Self::Drain(drain) => drain.failed(now),
            Self::Ramp(ramp) => ramp.failed(now),
        }
    }

    fn gone(&mut self) {
        match self {
            Self::Drain(drain) => drain.gone(),
            Self::Ramp(ramp) => ramp.gone(),
        }
    }

    fn end(&self, service: &ServiceKey, endpoint: Endpoint) -> Option<TaskEvent> {
        let service = *service;
        match self {
            Self::Drain(drain) => {
                let outcome = drain.outcome()?;
                Some(TaskEvent::DrainEnded { service, endpoint, outcome })
            }
            Self::Ramp(ramp) => {
                let outcome = ramp.outcome()?;
                Some(TaskEvent::RampEnded { service, endpoint, outcome })
            }
        }
    }
}

impl From<Drain> for Task {
    fn from(drain: Drain) -> Self {
        Self::Drain(drain)
    }
}

impl From<Ramp> for Task {
    fn from(ramp: Ramp) -> Self {
        Self::Ramp(ramp)
    }
}

fn run_service<T: Transport>(
    service: &ServiceKey,
    tasks: &mut BTreeMap<Endpoint, Task>,
    now: Instant,
    client: &mut Client<T>,
    events: &mut Vec<TaskEvent>,
) {
    let entries = match client.destinations(service) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NoSuchService => {
            tasks.values_mut().for_each(Task::gone);
            return;
        }
        Err(error) => {
            tasks.values_mut().filter(|task| task.is_due(now)).for_each(|task| task.failed(now));
            events.push(TaskEvent::Unread { service: *service, error });
            return;
        }
    };
    let found: BTreeMap<Endpoint, DestinationEntry> = entries
        .into_iter()
        .map(|entry| (entry.destination.endpoint(), entry))
        .filter(|(endpoint, _)| tasks.contains_key(endpoint))
        .collect();
    for (endpoint, task) in tasks {
        let entry = found.get(endpoint);
        let (Some(entry), Some(action)) = (entry, task.observe(now, entry)) else { continue };
        events.extend(act(service, entry, task, action, now, client));
    }
}

/// Carries an action out and tells the task what came of it.
fn act<T: Transport>(
    service: &ServiceKey,
    entry: &DestinationEntry,
    task: &mut Task,
    action: DrainAction,
    now: Instant,
    client: &mut Client<T>,
) -> Option<TaskEvent> {
    let (service, before) = (*service, &entry.destination);
    let endpoint = before.endpoint();
    let result = match action {
        DrainAction::SetWeight(weight) => {
            client.edit_found(&service, before, &before.with_weight(weight))
        }
        DrainAction::Delete => client.delete_destination(&service, endpoint),
    };
    match (result, action) {
        (Ok(()), DrainAction::SetWeight(weight)) => {
            task.done(now);
            Some(TaskEvent::WeightSet { service, endpoint, weight })
        }
        (Ok(()), DrainAction::Delete) => {
            task.done(now);
            None
        }
        (Err(error), _) if error.is_not_found() => {
            task.gone();
            None
        }
        (Err(error), _) => {
            task.failed(now);
            Some(TaskEvent::Failed { service, endpoint, error })
        }
    }
}
