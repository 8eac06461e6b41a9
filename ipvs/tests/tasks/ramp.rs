//! One ramp in virtual time.

use crate::{Clock, connections, entry, seconds, weight};
use ipvs::{Connections, DestinationEntry, Ramp, RampOutcome, Weight};
use std::time::Duration;

const NONE: Connections = Connections { active: 0, inactive: 0, persistent: 0 };

fn found(weight: u16) -> DestinationEntry {
    entry(weight, connections(3, 0, 0))
}

/// Every step of a ramp that is served on time, in milliseconds.
fn steps(clock: Clock, mut ramp: Ramp, mut at: u16) -> Vec<(u128, u32)> {
    let mut steps = Vec::new();
    while let Some(next) = ramp.poll_timeout() {
        if let Some(weight) = ramp.observe(next, Some(&entry(at, NONE))) {
            steps.push(((next - clock.0).as_millis(), weight.value()));
            at = u16::try_from(weight.value()).unwrap();
            ramp.done();
        }
    }
    assert_eq!(ramp.outcome(), Some(RampOutcome::Reached));
    steps
}

#[test]
fn the_weight_rises_in_ten_steps_and_ends_on_the_target() {
    let clock = Clock::new();
    let ramp = Ramp::new(weight(10), weight(110), clock.0, seconds(100));
    let expected: Vec<(u128, u32)> =
        (0..=10).map(|n| (u128::from(n) * 10_000, 10 + n * 10)).collect();
    assert_eq!(steps(clock, ramp, 0), expected);
    let uneven = Ramp::new(weight(1), weight(100), clock.0, Duration::from_millis(1_000));
    let weights: Vec<u32> = steps(clock, uneven, 0).iter().map(|(_, weight)| *weight).collect();
    assert_eq!(weights, [1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100]);
}

#[test]
fn a_small_target_has_as_many_steps_as_numbers() {
    let clock = Clock::new();
    let ramp = |first, target| Ramp::new(weight(first), weight(target), clock.0, seconds(6));
    assert_eq!(steps(clock, ramp(1, 1), 0), [(0, 1)]);
    assert_eq!(steps(clock, ramp(1, 2), 0), [(0, 1), (6_000, 2)]);
    assert_eq!(steps(clock, ramp(1, 3), 0), [(0, 1), (3_000, 2), (6_000, 3)]);
    // A first weight of 0 is 1, one above the target is the target.
    assert_eq!(steps(clock, ramp(0, 2), 0), [(0, 1), (6_000, 2)]);
    assert_eq!(steps(clock, ramp(9, 3), 0), [(0, 3)]);
    // A target of 0 is a strange wish, but one.
    assert_eq!(steps(clock, ramp(1, 0), 4), [(0, 0)]);
    assert_eq!(steps(clock, ramp(1, 0), 0), []);
}

#[test]
fn a_ramp_without_a_period_is_one_step() {
    let clock = Clock::new();
    let ramp = Ramp::new(weight(1), weight(100), clock.0, Duration::ZERO);
    assert_eq!(steps(clock, ramp, 0), [(0, 100)]);
}

#[test]
fn the_plan_never_falls_is_never_zero_and_ends_on_the_target() {
    let clock = Clock::new();
    let targets = [1, 2, 3, 7, 10, 11, 100, 65_535, 2_147_483_647];
    for target in targets.map(|target| Weight::new(target).unwrap()) {
        let ramp = Ramp::new(Weight::ONE, target, clock.0, seconds(7));
        let mut last = Weight::ONE;
        for millis in 0..7_000 {
            let weight = ramp.weight_at(clock.at_millis(millis));
            assert!(weight >= last, "{millis}");
            last = weight;
        }
        assert!(last < target || target == Weight::ONE);
        assert_eq!(ramp.weight_at(clock.at(7)), target);
        assert_eq!(ramp.weight_at(clock.at(1_000_000)), target);
    }
    let later = Ramp::new(weight(5), weight(10), clock.at(3), seconds(7));
    assert_eq!(later.weight_at(clock.0), weight(5));
}

#[test]
fn steps_are_left_out_when_the_clock_stood_still() {
    let clock = Clock::new();
    let mut ramp = Ramp::new(weight(10), weight(110), clock.0, seconds(100));
    assert_eq!(ramp.observe(clock.0, Some(&found(0))), Some(weight(10)));
    ramp.done();
    assert_eq!(ramp.observe(clock.at(57), Some(&found(10))), Some(weight(60)));
    ramp.done();
    assert_eq!(ramp.poll_timeout(), Some(clock.at(60)));
    assert_eq!(ramp.observe(clock.at(9_000), Some(&found(60))), Some(weight(110)));
    ramp.done();
    assert_eq!((ramp.outcome(), ramp.poll_timeout()), (Some(RampOutcome::Reached), None));
}

#[test]
fn between_steps_and_before_the_start_nothing_happens() {
    let clock = Clock::new();
    let mut ramp = Ramp::new(weight(10), weight(110), clock.at(5), seconds(100));
    assert_eq!(ramp.observe(clock.0, Some(&found(0))), None);
    assert_eq!(ramp.poll_timeout(), Some(clock.at(5)));
    assert_eq!(ramp.observe(clock.at(5), Some(&found(0))), Some(weight(10)));
    assert_eq!(ramp.poll_timeout(), None);
    assert_eq!(ramp.observe(clock.at(5), Some(&found(0))), None);
    ramp.done();
    assert_eq!(ramp.observe(clock.at(6), Some(&found(10))), None);
    assert_eq!(ramp.poll_timeout(), Some(clock.at(15)));
}

#[test]
fn a_weight_found_first_is_not_lowered_to_the_first_share() {
    let clock = Clock::new();
    let mut ramp = Ramp::new(weight(10), weight(110), clock.0, seconds(100));
    assert_eq!(ramp.observe(clock.0, Some(&found(45))), None);
    assert_eq!(ramp.poll_timeout(), Some(clock.at(40)));
    assert_eq!(ramp.observe(clock.at(40), Some(&found(45))), Some(weight(50)));

    let mut there = Ramp::new(weight(10), weight(110), clock.0, seconds(100));
    assert_eq!(there.observe(clock.0, Some(&found(110))), None);
    assert_eq!(there.outcome(), Some(RampOutcome::Reached));

    let mut above = Ramp::new(weight(10), weight(110), clock.0, seconds(100));
    assert_eq!(above.observe(clock.0, Some(&found(200))), Some(weight(110)));
    above.done();
    assert_eq!(above.outcome(), Some(RampOutcome::Reached));
}

#[test]
fn a_weight_that_another_set_ends_the_ramp() {
    let clock = Clock::new();
    for other in [0, 5, 11, 110] {
        let mut ramp = Ramp::new(weight(10), weight(110), clock.0, seconds(100));
        assert_eq!(ramp.observe(clock.0, Some(&found(0))), Some(weight(10)));
        ramp.done();
        assert_eq!(ramp.observe(clock.at(10), Some(&found(other))), None);
        assert_eq!(ramp.outcome(), Some(RampOutcome::TakenBack { weight: weight(other) }));
    }
}

#[test]
fn a_weight_whose_answer_was_lost_is_not_taken_for_anothers() {
    let clock = Clock::new();
    let mut ramp = Ramp::new(weight(10), weight(110), clock.0, seconds(100));
    for now in [0, 1] {
        assert_eq!(ramp.observe(clock.at(now), Some(&found(0))), Some(weight(10)));
        ramp.failed(clock.at(now));
    }
    assert_eq!(ramp.poll_timeout(), Some(clock.at(3)));
    assert_eq!(ramp.observe(clock.at(3), Some(&found(10))), None);
    assert_eq!(ramp.poll_timeout(), Some(clock.at(10)));
    assert_eq!(ramp.observe(clock.at(10), Some(&found(10))), Some(weight(20)));
    ramp.failed(clock.at(10));
    let mut lost = ramp.clone();
    assert_eq!(ramp.observe(clock.at(11), Some(&found(10))), Some(weight(20)));
    assert_eq!(lost.observe(clock.at(20), Some(&found(20))), Some(weight(30)));
}

#[test]
fn failures_are_borne_to_the_end_of_the_period_and_end_the_ramp_after_it() {
    let clock = Clock::new();
    let mut ramp = Ramp::new(weight(10), weight(110), clock.0, seconds(10));
    let mut looks = Vec::new();
    while let Some(next) = ramp.poll_timeout() {
        looks.push((next - clock.0).as_secs());
        assert!(ramp.observe(next, Some(&found(0))).is_some());
        ramp.failed(next);
    }
    assert_eq!(looks, [0, 1, 3, 7, 10]);
    assert_eq!(ramp.outcome(), Some(RampOutcome::Failed));
}

#[test]
fn a_ramp_ends_when_the_destination_is_gone() {
    let clock = Clock::new();
    let ramp = Ramp::new(weight(10), weight(110), clock.0, seconds(10));
    let mut gone = ramp.clone();
    assert_eq!(gone.observe(clock.0, None), None);
    assert_eq!((gone.outcome(), gone.poll_timeout()), (None, Some(clock.0)));
    assert_eq!(gone.observe(clock.0, None), None);
    assert_eq!(gone.outcome(), Some(RampOutcome::Gone));

    let mut told = ramp;
    assert!(told.observe(clock.0, Some(&found(0))).is_some());
    told.gone();
    assert_eq!((told.outcome(), told.poll_timeout()), (Some(RampOutcome::Gone), None));
}

#[test]
fn a_period_beyond_all_clocks_is_a_long_one() {
    let clock = Clock::new();
    let mut ramp = Ramp::new(weight(1), weight(3), clock.0, Duration::MAX);
    assert_eq!(ramp.observe(clock.0, Some(&found(0))), Some(weight(1)));
    ramp.done();
    assert!(ramp.poll_timeout().unwrap() > clock.at(1_000_000_000));
}
