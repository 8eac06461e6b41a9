//! One drain in virtual time.

use crate::{Clock, connections, entry, key, seconds, weight};
use ipvs::{AtDeadline, Connections, Drain, DrainAction, DrainOutcome, WaitFor, Weight};
use std::time::Duration;

const NONE: Connections = Connections { active: 0, inactive: 0, persistent: 0 };
const LOWER: Option<DrainAction> = Some(DrainAction::SetWeight(Weight::ZERO));
const DELETE: Option<DrainAction> = Some(DrainAction::Delete);

fn restore(to: u16) -> Option<DrainAction> {
    Some(DrainAction::SetWeight(weight(to)))
}

fn tcp(clock: Clock, limit: u64) -> Drain {
    Drain::new(&key("tcp 10.0.0.1:80"), clock.0, seconds(limit))
}

/// A drain of TCP that has set weight 0, at 0 s, to a destination of weight 5.
fn lowered(clock: Clock, limit: u64) -> Drain {
    let mut drain = tcp(clock, limit);
    assert_eq!(drain.observe(clock.0, Some(&entry(5, connections(1, 0, 0)))), LOWER);
    drain.done(clock.0);
    drain
}

#[test]
fn a_destination_gets_weight_zero_is_waited_for_and_is_deleted() {
    let clock = Clock::new();
    let mut drain = tcp(clock, 60);
    assert_eq!(drain.poll_timeout(), Some(clock.0));
    assert_eq!(drain.observe(clock.0, Some(&entry(5, connections(2, 1, 0)))), LOWER);
    assert_eq!(drain.poll_timeout(), None);
    drain.done(clock.0);
    for second in 1..10 {
        assert_eq!(drain.poll_timeout(), Some(clock.at(second)));
        let left = connections(u32::from(second < 5), 1, 0);
        assert_eq!(drain.observe(clock.at(second), Some(&entry(0, left))), None);
    }
    assert_eq!(drain.observe(clock.at(10), Some(&entry(0, NONE))), DELETE);
    assert_eq!((drain.poll_timeout(), drain.outcome()), (None, None));
    drain.done(clock.at(10));
    assert_eq!((drain.poll_timeout(), drain.outcome()), (None, Some(DrainOutcome::Drained)));
    assert_eq!(drain.observe(clock.at(11), Some(&entry(5, NONE))), None);
}

#[test]
fn each_choice_waits_for_its_connections_and_for_nothing_else() {
    let clock = Clock::new();
    let all = [WaitFor::Nothing, WaitFor::Active, WaitFor::Connections, WaitFor::Clients];
    let cases = [
        (NONE, 0),
        (connections(1, 0, 0), 3),
        (connections(0, 1, 0), 2),
        (connections(0, 0, 1), 1),
        (connections(1, 1, 1), 3),
    ];
    for (left, kept_by) in cases {
        for (index, wait_for) in all.into_iter().enumerate() {
            let mut drain = tcp(clock, 60).with_wait_for(wait_for);
            assert_eq!(drain.observe(clock.0, Some(&entry(5, left))), LOWER);
            drain.done(clock.0);
            let action = drain.observe(clock.at(1), Some(&entry(0, left)));
            let kept = index >= all.len() - kept_by;
            assert_eq!(action, if kept { None } else { DELETE }, "{wait_for:?} {left:?}");
        }
    }
}

#[test]
fn the_protocol_says_what_is_waited_for_unless_the_caller_does() {
    let expected = [
        ("tcp 10.0.0.1:80", WaitFor::Connections),
        ("sctp 10.0.0.1:80", WaitFor::Connections),
        ("udp 10.0.0.1:53", WaitFor::Nothing),
        ("fwmark 7", WaitFor::Connections),
        ("fwmark 7 ipv6", WaitFor::Connections),
        ("protocol-50 10.0.0.1", WaitFor::Connections),
    ];
    let clock = Clock::new();
    for (service, wait_for) in expected {
        assert_eq!(WaitFor::of(&key(service)), wait_for);
        // A drain does as `of` says.
        let mut drain = Drain::resume(&key(service), clock.0, seconds(60), Weight::ONE);
        let action = drain.observe(clock.0, Some(&entry(0, connections(0, 1, 0))));
        assert_eq!(action == DELETE, wait_for == WaitFor::Nothing, "{service}");
    }
}

#[test]
fn udp_is_deleted_at_once_or_waited_for_by_choice() {
    let clock = Clock::new();
    let drain = Drain::new(&key("udp 10.0.0.1:53"), clock.0, seconds(60));
    let mut at_once = drain.clone();
    let left = connections(0, 9, 0);
    assert_eq!(at_once.observe(clock.0, Some(&entry(1, left))), LOWER);
    at_once.done(clock.0);
    assert_eq!(at_once.poll_timeout(), Some(clock.0));
    assert_eq!(at_once.observe(clock.0, Some(&entry(0, left))), DELETE);
    at_once.done(clock.0);
    assert_eq!(at_once.outcome(), Some(DrainOutcome::Drained));

    let mut patient = drain.with_wait_for(WaitFor::Connections);
    assert_eq!(patient.observe(clock.0, Some(&entry(1, left))), LOWER);
    patient.done(clock.0);
    assert_eq!(patient.observe(clock.at(59), Some(&entry(0, left))), None);
    assert_eq!(patient.observe(clock.at(59), Some(&entry(0, NONE))), DELETE);
}

#[test]
fn for_an_interval_after_weight_zero_was_set_nothing_seen_counts() {
    let clock = Clock::new();
    let mut drain = lowered(clock, 60);
    assert_eq!(drain.observe(clock.at_millis(999), Some(&entry(0, NONE))), None);
    assert_eq!(drain.observe(clock.at_millis(999), Some(&entry(7, NONE))), None);
    assert_eq!(drain.outcome(), None);
    assert_eq!(drain.observe(clock.at(1), Some(&entry(0, NONE))), DELETE);
}

#[test]
fn the_time_between_looks_is_the_callers_but_not_none() {
    let clock = Clock::new();
    for (interval, next) in [(5_000, 5_000), (20, 20), (0, 1), (90_000, 60_000)] {
        let mut drain = tcp(clock, 60).with_interval(Duration::from_millis(interval));
        assert_eq!(drain.observe(clock.0, Some(&entry(5, NONE))), LOWER);
        drain.done(clock.0);
        assert_eq!(drain.poll_timeout(), Some(clock.at_millis(next)));
    }
}

#[test]
fn at_the_deadline_it_is_deleted_or_kept_by_choice_and_what_is_left_is_told() {
    let clock = Clock::new();
    let left = connections(2, 3, 4);
    let mut drain = lowered(clock, 2);
    assert_eq!(drain.observe(clock.at_millis(1500), Some(&entry(0, left))), None);
    assert_eq!(drain.poll_timeout(), Some(clock.at(2)));
    let mut kept = drain.clone().with_at_deadline(AtDeadline::Keep);

    assert_eq!(drain.observe(clock.at(2), Some(&entry(0, left))), DELETE);
    drain.done(clock.at(2));
    let outcome = DrainOutcome::DeadlinePassed { left, deleted: true };
    assert_eq!(drain.outcome(), Some(outcome));

    assert_eq!(kept.observe(clock.at(2), Some(&entry(0, left))), None);
    let outcome = DrainOutcome::DeadlinePassed { left, deleted: false };
    assert_eq!((kept.outcome(), kept.poll_timeout()), (Some(outcome), None));
}

#[test]
fn a_drain_without_time_still_sets_weight_zero_first() {
    let clock = Clock::new();
    let mut drain = tcp(clock, 0);
    let left = connections(1, 0, 0);
    assert_eq!(drain.observe(clock.0, Some(&entry(5, left))), LOWER);
    drain.done(clock.0);
    assert_eq!(drain.poll_timeout(), Some(clock.0));
    assert_eq!(drain.observe(clock.0, Some(&entry(0, left))), DELETE);
}

#[test]
fn what_is_drained_when_the_clock_has_jumped_past_the_deadline_is_drained() {
    let clock = Clock::new();
    let mut drain = lowered(clock, 60);
    assert_eq!(drain.observe(clock.at(1_000_000), Some(&entry(0, NONE))), DELETE);
    drain.done(clock.at(1_000_000));
    assert_eq!(drain.outcome(), Some(DrainOutcome::Drained));
}

#[test]
fn a_clock_that_goes_back_does_no_harm() {
    let clock = Clock::new();
    let mut drain = lowered(clock, 60);
    assert_eq!(drain.observe(clock.at(9), Some(&entry(0, connections(1, 0, 0)))), None);
    assert_eq!(drain.poll_timeout(), Some(clock.at(10)));
    assert_eq!(drain.observe(clock.at(3), Some(&entry(0, connections(1, 0, 0)))), None);
    assert_eq!(drain.poll_timeout(), Some(clock.at(4)));
}

#[test]
fn a_limit_beyond_all_clocks_is_none() {
    let clock = Clock::new();
    let mut drain = Drain::new(&key("10.0.0.1:80"), clock.0, Duration::MAX);
    assert_eq!(drain.observe(clock.0, Some(&entry(5, connections(1, 0, 0)))), LOWER);
    drain.done(clock.0);
    let year = clock.at(365 * 24 * 3600);
    assert_eq!(drain.observe(year, Some(&entry(0, connections(1, 0, 0)))), None);
    assert_eq!(drain.outcome(), None);
}

#[test]
fn a_resumed_drain_goes_on_at_weight_zero_and_restores_what_the_caller_says() {
    let clock = Clock::new();
    let service = key("tcp 10.0.0.1:80");
    let resumed = Drain::resume(&service, clock.0, seconds(60), weight(7));
    let mut drained = resumed.clone();
    assert_eq!(drained.observe(clock.0, Some(&entry(0, connections(1, 0, 0)))), None);
    assert_eq!(drained.observe(clock.at(1), Some(&entry(0, NONE))), DELETE);

    let mut cancelled = resumed;
    cancelled.cancel(clock.at(1));
    assert_eq!(cancelled.observe(clock.at(1), Some(&entry(0, NONE))), restore(7));
    cancelled.done(clock.at(1));
    assert_eq!(cancelled.outcome(), Some(DrainOutcome::Cancelled { weight: weight(7) }));

    // The deadline can count from before the restart.
    let mut late = Drain::resume(&service, clock.0, seconds(60), weight(7));
    assert_eq!(late.poll_timeout(), Some(clock.0));
    assert_eq!(late.observe(clock.at(61), Some(&entry(0, connections(1, 0, 0)))), DELETE);
}

#[test]
fn a_resumed_drain_leaves_a_destination_alone_that_has_a_weight_again() {
    let clock = Clock::new();
    let mut drain = Drain::resume(&key("10.0.0.1:80"), clock.0, seconds(60), weight(7));
    assert_eq!(drain.observe(clock.0, Some(&entry(7, NONE))), None);
    assert_eq!(drain.outcome(), Some(DrainOutcome::TakenBack { weight: weight(7) }));
}

#[test]
fn a_destination_that_has_weight_zero_already_is_waited_for_right_away() {
    let clock = Clock::new();
    let mut drain = tcp(clock, 60);
    assert_eq!(drain.observe(clock.0, Some(&entry(0, connections(1, 0, 0)))), None);
    let mut cancelled = drain.clone();
    assert_eq!(drain.observe(clock.at(1), Some(&entry(0, NONE))), DELETE);
    // It had no other weight that this drain knows of.
    cancelled.cancel(clock.at(1));
    assert_eq!(cancelled.observe(clock.at(1), Some(&entry(0, NONE))), None);
    assert_eq!(cancelled.outcome(), Some(DrainOutcome::Cancelled { weight: Weight::ZERO }));
}

#[test]
fn a_drain_that_is_cancelled_before_its_first_look_changes_nothing() {
    let clock = Clock::new();
    let mut drain = tcp(clock, 60);
    drain.cancel(clock.0);
    assert_eq!(drain.observe(clock.0, Some(&entry(5, NONE))), None);
    assert_eq!(drain.outcome(), Some(DrainOutcome::Cancelled { weight: weight(5) }));
}

#[test]
fn a_cancelled_drain_restores_the_weight_that_it_had() {
    let clock = Clock::new();
    let mut drain = lowered(clock, 60);
    // Due at once, whatever was to be waited out.
    drain.cancel(clock.at_millis(10));
    assert_eq!(drain.poll_timeout(), Some(clock.at_millis(10)));
    let action = drain.observe(clock.at_millis(10), Some(&entry(0, connections(1, 0, 0))));
    assert_eq!(action, restore(5));
    assert_eq!(drain.outcome(), None);
    drain.done(clock.at_millis(10));
    assert_eq!(drain.outcome(), Some(DrainOutcome::Cancelled { weight: weight(5) }));
}

#[test]
fn a_cancel_that_meets_an_action_under_way_waits_for_its_result() {
    let clock = Clock::new();
    let mut drain = tcp(clock, 60);
    assert_eq!(drain.observe(clock.0, Some(&entry(5, NONE))), LOWER);
    drain.cancel(clock.0);
    assert_eq!(drain.poll_timeout(), None);
    drain.done(clock.at_millis(1));
    assert_eq!(drain.poll_timeout(), Some(clock.at_millis(1)));
    assert_eq!(drain.observe(clock.at_millis(1), Some(&entry(0, NONE))), restore(5));

    let mut late = lowered(clock, 60);
    assert_eq!(late.observe(clock.at(1), Some(&entry(0, NONE))), DELETE);
    late.cancel(clock.at(1));
    late.done(clock.at(1));
    assert_eq!(late.outcome(), Some(DrainOutcome::Drained));
    late.cancel(clock.at(2));
    assert_eq!(late.outcome(), Some(DrainOutcome::Drained));
}

#[test]
fn a_cancelled_drain_does_not_overrule_a_weight_that_another_set() {
    let clock = Clock::new();
    let mut drain = lowered(clock, 60);
    drain.cancel(clock.at(1));
    assert_eq!(drain.observe(clock.at(1), Some(&entry(9, NONE))), None);
    assert_eq!(drain.outcome(), Some(DrainOutcome::TakenBack { weight: weight(9) }));
}

#[test]
fn a_restoration_that_failed_is_tried_again_and_one_whose_answer_was_lost_is_seen() {
    let clock = Clock::new();
    let mut drain = lowered(clock, 60);
    drain.cancel(clock.at(1));
    assert_eq!(drain.observe(clock.at(1), Some(&entry(0, NONE))), restore(5));
    drain.failed(clock.at(1));
    assert_eq!(drain.poll_timeout(), Some(clock.at(2)));
    let mut lost = drain.clone();
    assert_eq!(drain.observe(clock.at(2), Some(&entry(0, NONE))), restore(5));
    assert_eq!(lost.observe(clock.at(2), Some(&entry(5, NONE))), None);
    assert_eq!(lost.outcome(), Some(DrainOutcome::Cancelled { weight: weight(5) }));
}

#[test]
fn a_weight_that_another_raised_ends_the_drain_also_at_the_deadline() {
    let clock = Clock::new();
    for second in [1, 59, 60, 61] {
        let mut drain = lowered(clock, 60);
        assert_eq!(drain.observe(clock.at(second), Some(&entry(1, NONE))), None);
        assert_eq!(drain.outcome(), Some(DrainOutcome::TakenBack { weight: Weight::ONE }));
    }
}

#[test]
fn a_destination_that_is_missing_from_two_listings_is_gone_and_from_one_is_not() {
    let clock = Clock::new();
    let mut drain = lowered(clock, 60);
    for second in [1, 2] {
        assert_eq!(drain.observe(clock.at(second), None), None);
        // To be sure, it is read again at once.
        assert_eq!(drain.poll_timeout(), Some(clock.at(second)));
        let found = entry(0, connections(1, 0, 0));
        assert_eq!(drain.observe(clock.at(second), Some(&found)), None);
        assert_eq!(drain.poll_timeout(), Some(clock.at(second + 1)));
    }
    assert_eq!(drain.observe(clock.at(3), None), None);
    assert_eq!(drain.outcome(), None);
    assert_eq!(drain.observe(clock.at(3), None), None);
    assert_eq!(drain.outcome(), Some(DrainOutcome::Gone));
}

#[test]
fn what_the_kernel_says_is_gone_is_gone_at_once() {
    let clock = Clock::new();
    let mut drain = tcp(clock, 60);
    assert_eq!(drain.observe(clock.0, Some(&entry(5, NONE))), LOWER);
    drain.gone();
    assert_eq!((drain.outcome(), drain.poll_timeout()), (Some(DrainOutcome::Gone), None));

    let mut deleting = lowered(clock, 60);
    assert_eq!(deleting.observe(clock.at(1), Some(&entry(0, NONE))), DELETE);
    deleting.gone();
    assert_eq!(deleting.outcome(), Some(DrainOutcome::Gone));
}

#[test]
fn a_weight_that_could_not_be_set_is_tried_again_and_the_later_one_is_restored() {
    let clock = Clock::new();
    let mut drain = tcp(clock, 60);
    assert_eq!(drain.observe(clock.0, Some(&entry(5, NONE))), LOWER);
    drain.failed(clock.0);
    // What is seen while it waits changes nothing.
    assert_eq!(drain.observe(clock.at_millis(999), Some(&entry(5, NONE))), None);
    assert_eq!(drain.observe(clock.at(1), Some(&entry(6, NONE))), LOWER);
    drain.failed(clock.at(1));
    assert_eq!(drain.poll_timeout(), Some(clock.at(3)));
    assert_eq!(drain.observe(clock.at(3), Some(&entry(6, NONE))), LOWER);
    drain.done(clock.at(3));
    drain.cancel(clock.at(4));
    assert_eq!(drain.observe(clock.at(4), Some(&entry(0, NONE))), restore(6));
}

#[test]
fn a_weight_zero_whose_answer_was_lost_is_seen() {
    let clock = Clock::new();
    let mut drain = tcp(clock, 60);
    assert_eq!(drain.observe(clock.0, Some(&entry(5, NONE))), LOWER);
    drain.failed(clock.0);
    assert_eq!(drain.observe(clock.at(1), Some(&entry(0, connections(1, 0, 0)))), None);
    drain.cancel(clock.at(1));
    assert_eq!(drain.observe(clock.at(1), Some(&entry(0, NONE))), restore(5));
}

#[test]
fn a_deletion_whose_answer_was_lost_is_not_taken_for_anothers() {
    let clock = Clock::new();
    let mut drain = lowered(clock, 60);
    assert_eq!(drain.observe(clock.at(1), Some(&entry(0, NONE))), DELETE);
    drain.failed(clock.at(1));
    let mut later = drain.clone();
    assert_eq!(drain.observe(clock.at(2), None), None);
    assert_eq!(drain.observe(clock.at(2), None), None);
    assert_eq!(drain.outcome(), Some(DrainOutcome::Drained));

    // It failed indeed, and then it was another's.
    assert_eq!(later.observe(clock.at(2), Some(&entry(0, connections(1, 0, 0)))), None);
    assert_eq!(later.observe(clock.at(3), None), None);
    assert_eq!(later.observe(clock.at(3), None), None);
    assert_eq!(later.outcome(), Some(DrainOutcome::Gone));
}

#[test]
fn a_deletion_that_failed_is_not_repeated_for_a_destination_that_has_a_weight_again() {
    let clock = Clock::new();
    let mut drain = lowered(clock, 60);
    assert_eq!(drain.observe(clock.at(1), Some(&entry(0, NONE))), DELETE);
    drain.failed(clock.at(1));
    assert_eq!(drain.observe(clock.at(2), Some(&entry(5, NONE))), None);
    assert_eq!(drain.outcome(), Some(DrainOutcome::TakenBack { weight: weight(5) }));
}

#[test]
fn failures_are_borne_until_the_deadline_and_end_the_drain_after_it() {
    let clock = Clock::new();
    let mut drain = tcp(clock, 10);
    let mut looks = Vec::new();
    while let Some(next) = drain.poll_timeout() {
        looks.push((next - clock.0).as_secs());
        drain.failed(next);
    }
    assert_eq!(looks, [0, 1, 3, 7, 10]);
    assert_eq!(drain.outcome(), Some(DrainOutcome::Failed));
    drain.failed(clock.at(99));
    drain.gone();
    assert_eq!(drain.outcome(), Some(DrainOutcome::Failed));
}

#[test]
fn looks_that_succeed_do_not_make_a_failing_action_frequent() {
    let clock = Clock::new();
    let mut drain = tcp(clock, 20);
    let mut looks = Vec::new();
    while let Some(next) = drain.poll_timeout() {
        looks.push((next - clock.0).as_secs());
        assert_eq!(drain.observe(next, Some(&entry(5, NONE))), LOWER);
        drain.failed(next);
    }
    assert_eq!(looks, [0, 1, 3, 7, 15, 20]);
    assert_eq!(drain.outcome(), Some(DrainOutcome::Failed));
}

#[test]
fn results_that_nothing_was_asked_for_change_nothing() {
    let clock = Clock::new();
    let mut drain = tcp(clock, 60);
    drain.done(clock.0);
    assert_eq!((drain.poll_timeout(), drain.outcome()), (Some(clock.0), None));
    let mut twice = lowered(clock, 60);
    twice.done(clock.at(1));
    assert_eq!(twice.outcome(), None);
    // While an action has no result, what is seen changes nothing.
    assert_eq!(drain.observe(clock.0, Some(&entry(5, NONE))), LOWER);
    assert_eq!(drain.observe(clock.at(9), Some(&entry(9, NONE))), None);
    drain.done(clock.at(9));
    drain.cancel(clock.at(9));
    assert_eq!(drain.observe(clock.at(9), Some(&entry(0, NONE))), restore(5));
}
