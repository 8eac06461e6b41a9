//! Told the time too late.

use super::*;

/// The interval and the skew that a backup waits for one advertisement after a pause.
const ONE_MORE: Duration = Duration::from_micros(1_609_375);

fn arrived(priority: u8, source: &str, arrival: Time) -> Event {
    let version = Version::V3(Interval::DEFAULT);
    Event::Heard(Heard { priority, version, source: address(source), arrival })
}

#[test]
fn what_waited_in_the_socket_counts_from_its_arrival() {
    let mut host = Host::started(rank(100));
    host.hear(150, "10.0.0.3");
    host.pass(MILLI * 1_000);
    let arrival = host.now;
    host.now = host.now + MILLI * 400;
    host.tell(arrived(150, "10.0.0.3", arrival));
    assert_eq!(host.until(State::Active), Duration::from_micros(3_609_375 - 400_000));
}

#[test]
fn what_waited_in_the_socket_for_long_does_not_make_it_active_by_itself() {
    let mut host = Host::started(rank(100));
    host.hear(150, "10.0.0.3");
    host.pass(MILLI * 1_500);
    let arrival = host.now;
    // The process is not run for 5 s, and the active router fell silent in the first.
    host.now = host.now + MILLI * 5_000;
    for n in 0..2 {
        host.tell(arrived(150, "10.0.0.3", arrival + MILLI * 500 * n));
    }
    host.tell(Event::Tick);
    assert_eq!(host.state(), State::Backup);
    assert_eq!(host.router.poll_timeout(), Some(host.now + ONE_MORE));
}

#[test]
fn a_packet_that_was_read_after_its_time_was_up_still_counts() {
    let mut host = Host::started(rank(100));
    host.hear(150, "10.0.0.3");
    let deadline = host.now + MILLI * 3_700;
    host.now = deadline;
    host.tell(arrived(150, "10.0.0.3", host.now));
    host.tell(Event::Tick);
    assert_eq!(host.until(State::Active), Duration::from_micros(3_609_375));
}

#[test]
fn a_packet_from_the_future_arrived_now() {
    let mut host = Host::started(rank(100));
    let later = host.now + Duration::from_secs(3_600);
    host.tell(arrived(150, "10.0.0.3", later));
    assert_eq!(host.until(State::Active), Duration::from_micros(3_609_375));
}

#[test]
fn a_little_late_is_not_late() {
    let mut host = Host::started(rank(100));
    host.hear(150, "10.0.0.3");
    for _ in 0..3 {
        assert_eq!(host.state(), State::Backup);
        host.now = host.router.poll_timeout().unwrap() + MILLI * 500;
        host.tell(Event::Tick);
    }
    let silence = "missed 3 advertisements, last heard 4109.3 ms ago, woken 500 ms late";
    assert_eq!(cause(&host.take()).to_string(), silence);
}

#[test]
fn a_backup_that_was_paused_does_not_count_what_it_cannot_have_heard() {
    // Paused at any time in its wait, for any time.
    for start in (0..3_600).step_by(50) {
        for length in [2_000, 3_000, 3_500, 4_000, 10_000, 1_000_000_000] {
            let mut host = Host::started(rank(100));
            host.hear(150, "10.0.0.3");
            host.pass(MILLI * start);
            host.now = host.now + MILLI * length;
            host.tell(Event::Tick);
            // The active router's next advertisement comes an interval later at most.
            host.pass(MILLI * 1_000);
            assert_eq!(host.state(), State::Backup, "{start} {length}");
        }
    }
}

#[test]
fn a_backup_that_was_paused_takes_over_when_it_hears_nobody_after_all() {
    let mut host = Host::started(rank(100));
    host.hear(150, "10.0.0.3");
    host.pass(MILLI * 3_500);
    host.now = host.now + MILLI * 60_000;
    host.tell(Event::Tick);
    assert_eq!(host.until(State::Active), ONE_MORE);
}

#[test]
fn one_with_a_high_priority_has_a_short_skew_and_waits_for_half_an_interval_instead() {
    let mut host = Host::started(rank(254));
    host.pass(MILLI * 3_000);
    host.now = host.now + MILLI * 60_000;
    host.tell(Event::Tick);
    assert_eq!(host.until(State::Active), Duration::from_millis(1_500));
}

#[test]
fn one_that_is_always_late_takes_over_at_last() {
    let mut host = Host::started(rank(100));
    host.hear(150, "10.0.0.3");
    let mut ticks = 0;
    while host.state() == State::Backup {
        host.now = host.router.poll_timeout().unwrap() + MILLI * 900;
        host.tell(Event::Tick);
        ticks += 1;
    }
    assert_eq!(ticks, 6);
}

#[test]
fn after_a_resignation_one_that_is_late_listens_for_another_first() {
    let mut host = Host::started(rank(100));
    host.hear(150, "10.0.0.3");
    host.hear(0, "10.0.0.3");
    host.now = host.router.poll_timeout().unwrap() + MILLI * 501;
    host.tell(Event::Tick);
    assert_eq!(host.until(State::Active), ONE_MORE);
}

#[test]
fn an_active_router_that_was_away_goes_back_to_backup_before_all_else() {
    let events = [Event::Tick, Event::Promote, Event::SyncReady(true), Event::Link(true)];
    for event in events {
        let mut host = Host::active(rank(100));
        host.now = host.now + MILLI * 3_001;
        host.tell(event.clone());
        let actions = host.take();
        let cause = Cause::Away { silent: MILLI * 3_001 };
        let change = Action::StateChanged { from: State::Active, to: State::Backup, cause };
        assert_eq!(
            actions.get(..3),
            Some(&[Action::Remove, advertise(0), change][..]),
            "{event:?}"
        );
    }
}

#[test]
fn an_active_router_that_was_not_away_for_long_goes_on() {
    let mut host = Host::active(rank(100));
    host.now = host.now + MILLI * 3_000;
    host.tell(Event::Tick);
    assert_eq!(host.take(), [advertise(100)]);
}

#[test]
fn an_active_router_that_was_away_takes_over_again_if_it_hears_nobody() {
    let mut host = Host::active(rank(100));
    host.now = host.now + MILLI * 10_000;
    host.tell(Event::Tick);
    assert_eq!(host.until(State::Active), ONE_MORE);
}

#[test]
fn without_preemption_an_active_router_that_was_away_leaves_its_successor_alone() {
    for config in [rank(100).with_preempt(Preempt::Never), rank(100).with_sync_gate(true)] {
        let mut host = Host::active(config);
        host.now = host.now + MILLI * 10_000;
        host.tell(arrived(50, "10.0.0.3", host.now));
        for _ in 0..10 {
            assert_eq!(host.state(), State::Backup);
            host.pass(MILLI * 1_000);
            host.hear(50, "10.0.0.3");
        }
    }
}
