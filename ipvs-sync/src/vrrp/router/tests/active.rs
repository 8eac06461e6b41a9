//! RFC 9568 §6.4.3.

use super::*;

// shows: 9568-6.4.3-8
#[test]
fn an_active_router_that_is_stopped_resigns_first_and_then_removes_its_addresses() {
    let mut host = Host::active(rank(100));
    host.tell(Event::Stop);
    let change =
        Action::StateChanged { from: State::Active, to: State::Stopped, cause: Cause::Stopped };
    assert_eq!(host.take(), [advertise(0), Action::Remove, change]);
    assert_eq!(host.router.poll_timeout(), None);
}

// shows: 9568-6.4.3-9
#[test]
fn an_active_router_advertises_at_every_interval() {
    let mut host = Host::active(rank(100));
    for _ in 0..4 {
        host.pass(MILLI * 999);
        assert_eq!(host.take(), []);
        host.pass(MILLI);
        assert_eq!(host.take(), [advertise(100)]);
    }
}

#[test]
fn it_keeps_its_pace_when_it_is_told_the_time_a_little_late() {
    let mut host = Host::active(rank(100));
    for _ in 0..4 {
        host.now = host.router.poll_timeout().unwrap() + MILLI * 30;
        host.tell(Event::Tick);
        assert_eq!(host.next(), MILLI * 970);
    }
}

#[test]
fn an_advertisement_that_is_late_by_an_interval_is_not_sent_twice() {
    let mut host = Host::active(rank(100));
    host.now = host.router.poll_timeout().unwrap() + MILLI * 1_500;
    host.tell(Event::Tick);
    assert_eq!(host.take(), [advertise(100)]);
    assert_eq!(host.next(), MILLI * 1_000);
}

// shows: 9568-6.4.3-10
#[test]
fn when_another_resigns_it_advertises_at_once_and_the_interval_begins_anew() {
    let mut host = Host::active(rank(100));
    host.pass(MILLI * 700);
    host.hear(0, "10.0.0.3");
    assert_eq!(host.take(), [advertise(100), Action::Announce]);
    assert_eq!(host.next(), MILLI * 1_000);
}

// shows: 9568-6.4.3-11
#[test]
fn it_goes_back_to_backup_for_a_higher_priority_and_learns_its_interval() {
    let mut host = Host::active(rank(100));
    host.hear_with(101, "10.0.0.1", centis(40));
    let peer = address("10.0.0.1");
    let cause = Cause::Outranked { peer, priority: 101, own: 100 };
    let change = Action::StateChanged { from: State::Active, to: State::Backup, cause };
    let report = Action::Report(Report::OtherInterval { peer, version: centis(40) });
    assert_eq!(host.take(), [Action::Remove, advertise(100), report, change]);
    assert_eq!(host.until(State::Active), Duration::from_micros(1_443_750));
}

// shows: 9568-6.4.3-12
#[test]
fn of_two_with_the_same_priority_the_higher_address_stays() {
    for (other, state) in [
        ("10.0.0.1", State::Active),
        ("10.0.0.3", State::Backup),
        ("9.255.255.255", State::Active),
        ("10.0.1.0", State::Backup),
        ("200.0.0.1", State::Backup),
    ] {
        let mut host = Host::active(rank(100));
        host.hear(100, other);
        assert_eq!(host.state(), state, "{other}");
    }
}

// shows: 9568-6.4.3-12
#[test]
fn addresses_of_ipv6_compare_as_numbers_too() {
    let addresses = VirtualAddresses::new([address("fe80::7")]).unwrap();
    let source = address("fe80::1:0");
    let version = Version::V3(Interval::DEFAULT);
    let rank = Rank::Backup(Priority::DEFAULT);
    let config = Config::new(Vrid::new(7).unwrap(), rank, addresses, version, source).unwrap();
    for (other, state) in [
        ("fe80::ffff", State::Active),
        ("fe80::1:1", State::Backup),
        ("fe80::8000:0:0:0", State::Backup),
        ("fe80::7fff:0", State::Backup),
    ] {
        let mut host = Host::active(config.clone());
        host.hear(100, other);
        assert_eq!(host.state(), state, "{other}");
    }
}

// shows: 9568-6.4.3-13
#[test]
fn a_worse_active_router_is_answered_at_once() {
    for (priority, source) in [(99, "10.0.0.3"), (1, "10.0.0.3"), (100, "10.0.0.1")] {
        let mut host = Host::active(rank(100));
        host.pass(MILLI * 700);
        host.hear(priority, source);
        assert_eq!(host.take(), [advertise(100), Action::Announce]);
        assert_eq!(host.state(), State::Active);
    }
}

// shows: 9568-6.4.3-14
#[test]
fn an_active_router_goes_back_for_a_better_one_whatever_preemption_it_has() {
    for preempt in [Preempt::Never, Preempt::AtOnce, Preempt::After(MILLI)] {
        let mut host = Host::active(rank(100).with_preempt(preempt));
        host.hear(101, "10.0.0.1");
        assert_eq!(host.state(), State::Backup);
    }
}

#[test]
fn announcements_are_repeated_once_after_their_delay() {
    let mut host = Host::active(rank(100));
    host.pass(MILLI * 4_999);
    assert_eq!(announcements(&host.take()), 0);
    host.pass(MILLI);
    assert_eq!(announcements(&host.take()), 5);
    host.pass(MILLI * 60_000);
    assert_eq!(announcements(&host.take()), 0);
}

#[test]
fn announcements_are_as_many_and_as_late_as_configured() {
    let few = Announcements::new(2, Duration::from_secs(1)).unwrap();
    let mut host = Host::started(rank(100).with_announcements(few));
    host.until(State::Active);
    assert_eq!(announcements(&host.take()), 2);
    host.pass(MILLI * 1_000);
    assert_eq!(announcements(&host.take()), 2);
}

// shows: 9568-7.1-15, 9568-8.3.2-2
#[test]
fn of_two_owners_one_stays_and_both_say_so() {
    for (other, state) in [("10.0.0.1", State::Active), ("10.0.0.3", State::Backup)] {
        let mut owner = Host::started(rank(255));
        owner.pass(MILLI * 1_500);
        owner.take();
        owner.hear(255, other);
        assert_eq!(owner.state(), state);
        let report = Report::SecondOwner { peer: address(other) };
        assert_eq!(reports(&owner.take()), [report]);
    }
}

#[test]
fn an_owner_that_yielded_to_another_takes_over_when_that_is_gone() {
    let mut owner = Host::started(rank(255));
    owner.hear(255, "10.0.0.3");
    owner.pass(MILLI * 2_000);
    owner.hear(255, "10.0.0.3");
    assert_eq!(owner.until(State::Active), Duration::from_micros(3_003_906));
}
