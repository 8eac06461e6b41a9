//! What virtual routers do in virtual time, and that what is wrong is seen.

use super::*;
use crate::vrrp::router::Preempt;
use crate::vrrp::{Interval, Priority, Rank, Version, VirtualAddresses, Vrid};

const INTERVAL: Duration = Duration::from_millis(100);
const TRAVEL: Duration = Duration::from_micros(100);

/// Of version 3, every 100 ms; `host` is also the last part of its address.
fn config(priority: u8, host: u8) -> Config {
    let addresses = VirtualAddresses::new([[10, 0, 0, 100].into()]).unwrap();
    let rank = Rank::Backup(Priority::new(priority).unwrap());
    let version = Version::V3(Interval::try_from(INTERVAL).unwrap());
    Config::new(Vrid::new(7).unwrap(), rank, addresses, version, [10, 0, 0, host].into()).unwrap()
}

fn down_interval(priority: u8) -> Duration {
    INTERVAL * 3 + INTERVAL * (256 - u32::from(priority)) / 256
}

/// Hosts on a good network, started and settled, the first of them active.
fn settled(configs: impl IntoIterator<Item = Config>) -> (Sim, NetworkId, Vec<HostId>) {
    let mut sim = Sim::new(1);
    let lan = sim.network(Wire::GOOD);
    let hosts: Vec<HostId> = configs.into_iter().map(|config| sim.router(lan, config)).collect();
    hosts.iter().for_each(|&host| sim.tell(host, Event::Start));
    sim.run_for(INTERVAL * 60).unwrap();
    assert_eq!(sim.active(lan), hosts[..1]);
    assert_eq!(sim.announced(lan), Ok(()));
    (sim, lan, hosts)
}

/// Lets time pass until one is active on the network; how long that took.
fn until_active(sim: &mut Sim, lan: NetworkId) -> Duration {
    let start = sim.now();
    while sim.active(lan).is_empty() {
        sim.run_for(Duration::from_micros(1)).unwrap();
    }
    sim.now() - start
}

#[test]
fn after_a_crash_the_best_backup_takes_over_within_its_down_interval() {
    for phase in 0..20 {
        let (mut sim, lan, hosts) = settled([config(150, 1), config(50, 2), config(100, 3)]);
        sim.run_for(INTERVAL * phase / 20).unwrap();
        sim.crash(hosts[0], Crash::Machine);
        let took = until_active(&mut sim, lan);
        assert!(took <= down_interval(100) + TRAVEL, "{took:?}");
        assert!(took >= down_interval(100) - INTERVAL, "{took:?}");
        assert_eq!(sim.active(lan), [hosts[2]]);
    }
}

// shows: 9568-6.4.2-12
#[test]
fn after_a_graceful_stop_the_best_backup_takes_over_within_its_skew() {
    for phase in 0..20 {
        let (mut sim, lan, hosts) = settled([config(150, 1), config(50, 2), config(100, 3)]);
        sim.run_for(INTERVAL * phase / 20).unwrap();
        sim.tell(hosts[0], Event::Stop);
        let took = until_active(&mut sim, lan);
        assert!(took <= INTERVAL * (256 - 100) / 256 + TRAVEL, "{took:?}");
        assert_eq!(sim.active(lan), [hosts[2]]);
        sim.run_for(INTERVAL * 10).unwrap();
        assert_eq!(sim.active(lan), [hosts[2]]);
    }
}

#[test]
fn a_planned_handover_has_no_gap() {
    let (mut sim, lan, hosts) = settled([config(150, 1), config(100, 2), config(50, 3)]);
    sim.tell(hosts[0], Event::Resign);
    sim.tell(hosts[1], Event::Promote);
    assert_eq!(sim.active(lan), [hosts[1]]);
    for _ in 0..100 {
        sim.run_for(INTERVAL).unwrap();
        assert_eq!(sim.active(lan), [hosts[1]]);
    }
}

#[test]
fn after_a_partition_clients_are_right_within_an_interval_whoever_is_heard_first() {
    for phase in 0..40 {
        let (mut sim, lan, hosts) = settled([config(150, 1), config(100, 2), config(50, 3)]);
        sim.partition(lan, &[&hosts[..1], &hosts[1..]]);
        sim.run_for(INTERVAL * 100).unwrap();
        assert_eq!(sim.active(lan), hosts[..2]);
        assert_eq!(sim.believed(hosts[2], 0), Some(hosts[1]));
        sim.run_for(INTERVAL * phase / 40).unwrap();
        sim.heal(lan);
        sim.run_for(INTERVAL + TRAVEL * 3).unwrap();
        assert_eq!(sim.announced(lan), Ok(()), "{phase}");
        sim.run_for(INTERVAL * 200).unwrap();
        assert_eq!(sim.announced(lan), Ok(()), "{phase}");
    }
}

#[test]
fn one_that_was_paused_comes_back_as_a_backup_and_as_what_its_preemption_says() {
    for pause in [Pause::Process, Pause::Machine] {
        let never = |priority, host| config(priority, host).with_preempt(Preempt::Never);
        let (mut sim, lan, hosts) = settled([never(150, 1), never(100, 2)]);
        sim.pause(hosts[0], pause, INTERVAL * 20);
        sim.run_for(INTERVAL * 20).unwrap();
        assert_eq!(sim.active(lan), hosts[1..]);
        assert!(!sim.has_addresses(hosts[0], 0));
        for _ in 0..100 {
            sim.run_for(INTERVAL).unwrap();
            assert_eq!(sim.active(lan), hosts[1..]);
        }
        assert_eq!(sim.announced(lan), Ok(()));
    }
}

#[test]
fn a_pause_of_a_backup_changes_nothing() {
    for pause in [Pause::Process, Pause::Machine, Pause::MachineAndClock] {
        for phase in 0..20 {
            for length in [INTERVAL / 2, INTERVAL * 2, INTERVAL * 7 / 2, INTERVAL * 1_000] {
                let (mut sim, lan, hosts) = settled([config(150, 1), config(100, 2)]);
                sim.take_records();
                sim.run_for(INTERVAL * phase / 20).unwrap();
                sim.pause(hosts[1], pause, length);
                sim.run_for(length + INTERVAL * 10).unwrap();
                assert_eq!(sim.active(lan), hosts[..1]);
                assert_eq!(sim.take_records(), [], "{pause:?} {phase} {length:?}");
            }
        }
    }
}

#[test]
fn a_network_that_carries_one_way_only_makes_two_active_and_no_flood() {
    let (mut sim, lan, hosts) = settled([config(150, 1), config(100, 2)]);
    sim.cut(lan, hosts[0], hosts[1]);
    sim.run_for(INTERVAL * 1_000).unwrap();
    assert_eq!(sim.active(lan), hosts);
    let reported = |record: &Record| matches!(record.action, Action::Report(_));
    assert!(sim.take_records().iter().any(reported));
    sim.heal(lan);
    sim.run_for(INTERVAL * 100).unwrap();
    assert_eq!(sim.announced(lan), Ok(()));
}

#[test]
fn what_a_crash_left_is_gone_when_the_process_is_there_again() {
    let (mut sim, lan, hosts) = settled([config(150, 1), config(100, 2)]);
    sim.crash(hosts[0], Crash::Process);
    sim.run_for(INTERVAL * 10).unwrap();
    assert_eq!(sim.active(lan), hosts[1..]);
    assert!(sim.has_addresses(hosts[0], 0));
    sim.restart(hosts[0]);
    assert!(!sim.has_addresses(hosts[0], 0));
    sim.crash(hosts[1], Crash::Machine);
    assert!(!sim.has_addresses(hosts[1], 0));
}

#[test]
fn live_changes_take_nothing_over() {
    let (mut sim, lan, hosts) = settled([config(150, 1), config(100, 2)]);
    sim.take_records();
    for n in 0..50 {
        let centis = if n % 2 == 0 { 1 } else { 400 };
        let version = Version::V3(Interval::from_centis(centis).unwrap());
        let config = config(150, 1).with_version(version).unwrap();
        sim.reconfigure(hosts[0], 0, config).unwrap();
        sim.run_for(Duration::from_millis(737)).unwrap();
        assert_eq!(sim.active(lan), hosts[..1]);
    }
    let changed = |record: &Record| matches!(record.action, Action::StateChanged { .. });
    assert!(!sim.take_records().iter().any(changed));
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = |seed| {
        let mut chaos = chaos::Chaos::new(seed, world::world(seed).unwrap());
        chaos.faults(5).unwrap();
        (chaos.sim().now, chaos.sim().sent, chaos.sim().records.clone())
    };
    assert_eq!(run(42), run(42));
    assert_ne!(run(42), run(43));
}

#[test]
fn two_that_take_each_other_for_themselves_are_seen() {
    let mut sim = Sim::new(1);
    let lan = sim.network(Wire::GOOD);
    let hosts = [150, 100].map(|priority| sim.router(lan, config(priority, 1)));
    hosts.iter().for_each(|&host| sim.tell(host, Event::Start));
    let violation = sim.run_for(INTERVAL * 60).unwrap_err();
    assert!(matches!(violation, Violation::DualActive { .. }), "{violation}");
    assert_eq!(sim.run_for(INTERVAL), Err(violation), "time stands still");
}

#[test]
fn one_that_follows_a_resignation_too_late_is_seen() {
    for (ppm, follows) in [(-900, true), (-500_000, false)] {
        let mut sim = Sim::new(1);
        let lan = sim.network(Wire::GOOD);
        let hosts = [(150, 1), (100, 2)].map(|(of, host)| sim.router(lan, config(of, host)));
        // Its skew is longer by as much.
        sim.clock(hosts[1], ppm, Duration::ZERO);
        hosts.iter().for_each(|&host| sim.tell(host, Event::Start));
        sim.run_for(INTERVAL * 60).unwrap();
        sim.tell(hosts[0], Event::Stop);
        let told = sim.run_for(INTERVAL * 10);
        let is_it = matches!(told, Err(Violation::NotFollowed { host, resigned, .. })
            if [resigned, host] == hosts);
        assert_eq!((told.is_ok(), is_it), (follows, !follows), "{told:?}");
    }
}

#[test]
fn more_than_one_active_router_is_seen_where_packets_are_lost_too() {
    let mut sim = Sim::new(1);
    let lan = sim.network(Wire { lost: 1_000_000, ..Wire::GOOD });
    let hosts = [1, 2].map(|host| sim.router(lan, config(100, host)));
    hosts.iter().for_each(|&host| sim.tell(host, Event::Start));
    sim.run_for(INTERVAL * 60).unwrap();
    let violation = sim.settled(lan).unwrap_err();
    assert!(matches!(violation, Violation::NotOne { .. }), "{violation}");
}

#[test]
fn each_side_of_a_partition_is_looked_at_by_itself() {
    let (mut sim, lan, hosts) = settled([config(150, 1), config(100, 2)]);
    sim.partition(lan, &[&hosts[..1], &hosts[1..]]);
    sim.run_for(INTERVAL * 60).unwrap();
    assert_eq!(sim.announced(lan), Ok(()));
    // One-way, nobody knows what should be.
    sim.heal(lan);
    sim.cut(lan, hosts[0], hosts[1]);
    sim.run_for(INTERVAL * 60).unwrap();
    assert_eq!(sim.announced(lan), Ok(()));
}

/// No advertisement comes from the first to the others, nor back.
fn filter(sim: &mut Sim, lan: NetworkId, hosts: &[HostId]) {
    for &other in &hosts[1..] {
        sim.filter(lan, hosts[0], other);
        sim.filter(lan, other, hosts[0]);
    }
}

fn probing(priority: u8, host: u8) -> Config {
    config(priority, host).with_probe(true)
}

#[test]
fn where_only_advertisements_are_lost_the_probe_leaves_one_active() {
    for phase in 0..20 {
        let (mut sim, lan, hosts) =
            settled([probing(150, 1), probing(100, 2), probing(100, 3), probing(50, 4)]);
        sim.run_for(INTERVAL * phase / 20).unwrap();
        sim.take_records();
        filter(&mut sim, lan, &hosts);
        for _ in 0..200 {
            sim.run_for(INTERVAL).unwrap();
            assert_eq!(sim.active(lan), hosts[..1]);
        }
        // Each of the others says so once.
        let records = sim.take_records();
        let told: Vec<HostId> = records.iter().map(|record| record.host).collect();
        assert_eq!(told, hosts[1..], "{records:?}");

        sim.crash(hosts[0], Crash::Machine);
        let took = until_active(&mut sim, lan);
        assert!(took <= INTERVAL * 3, "{took:?}");
        sim.run_for(INTERVAL * 10).unwrap();
        assert_eq!(sim.active(lan).len(), 1);
    }
}

#[test]
fn where_only_advertisements_are_lost_there_are_two_without_the_probe() {
    let (mut sim, lan, hosts) = settled([config(150, 1), config(100, 2)]);
    filter(&mut sim, lan, &hosts);
    sim.run_for(INTERVAL * 4).unwrap();
    assert_eq!(sim.active(lan), hosts);
}

#[test]
fn a_crash_or_a_cut_is_followed_as_soon_with_the_probe_as_without() {
    for phase in 0..20 {
        let took = |probe: bool, cut: bool| {
            let config = |priority, host| config(priority, host).with_probe(probe);
            let (mut sim, lan, hosts) = settled([config(150, 1), config(100, 2), config(50, 3)]);
            sim.run_for(INTERVAL * phase / 20).unwrap();
            if cut {
                sim.link(hosts[0], 0, false);
            } else {
                sim.crash(hosts[0], Crash::Machine);
            }
            until_active(&mut sim, lan)
        };
        for cut in [false, true] {
            assert_eq!(took(true, cut), took(false, cut));
        }
    }
}

#[test]
fn what_a_crashed_process_has_left_is_left_to_it_until_it_is_there_again() {
    let (mut sim, lan, hosts) = settled([probing(150, 1), probing(100, 2)]);
    sim.crash(hosts[0], Crash::Process);
    sim.run_for(INTERVAL * 100).unwrap();
    assert_eq!(sim.active(lan), []);
    sim.restart(hosts[0]);
    assert!(until_active(&mut sim, lan) <= INTERVAL * 4);
}

#[test]
fn one_that_does_not_take_an_answer_for_one_is_seen() {
    let others = VirtualAddresses::new([[10, 0, 0, 101].into()]).unwrap();
    let other = probing(100, 2).with_addresses(others).unwrap();
    let (mut sim, lan, hosts) = settled([probing(150, 1), other]);
    filter(&mut sim, lan, &hosts);
    let violation = sim.run_for(INTERVAL * 4).unwrap_err();
    let (host, holder) = (hosts[1], hosts[0]);
    assert_eq!(violation, Violation::Answered { at: sim.now(), host, holder });
}

/// Ten thousand hours of routers in random worlds. The seed of a failure is told;
/// `chaos::run` with it and 20 rounds leads there again.
#[test]
fn random_worlds_keep_the_rules_for_ten_thousand_hours() {
    let (mut hours, mut seed) = (Duration::ZERO, 0);
    while hours < Duration::from_secs(10_000 * 3_600) {
        hours += chaos::run(seed, 20).unwrap_or_else(|failure| panic!("{failure}")).router_time;
        seed += 1;
    }
}
