//! Routers that move together.

use super::*;

/// Two members: an outer network and an inner one, with different intervals.
fn group(priority: u8) -> Group {
    Group::new([rank(priority), versioned(&rank(priority), centis(50))])
}

fn states(group: &Group) -> Vec<State> {
    group.members().iter().map(Router::state).collect()
}

fn take(group: &mut Group) -> Vec<(usize, Action)> {
    std::iter::from_fn(|| group.poll()).collect()
}

/// What is done, without what says why.
fn done(group: &mut Group) -> Vec<(usize, Action)> {
    let mut actions = take(group);
    actions.retain(|(_, action)| !matches!(action, Action::StateChanged { .. }));
    actions
}

fn heard(now: Time, priority: u8, version: Version) -> Event {
    Event::Heard(Heard { priority, version, source: address("10.0.0.3"), arrival: now })
}

/// Lets time pass on time.
fn pass(group: &mut Group, start: Time, duration: Duration) -> Time {
    let end = start + duration;
    while let Some(next) = group.poll_timeout().filter(|&next| next <= end) {
        group.handle(next, Event::Tick);
    }
    end
}

fn active(priority: u8) -> (Group, Time) {
    let mut group = group(priority);
    let now = millis(1_000);
    group.handle(now, Event::Start);
    let now = pass(&mut group, now, MILLI * 4_000);
    take(&mut group);
    assert_eq!(states(&group), [State::Active; 2]);
    (group, now)
}

#[test]
fn a_group_is_active_when_the_last_of_it_would_be_and_advertises_everywhere_first() {
    let mut group = group(100);
    group.handle(millis(0), Event::Start);
    take(&mut group);
    pass(&mut group, millis(0), MILLI * 3_609);
    assert_eq!(states(&group), [State::Backup; 2], "the second one's time was up at 1.8 s");
    pass(&mut group, millis(3_609), MILLI);
    assert_eq!(states(&group), [State::Active; 2]);
    let actions = take(&mut group);
    let first = [(0, advertise(100)), (1, advertise(100)), (0, Action::Install)];
    assert_eq!(actions.get(..3), Some(&first[..]));
}

#[test]
fn a_network_whose_active_router_is_silent_takes_over_nothing_while_another_hears_it() {
    let mut group = group(100);
    group.handle(millis(0), Event::Start);
    take(&mut group);
    let mut now = millis(0);
    for _ in 0..100 {
        group.handle_member(now, 0, heard(now, 150, centis(100))).unwrap();
        now = pass(&mut group, now, MILLI * 1_000);
    }
    assert_eq!(states(&group), [State::Backup; 2]);
    assert_eq!(take(&mut group), []);
    pass(&mut group, now, MILLI * 2_610);
    assert_eq!(states(&group), [State::Active; 2]);
}

#[test]
fn a_member_that_hears_the_active_router_again_is_no_longer_ready() {
    let mut group = group(100);
    group.handle(millis(0), Event::Start);
    let now = pass(&mut group, millis(0), MILLI * 3_000);
    group.handle_member(now, 1, heard(now, 150, centis(50))).unwrap();
    let now = pass(&mut group, now, MILLI * 1_800);
    assert_eq!(states(&group), [State::Backup; 2]);
    pass(&mut group, now, MILLI * 5);
    assert_eq!(states(&group), [State::Active; 2]);
}

#[test]
fn one_that_hears_a_better_router_takes_the_others_along_and_they_resign() {
    let (mut group, now) = active(100);
    group.handle_member(now, 1, heard(now, 150, centis(50))).unwrap();
    assert_eq!(states(&group), [State::Backup; 2]);
    let expected =
        [(0, advertise(0)), (0, Action::Remove), (1, Action::Remove), (1, advertise(100))];
    assert_eq!(done(&mut group), expected);
}

#[test]
fn a_fault_of_one_is_a_fault_of_all_until_it_is_gone() {
    let (mut group, now) = active(100);
    group.handle_member(now, 0, Event::Link(false)).unwrap();
    assert_eq!(states(&group), [State::Fault; 2]);
    let expected = [(1, advertise(0)), (0, Action::Remove), (1, Action::Remove)];
    let mut actions = done(&mut group);
    actions.sort_by_key(|(_, action)| matches!(action, Action::Remove));
    assert_eq!(actions, expected);
    group.handle_member(now, 1, Event::Link(false)).unwrap();
    group.handle_member(now, 0, Event::Link(true)).unwrap();
    assert_eq!(states(&group), [State::Fault; 2]);
    group.handle_member(now, 1, Event::Link(true)).unwrap();
    assert_eq!(states(&group), [State::Backup; 2]);
    pass(&mut group, now, MILLI * 4_000);
    assert_eq!(states(&group), [State::Active; 2]);
}

#[test]
fn one_at_fault_does_not_start() {
    let mut group = group(255);
    group.handle_member(millis(0), 1, Event::Link(false)).unwrap();
    group.handle(millis(0), Event::Start);
    assert_eq!(states(&group), [State::Fault; 2]);
    group.handle_member(millis(0), 1, Event::Link(true)).unwrap();
    assert_eq!(states(&group), [State::Active; 2], "owners need not listen");
}

#[test]
fn owners_are_active_as_soon_as_all_are_started() {
    let mut group = group(255);
    group.handle(millis(0), Event::Start);
    assert_eq!(states(&group), [State::Active; 2]);
}

#[test]
fn an_owner_waits_for_the_others_of_its_group() {
    let mut group = Group::new([rank(255), rank(100)]);
    group.handle(millis(0), Event::Start);
    assert_eq!(states(&group), [State::Backup; 2]);
    pass(&mut group, millis(0), MILLI * 3_610);
    assert_eq!(states(&group), [State::Active; 2]);
}

#[test]
fn all_are_promoted_and_all_hand_over() {
    let mut group = group(100);
    group.handle(millis(0), Event::Start);
    group.handle_member(millis(10), 0, Event::Promote).unwrap();
    assert_eq!(states(&group), [State::Active; 2]);
    group.handle_member(millis(20), 1, Event::Resign).unwrap();
    assert_eq!(states(&group), [State::Backup; 2]);
}

#[test]
fn all_were_away_when_one_was() {
    let (mut group, now) = active(100);
    let now = now + MILLI * 10_000;
    group.handle_member(now, 0, heard(now, 50, centis(100))).unwrap();
    assert_eq!(states(&group), [State::Backup; 2]);
}

#[test]
fn all_are_stopped_and_resign() {
    let (mut group, now) = active(100);
    group.handle(now, Event::Stop);
    assert_eq!(states(&group), [State::Stopped; 2]);
    let first = [(0, advertise(0)), (1, advertise(0))];
    assert_eq!(take(&mut group).get(..2), Some(&first[..]));
    assert_eq!(group.poll_timeout(), None);
}

#[test]
fn a_member_has_a_number() {
    let mut group = group(100);
    let rule = Rule::Member { index: 2, count: 2 };
    assert_eq!(group.handle_member(millis(0), 2, Event::Tick), Err(rule));
    assert_eq!(group.reconfigure(millis(0), 2, rank(100)), Err(rule));
    assert_eq!(rule.to_string(), "no router 2 in a group of 2, counted from 0");
}
