//! Whatever comes in, little goes out.

use super::*;

/// What an active router sends in 10 s of packets every 10 µs.
fn flooded(config: Config, mut packet: impl FnMut(usize) -> (u8, &'static str)) -> Vec<Action> {
    let mut host = Host::active(config);
    let mut actions = Vec::new();
    for n in 0..1_000_000 {
        host.pass(Duration::from_micros(10));
        let (priority, source) = packet(n);
        host.hear(priority, source);
        actions.extend(host.take());
    }
    assert_eq!(host.state(), State::Active);
    actions
}

fn advertisements(actions: &[Action]) -> usize {
    actions.iter().filter(|action| matches!(action, Action::Advertise { .. })).count()
}

#[test]
fn a_flood_of_worse_advertisements_makes_no_flood_of_answers() {
    let actions = flooded(rank(100), |_| (99, "10.0.0.3"));
    // Four at once, and then nine times the one that is due and four.
    assert_eq!(advertisements(&actions), 49);
    // Three in each of ten seconds and one in the last moment, and both repetitions.
    assert_eq!(announcements(&actions), 31 + 5 + 5);
    assert_eq!(reports(&actions).len(), 36);
}

#[test]
fn a_flood_of_resignations_neither_floods_nor_silences() {
    let actions = flooded(rank(100), |_| (0, "10.0.0.3"));
    // Four at once, and then nine times the one that is due and four.
    assert_eq!(advertisements(&actions), 49);
    assert_eq!(reports(&actions), []);
}

#[test]
fn a_flood_does_not_stop_the_advertisements_that_are_due() {
    let mut host = Host::active(rank(100));
    let mut last = host.now;
    for _ in 0..100_000 {
        host.pass(MILLI);
        host.hear(0, "10.0.0.3");
        if advertisements(&host.take()) > 0 {
            last = host.now;
        }
        assert!(host.now - last <= MILLI * 1_000);
    }
}

#[test]
fn a_flood_of_better_advertisements_is_answered_once() {
    let mut host = Host::active(rank(100));
    for _ in 0..100_000 {
        host.pass(Duration::from_micros(10));
        host.hear(200, "10.0.0.3");
    }
    assert_eq!(advertisements(&host.take()), 1);
}

#[test]
fn a_backup_says_nothing_and_remembers_one_packet() {
    let mut host = Host::started(rank(100));
    for n in 0..100_000u32 {
        host.pass(Duration::from_micros(10));
        host.hear([200, 0, 50][n as usize % 3], ["10.0.0.3", "10.0.0.4"][n as usize % 2]);
    }
    assert_eq!(host.take(), []);
}

#[test]
fn one_that_claims_and_resigns_in_turn_moves_the_addresses_once_in_an_interval_at_most() {
    let mut host = Host::active(rank(254));
    let mut actions = Vec::new();
    for n in 0..1_000_000 {
        host.pass(Duration::from_micros(10));
        // With the shortest interval the skew is 78 µs.
        host.hear_with(if n % 20 == 0 { 255 } else { 0 }, "10.0.0.3", centis(1));
        actions.extend(host.take());
    }
    let installed = actions.iter().filter(|&action| *action == Action::Install).count();
    assert!((5..=10).contains(&installed), "{installed}");
}
