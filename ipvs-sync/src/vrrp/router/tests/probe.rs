//! Who asks for the addresses before it takes over.

use super::*;

/// The down interval of priority 100: three seconds and the skew.
const DOWN: Duration = Duration::from_micros(3_609_375);
/// Where the addresses are.
pub(super) const THERE: Answer =
    Answer { address: IpAddr::V4(Ipv4Addr::new(10, 0, 0, 7)), mac: MAC };
const MAC: [u8; 6] = [0, 0, 0x5e, 0, 1, 7];

fn probing(priority: u8) -> Config {
    rank(priority).with_probe(true)
}

/// Lets so much time pass and answers each question; what else it did.
fn answered(host: &mut Host, duration: Duration) -> Vec<Action> {
    let end = host.now + duration;
    let mut done = Vec::new();
    while let Some(next) = host.router.poll_timeout().filter(|&next| next <= end) {
        host.now = next;
        host.tell(Event::Tick);
        for action in host.take() {
            match action {
                Action::Probe => host.tell(Event::Answered(THERE)),
                other => done.push(other),
            }
        }
    }
    host.now = end;
    done
}

#[test]
fn in_a_silence_it_asks_twice_and_takes_over_no_later() {
    let mut host = Host::started(probing(100));
    host.hear(150, "10.0.0.3");
    host.pass(MILLI * 1_609);
    assert_eq!(host.take(), []);
    host.pass(MILLI);
    assert_eq!(host.take(), [Action::Probe]);
    host.pass(MILLI * 1_000);
    assert_eq!(host.take(), [Action::Probe]);
    assert_eq!(host.until(State::Active), DOWN - MILLI * 2_610);
    let actions = host.take();
    assert_eq!(actions[..2], [advertise(100), Action::Install]);
    let said = cause(&actions).to_string();
    assert_eq!(said, "missed 3 advertisements, last heard 3609.3 ms ago, woken 0 ms late");
}

#[test]
fn while_somebody_answers_it_stays_a_backup_and_says_so_once() {
    let mut host = Host::started(probing(100));
    host.hear(150, "10.0.0.3");
    let done = answered(&mut host, DOWN * 1_000);
    assert_eq!(host.state(), State::Backup);
    assert_eq!(done, [Action::Report(Report::AddressAnswered(THERE))]);
    let Action::Report(report) = done[0] else { panic!("no report") };
    assert_eq!(
        report.to_string(),
        "10.0.0.7 is answered for by 00:00:5e:00:01:07, whose advertisements do not come through"
    );
}

#[test]
fn it_says_so_again_if_another_answers_or_the_active_router_was_heard_meanwhile() {
    let mut host = Host::started(probing(100));
    answered(&mut host, DOWN);
    host.pass(MILLI * 1_000);
    let other = Answer { mac: [2; 6], ..THERE };
    host.tell(Event::Answered(other));
    host.take();
    host.pass(MILLI * 1_000);
    assert_eq!(reports(&host.take()), [Report::AddressAnswered(other)]);
    host.hear(150, "10.0.0.3");
    let done = answered(&mut host, DOWN);
    assert_eq!(reports(&done), [Report::AddressAnswered(THERE)]);
}

#[test]
fn one_that_answered_last_is_missed_as_one_that_advertised_last() {
    let mut host = Host::started(probing(100));
    answered(&mut host, DOWN);
    assert_eq!(host.state(), State::Backup);
    // The last question was just answered.
    assert_eq!(host.until(State::Active), MILLI * 3_000);
}

#[test]
fn one_answer_that_is_lost_makes_no_second_active_router() {
    let mut host = Host::started(probing(100));
    answered(&mut host, DOWN);
    for _ in 0..10 {
        host.pass(MILLI * 1_000);
        answered(&mut host, MILLI * 1_000);
        assert_eq!(host.state(), State::Backup);
    }
}

#[test]
fn nobody_is_asked_where_nobody_wants_that() {
    let mut host = Host::started(rank(100));
    host.tell(Event::Answered(THERE));
    assert_eq!(host.until(State::Active), DOWN);
    host.tell(Event::Answered(THERE));
    assert!(!host.take().iter().any(|it| matches!(it, Action::Probe | Action::Report(_))));
    assert_eq!(probing(255).probed().count(), 0);
    let mut owner = Host::started(probing(255).with_startup_delay(MILLI));
    owner.tell(Event::Answered(THERE));
    owner.until(State::Active);
    assert!(!owner.take().contains(&Action::Probe));
}

#[test]
fn only_the_first_four_addresses_are_asked_for() {
    let addresses = (1..=9).map(|host| address(&format!("10.0.0.{host}0")));
    let addresses = VirtualAddresses::new(addresses).unwrap();
    let config = probing(100).with_addresses(addresses).unwrap();
    let asked: Vec<String> = config.probed().map(|address| address.to_string()).collect();
    assert_eq!(asked, ["10.0.0.10", "10.0.0.20", "10.0.0.30", "10.0.0.40"]);
    let mut host = Host::started(config);
    host.pass(MILLI * 2_000);
    host.tell(Event::Answered(Answer { address: address("10.0.0.50"), ..THERE }));
    assert_eq!(host.until(State::Active), DOWN - MILLI * 2_000);
}

#[test]
fn what_nobody_asked_for_is_no_answer() {
    let mut host = Host::started(probing(100));
    host.hear(150, "10.0.0.3");
    host.tell(Event::Answered(THERE));
    assert_eq!(host.until(State::Active), DOWN);
}

#[test]
fn an_answer_from_before_the_active_router_was_heard_again_holds_nothing() {
    let mut host = Host::started(probing(100));
    answered(&mut host, DOWN);
    host.hear(150, "10.0.0.3");
    assert_eq!(host.until(State::Active), DOWN);
}

#[test]
fn a_resignation_a_preemption_and_a_promotion_are_not_held() {
    let held = || {
        let mut host = Host::started(probing(100));
        answered(&mut host, DOWN);
        assert_eq!(host.state(), State::Backup);
        host
    };
    let mut resigned = held();
    resigned.hear(0, "10.0.0.3");
    assert_eq!(resigned.until(State::Active), Duration::from_micros(609_375));

    let mut promoted = held();
    promoted.tell(Event::Promote);
    assert_eq!(promoted.state(), State::Active);

    let mut preempts = held();
    for _ in 0..5 {
        preempts.hear(50, "10.0.0.3");
        answered(&mut preempts, MILLI * 1_000);
    }
    assert_eq!(preempts.state(), State::Active);
}

#[test]
fn an_answer_that_comes_too_late_changes_nothing_and_is_reported() {
    let mut host = Host::active(probing(100));
    host.tell(Event::Answered(THERE));
    assert_eq!(host.take(), [Action::Report(Report::AddressAnswered(THERE))]);
    assert_eq!(host.state(), State::Active);
}

#[test]
fn one_that_was_away_asks_at_once_and_finds_its_successor() {
    let mut host = Host::active(probing(100));
    host.now = host.now + MILLI * 20_000;
    host.tell(Event::Tick);
    let actions = host.take();
    assert_eq!(actions[..3], [Action::Remove, advertise(0), Action::Probe]);
    host.tell(Event::Answered(THERE));
    answered(&mut host, DOWN * 10);
    assert_eq!(host.state(), State::Backup);
}

#[test]
fn one_that_is_told_to_ask_no_longer_takes_over_at_the_next_interval() {
    let mut host = Host::started(probing(100));
    answered(&mut host, DOWN * 10);
    host.router.reconfigure(host.now, rank(100)).unwrap();
    assert!(host.until(State::Active) <= MILLI * 1_000);
}

#[test]
fn a_member_that_followed_a_resignation_late_asks_from_then_on() {
    let config = probing(100).with_startup_delay(MILLI * 60_000);
    let mut group = Group::new([config.clone(), config]);
    let mut now = millis(100_000);
    group.handle(now, Event::Start);
    let (version, source) = (Version::V3(Interval::DEFAULT), address("10.0.0.3"));
    let resigned = Heard { priority: 0, version, source, arrival: now };
    group.handle_member(now, 0, Event::Heard(resigned)).unwrap();
    while now < millis(170_000) {
        let next = group.poll_timeout().expect("something is to come");
        assert!(next > now, "{next}");
        now = next;
        group.handle(now, Event::Tick);
    }
    assert_eq!(group.members()[0].state(), State::Active);
}

#[test]
fn a_member_of_a_group_asks_until_the_others_are_ready() {
    let mut group = Group::new([probing(100), probing(100)]);
    let mut now = millis(100_000);
    group.handle(now, Event::Start);
    let mut taken = Vec::new();
    let mut pass = |group: &mut Group, seconds: u64, answers: bool, heard: bool| {
        let end = now + MILLI * 1_000 * u32::try_from(seconds).unwrap();
        while let Some(next) = group.poll_timeout().filter(|&next| next <= end) {
            if heard {
                let source = address("10.0.0.3");
                let version = Version::V3(Interval::DEFAULT);
                let heard = Heard { priority: 150, version, source, arrival: next };
                group.handle_member(next, 1, Event::Heard(heard)).unwrap();
            }
            group.handle(next, Event::Tick);
            while let Some((member, action)) = group.poll() {
                if action == Action::Probe && answers {
                    group.handle_member(next, member, Event::Answered(THERE)).unwrap();
                }
                taken.push((member, action));
            }
        }
        now = end;
        group.members()[0].state()
    };
    // The first hears nobody and is ready; then somebody has its address, as the second
    // falls silent.
    assert_eq!(pass(&mut group, 60, false, true), State::Backup);
    assert_eq!(pass(&mut group, 1, true, true), State::Backup);
    assert_eq!(pass(&mut group, 60, true, false), State::Backup);
    assert_eq!(pass(&mut group, 4, false, false), State::Active);
    let report = Action::Report(Report::AddressAnswered(THERE));
    assert_eq!(taken.iter().filter(|it| **it == (0, report.clone())).count(), 1);
}
