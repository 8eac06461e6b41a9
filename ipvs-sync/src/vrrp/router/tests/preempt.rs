//! When a backup takes over from a lower priority.

use super::*;

/// Hears the lower priority every second until it takes over; how long that took, in
/// whole seconds.
fn seconds_until_active(host: &mut Host, limit: u64) -> Option<u64> {
    (0..limit).find(|_| {
        host.hear(50, "10.0.0.3");
        host.pass(MILLI * 1_000);
        host.state() == State::Active
    })
}

// shows: 9568-6.1-3, 9568-6.4.2-16
#[test]
fn by_default_it_takes_over_after_the_down_interval() {
    assert_eq!(seconds_until_active(&mut Host::started(rank(100)), 10), Some(3));
}

// shows: 9568-6.4.2-15
#[test]
fn without_preemption_a_lower_priority_is_left_alone_while_it_is_heard() {
    let mut host = Host::started(rank(100).with_preempt(Preempt::Never));
    assert_eq!(seconds_until_active(&mut host, 1_000), None);
    assert_eq!(host.until(State::Active), Duration::from_micros(2_609_375));
}

// shows: 9568-6.1-7
#[test]
fn an_owner_always_preempts() {
    let config = rank(255).with_startup_delay(MILLI).with_sync_gate(true);
    let mut host = Host::started(config.with_preempt(Preempt::Never));
    assert_eq!(seconds_until_active(&mut host, 10), Some(3));
}

#[test]
fn a_delayed_preemption_begins_to_count_with_the_first_lower_priority() {
    let delay = Duration::from_secs(60);
    let mut host = Host::started(rank(100).with_preempt(Preempt::After(delay)));
    host.hear(150, "10.0.0.4");
    host.pass(MILLI * 1_000);
    // 60 s until it no longer listens to it, and then the down interval since it did.
    assert_eq!(seconds_until_active(&mut host, 100), Some(62));
}

#[test]
fn a_delayed_preemption_counts_anew_after_the_same_or_a_higher_priority() {
    for priority in [100, 101] {
        let delay = Duration::from_secs(60);
        let mut host = Host::started(rank(100).with_preempt(Preempt::After(delay)));
        assert_eq!(seconds_until_active(&mut host, 50), None);
        host.hear(priority, "10.0.0.4");
        assert_eq!(seconds_until_active(&mut host, 100), Some(62));
    }
}

#[test]
fn a_delayed_preemption_does_not_delay_when_nobody_is_heard() {
    let delay = Duration::from_secs(60);
    let mut host = Host::started(rank(100).with_preempt(Preempt::After(delay)));
    host.hear(50, "10.0.0.3");
    assert_eq!(host.until(State::Active), Duration::from_micros(3_609_375));
}

#[test]
fn behind_the_gate_it_leaves_a_lower_priority_alone_until_it_is_ready() {
    let mut host = Host::started(rank(100).with_sync_gate(true));
    assert_eq!(seconds_until_active(&mut host, 1_000), None);
    host.tell(Event::SyncReady(true));
    assert_eq!(seconds_until_active(&mut host, 10), Some(2));
}

#[test]
fn behind_the_gate_it_takes_over_when_nobody_is_heard_or_the_active_router_resigns() {
    let mut host = Host::started(rank(100).with_sync_gate(true));
    host.hear(50, "10.0.0.3");
    assert_eq!(host.until(State::Active), Duration::from_micros(3_609_375));

    let mut host = Host::started(rank(100).with_sync_gate(true));
    host.hear(50, "10.0.0.3");
    host.hear(0, "10.0.0.3");
    assert_eq!(host.until(State::Active), Duration::from_micros(609_375));
}

/// Whether it tells that the gate keeps it from taking over from one with this priority.
fn is_told_held(host: &mut Host, priority: u8) -> bool {
    let held = Action::Report(Report::Held { peer: address("10.0.0.3"), priority });
    host.hear(priority, "10.0.0.3");
    host.take().contains(&held)
}

#[test]
fn one_that_would_no_longer_preempt_follows_a_resignation_as_soon() {
    let lowered = Event::Health(Health::Well { lower: 60 });
    for (event, micros) in [(Event::SyncReady(false), 609_375), (lowered, 843_750)] {
        let mut host = Host::stopped(rank(100).with_sync_gate(true));
        host.tell(Event::SyncReady(true));
        host.tell(Event::Start);
        host.hear(50, "10.0.0.3");
        host.tell(event);
        host.hear(0, "10.0.0.3");
        assert_eq!(host.until(State::Active), Duration::from_micros(micros));
    }
}

#[test]
fn what_the_gate_keeps_it_from_is_told_once_until_it_is_open() {
    let config = rank(100).with_sync_gate(true);
    let mut host = Host::started(config.clone());
    assert!(!is_told_held(&mut host, 150));
    assert!(!is_told_held(&mut host, 100));
    assert!(is_told_held(&mut host, 50));
    assert!(!is_told_held(&mut host, 50));
    host.tell(Event::SyncReady(true));
    assert!(!is_told_held(&mut host, 50));
    host.tell(Event::SyncReady(false));
    assert!(is_told_held(&mut host, 50));

    // What it would not do anyway is not told.
    let mut host = Host::started(config.clone().with_preempt(Preempt::Never));
    assert!(!is_told_held(&mut host, 50));
    let mut host = Host::started(config.with_preempt(Preempt::After(MILLI * 1_500)));
    assert!(!is_told_held(&mut host, 50));
    host.pass(MILLI * 1_600);
    assert!(is_told_held(&mut host, 50));
}

#[test]
fn what_held_it_back_and_has_ended_is_told_when_it_comes_again() {
    let mut host = Host::started(rank(100).with_sync_gate(true));
    assert!(is_told_held(&mut host, 50));
    assert!(!is_told_held(&mut host, 150));
    assert!(is_told_held(&mut host, 50));
}

#[test]
fn whether_it_would_take_over_is_known_whatever_its_gate_is() {
    for is_open in [false, true] {
        let mut host = Host::started(rank(100).with_sync_gate(true));
        host.tell(Event::SyncReady(is_open));
        assert!(!host.router.preempts(), "it has heard nobody");
        for (priority, preempts) in [(50, true), (150, false), (100, false), (99, true)] {
            host.hear(priority, "10.0.0.3");
            assert_eq!(host.router.preempts(), preempts, "{priority}");
        }
        host.tell(Event::Health(Health::Well { lower: 1 }));
        assert!(!host.router.preempts());
    }
    let mut host = Host::started(rank(100).with_preempt(Preempt::Never).with_sync_gate(true));
    host.hear(50, "10.0.0.3");
    assert!(!host.router.preempts());
    let delay = Preempt::After(MILLI * 1_500);
    let mut host = Host::started(rank(100).with_preempt(delay).with_sync_gate(true));
    for preempts in [false, false, true] {
        host.hear(50, "10.0.0.3");
        assert_eq!(host.router.preempts(), preempts);
        host.pass(MILLI * 1_000);
    }
}

#[test]
fn a_gate_that_closes_again_holds_it_back() {
    let mut host = Host::started(rank(100).with_sync_gate(true));
    host.tell(Event::SyncReady(true));
    assert_eq!(seconds_until_active(&mut host, 2), None);
    host.tell(Event::SyncReady(false));
    assert_eq!(seconds_until_active(&mut host, 100), None);
}

#[test]
fn what_held_it_back_just_before_it_took_over_counts() {
    let lowered = Event::Health(Health::Well { lower: 50 });
    for event in [Event::SyncReady(false), lowered] {
        let mut host = Host::started(rank(100).with_sync_gate(true));
        host.tell(Event::SyncReady(true));
        assert_eq!(seconds_until_active(&mut host, 3), None);
        host.hear(50, "10.0.0.3");
        host.pass(MILLI * 500);
        host.tell(event);
        host.pass(MILLI * 500);
        assert_eq!(seconds_until_active(&mut host, 100), None);
        // Silence ends it, counted from what it heard last.
        assert!(host.until(State::Active) < MILLI * 3_000);
    }
}
