//! RFC 9568 §6.4.2.

use super::*;

// shows: 9568-6.4.2-6
#[test]
fn a_backup_that_is_stopped_says_nothing() {
    let mut host = Host::started(rank(100));
    host.tell(Event::Stop);
    let change =
        Action::StateChanged { from: State::Backup, to: State::Stopped, cause: Cause::Stopped };
    assert_eq!(host.take(), [change]);
    assert_eq!(host.router.poll_timeout(), None);
}

// shows: 9568-6.4.2-7, 9568-6.4.2-8, 9568-6.4.2-10, 9568-6.4.2-11, 9568-8.1.2-3
// shows: 9568-8.2.2-5
#[test]
fn a_backup_that_hears_nobody_advertises_and_then_takes_the_addresses() {
    let mut host = Host::started(rank(100));
    host.until(State::Active);
    let cause = Cause::Silence { missed: 3, last_heard: None, late: Duration::ZERO };
    let change = Action::StateChanged { from: State::Backup, to: State::Active, cause };
    let mut expected = vec![advertise(100), Action::Install];
    expected.extend(five_rounds());
    expected.push(change);
    assert_eq!(host.take(), expected);
    assert_eq!(host.next(), Duration::from_secs(1));
}

#[test]
fn a_silence_is_as_long_as_nobody_was_heard_not_even_a_worse_router() {
    let mut host = Host::started(rank(100));
    host.hear(150, "10.0.0.3");
    host.pass(MILLI * 1_000);
    host.hear(50, "10.0.0.4");
    host.until(State::Active);
    let last_heard = Some(Duration::from_micros(2_609_375));
    assert_eq!(cause(&host.take()), Cause::Silence { missed: 3, last_heard, late: Duration::ZERO });
}

// shows: 9568-6.4.2-12
#[test]
fn when_the_active_router_resigns_only_the_skew_is_waited() {
    let mut host = Host::started(rank(100));
    host.hear(150, "10.0.0.3");
    host.pass(MILLI * 400);
    host.hear(0, "10.0.0.3");
    assert_eq!(host.until(State::Active), Duration::from_micros(609_375));
    let ago = Duration::from_micros(609_375);
    let peer = address("10.0.0.3");
    assert_eq!(cause(&host.take()), Cause::Resigned { peer, ago, late: Duration::ZERO });
}

// shows: 9568-6.4.2-12, 9568-6.4.2-14
#[test]
fn the_skew_after_a_resignation_is_of_the_interval_that_was_learned() {
    let mut host = Host::started(rank(100));
    host.hear_with(150, "10.0.0.3", centis(10));
    host.hear_with(0, "10.0.0.3", centis(10));
    assert_eq!(host.until(State::Active), Duration::from_micros(60_937));
}

#[test]
fn one_that_went_back_for_a_router_that_resigns_at_once_waits_an_interval_and_no_longer() {
    let mut host = Host::active(rank(100));
    host.hear(150, "10.0.0.3");
    host.take();
    host.hear(0, "10.0.0.3");
    // Its skew is less.
    assert_eq!(host.until(State::Active), Duration::from_secs(1));
    assert!(matches!(cause(&host.take()), Cause::Resigned { .. }));
}

#[test]
fn a_resignation_that_comes_twice_prolongs_nothing() {
    let mut host = Host::started(rank(100));
    host.hear(150, "10.0.0.3");
    for _ in 0..6 {
        host.hear(0, "10.0.0.3");
        host.pass(MILLI * 100);
    }
    assert_eq!(host.until(State::Active), Duration::from_micros(9_375));
}

#[test]
fn one_that_is_not_the_active_router_has_nothing_to_resign() {
    let mut host = Host::started(rank(100));
    host.hear(150, "10.0.0.3");
    host.hear(0, "10.0.0.4");
    assert_eq!(host.until(State::Active), Duration::from_micros(3_609_375));
    // One that is to be preempted is.
    let mut host = Host::started(rank(100));
    host.hear(150, "10.0.0.3");
    host.hear(50, "10.0.0.4");
    host.hear(0, "10.0.0.4");
    assert_eq!(host.until(State::Active), Duration::from_micros(609_375));
}

#[test]
fn a_resignation_is_forgotten_when_another_is_active() {
    let mut host = Host::started(rank(100));
    host.hear(150, "10.0.0.3");
    host.hear(0, "10.0.0.3");
    host.pass(MILLI * 100);
    host.hear(120, "10.0.0.4");
    assert_eq!(host.until(State::Active), Duration::from_micros(3_609_375));
}

// shows: 9568-6.4.2-15
#[test]
fn each_advertisement_of_the_same_or_a_higher_priority_begins_the_wait_anew() {
    for priority in [100, 101, 254, 255] {
        let mut host = Host::started(rank(100));
        for _ in 0..20 {
            host.pass(MILLI * 3_600);
            host.hear(priority, "10.0.0.1");
        }
        assert_eq!(host.state(), State::Backup);
        assert_eq!(host.until(State::Active), Duration::from_micros(3_609_375));
        let silence = "missed 3 advertisements, last heard 3609.3 ms ago, woken 0 ms late";
        assert_eq!(cause(&host.take()).to_string(), silence);
    }
}

// shows: 9568-6.1-6, 9568-6.4.2-13, 9568-6.4.2-14
#[test]
fn a_backup_learns_the_interval_and_its_skew_follows() {
    let mut host = Host::started(rank(100));
    host.hear_with(150, "10.0.0.3", centis(10));
    assert_eq!(host.until(State::Active), Duration::from_micros(360_937));
}

// shows: 9568-6.4.2-11
#[test]
fn once_active_it_advertises_at_its_own_interval() {
    let mut host = Host::started(rank(100));
    host.hear_with(150, "10.0.0.3", centis(10));
    host.until(State::Active);
    assert_eq!(host.next(), Duration::from_secs(1));
}

// shows: 9568-7.1-12
#[test]
fn another_interval_is_reported_when_it_is_learned() {
    let mut host = Host::started(rank(100));
    let peer = address("10.0.0.3");
    host.hear_with(150, "10.0.0.3", centis(10));
    let report = Report::OtherInterval { peer, version: centis(10) };
    assert_eq!(reports(&host.take()), [report]);
    host.hear_with(150, "10.0.0.3", centis(10));
    host.hear_with(150, "10.0.0.3", centis(100));
    assert_eq!(reports(&host.take()), []);
}

// shows: 9568-6.4.2-16
#[test]
fn a_lower_priority_does_not_stop_the_wait() {
    let mut host = Host::started(rank(100));
    host.pass(MILLI * 500);
    host.hear_with(99, "10.0.0.3", centis(10));
    host.pass(MILLI * 3_000);
    host.hear_with(99, "10.0.0.3", centis(10));
    assert_eq!(host.until(State::Active), Duration::from_micros(109_375));
    let peer = address("10.0.0.3");
    assert_eq!(cause(&host.take()), Cause::Preempts { peer, priority: 99, own: 100 });
}

#[test]
fn a_packet_of_another_version_is_none() {
    let mut host = Host::started(rank(100));
    host.pass(MILLI * 500);
    host.hear_with(150, "10.0.0.3", Version::V2(Seconds::DEFAULT));
    assert_eq!(host.until(State::Active), Duration::from_micros(3_109_375));
}

#[test]
fn an_own_packet_that_comes_back_is_none() {
    let mut host = Host::started(rank(100));
    host.pass(MILLI * 500);
    host.hear(100, "10.0.0.2");
    host.hear(0, "10.0.0.2");
    assert_eq!(host.until(State::Active), Duration::from_micros(3_109_375));
    host.take();
    host.hear(100, "10.0.0.2");
    host.hear(0, "10.0.0.2");
    assert_eq!(host.take(), []);
}

#[test]
fn two_with_the_same_priority_leave_each_other_alone() {
    let mut host = Host::started(rank(100));
    for _ in 0..10 {
        host.pass(Duration::from_secs(1));
        host.hear(100, "10.0.0.1");
    }
    assert_eq!(host.state(), State::Backup);
}

#[test]
fn a_tick_before_its_time_does_nothing() {
    let mut host = Host::started(rank(100));
    let before = host.router.clone();
    host.now = host.now + MILLI * 1_609;
    host.tell(Event::Tick);
    assert_eq!(host.router, before);
}
