//! What could be lost where two things happen at once, told by hand.

use super::alone::{ASK, TRANSFER, Told, gate, held, resign};
use super::*;

const ADDRESS: [u8; 4] = [10, 0, 0, 7];

fn hand_over() -> Event {
    Event::HandOver { addresses: vec![ADDRESS.into()] }
}

/// A director that is active, with peers that answered as backups that are ready.
fn active(peers: usize) -> Told {
    let mut told = Told::backup(peers, None);
    for peer in 0..peers {
        told.answers(peer, State::Active, false);
    }
    for peer in 0..peers {
        told.brought(peer);
    }
    told.is(State::Active);
    for peer in 0..peers {
        told.answers(peer, State::Backup, true);
    }
    told.pass(SECOND / 2);
    for peer in 0..peers {
        told.answers(peer, State::Backup, true);
    }
    told
}

#[test]
fn no_router_resigns_while_a_backup_that_is_not_ready_may_be_faster_than_the_successor() {
    for first in [0, 1] {
        let mut told = active(2);
        told.tell(hand_over());
        let mut actions = told.answers(first, State::Backup, first == 0);
        assert!(!actions.contains(&resign(false)), "the other has not answered");
        actions = told.answers(1 - first, State::Backup, first == 1);
        assert!(!actions.contains(&resign(false)), "{actions:?}");
        let why = Held::Peers(vec![(1, CannotTake::NotReady)]);
        assert_eq!(actions.first(), Some(&held(why)));
    }
}

#[test]
fn a_handover_waits_for_no_peer_that_has_not_answered_before() {
    handed_over_without_a_third();
}

/// A director that has told one of its peers to take over; the other does not answer.
fn handed_over_without_a_third() -> Told {
    let mut told = active(2);
    told.pass(SECOND);
    told.answers(0, State::Backup, true);
    told.is_silent(1);
    told.pass(SECOND / 2);
    told.tell(hand_over());
    assert!(told.answers(0, State::Backup, true).contains(&Action::Note));
    told.has_noted(&[0]);
    told.is_silent(1);
    // It answers what it was asked before, and is asked again.
    assert_eq!(told.answers(0, State::Backup, true), [ASK]);
    assert_eq!(told.answers(0, State::Backup, true).first(), Some(&resign(false)));
    told
}

#[test]
fn nobody_hands_over_to_one_that_only_waits_no_longer() {
    let mut told = Told::backup(1, Some(SECOND * 3));
    told.answers(0, State::Active, false);
    assert!(told.pass(SECOND * 3).contains(&gate(true)), "it may preempt");
    assert!(!told.is_ready(), "it does not say that the connections are here");
}

#[test]
fn what_nobody_was_active_for_is_not_ready_when_somebody_is() {
    let mut told = Told::backup(1, None);
    told.answers(0, State::Fault, false);
    assert!(!told.is_ready(), "it is active again in a moment");
    told.pass(SECOND);
    assert!(told.answers(0, State::Active, false).contains(&TRANSFER));
}

#[test]
fn of_two_that_are_active_both_tables_are_taken() {
    let mut told = Told::backup(2, None);
    told.answers(0, State::Active, false);
    told.answers(1, State::Active, false);
    assert!(told.brought(0).contains(&Action::Transfer { peer: 1 }));
    assert!(!told.is_ready());
    told.brought(1);
    assert!(told.is_ready());
}

#[test]
fn one_that_took_over_without_all_connections_takes_what_the_others_have() {
    let mut told = Told::backup(1, None);
    told.answers(0, State::Backup, true);
    told.pass(SECOND / 2);
    assert_eq!(told.is(State::Active), [ASK]);
    assert_eq!(told.answers(0, State::Backup, true), [TRANSFER]);
    told.brought(0);
    told.pass(SECOND);
    assert_eq!(told.answers(0, State::Backup, true), [], "once");
}

#[test]
fn one_that_lacks_what_the_other_had_is_not_ready_for_having_handed_over() {
    let mut told = active(1);
    let address = ADDRESS.into();
    told.tell(Event::DualActive { address });
    told.tell(Event::State { address, state: State::Backup, has_handed_over: true });
    assert!(!told.is_ready());
}

const TAKE_OVER: Action = Action::TakeOver { address: VIP };

/// A director that has told its peer to take over.
fn handed_over() -> Told {
    let mut told = active(1);
    told.tell(hand_over());
    assert_eq!(told.answers(0, State::Backup, true), [Action::Note]);
    told.has_noted(&[0]);
    assert_eq!(told.answers(0, State::Backup, true).first(), Some(&resign(false)));
    told
}

fn resigned() -> Event {
    Event::State { address: vip(), state: State::Backup, has_handed_over: true }
}

fn declined() -> Event {
    let result = Err("fault".to_owned());
    Event::Promoted { peer: 0, address: vip(), result }
}

#[test]
fn what_the_successor_refuses_is_taken_back_when_it_is_known_that_nobody_has_taken_it() {
    let mut told = handed_over();
    told.tell(resigned());
    told.answers(0, State::Backup, true);
    told.pass(MICRO);
    assert!(told.tell(declined()).contains(&ASK));
    assert!(told.answers(0, State::Backup, true).contains(&TAKE_OVER));
    assert!(!told.tell(declined()).contains(&TAKE_OVER), "once");
    // Its resignation is told later than the answer.
    let mut told = handed_over();
    told.pass(MICRO);
    told.tell(declined());
    assert!(!told.answers(0, State::Backup, true).contains(&TAKE_OVER));
    told.pass(MICRO);
    told.tell(resigned());
    assert!(told.answers(0, State::Backup, true).contains(&TAKE_OVER));
    // It is active again by itself, and then no longer.
    let mut told = handed_over();
    told.tell(resigned());
    let reason = "it is active here again".to_owned();
    let not_taken = Notice::NotTaken { address: vip(), peer: 0, reason };
    assert!(told.is(State::Active).contains(&Action::Notice(not_taken)));
    told.tell(declined());
    told.tell(resigned());
    assert!(!told.answers(0, State::Backup, true).contains(&TAKE_OVER));
}

#[test]
fn whether_a_successor_that_gave_no_answer_took_over_is_asked_before_anything_is_taken_back() {
    for (state, takes_back) in [(State::Active, false), (State::Backup, true)] {
        let mut told = handed_over();
        told.tell(resigned());
        told.pass(SECOND / 2);
        // What is on its way is of before.
        told.answers(0, State::Backup, true);
        told.pass(SECOND / 4);
        let result = Err("timeout".to_owned());
        let actions = told.tell(Event::Promoted { peer: 0, address: vip(), result });
        assert!(actions.contains(&ASK), "{actions:?}");
        assert!(!actions.contains(&TAKE_OVER));
        assert_eq!(told.answers(0, state, true).contains(&TAKE_OVER), takes_back, "{state}");
    }
    // One that is gone may have taken over, as the virtual router hears then.
    let mut told = handed_over();
    told.tell(resigned());
    told.answers(0, State::Backup, true);
    told.pass(MICRO);
    let result = Err("timeout".to_owned());
    told.tell(Event::Promoted { peer: 0, address: vip(), result });
    assert!(!told.is_silent(0).contains(&TAKE_OVER));
}

#[test]
fn one_that_has_handed_over_knows_all_though_a_third_is_dead() {
    let mut told = handed_over_without_a_third();
    told.tell(resigned());
    // To take over takes the successor as long as there are young connections.
    for _ in 0..10 {
        told.answers(0, State::Backup, true);
        told.is_silent(1);
        assert!(!told.pass(SECOND).contains(&TRANSFER));
        assert!(told.is_ready());
    }
    told.tell(Event::Promoted { peer: 0, address: vip(), result: Ok(()) });
    // That it is active it says later.
    for state in [State::Backup, State::Active, State::Active, State::Active, State::Active] {
        told.answers(0, state, true);
        told.is_silent(1);
        assert!(!told.pass(SECOND).contains(&TRANSFER));
        assert!(told.is_ready());
    }
    // Now it is dead too.
    told.is_silent(0);
    assert!(!told.is_ready());
}

/// A director on which two routers are active, whose peers have answered.
fn two(peers: usize) -> (Told, [IpAddr; 2]) {
    let mut told = active(peers);
    let other = [10, 0, 0, 8].into();
    told.tell(Event::State { address: other, state: State::Active, has_handed_over: false });
    for peer in 0..peers {
        told.answers(peer, State::Backup, true);
    }
    told.pass(SECOND / 2);
    (told, [ADDRESS.into(), other])
}

/// What a peer says of two routers, both backups.
fn both(peer: usize, addresses: [IpAddr; 2], ready: [bool; 2]) -> Event {
    let standings = addresses.into_iter().zip(ready).map(|(address, is_ready)| Standing {
        address,
        state: State::Backup,
        is_ready,
        activated: None,
    });
    Event::Answer { peer, result: Ok(standings.collect()) }
}

#[test]
fn routers_that_move_together_hand_over_to_one_that_can_take_all() {
    let (mut told, addresses) = two(1);
    let hand_over = Event::HandOver { addresses: addresses.to_vec() };
    told.tell(hand_over.clone());
    let why = Held::Peers(vec![(0, CannotTake::NotReady)]);
    let held = addresses.map(|address| Action::Notice(Notice::Held { address, why: why.clone() }));
    assert_eq!(told.tell(both(0, addresses, [true, false]))[..2], held);

    told.pass(SECOND / 2);
    told.tell(hand_over);
    assert_eq!(told.tell(both(0, addresses, [true, true])), [Action::Note]);
    told.has_noted(&[0]);
    let address = addresses[0];
    let handed = addresses.map(|address| Action::Notice(Notice::HandedOver { address, peer: 0 }));
    let [first, second] = handed;
    assert_eq!(
        told.tell(both(0, addresses, [true, true])),
        [resign(false), Action::Promote { peer: 0, address }, first, second]
    );
    let reason = "no".to_owned();
    let result = Err(reason.clone());
    let not_taken = addresses.map(|address| {
        let reason = reason.clone();
        Action::Notice(Notice::NotTaken { address, peer: 0, reason })
    });
    assert_eq!(told.tell(Event::Promoted { peer: 0, address, result })[..2], not_taken);
}

#[test]
fn two_handovers_share_what_was_noted() {
    let (mut told, addresses) = two(1);
    for address in addresses {
        told.tell(Event::HandOver { addresses: vec![address] });
        told.pass(SECOND / 2);
    }
    let mut noted = 0;
    for _ in 0..4 {
        let actions = told.tell(both(0, addresses, [true, true]));
        noted += actions.iter().filter(|action| **action == Action::Note).count();
        told.pass(SECOND);
    }
    assert_eq!(noted, 1);
    let prepare = |address| Action::Prepare { peer: 0, address };
    assert_eq!(told.tell(Event::Noted { result: Ok(()) })[..], addresses.map(prepare));
    told.pass(SECOND / 4);
    for address in addresses {
        told.tell(Event::Prepared { peer: 0, address, result: Ok(()) });
    }
    let mut actions = told.tell(both(0, addresses, [true, true]));
    actions.extend(told.tell(both(0, addresses, [true, true])));
    let resigns = |action: &&Action| matches!(action, Action::Resign { .. });
    assert_eq!(actions.iter().filter(resigns).count(), 2, "{actions:?}");
}

#[test]
fn what_was_noted_for_one_handover_is_noted_anew_for_no_other_before_that_has_ended() {
    let (mut told, addresses) = two(1);
    let [one, other] = addresses;
    let both = || both(0, addresses, [true, true]);
    let hand_over = |address| Event::HandOver { addresses: vec![address] };
    told.tell(hand_over(one));
    assert_eq!(told.tell(both()), [Action::Note]);
    told.has_noted(&[0]);
    // The other is wanted meanwhile: it is prepared at once, and the first resigns.
    told.pass(MICRO);
    told.tell(hand_over(other));
    let mut actions = Vec::new();
    for _ in 0..3 {
        actions.extend(told.tell(both()));
        told.pass(MICRO);
    }
    assert!(actions.contains(&resign(false)), "{actions:?}");
    assert!(actions.contains(&Action::Prepare { peer: 0, address: other }), "{actions:?}");
    assert!(!actions.contains(&Action::Note), "{actions:?}");
    told.tell(Event::Promoted { peer: 0, address: one, result: Ok(()) });
    told.tell(Event::State { address: one, state: State::Backup, has_handed_over: true });
}

#[test]
fn of_several_backups_one_that_is_gone_before_it_has_all_is_replaced_by_another() {
    let mut told = active(2);
    told.tell(hand_over());
    told.answers(0, State::Backup, true);
    assert!(told.answers(1, State::Backup, true).contains(&Action::Note));
    told.has_noted(&[0, 1]);
    assert!(!told.answers(1, State::Backup, true).contains(&resign(false)));
    let actions = told.is_silent(0);
    let promote = Action::Promote { peer: 1, address: vip() };
    assert!(actions.contains(&resign(false)) && actions.contains(&promote), "{actions:?}");
}
