//! Where RFC 3768 differs.

use super::*;

// shows: 3768-6.1-2
#[test]
fn the_down_interval_has_three_own_intervals_and_a_skew_in_parts_of_a_second() {
    let mut host = Host::started(versioned(&rank(100), seconds(10)));
    assert_eq!(host.until(State::Active), Duration::from_micros(30_609_375));
}

// shows: 3768-7.1-6, 3768-7.1-7
#[test]
fn a_packet_with_another_interval_is_discarded_and_reported() {
    let mut host = Host::started(versioned(&rank(100), seconds(1)));
    host.pass(MILLI * 500);
    host.hear_with(150, "10.0.0.3", seconds(2));
    host.hear_with(0, "10.0.0.3", seconds(2));
    let report = Report::OtherInterval { peer: address("10.0.0.3"), version: seconds(2) };
    assert_eq!(reports(&host.take()), [report, report]);
    assert_eq!(host.until(State::Active), Duration::from_micros(3_109_375));
    host.take();
    host.hear_with(150, "10.0.0.3", seconds(2));
    assert_eq!(host.state(), State::Active);
}

// shows: 3768-6.4.2-1
#[test]
fn a_packet_with_the_own_interval_begins_the_wait_anew() {
    let mut host = Host::started(versioned(&rank(100), seconds(1)));
    host.pass(MILLI * 3_500);
    host.hear(100, "10.0.0.3");
    assert_eq!(host.until(State::Active), Duration::from_micros(3_609_375));
}

// shows: 3768-6.4.3-2
#[test]
fn a_worse_master_is_answered_too() {
    for (priority, source) in [(99, "10.0.0.3"), (100, "10.0.0.1")] {
        let mut host = Host::active(versioned(&rank(100), seconds(1)));
        host.pass(MILLI * 700);
        host.hear(priority, source);
        assert_eq!(host.take(), [advertise(100), Action::Announce]);
        assert_eq!(host.state(), State::Active);
    }
}
