//! One director, told by hand.

use super::*;
use std::collections::BTreeMap;

/// A director, the time, and what it has wanted since that was last asked.
pub(super) struct Told {
    director: Director,
    now: Time,
    /// What each peer was when it answered last, and when it was activated.
    said: BTreeMap<usize, (State, Option<Time>)>,
}

impl Told {
    pub(super) fn new(peers: usize, deadline: Option<Duration>) -> Self {
        let director = Director::new(Time::ZERO, peers, deadline);
        Self { director, now: Time::ZERO, said: BTreeMap::new() }
    }

    /// One that is a backup, whose peers were asked.
    pub(super) fn backup(peers: usize, deadline: Option<Duration>) -> Self {
        let mut told = Self::new(peers, deadline);
        told.is(State::Backup);
        told
    }

    /// One that took over from its only peer, with all connections.
    pub(super) fn active() -> Self {
        let mut told = Self::backup(1, None);
        told.answers(0, State::Active, false);
        told.brought(0);
        told.is(State::Active);
        told.pass(SECOND);
        told.gives_way(0);
        told
    }

    /// A peer is not active any more. If it is again, that is another time.
    pub(super) fn gives_way(&mut self, peer: usize) {
        if let Some((state, _)) = self.said.get_mut(&peer) {
            *state = State::Backup;
        }
    }

    pub(super) fn tell(&mut self, event: Event) -> Vec<Action> {
        self.director.handle(self.now, event);
        std::iter::from_fn(|| self.director.poll()).collect()
    }

    pub(super) fn is(&mut self, state: State) -> Vec<Action> {
        self.tell(Event::State { address: vip(), state, has_handed_over: false })
    }

    pub(super) fn answers(&mut self, peer: usize, state: State, is_ready: bool) -> Vec<Action> {
        let (before, mut activated) = self.said.get(&peer).copied().unwrap_or((state, None));
        if state == State::Active && (before != State::Active || activated.is_none()) {
            activated = Some(self.now + MICRO);
        }
        self.said.insert(peer, (state, activated));
        let there = Standing { address: vip(), state, is_ready, activated };
        self.tell(Event::Answer { peer, result: Ok(vec![there]) })
    }

    pub(super) fn is_silent(&mut self, peer: usize) -> Vec<Action> {
        self.tell(Event::Answer { peer, result: Err("timeout".to_owned()) })
    }

    pub(super) fn brought(&mut self, peer: usize) -> Vec<Action> {
        self.tell(Event::Transferred { peer, result: Ok(()) })
    }

    /// Time passes, and it is told so when it wants.
    pub(super) fn pass(&mut self, time: Duration) -> Vec<Action> {
        let until = self.now + time;
        let mut actions = Vec::new();
        while let Some(at) = self.director.poll_timeout().filter(|at| *at <= until) {
            assert!(at >= self.now, "it wants to be told a time that has passed");
            self.now = at;
            actions.extend(self.tell(Event::Tick));
        }
        self.now = until;
        actions
    }

    /// The connections here have been noted, and these peers take them. Only what they are
    /// asked from now on counts.
    pub(super) fn has_noted(&mut self, peers: &[usize]) {
        let address = vip();
        let prepares = peers.iter().map(|&peer| Action::Prepare { peer, address });
        let prepares: Vec<Action> = prepares.collect();
        assert_eq!(self.tell(Event::Noted { result: Ok(()) }), prepares);
        self.pass(SECOND / 4);
        for &peer in peers {
            self.tell(Event::Prepared { peer, address, result: Ok(()) });
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        self.director.standings().first().is_some_and(|standing| standing.is_ready)
    }
}

pub(super) const ASK: Action = Action::Ask { peer: 0 };
pub(super) const TRANSFER: Action = Action::Transfer { peer: 0 };

pub(super) fn gate(is_open: bool) -> Action {
    Action::Gate { address: vip(), is_open }
}

pub(super) fn ready() -> Action {
    Action::Notice(Notice::Ready { address: vip() })
}

pub(super) fn not_ready(reason: &str) -> Action {
    Action::Notice(Notice::NotReady { address: vip(), reason: reason.to_owned() })
}

pub(super) fn resign(gives_way: bool) -> Action {
    Action::Resign { address: vip(), gives_way }
}

pub(super) fn held(why: Held) -> Action {
    Action::Notice(Notice::Held { address: vip(), why })
}

#[test]
fn a_backup_is_ready_when_it_has_taken_the_table_of_the_active_one() {
    let mut told = Told::new(1, None);
    assert_eq!(told.is(State::Backup), [ASK]);
    let reached = Action::Notice(Notice::Reached { peer: 0 });
    assert_eq!(told.answers(0, State::Active, false), [reached, TRANSFER]);
    assert!(!told.is_ready());
    assert_eq!(told.brought(0), [ready()]);
    assert!(told.is_ready());
    assert_eq!(told.pass(SECOND), [ASK]);
    assert!(!told.answers(0, State::Active, false).contains(&TRANSFER), "again");
}

#[test]
fn a_peer_that_does_not_answer_may_be_the_active_one() {
    let mut told = Told::backup(2, None);
    told.answers(0, State::Backup, true);
    told.is_silent(1);
    assert!(!told.is_ready());
    // Unless it is another.
    told.pass(SECOND);
    assert!(told.answers(0, State::Active, false).contains(&TRANSFER));
    told.is_silent(1);
    assert!(told.brought(0).contains(&ready()));
    told.pass(SECOND * 5);
    told.is_silent(1);
    assert!(told.is_ready());
}

#[test]
fn what_was_asked_before_it_became_a_backup_does_not_count() {
    let mut told = Told::new(1, None);
    assert_eq!(told.is(State::Fault), [ASK]);
    told.pass(SECOND);
    told.is(State::Backup);
    assert_eq!(told.answers(0, State::Backup, false).last(), Some(&ASK));
    assert!(!told.is_ready());
}

#[test]
fn a_transfer_that_began_before_it_became_a_backup_does_not_count() {
    let mut told = Told::backup(1, None);
    assert!(told.answers(0, State::Active, false).contains(&TRANSFER));
    told.pass(SECOND);
    told.is(State::Fault);
    told.is(State::Backup);
    told.answers(0, State::Active, false);
    told.pass(SECOND);
    told.answers(0, State::Active, false);
    let actions = told.brought(0);
    assert!(!told.is_ready());
    assert!(actions.contains(&TRANSFER));
    assert!(told.brought(0).contains(&ready()));
}

#[test]
fn it_is_no_longer_ready_when_it_is_no_backup_or_its_daemon_was_started_anew() {
    let mut told = Told::backup(1, None);
    told.answers(0, State::Active, false);
    told.brought(0);
    assert!(told.is_ready());
    let reason = "the backup daemon was started anew";
    assert!(told.tell(Event::BackupStarted).contains(&not_ready(reason)));
    told.pass(SECOND);
    told.answers(0, State::Active, false);
    told.brought(0);
    assert!(told.is_ready());
    told.is(State::Active);
    assert!(!told.is_ready());
}

#[test]
fn it_is_no_longer_ready_when_the_active_one_does_not_answer() {
    let mut told = Told::backup(1, None);
    told.answers(0, State::Active, false);
    told.brought(0);
    told.pass(SECOND);
    assert!(told.is_silent(0).contains(&not_ready("a peer does not answer")));
    // It is asked every second, and its table is wanted again.
    assert_eq!(told.pass(SECOND), [ASK]);
    assert!(told.answers(0, State::Active, false).contains(&TRANSFER));
}

#[test]
fn it_is_no_longer_ready_when_one_that_was_out_of_reach_is_active() {
    let mut told = Told::backup(2, None);
    told.is_silent(0);
    told.answers(1, State::Active, false);
    told.brought(1);
    assert!(told.is_ready());
    told.pass(SECOND);
    told.answers(1, State::Active, false);
    let actions = told.answers(0, State::Active, false);
    assert!(actions.contains(&not_ready("the active router was out of reach")));
    assert!(actions.contains(&TRANSFER));
}

#[test]
fn one_that_handed_over_itself_is_ready() {
    let mut told = Told::active();
    let address = vip();
    let event = Event::State { address, state: State::Backup, has_handed_over: true };
    told.tell(event);
    assert!(told.is_ready());
}

#[test]
fn the_deadline_opens_the_gate_and_it_still_looks_for_the_connections() {
    let mut told = Told::backup(1, Some(SECOND * 10));
    told.is_silent(0);
    let mut actions = Vec::new();
    for _ in 0..10 {
        assert!(!actions.contains(&gate(true)));
        actions = told.pass(SECOND);
        told.is_silent(0);
    }
    assert!(actions.contains(&gate(true)));
    let notice = Notice::DeadlinePassed { address: vip(), waited: SECOND * 10 };
    assert!(actions.contains(&Action::Notice(notice)));
    told.pass(SECOND);
    assert!(told.answers(0, State::Active, false).contains(&TRANSFER));
    // With them it is handed over to.
    assert_eq!(told.brought(0), [ready(), gate(false)]);
    assert!(told.tell(PREEMPTS).contains(&CLAIM));
}

#[test]
fn one_whose_backups_are_gone_when_its_connections_are_noted_looks_for_them_again() {
    let mut told = handing_over();
    told.pass(SECOND);
    told.is_silent(0);
    told.pass(MICRO);
    assert!(!told.tell(Event::Noted { result: Ok(()) }).contains(&PREPARE));
    told.pass(SECOND);
    let mut actions = told.answers(0, State::Backup, true);
    actions.extend(told.answers(0, State::Backup, true));
    assert!(actions.contains(&Action::Note), "{actions:?}");
    told.has_noted(&[0]);
}

#[test]
fn a_transfer_that_fails_is_told_and_tried_again_after_five_seconds() {
    let mut told = Told::backup(1, None);
    told.answers(0, State::Active, false);
    let event = Event::Transferred { peer: 0, result: Err("broken".to_owned()) };
    let notice = Notice::TransferFailed { peer: 0, reason: "broken".to_owned() };
    assert_eq!(told.tell(event), [Action::Notice(notice)]);
    for _ in 0..4 {
        assert_eq!(told.pass(SECOND), [ASK]);
        assert_eq!(told.answers(0, State::Active, false), []);
    }
    assert!(told.pass(SECOND).contains(&TRANSFER));
}

#[test]
fn it_hands_over_to_a_backup_that_is_ready_and_resigns_first() {
    let mut told = Told::new(2, None);
    told.is(State::Active);
    told.answers(0, State::Backup, true);
    told.answers(1, State::Backup, true);
    told.pass(SECOND / 2);
    let address = vip();
    // They are asked afresh.
    let asks = [Action::Ask { peer: 0 }, Action::Ask { peer: 1 }];
    assert_eq!(told.tell(Event::HandOver { addresses: vec![address] }), asks);
    assert_eq!(told.answers(0, State::Fault, false), []);
    assert_eq!(told.answers(1, State::Backup, true), [Action::Note]);
    // The one takes what was noted, and they are asked again.
    told.has_noted(&[1]);
    assert_eq!(told.answers(0, State::Fault, true), []);
    let handed = Notice::HandedOver { address, peer: 1 };
    assert_eq!(
        told.answers(1, State::Backup, true),
        [resign(false), Action::Promote { peer: 1, address }, Action::Notice(handed)]
    );
    let reason = "it is at fault".to_owned();
    let result = Err(reason.clone());
    let event = Event::Promoted { peer: 1, address, result };
    let not_taken = Action::Notice(Notice::NotTaken { address, peer: 1, reason });
    assert_eq!(told.tell(event).first(), Some(&not_taken));
}

const LOOK: Action = Action::Look { address: VIP };
const PREPARE: Action = Action::Prepare { peer: 0, address: VIP };
const CLAIM: Action = Action::Claim { peer: 0, address: VIP, priority: 150 };
const PREEMPTS: Event = Event::Looked { address: VIP, preempts: Some(150) };

/// A backup that has all connections of the active one.
fn ready_backup() -> Told {
    let mut told = Told::backup(1, None);
    told.answers(0, State::Active, false);
    told.brought(0);
    assert!(told.is_ready());
    told
}

#[test]
fn a_backup_that_has_all_connections_looks_whether_it_would_take_over_as_often_as_it_asks() {
    let mut told = Told::backup(1, None);
    assert!(!told.answers(0, State::Active, false).contains(&LOOK), "it has no connections");
    assert_eq!(told.tell(PREEMPTS), []);
    told.brought(0);
    for _ in 0..3 {
        assert_eq!(told.pass(SECOND), [ASK]);
        assert_eq!(told.answers(0, State::Active, false), [LOOK]);
    }
    told.pass(SECOND);
    assert!(!told.answers(0, State::Backup, false).contains(&LOOK), "nobody is active");
}

#[test]
fn one_that_would_take_over_asks_the_active_one_to_hand_over_until_it_does_so_by_itself() {
    let mut told = ready_backup();
    let mut claims = Vec::new();
    let given_up = Notice::ClaimGivenUp { address: vip(), waited: SECOND * 20 };
    for second in 0..20 {
        if told.tell(PREEMPTS).contains(&CLAIM) {
            claims.push(second);
        }
        let reason = "its priority there is 200".to_owned();
        let refused = Notice::ClaimRefused { address: vip(), peer: 0, reason: reason.clone() };
        let claimed = Event::Claimed { peer: 0, address: vip(), result: Err(reason) };
        assert_eq!(told.tell(claimed), [Action::Notice(refused)]);
        assert!(!told.pass(SECOND - MICRO).contains(&gate(true)), "{second}");
        told.answers(0, State::Active, false);
        let mut actions = told.pass(MICRO);
        assert_eq!(actions.pop(), Some(ASK));
        match second {
            19 => assert_eq!(actions, [gate(true), Action::Notice(given_up.clone())]),
            _ => assert_eq!(actions, []),
        }
    }
    assert_eq!(claims, [0, 5, 10, 15]);
    assert_eq!(told.tell(PREEMPTS), [], "its gate is open");
    // Until it has no reason any more.
    assert_eq!(told.answers(0, State::Active, false), [LOOK]);
    assert_eq!(told.tell(Event::Looked { address: vip(), preempts: None }), [gate(false)]);
    assert!(told.tell(PREEMPTS).contains(&CLAIM));
}

#[test]
fn one_that_is_about_to_be_handed_over_to_waits_for_as_long_as_that_takes_and_once() {
    let mut told = ready_backup();
    assert!(told.tell(PREEMPTS).contains(&CLAIM));
    let mut opened = Vec::new();
    for minute in 1..8 {
        // What the peer begins never comes to pass, though it begins it again and again.
        told.tell(Event::PrepareAsked { request: 1, address: vip() });
        let mut actions = Vec::new();
        for _ in 0..60 {
            actions.extend(told.pass(SECOND));
            actions.extend(told.answers(0, State::Active, false));
        }
        actions.extend(told.brought(0));
        actions.extend(told.tell(PREEMPTS));
        if actions.contains(&gate(true)) {
            opened.push(minute);
        }
    }
    assert_eq!(opened.first(), Some(&5));
}

#[test]
fn one_that_is_told_that_it_is_handed_over_to_waits_as_long_as_one_that_is_prepared() {
    let mut told = ready_backup();
    assert!(told.tell(PREEMPTS).contains(&CLAIM));
    let mut opened = None;
    for second in 0..400 {
        let claimed = Event::Claimed { peer: 0, address: vip(), result: Ok(()) };
        assert_eq!(told.tell(claimed), []);
        let mut actions = told.pass(SECOND);
        actions.extend(told.answers(0, State::Active, false));
        // To note its connections takes it for ever.
        actions.extend(told.tell(PREEMPTS));
        if actions.contains(&gate(true)) {
            opened = opened.or(Some(second + 1));
        }
    }
    assert_eq!(opened, Some(300));
}

#[test]
fn one_that_is_refused_what_it_was_promised_waits_no_longer_than_one_that_never_was() {
    let mut told = ready_backup();
    assert!(told.tell(PREEMPTS).contains(&CLAIM));
    let claimed = |result| Event::Claimed { peer: 0, address: vip(), result };
    told.tell(claimed(Ok(())));
    told.pass(SECOND * 30);
    told.answers(0, State::Active, false);
    told.tell(claimed(Err("timeout".to_owned())));
    assert!(!told.pass(SECOND * 19).contains(&gate(true)));
    // That it did not answer was no refusal.
    told.answers(0, State::Active, false);
    told.tell(claimed(Ok(())));
    assert!(!told.pass(SECOND * 19).contains(&gate(true)));
    told.tell(claimed(Err("no".to_owned())));
    assert!(!told.pass(SECOND * 10).contains(&gate(true)));
    told.tell(claimed(Err("no".to_owned())));
    assert!(told.pass(SECOND * 10).contains(&gate(true)));
}

#[test]
fn what_was_promised_before_connections_were_missing_opens_no_gate_when_they_are_here() {
    for is_silent in [false, true] {
        let mut told = ready_backup();
        assert!(told.tell(PREEMPTS).contains(&CLAIM));
        told.tell(Event::Claimed { peer: 0, address: vip(), result: Ok(()) });
        told.pass(SECOND);
        if is_silent {
            told.is_silent(0);
        } else {
            told.tell(Event::BackupStarted);
        }
        assert!(!told.is_ready());
        told.pass(SECOND * 600);
        told.answers(0, State::Active, false);
        told.pass(SECOND * 2);
        told.answers(0, State::Active, false);
        let actions = told.brought(0);
        assert!(told.is_ready());
        assert!(!actions.contains(&gate(true)), "{actions:?}");
        assert!(told.tell(PREEMPTS).contains(&CLAIM));
    }
}

#[test]
fn one_that_is_not_handed_over_to_asks_whoever_is_active_by_then() {
    let mut told = Told::backup(2, None);
    told.answers(0, State::Active, false);
    told.answers(1, State::Backup, true);
    told.brought(0);
    assert!(told.tell(PREEMPTS).contains(&CLAIM));
    let (address, reason) = (vip(), "it is backup there".to_owned());
    let event = Event::Claimed { peer: 0, address, result: Err(reason.clone()) };
    let refused = Action::Notice(Notice::ClaimRefused { address, peer: 0, reason });
    assert_eq!(told.tell(event), [refused]);
    told.pass(SECOND * 5);
    told.answers(0, State::Backup, true);
    told.answers(1, State::Active, true);
    told.brought(1);
    let actions = told.tell(PREEMPTS);
    assert!(actions.contains(&Action::Claim { peer: 1, address, priority: 150 }), "{actions:?}");
}

#[test]
fn what_was_claimed_is_claimed_no_more_when_it_would_not_take_over_or_lacks_connections() {
    for event in [
        Event::BackupStarted,
        Event::State { address: vip(), state: State::Active, has_handed_over: false },
        Event::Looked { address: vip(), preempts: None },
    ] {
        let mut told = ready_backup();
        assert!(told.tell(PREEMPTS).contains(&CLAIM));
        told.pass(SECOND / 2);
        told.tell(event);
        assert!(!told.pass(SECOND * 30).contains(&gate(true)));
    }
}

#[test]
fn it_hands_over_to_the_peer_that_asks_for_it_or_to_none() {
    let mut told = Told::new(2, None);
    told.is(State::Active);
    told.answers(0, State::Backup, true);
    told.answers(1, State::Backup, true);
    told.pass(SECOND / 2);
    assert_eq!(told.tell(claim(1, 50)), [Action::Ask { peer: 0 }, Action::Ask { peer: 1 }]);
    told.answers(0, State::Backup, true);
    assert_eq!(told.answers(1, State::Backup, true), [Action::Note, answer(50, Ok(()))]);
    // It asks again.
    assert_eq!(told.tell(claim(1, 51)), [answer(51, Ok(()))]);
    // The other may take over all the same, by its skew.
    told.has_noted(&[0, 1]);
    told.answers(0, State::Backup, true);
    let actions = told.answers(1, State::Backup, true);
    assert_eq!(actions[..2], [resign(true), Action::Promote { peer: 1, address: vip() }]);

    let mut told = Told::new(1, None);
    told.is(State::Active);
    told.answers(0, State::Backup, true);
    told.pass(SECOND / 2);
    told.tell(claim(7, 50));
    let actions = told.answers(0, State::Backup, true);
    assert!(actions.contains(&held(Held::Peers(Vec::new()))), "{actions:?}");
}

/// A peer asks for the router with a higher priority.
fn claim(peer: usize, request: u64) -> Event {
    claims(peer, request, 150, vec![vip()])
}

fn claims(peer: usize, request: u64, priority: u8, addresses: Vec<IpAddr>) -> Event {
    let (address, own_priority) = (vip(), 100);
    Event::ClaimAsked { request, peer, address, priority, own_priority, addresses }
}

fn answer(request: u64, result: Result<(), &str>) -> Action {
    Action::Answer { request, result: result.map_err(str::to_owned) }
}

#[test]
fn a_peer_that_asks_for_a_router_is_told_why_it_does_not_get_it() {
    let mut told = Told::new(2, None);
    let addresses = vec![vip(), IpAddr::from([10, 0, 0, 8])];
    let no_router = "10.0.0.7 is of no virtual router there";
    assert_eq!(told.tell(claim(0, 1)).first(), Some(&answer(1, Err(no_router))));
    told.is(State::Backup);
    assert_eq!(told.tell(claim(0, 2)), [answer(2, Err("10.0.0.7 is backup there"))]);
    told.is(State::Active);
    let lower = "its priority there is 100, and not below 100";
    assert_eq!(told.tell(claims(0, 3, 100, vec![vip()])), [answer(3, Err(lower))]);
    let other = "10.0.0.8 is of no virtual router there";
    let actions = told.tell(claims(0, 4, 101, addresses));
    assert_eq!(actions[..2], [answer(4, Err(other)), held(Held::NotActive)]);
}

#[test]
fn a_peer_that_cannot_take_what_it_asks_for_is_told_so_before_others_have_answered() {
    let mut told = Told::new(2, None);
    told.is(State::Active);
    told.answers(0, State::Backup, true);
    told.answers(1, State::Backup, true);
    told.pass(SECOND / 2);
    told.tell(claim(1, 4));
    assert_eq!(told.tell(claim(1, 5)), []);
    let actions = told.answers(1, State::Backup, false);
    let lacks = "the director that asks does not have all connections";
    let why = Held::Peers(vec![(0, CannotTake::HasNot), (1, CannotTake::NotReady)]);
    let refused = format!("another peer does not have it; {lacks}");
    let refused = |request| answer(request, Err(&refused));
    assert_eq!(actions, [refused(4), refused(5), held(why)]);
}

#[test]
fn it_hands_over_to_nobody_who_is_not_ready_and_says_why() {
    let mut told = Told::new(4, None);
    told.is(State::Active);
    for peer in 0..4 {
        told.answers(peer, State::Backup, true);
    }
    told.pass(SECOND / 2);
    told.tell(Event::HandOver { addresses: vec![vip()] });
    told.answers(0, State::Backup, false);
    told.is_silent(1);
    told.tell(Event::Answer { peer: 2, result: Ok(Vec::new()) });
    let actions = told.answers(3, State::Fault, false);
    let Some(Action::Notice(notice)) = actions.first() else { unreachable!("{actions:?}") };
    assert_eq!(
        notice.to_string(),
        "10.0.0.7: not handed over: peer 0 does not have all connections; peer 1 does not answer: \
         timeout; peer 2 does not have it; at peer 3 it is fault"
    );
}

#[test]
fn only_an_active_router_hands_over() {
    let mut told = Told::backup(1, None);
    let address = vip();
    let event = Event::HandOver { addresses: vec![address] };
    assert_eq!(told.tell(event.clone())[0], held(Held::NotActive));
    let other = [10, 0, 0, 8].into();
    let notice = Action::Notice(Notice::Held { address: other, why: Held::Unknown });
    assert_eq!(told.tell(Event::HandOver { addresses: vec![other] })[0], notice);
    let mut alone = Told::new(0, None);
    alone.is(State::Active);
    assert_eq!(alone.tell(event), [held(Held::Alone)]);
}

#[test]
fn one_that_loses_its_state_while_it_looks_for_a_successor_says_so() {
    for event in [
        Event::State { address: vip(), state: State::Fault, has_handed_over: false },
        Event::Gone { address: vip() },
    ] {
        let mut told = Told::new(1, None);
        told.is(State::Active);
        told.answers(0, State::Backup, true);
        told.pass(SECOND / 2);
        told.tell(Event::HandOver { addresses: vec![vip()] });
        let actions = told.tell(event);
        assert!(actions.contains(&held(Held::NoLongerActive)), "{actions:?}");
        assert!(!told.answers(0, State::Backup, true).contains(&Action::Note));
    }
}

/// One that is to note its connections, since its peer can take over.
fn handing_over() -> Told {
    let mut told = Told::new(1, None);
    told.is(State::Active);
    told.answers(0, State::Backup, true);
    told.pass(SECOND / 2);
    told.tell(Event::HandOver { addresses: vec![vip()] });
    assert_eq!(told.answers(0, State::Backup, true), [Action::Note]);
    told
}

#[test]
fn one_whose_connections_cannot_be_noted_does_not_hand_over() {
    let mut told = handing_over();
    let result = Err("no such file".to_owned());
    let actions = told.tell(Event::Noted { result });
    assert_eq!(actions, [held(Held::NotNoted("no such file".to_owned()))]);
}

#[test]
fn a_handover_of_which_nothing_is_heard_is_given_up_and_not_done_later() {
    let mut told = handing_over();
    let limit = SECOND * 300;
    assert!(told.pass(limit).contains(&held(Held::TooLate(limit))));
    assert_eq!(told.tell(Event::Noted { result: Ok(()) }), []);
    assert!(!told.answers(0, State::Backup, true).contains(&resign(false)));
}

#[test]
fn what_is_noted_for_a_handover_that_was_given_up_serves_the_next() {
    let mut told = handing_over();
    told.pass(SECOND * 300);
    told.tell(Event::HandOver { addresses: vec![vip()] });
    let mut actions = told.answers(0, State::Backup, true);
    actions.extend(told.answers(0, State::Backup, true));
    assert!(!actions.contains(&Action::Note), "{actions:?}");
    told.has_noted(&[0]);
}

#[test]
fn it_resigns_when_its_successor_has_taken_the_connections() {
    let mut told = handing_over();
    told.has_noted(&[0]);
    for _ in 0..30 {
        assert_eq!(told.answers(0, State::Backup, false), []);
        told.pass(SECOND);
    }
    assert_eq!(told.answers(0, State::Backup, true).first(), Some(&resign(false)));
}

#[test]
fn it_does_not_hand_over_to_one_that_does_not_take_the_connections_or_loses_its_state() {
    let mut told = handing_over();
    told.tell(Event::Noted { result: Ok(()) });
    let result = Err("it is full".to_owned());
    told.pass(SECOND / 4);
    told.tell(Event::Prepared { peer: 0, address: vip(), result });
    let actions = told.answers(0, State::Backup, true);
    let why = CannotTake::NotPrepared("it is full".to_owned());
    assert_eq!(actions, [held(Held::Peers(vec![(0, why)]))]);
    let mut told = handing_over();
    told.has_noted(&[0]);
    let actions = told.answers(0, State::Fault, false);
    assert_eq!(actions, [held(Held::Peers(vec![(0, CannotTake::Is(State::Fault))]))]);
}

#[test]
fn one_that_is_to_be_handed_over_to_takes_all_connections_again() {
    let address = vip();
    let asked = Event::PrepareAsked { request: 3, address };
    let answer = |result| Action::Answer { request: 3, result };
    let mut told = ready_backup();
    told.pass(SECOND / 2);
    let lost = not_ready("the active one is to hand over");
    assert_eq!(told.tell(asked.clone()), [lost, answer(Ok(())), ASK]);
    assert!(!told.is_ready());
    assert_eq!(told.answers(0, State::Active, false), [TRANSFER]);
    assert_eq!(told.brought(0), [ready()]);
    told.is(State::Active);
    let reason = "10.0.0.7 is active there".to_owned();
    assert_eq!(told.tell(asked.clone()), [answer(Err(reason))]);
    told.tell(Event::Gone { address });
    let reason = "10.0.0.7 is of no virtual router there".to_owned();
    assert_eq!(told.tell(asked), [answer(Err(reason))]);
}

#[test]
fn a_backup_takes_over_when_it_is_asked_to_and_another_says_why_not() {
    let address = vip();
    let asked = Event::PromoteAsked { request: 3, address };
    let answer = |result| Action::Answer { request: 3, result };
    let mut told = Told::backup(1, None);
    assert_eq!(told.tell(asked.clone())[..2], [Action::TakeOver { address }, answer(Ok(()))]);
    told.is(State::Active);
    assert_eq!(told.tell(asked.clone()), [answer(Ok(()))]);
    told.is(State::Fault);
    let reason = "10.0.0.7 is fault there".to_owned();
    assert_eq!(told.tell(asked.clone()), [answer(Err(reason))]);
    told.tell(Event::Gone { address });
    let reason = "10.0.0.7 is of no virtual router there".to_owned();
    assert_eq!(told.tell(asked), [answer(Err(reason))]);
}

#[test]
fn the_one_that_stayed_active_takes_what_the_other_had_when_that_has_given_way() {
    let mut told = Told::active();
    told.answers(0, State::Backup, false);
    told.pass(SECOND / 2);
    assert_eq!(told.tell(Event::DualActive { address: vip() }), [ASK]);
    assert_eq!(told.answers(0, State::Active, false), [ASK]);
    assert_eq!(told.answers(0, State::Active, false), []);
    assert_eq!(told.pass(SECOND), [ASK]);
    assert_eq!(told.answers(0, State::Backup, false), [TRANSFER]);
    assert_eq!(told.brought(0), []);
    told.pass(SECOND);
    assert_eq!(told.answers(0, State::Backup, true), [], "once");
}

/// A router of the same identifier that belongs to none of the peers, and does not stop.
#[test]
fn a_rival_that_is_no_peer_costs_no_transfer() {
    let mut told = Told::active();
    told.answers(0, State::Backup, true);
    told.pass(SECOND / 2);
    for _ in 0..100 {
        assert_eq!(told.tell(Event::DualActive { address: vip() }), [ASK]);
        assert_eq!(told.answers(0, State::Backup, true), []);
        assert!(!told.director.wants_tables());
        told.pass(SECOND / 2);
    }
}

#[test]
fn a_rival_was_who_has_been_active_since_it_answered_whether_it_was_so_when_asked_or_not() {
    let mut told = Told::active();
    told.answers(0, State::Backup, true);
    // Again and again, and before what was wanted has come.
    for seconds in [10, 1, 0, 0] {
        told.pass(SECOND * seconds);
        told.pass(SECOND);
        told.said.insert(0, (State::Backup, Some(told.now)));
        told.answers(0, State::Backup, true);
        assert!(told.director.wants_tables());
        assert!(told.pass(SECOND / 10).is_empty(), "it is asked once more");
        assert_eq!(told.answers(0, State::Backup, true), [TRANSFER]);
        told.pass(SECOND);
        told.said.insert(0, (State::Backup, Some(told.now)));
        told.answers(0, State::Backup, true);
        told.brought(0);
        assert!(told.director.wants_tables(), "it was active meanwhile");
        let mut actions = told.answers(0, State::Backup, true);
        actions.extend(told.pass(SECOND));
        assert!(actions.contains(&TRANSFER));
        told.brought(0);
        assert!(!told.director.wants_tables());
    }
    // Nor has one that was started anew.
    told.is_silent(0);
    told.pass(SECOND);
    told.said.clear();
    told.answers(0, State::Backup, false);
    assert!(!told.director.wants_tables());
}

/// It became active before the router here did, and went on to be.
#[test]
fn one_that_was_active_before_and_stayed_so_for_a_while_is_a_rival_too() {
    let known = || {
        let mut told = Told::backup(1, None);
        told.answers(0, State::Active, false);
        told.brought(0);
        told.pass(SECOND);
        told.answers(0, State::Active, false);
        told.pass(SECOND);
        told
    };
    // The link was cut with the network of the routers, and is there after that.
    let mut told = known();
    told.is_silent(0);
    told.is(State::Active);
    told.pass(SECOND);
    told.tell(Event::DualActive { address: vip() });
    assert!(!told.director.wants_tables());
    let mut actions = told.answers(0, State::Backup, false);
    assert!(told.director.wants_tables());
    actions.extend(told.pass(SECOND));
    assert!(actions.contains(&TRANSFER));

    // Or it was never cut.
    let mut told = known();
    told.is(State::Active);
    told.answers(0, State::Active, false);
    for _ in 0..5 {
        told.pass(SECOND);
        let actions = told.answers(0, State::Active, false);
        assert!(actions.len() <= 1, "it is asked too often: {actions:?}");
        assert!(told.director.wants_tables());
    }
    told.pass(SECOND);
    let mut actions = told.answers(0, State::Backup, false);
    actions.extend(told.pass(SECOND));
    assert!(actions.contains(&TRANSFER));
    told.brought(0);
    assert!(!told.director.wants_tables());
}

/// It had never answered, and has given way before it does.
#[test]
fn one_that_is_reached_for_the_first_time_may_have_been_a_rival() {
    for was_active in [true, false] {
        let mut told = Told::backup(1, None);
        told.is_silent(0);
        told.is(State::Active);
        told.pass(SECOND);
        told.said.insert(0, (State::Backup, was_active.then_some(told.now)));
        let mut actions = told.answers(0, State::Backup, false);
        assert_eq!(told.director.wants_tables(), was_active);
        actions.extend(told.pass(SECOND));
        assert_eq!(actions.contains(&TRANSFER), was_active);
    }
}

#[test]
fn what_a_peer_was_before_the_router_here_became_active_is_not_wanted() {
    let mut told = Told::backup(1, None);
    told.answers(0, State::Active, false);
    told.brought(0);
    told.pass(SECOND);
    told.answers(0, State::Active, false);
    told.is(State::Active);
    told.pass(SECOND);
    told.answers(0, State::Backup, true);
    assert!(!told.director.wants_tables());
}

/// Both hear each other's words sooner than each other's advertisements, or later.
#[test]
fn what_a_rival_has_is_taken_once_when_it_comes_into_reach_and_again_when_it_has_given_way() {
    let mut told = Told::active();
    told.is_silent(0);
    told.pass(SECOND);
    told.pass(SECOND / 10);
    let reached = Action::Notice(Notice::Reached { peer: 0 });
    assert_eq!(told.answers(0, State::Active, false), [reached, ASK]);
    assert!(told.director.wants_tables());
    assert_eq!(told.answers(0, State::Active, false), [TRANSFER]);
    told.pass(SECOND / 10);
    assert_eq!(told.brought(0), []);
    told.pass(SECOND);
    assert_eq!(told.answers(0, State::Active, false), [], "once");

    assert!(told.director.wants_tables());
    told.pass(SECOND);
    assert_eq!(told.answers(0, State::Backup, false), [TRANSFER]);
    assert_eq!(told.brought(0), []);
    assert!(!told.director.wants_tables());
}

/// Its answers, before the first and between the two of which the first advertisement of a
/// rival was heard: what it takes until it gives way is missing still.
#[test]
fn what_was_taken_of_a_rival_before_it_gave_way_is_not_all() {
    for heard_before in [true, false] {
        let mut told = Told::active();
        told.is_silent(0);
        told.pass(SECOND);
        told.pass(SECOND / 10);
        let rival = Event::DualActive { address: vip() };
        if heard_before {
            told.tell(rival.clone());
        }
        told.answers(0, State::Active, false);
        if !heard_before {
            told.tell(rival);
        }
        told.pass(SECOND / 10);
        assert!(told.answers(0, State::Active, false).contains(&TRANSFER));
        told.pass(SECOND / 10);
        assert_eq!(told.brought(0), []);
        assert!(told.director.wants_tables());
        told.pass(SECOND);
        assert!(told.answers(0, State::Backup, false).contains(&TRANSFER), "{heard_before}");
        assert_eq!(told.brought(0), []);
        assert!(!told.director.wants_tables());
    }
}

#[test]
fn what_a_rival_has_is_wanted_no_more_when_it_is_lost_or_this_one_has_given_way() {
    let met = || {
        let mut told = Told::active();
        told.is_silent(0);
        told.pass(SECOND);
        told.pass(SECOND / 10);
        told.answers(0, State::Active, false);
        assert!(told.director.wants_tables());
        told
    };
    let mut told = met();
    told.is_silent(0);
    assert!(!told.director.wants_tables());
    let mut told = met();
    told.is(State::Backup);
    assert!(!told.director.wants_tables());

    // A transfer that fails is tried again.
    let mut told = met();
    told.pass(SECOND / 10);
    assert_eq!(told.answers(0, State::Active, false), [TRANSFER]);
    told.tell(Event::Transferred { peer: 0, result: Err("no daemon".to_owned()) });
    assert!(told.director.wants_tables());
    assert!(told.pass(SECOND * 5).contains(&TRANSFER));
}

#[test]
fn what_a_rival_has_that_does_not_answer_wants_no_backup_daemon_until_it_does() {
    let mut told = Told::active();
    told.is_silent(0);
    told.tell(Event::DualActive { address: vip() });
    assert!(!told.director.wants_tables());
    told.pass(SECOND);
    told.is_silent(0);
    assert!(!told.director.wants_tables());
    told.pass(SECOND);
    // It was active meanwhile.
    told.said.insert(0, (State::Backup, Some(told.now)));
    let reached = Action::Notice(Notice::Reached { peer: 0 });
    assert_eq!(told.answers(0, State::Backup, false), [reached, ASK]);
    assert!(told.director.wants_tables());
    told.pass(SECOND / 10);
    assert_eq!(told.answers(0, State::Backup, false), [TRANSFER]);
    assert_eq!(told.brought(0), []);
    assert!(!told.director.wants_tables());
}

/// Where a backup daemon would keep the active router from balancing.
#[test]
fn nothing_is_taken_beside_an_active_router_where_that_is_not_to_be() {
    let forgone = Action::Notice(Notice::Forgone);
    let mut told = Told::active();
    told.director.take_beside_active(false);
    told.answers(0, State::Backup, true);
    told.pass(SECOND);
    assert_eq!(told.answers(0, State::Active, false), [forgone, ASK]);
    for state in [State::Active, State::Backup, State::Active, State::Backup] {
        assert!(told.answers(0, state, false).iter().all(|action| *action == ASK));
        assert!(!told.director.wants_tables());
        told.pass(SECOND);
    }
    // One that comes into reach.
    told.is_silent(0);
    told.pass(SECOND);
    for _ in 0..2 {
        assert!(!told.answers(0, State::Active, false).contains(&TRANSFER));
        told.pass(SECOND);
    }
    assert!(!told.director.wants_tables());

    // It gives way, and the other has what is missing.
    let address = vip();
    told.tell(Event::State { address, state: State::Backup, has_handed_over: true });
    assert!(!told.is_ready());
    told.answers(0, State::Active, false);
    told.pass(SECOND);
    assert!(told.answers(0, State::Active, false).contains(&TRANSFER));
}

#[test]
fn what_is_owed_is_taken_when_it_may_be_again() {
    let mut told = Told::active();
    told.answers(0, State::Backup, true);
    told.pass(SECOND);
    told.answers(0, State::Active, false);
    assert!(told.director.wants_tables());
    told.director.take_beside_active(false);
    assert!(!told.director.wants_tables());
    assert_eq!(told.answers(0, State::Backup, true), []);
    told.director.take_beside_active(true);
    assert!(told.director.wants_tables());
    assert!(told.pass(SECOND).contains(&TRANSFER));
}

#[test]
fn one_that_comes_into_reach_with_nothing_active_that_is_active_here_gives_nothing() {
    let mut told = Told::active();
    told.answers(0, State::Backup, false);
    told.pass(SECOND);
    told.is_silent(0);
    told.pass(SECOND);
    let reached = Action::Notice(Notice::Reached { peer: 0 });
    assert_eq!(told.answers(0, State::Backup, false), [reached]);
    assert!(!told.director.wants_tables());
}

#[test]
fn what_does_not_belong_anywhere_is_nothing() {
    let mut told = Told::new(1, None);
    told.answers(0, State::Backup, true);
    told.pass(SECOND);
    for event in [
        Event::Answer { peer: 7, result: Ok(Vec::new()) },
        Event::Transferred { peer: 7, result: Ok(()) },
        Event::Transferred { peer: 0, result: Ok(()) },
        Event::Gone { address: vip() },
        Event::DualActive { address: vip() },
        Event::BackupStarted,
        Event::Promoted { peer: 7, address: vip(), result: Ok(()) },
    ] {
        assert_eq!(told.tell(event.clone()), [], "{event:?}");
    }
}
