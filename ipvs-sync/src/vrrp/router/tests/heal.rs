//! Two active routers that hear each other again.

use super::*;

/// Active for long enough that all its announcements are made.
fn settled(priority: u8) -> Host {
    let mut host = Host::active(rank(priority));
    host.pass(MILLI * 60_500);
    host.take();
    host
}

#[test]
fn the_winner_announces_again_at_once_and_until_nobody_challenged_it_for_the_delay() {
    let mut winner = settled(150);
    winner.hear(100, "10.0.0.3");
    let actions = winner.take();
    let report = Report::DualActive { peer: address("10.0.0.3"), priority: 100 };
    assert_eq!(actions, [advertise(150), Action::Announce, Action::Report(report)]);
    for rounds in [5, 5, 0] {
        winner.pass(MILLI * 5_000);
        assert_eq!(announcements(&winner.take()), rounds);
    }
}

#[test]
fn partitions_that_end_one_soon_after_the_other_are_all_answered_at_once() {
    let mut winner = settled(150);
    for _ in 0..20 {
        winner.pass(MILLI * 2_200);
        winner.take();
        // Its own word, and its last one.
        for _ in 0..2 {
            winner.hear(100, "10.0.0.3");
            assert_eq!(announcements(&winner.take()), 1);
        }
    }
}

#[test]
fn the_loser_that_hears_first_lets_the_winner_hear_it_a_last_time_when_its_addresses_are_gone() {
    let mut loser = settled(100);
    loser.hear(150, "10.0.0.3");
    assert_eq!(without_changes(loser.take()), [Action::Remove, advertise(100)]);
    loser.pass(MILLI * 3_000);
    assert_eq!(loser.take(), []);

    let mut winner = settled(150);
    winner.hear(100, "10.0.0.2");
    assert_eq!(winner.take(), [], "its own address");
    winner.hear(100, "10.0.0.1");
    assert_eq!(announcements(&winner.take()), 1);
}

#[test]
fn the_last_words_of_a_router_that_was_preempted_are_no_second_active_router() {
    let mut host = Host::started(rank(150));
    host.until(State::Active);
    host.take();
    host.pass(MILLI * 2);
    host.hear(100, "10.0.0.3");
    let actions = host.take();
    assert_eq!(actions, [advertise(150), Action::Announce]);
}

// shows: 9568-2.5-1
#[test]
fn one_that_does_not_give_up_is_reported_when_it_has_had_an_interval_to_hear() {
    let mut host = Host::active(rank(150));
    host.hear(100, "10.0.0.3");
    host.pass(MILLI * 1_001);
    host.hear(100, "10.0.0.3");
    let report = Report::DualActive { peer: address("10.0.0.3"), priority: 100 };
    assert_eq!(reports(&host.take()), [report]);
}
