//! RFC 9568 §6.4.1, and the start-up delay.

use super::*;

// shows: 9568-5.2.4-1, 9568-6.4.1-1, 9568-6.4.1-2, 9568-6.4.1-3, 9568-6.4.1-4
#[test]
fn an_owner_is_active_as_soon_as_it_starts() {
    let mut owner = Host::stopped(rank(255));
    owner.tell(Event::Start);
    let actions = owner.take();
    let change =
        Action::StateChanged { from: State::Stopped, to: State::Active, cause: Cause::Started };
    let mut expected = vec![advertise(255), Action::Install];
    expected.extend(five_rounds());
    expected.push(change);
    assert_eq!(actions, expected);
    assert_eq!(owner.next(), Duration::from_secs(1));
}

// shows: 9568-6.1-4, 9568-6.4.1-5
#[test]
fn any_other_listens_for_the_down_interval_by_its_own_interval() {
    let mut backup = Host::stopped(rank(100));
    backup.tell(Event::Start);
    assert_eq!(backup.state(), State::Backup);
    assert_eq!(without_changes(backup.take()), [Action::Remove]);
    assert_eq!(backup.until(State::Active), Duration::from_micros(3_609_375));
}

#[test]
fn what_a_crash_left_is_removed_by_a_backup_and_kept_by_an_owner() {
    for (priority, first) in [(100, Action::Remove), (255, advertise(255))] {
        let mut host = Host::stopped(rank(priority));
        host.tell(Event::Start);
        assert_eq!(host.take().first(), Some(&first));
    }
}

#[test]
fn a_router_that_is_started_twice_starts_once() {
    let mut host = Host::active(rank(100));
    host.tell(Event::Start);
    assert_eq!(host.take(), []);
    assert_eq!(host.state(), State::Active);
}

#[test]
fn one_that_is_stopped_does_nothing_until_it_is_started() {
    let mut host = Host::stopped(rank(100));
    host.hear(0, "10.0.0.3");
    host.hear(200, "10.0.0.3");
    for event in [Event::Tick, Event::Promote, Event::Resign, Event::Stop, Event::SyncReady(true)] {
        host.tell(event);
    }
    assert_eq!((host.take(), host.router.poll_timeout()), (vec![], None));
}

#[test]
fn the_link_that_was_lost_before_the_start_counts() {
    let mut host = Host::stopped(rank(255));
    host.tell(Event::Link(false));
    host.tell(Event::Start);
    assert_eq!(host.state(), State::Fault);
    assert_eq!(without_changes(host.take()), [Action::Remove]);
    host.tell(Event::Link(true));
    assert_eq!(host.state(), State::Active);
}

#[test]
fn a_start_up_delay_is_listened_through() {
    let delay = Duration::from_secs(30);
    for (priority, took) in [(100, 30_609_375), (255, 30_003_906)] {
        let mut host = Host::started(rank(priority).with_startup_delay(delay));
        assert_eq!(host.until(State::Active), Duration::from_micros(took));
    }
}

#[test]
fn a_start_up_delay_that_is_shorter_than_the_down_interval_changes_nothing() {
    let mut host = Host::started(rank(100).with_startup_delay(Duration::from_secs(3)));
    assert_eq!(host.until(State::Active), Duration::from_micros(3_609_375));
}

#[test]
fn after_a_resignation_during_the_start_up_delay_its_end_is_waited_for() {
    let mut host = Host::started(rank(100).with_startup_delay(Duration::from_secs(30)));
    host.pass(Duration::from_secs(10));
    host.hear(0, "10.0.0.3");
    assert_eq!(host.until(State::Active), Duration::from_secs(20));
}

#[test]
fn the_start_up_delay_is_anew_when_the_link_comes() {
    let mut host = Host::started(rank(100).with_startup_delay(Duration::from_secs(30)));
    host.pass(Duration::from_secs(29));
    host.tell(Event::Link(false));
    assert_eq!(host.state(), State::Fault);
    host.pass(Duration::from_secs(60));
    host.tell(Event::Link(true));
    assert_eq!(cause(&host.take()), Cause::Recovered);
    assert!(host.until(State::Active) >= Duration::from_secs(30));
}

#[test]
fn one_that_is_told_to_take_over_does_not_wait_for_the_start_up_delay() {
    let mut host = Host::started(rank(100).with_startup_delay(Duration::from_secs(30)));
    host.tell(Event::Promote);
    assert_eq!(host.state(), State::Active);
}
