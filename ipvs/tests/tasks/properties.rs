//! What holds for every course of events.

use crate::{Clock, entry, key, weight};
use ipvs::{
    AtDeadline, Connections, Drain, DrainAction, DrainOutcome, Ramp, RampOutcome, WaitFor, Weight,
};
use proptest::collection::vec;
use proptest::prelude::*;
use std::time::Duration;

#[derive(Clone, Copy, Debug)]
enum Step {
    /// Time passes, in milliseconds.
    Pass(u64),
    Connections(Connections),
    /// Another sets the weight.
    Weight(u16),
    /// The destination is read.
    Look,
    /// A listing lacks it.
    Miss,
    /// The action is carried out, and that is told or not.
    Done,
    Lost,
    /// The action, or reading, fails.
    Failed,
    Cancel,
}

fn connections() -> impl Strategy<Value = Connections> {
    (0..2u32, 0..2u32, 0..2u32).prop_map(|(active, inactive, persistent)| Connections {
        active,
        inactive,
        persistent,
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..4_000u64).prop_map(Step::Pass),
        2 => connections().prop_map(Step::Connections),
        1 => (0..4u16).prop_map(Step::Weight),
        8 => Just(Step::Look),
        1 => Just(Step::Miss),
        6 => Just(Step::Done),
        1 => Just(Step::Lost),
        2 => Just(Step::Failed),
        1 => Just(Step::Cancel),
    ]
}

fn wait_for() -> impl Strategy<Value = WaitFor> {
    prop_oneof![
        Just(WaitFor::Nothing),
        Just(WaitFor::Active),
        Just(WaitFor::Connections),
        Just(WaitFor::Clients),
    ]
}

/// Whether these connections keep the destination, said in another way.
fn keeps(wait_for: WaitFor, left: Connections) -> bool {
    let counted = match wait_for {
        WaitFor::Nothing => 0,
        WaitFor::Active => left.active,
        WaitFor::Connections => left.active + left.inactive,
        WaitFor::Clients => left.active + left.inactive + left.persistent,
    };
    counted > 0
}

fn drain(clock: Clock, wait_for: WaitFor, keep: bool, limit: u64, resumed: bool) -> Drain {
    let (service, limit) = (key("10.0.0.1:80"), Duration::from_millis(limit));
    let drain = match resumed {
        true => Drain::resume(&service, clock.0, limit, weight(3)),
        false => Drain::new(&service, clock.0, limit),
    };
    let at_deadline = if keep { AtDeadline::Keep } else { AtDeadline::Delete };
    drain.with_wait_for(wait_for).with_at_deadline(at_deadline)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn a_drain_deletes_only_what_it_may_and_does_nothing_after_its_end(
        wait_for in wait_for(),
        keep: bool,
        resumed: bool,
        limit in 0..20_000u64,
        first in 0..4u16,
        steps in vec(step(), 0..80),
    ) {
        let clock = Clock::new();
        let mut drain = drain(clock, wait_for, keep, limit, resumed);
        let (mut millis, mut weight, mut left) = (0, first, Connections::default());
        let mut there = true;
        let mut cancelled = false;
        let mut sent: Option<DrainAction> = None;
        // The weights above 0 that it was ever seen or told to have.
        let mut had = if resumed { vec![3] } else { Vec::new() };
        for step in steps {
            let now = clock.at_millis(millis);
            let ended = drain.outcome();
            match step {
                Step::Pass(by) => millis += by,
                Step::Connections(new) => left = new,
                Step::Weight(new) => weight = new,
                Step::Look | Step::Miss => {
                    let found = entry(weight, left);
                    let seen = there && matches!(step, Step::Look);
                    let action = drain.observe(now, seen.then_some(&found));
                    if let Some(action) = action {
                        prop_assert!(seen && ended.is_none() && sent.is_none());
                        sent = Some(action);
                        match action {
                            DrainAction::Delete => {
                                prop_assert_eq!(weight, 0);
                                prop_assert!(!cancelled);
                                let passed = !keep && millis >= limit;
                                prop_assert!(!keeps(wait_for, left) || passed);
                            }
                            DrainAction::SetWeight(Weight::ZERO) => prop_assert!(weight > 0 && !cancelled),
                            DrainAction::SetWeight(to) => {
                                prop_assert!(weight == 0 && cancelled);
                                prop_assert!(had.contains(&to.value()));
                            }
                        }
                    }
                    if seen && weight > 0 {
                        had.push(u32::from(weight));
                    }
                }
                Step::Done | Step::Lost => {
                    match sent.take() {
                        Some(DrainAction::SetWeight(to)) => weight = u16::try_from(to.value()).unwrap(),
                        Some(DrainAction::Delete) => there = false,
                        None if matches!(step, Step::Lost) => continue,
                        None => {}
                    }
                    if matches!(step, Step::Done) {
                        drain.done(now);
                    } else {
                        drain.failed(now);
                    }
                }
                Step::Failed => {
                    sent = None;
                    drain.failed(now);
                }
                Step::Cancel => {
                    cancelled = true;
                    drain.cancel(now);
                }
            }
            if let Some(outcome) = ended {
                prop_assert_eq!(drain.outcome(), Some(outcome));
            }
            let waits = drain.outcome().is_none() && sent.is_none();
            prop_assert_eq!(drain.poll_timeout().is_some(), waits);
        }
    }

    #[test]
    fn a_drain_that_is_served_ends_by_its_deadline_and_one_look(
        wait_for in wait_for(),
        keep: bool,
        resumed: bool,
        limit in 0..30_000u64,
        first in 0..4u16,
        late in vec(0..1_500u64, 1..8),
        course in vec(connections(), 1..40),
        cancel in proptest::option::of(0..40usize),
    ) {
        let clock = Clock::new();
        let mut drain = drain(clock, wait_for, keep, limit, resumed);
        let deadline = clock.at_millis(limit);
        let (mut weight, mut looks_after, mut there) = (first, 0, true);
        let mut now = clock.0;
        for look in 0.. {
            let Some(next) = drain.poll_timeout() else { break };
            // The caller comes late, and sometimes in time.
            now = next.max(now) + Duration::from_millis(late[look % late.len()] / 2 * (look as u64 % 2));
            if now >= deadline {
                looks_after += 1;
            }
            if cancel == Some(look) {
                drain.cancel(now);
            }
            let left = course[look % course.len()];
            match drain.observe(now, Some(&entry(weight, left))) {
                Some(DrainAction::SetWeight(to)) => weight = u16::try_from(to.value()).unwrap(),
                Some(DrainAction::Delete) => there = false,
                None => continue,
            }
            drain.done(now);
        }
        // The one that sets weight 0, if that is so late, and the last.
        prop_assert!(looks_after <= 2);
        match drain.outcome().unwrap() {
            DrainOutcome::Drained | DrainOutcome::DeadlinePassed { deleted: true, .. } => {
                prop_assert!(!there && weight == 0);
            }
            DrainOutcome::DeadlinePassed { deleted: false, .. } => {
                prop_assert!(there && keep && weight == 0);
            }
            DrainOutcome::Cancelled { weight: to } => {
                prop_assert!(there && cancel.is_some());
                prop_assert_eq!(to.value(), u32::from(weight));
                let had = if resumed { 3 } else { first };
                prop_assert!(weight == had || first > 0);
            }
            DrainOutcome::TakenBack { .. } => prop_assert!(resumed && first > 0),
            outcome => prop_assert!(false, "{outcome:?}"),
        }
    }

    #[test]
    fn a_ramp_that_is_served_rises_step_by_step_and_reaches_its_target(
        first in 0..200u16,
        target in 1..200u16,
        start in 0..200u16,
        period in 0..60_000u64,
        late in vec((0..9_000u64, any::<bool>(), any::<bool>()), 1..20),
    ) {
        let clock = Clock::new();
        let mut ramp = Ramp::new(weight(first), weight(target), clock.0, Duration::from_millis(period));
        let (mut at, mut now, mut changes) = (start.min(target), clock.0, 0);
        let mut failures = 0;
        for look in 0.. {
            let Some(next) = ramp.poll_timeout() else { break };
            let (by, fails, lost) = late[look % late.len()];
            now = next.max(now) + Duration::from_millis(by);
            let Some(to) = ramp.observe(now, Some(&entry(at, Connections::default()))) else { continue };
            let to = u16::try_from(to.value()).unwrap();
            prop_assert!(to > at && to <= target);
            if fails && failures < 2 {
                failures += 1;
                at = if lost { to } else { at };
                ramp.failed(now);
            } else {
                failures = 0;
                changes += 1;
                at = to;
                ramp.done();
            }
        }
        prop_assert_eq!(ramp.outcome(), Some(RampOutcome::Reached));
        prop_assert_eq!(at, target);
        prop_assert!(changes <= 11);
    }
}
