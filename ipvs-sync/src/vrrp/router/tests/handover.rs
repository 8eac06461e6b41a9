//! Handing over while all is well.

use super::*;

#[test]
fn one_that_hands_over_resigns_and_leaves_its_successor_alone() {
    let mut host = Host::active(rank(150));
    host.tell(Event::Resign);
    let actions = host.take();
    assert_eq!(without_changes(actions.clone()), [advertise(0), Action::Remove]);
    assert_eq!(cause(&actions), Cause::HandedOver);
    for _ in 0..100 {
        host.pass(MILLI * 1_000);
        host.hear(100, "10.0.0.3");
    }
    assert_eq!(host.state(), State::Backup);
}

#[test]
fn one_that_gave_way_to_a_higher_priority_preempts_it_when_that_falls() {
    let mut host = Host::active(rank(150));
    host.tell(Event::GiveWay);
    let actions = host.take();
    assert_eq!(without_changes(actions.clone()), [advertise(0), Action::Remove]);
    assert_eq!(cause(&actions), Cause::GaveWay);
    for priority in [200, 200, 150] {
        host.hear(priority, "10.0.0.3");
        host.pass(MILLI * 1_000);
    }
    assert_eq!(host.state(), State::Backup);
    for _ in 0..4 {
        host.hear(100, "10.0.0.3");
        host.pass(MILLI * 1_000);
    }
    assert_eq!(host.state(), State::Active);
}

#[test]
fn one_that_handed_over_takes_over_again_when_its_successor_is_gone() {
    let mut host = Host::active(rank(150));
    host.tell(Event::Resign);
    host.hear(100, "10.0.0.3");
    host.pass(MILLI * 1_000);
    host.hear(100, "10.0.0.3");
    host.until(State::Active);
    // And is as it was before.
    host.pass(MILLI * 10_000);
    host.tell(Event::Link(false));
    host.tell(Event::Link(true));
    for _ in 0..4 {
        host.hear(100, "10.0.0.3");
        host.pass(MILLI * 1_000);
    }
    assert_eq!(host.state(), State::Active);
}

#[test]
fn one_that_handed_over_takes_over_again_when_nobody_did() {
    let mut host = Host::active(rank(150));
    host.tell(Event::Resign);
    assert_eq!(host.until(State::Active), Duration::from_micros(3_414_062));
}

#[test]
fn one_that_handed_over_takes_over_when_it_is_told() {
    let mut host = Host::active(rank(150));
    host.tell(Event::Resign);
    host.hear(100, "10.0.0.3");
    host.take();
    host.tell(Event::Promote);
    let actions = host.take();
    assert_eq!(actions.first(), Some(&advertise(150)));
    assert_eq!(cause(&actions), Cause::Promoted);
}

#[test]
fn a_successor_that_is_told_takes_over_at_once_and_stays_if_none_is_better() {
    let mut host = Host::started(rank(100));
    host.hear(150, "10.0.0.3");
    host.tell(Event::Promote);
    assert_eq!(host.state(), State::Active);
    host.hear(150, "10.0.0.3");
    assert_eq!(host.state(), State::Backup);
}

#[test]
fn a_backup_that_is_told_to_hand_over_has_nothing_to() {
    let mut host = Host::started(rank(100));
    host.tell(Event::Resign);
    assert_eq!(host.take(), []);
    for _ in 0..4 {
        host.hear(50, "10.0.0.3");
        host.pass(MILLI * 1_000);
    }
    assert_eq!(host.state(), State::Active);
}

#[test]
fn one_whose_addresses_are_not_there_hands_over_to_whoever_is() {
    let reasons = [(Event::NotInstalled, Cause::NotInstalled), (Event::NotKept, Cause::NotKept)];
    for (event, reason) in reasons {
        let mut host = Host::active(rank(150));
        host.tell(event.clone());
        let actions = host.take();
        assert_eq!(without_changes(actions.clone()), [advertise(0), Action::Remove]);
        assert_eq!(cause(&actions), reason);
        for _ in 0..100 {
            host.pass(MILLI * 1_000);
            host.hear(100, "10.0.0.3");
        }
        assert_eq!(host.take(), []);
        host.tell(event);
        assert_eq!(host.take(), []);
    }
}

#[test]
fn if_nobody_takes_them_it_tries_again_and_not_more_often_than_once_a_second() {
    let mut host = Host::active(versioned(&rank(150), centis(1)));
    for event in [Event::NotInstalled, Event::NotKept].into_iter().cycle().take(10) {
        host.tell(event);
        let waited = host.until(State::Active);
        // And for one advertisement more at most.
        assert!((MILLI * 1_000..MILLI * 1_020).contains(&waited), "{waited:?}");
    }
}
