//! Changes while it runs: configuration, link, health.

use super::*;

fn well(lower: u8) -> Event {
    Event::Health(Health::Well { lower })
}

fn failed() -> Event {
    Event::Health(Health::Fault { track: "eth1".to_owned() })
}

#[test]
fn another_identifier_or_family_is_another_router() {
    let mut host = Host::active(rank(100));
    let now = host.now;
    let of = |vrid, addresses: &[&str], source| {
        let addresses = addresses.iter().map(|text| address(text));
        let addresses = VirtualAddresses::new(addresses).unwrap();
        let vrid = Vrid::new(vrid).unwrap();
        let rank = Rank::Backup(Priority::DEFAULT);
        Config::new(vrid, rank, addresses, centis(100), address(source)).unwrap()
    };
    for other in [of(8, &["10.0.0.7"], "10.0.0.2"), of(7, &["fe80::7"], "fe80::2")] {
        assert_eq!(host.router.reconfigure(now, other), Err(Rule::OtherRouter));
        assert_eq!(host.take(), []);
    }
    assert_eq!(host.router.reconfigure(now, of(7, &["10.0.0.7"], "10.0.0.2")), Ok(()));
}

#[test]
fn what_is_advertised_is_said_at_once_when_it_changes() {
    let others = [
        rank(101),
        versioned(&rank(100), centis(10)),
        versioned(&rank(100), centis(200)),
        versioned(&rank(100), seconds(2)),
        rank(100).with_source(address("10.0.0.4")).unwrap(),
    ];
    for config in others {
        let mut host = Host::active(rank(100));
        host.pass(MILLI * 700);
        let now = host.now;
        host.router.reconfigure(now, config.clone()).unwrap();
        assert_eq!(host.take(), [advertise(config.rank().number())]);
        assert_eq!(host.next(), config.version().interval());
    }
}

#[test]
fn version_2_goes_on_as_version_3_at_once() {
    let mut host = Host::active(versioned(&rank(100), seconds(3)));
    host.pass(MILLI * 2_900);
    host.router.reconfigure(host.now, rank(100)).unwrap();
    assert_eq!((host.take(), host.next()), (vec![advertise(100)], MILLI * 1_000));
    // A worse one of the version that it had is none.
    host.hear_with(50, "10.0.0.3", seconds(3));
    assert_eq!(host.take(), []);
}

#[test]
fn what_is_not_advertised_changes_in_silence() {
    let mut host = Host::active(rank(100));
    host.pass(MILLI * 700);
    let config = rank(100).with_preempt(Preempt::Never).with_sync_gate(true);
    host.router.reconfigure(host.now, config).unwrap();
    assert_eq!(host.take(), []);
    assert_eq!(host.next(), MILLI * 300);
}

// shows: 9568-8.1.2-5, 9568-8.2.2-7
#[test]
fn new_addresses_are_advertised_installed_and_announced() {
    let mut host = Host::active(rank(100));
    host.pass(MILLI * 10_000);
    host.take();
    let addresses = VirtualAddresses::new([address("10.0.0.9")]).unwrap();
    let config = rank(100).with_addresses(addresses).unwrap();
    host.router.reconfigure(host.now, config).unwrap();
    let mut expected = vec![advertise(100), Action::Install];
    expected.extend(five_rounds());
    assert_eq!(host.take(), expected);
    host.pass(MILLI * 5_000);
    assert_eq!(announcements(&host.take()), 5);
}

#[test]
fn another_accept_mode_is_installed() {
    let mut host = Host::active(rank(100));
    host.router.reconfigure(host.now, rank(100).with_accept(false)).unwrap();
    assert_eq!(host.take(), [Action::Install]);
}

#[test]
fn a_backup_counts_on_with_another_configuration() {
    let mut host = Host::started(rank(100));
    host.hear(150, "10.0.0.3");
    host.pass(MILLI * 3_500);
    host.router.reconfigure(host.now, rank(120)).unwrap();
    assert_eq!(host.take(), []);
    assert_eq!(host.until(State::Active), Duration::from_micros(31_250));
}

#[test]
fn a_backup_counts_on_with_another_version_or_address() {
    let moved = rank(100).with_source(address("10.0.0.4")).unwrap();
    let version2 = versioned(&rank(100), seconds(1));
    for (old, new) in [(rank(100), version2.clone()), (version2, rank(100)), (rank(100), moved)] {
        let mut host = Host::started(old);
        host.hear(150, "10.0.0.3");
        host.pass(MILLI * 3_500);
        host.router.reconfigure(host.now, new).unwrap();
        assert_eq!((host.take(), host.state()), (vec![], State::Backup));
        assert_eq!(host.until(State::Active), Duration::from_micros(109_375));
    }
}

#[test]
fn a_backup_follows_the_active_router_to_another_version_and_back() {
    let mut host = Host::started(rank(100));
    for (old, new) in [(centis(100), seconds(1)), (seconds(1), centis(100))].repeat(5) {
        host.hear_with(150, "10.0.0.3", old);
        host.pass(MILLI * 1_000);
        // The active router is changed first, and is not heard until this one is, too.
        host.hear_with(150, "10.0.0.3", new);
        host.pass(MILLI * 2_500);
        host.router.reconfigure(host.now, versioned(&rank(100), new)).unwrap();
        host.hear_with(150, "10.0.0.3", new);
        assert_eq!((host.take(), host.state()), (vec![], State::Backup));
    }
}

#[test]
fn fifty_changes_in_a_row_leave_no_gap() {
    let mut host = Host::active(rank(100));
    let mut last = host.now;
    for n in 0..50 {
        host.pass(MILLI * 190);
        let interval = if n % 2 == 0 { centis(10) } else { centis(100) };
        host.router.reconfigure(host.now, versioned(&rank(100), interval)).unwrap();
        assert!(host.take().contains(&advertise(100)));
        assert!(host.now - last <= MILLI * 190);
        last = host.now;
    }
}

#[test]
fn fifty_changes_of_version_and_address_leave_no_gap() {
    let mut host = Host::active(rank(100));
    for n in 0..50 {
        host.pass(MILLI * 700);
        let (version, source) =
            if n % 2 == 0 { (seconds(1), "10.0.0.4") } else { (centis(100), "10.0.0.2") };
        let config = versioned(&rank(100), version).with_source(address(source)).unwrap();
        host.router.reconfigure(host.now, config).unwrap();
        assert!(host.take().contains(&advertise(100)));
        assert!(host.next() <= MILLI * 1_000);
        assert_eq!(host.state(), State::Active);
    }
}

#[test]
fn one_that_loses_its_link_removes_its_addresses_and_sends_nothing() {
    let mut host = Host::active(rank(100));
    host.tell(Event::Link(false));
    let change =
        Action::StateChanged { from: State::Active, to: State::Fault, cause: Cause::LinkDown };
    assert_eq!(host.take(), [Action::Remove, change]);
    assert_eq!(host.router.poll_timeout(), None);
    host.hear(50, "10.0.0.3");
    host.hear(0, "10.0.0.3");
    host.tell(Event::Promote);
    assert_eq!((host.take(), host.state()), (vec![], State::Fault));
}

#[test]
fn one_that_has_its_link_again_listens_first() {
    let mut host = Host::active(rank(100));
    host.tell(Event::Link(false));
    host.pass(MILLI * 10_000);
    host.tell(Event::Link(true));
    assert_eq!(host.until(State::Active), Duration::from_micros(3_609_375));
}

#[test]
fn one_at_fault_resigns() {
    let mut host = Host::active(rank(100));
    host.tell(failed());
    let actions = host.take();
    assert_eq!(without_changes(actions.clone()), [advertise(0), Action::Remove]);
    assert_eq!(cause(&actions), Cause::Failed { track: "eth1".to_owned() });
}

#[test]
fn all_must_be_well_again_before_it_takes_part() {
    let mut host = Host::started(rank(100));
    host.tell(failed());
    host.tell(Event::Link(false));
    host.tell(well(0));
    assert_eq!(host.state(), State::Fault);
    host.tell(Event::Link(true));
    assert_eq!(host.state(), State::Backup);
}

#[test]
fn what_is_tracked_lowers_the_priority_and_that_is_said_at_once() {
    let mut host = Host::active(rank(100));
    host.tell(well(30));
    assert_eq!(host.take(), [advertise(70)]);
    host.tell(well(30));
    assert_eq!(host.take(), []);
    host.tell(well(255));
    assert_eq!(host.take(), [advertise(1)]);
    host.hear(2, "10.0.0.1");
    assert_eq!(host.state(), State::Backup);
}

#[test]
fn an_owners_priority_is_never_lowered() {
    let mut host = Host::started(rank(255));
    host.tell(well(100));
    assert_eq!(host.take(), []);
    assert_eq!(host.router.rank(), Rank::Owner);
}

#[test]
fn a_backup_with_a_lowered_priority_no_longer_preempts() {
    let mut host = Host::started(rank(100));
    host.tell(well(60));
    for _ in 0..10 {
        host.hear(50, "10.0.0.3");
        host.pass(MILLI * 1_000);
    }
    assert_eq!(host.state(), State::Backup);
    host.tell(well(0));
    assert_eq!(host.until(State::Active), Duration::from_micros(2_609_375));
}
