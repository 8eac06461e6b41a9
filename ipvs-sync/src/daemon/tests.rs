//! Sync daemons on the kernel in memory.

use super::*;
use ipvs::fake::{Fault, Kernel};
use ipvs::{Destination, Forwarding, Operation, Service};

const START: Time = Time::from_micros(1_000_000_000);
const SECOND: Duration = Duration::from_secs(1);

fn interface(name: &str, index: u32) -> Interface {
    Interface {
        index,
        name: name.parse().unwrap(),
        mac: None,
        mtu: 1500,
        is_up: true,
        is_running: true,
        has_arp: true,
        has_multicast: true,
        macvlan_of: None,
    }
}

fn eth0() -> Interface {
    interface("eth0", 2)
}

fn daemon(role: Role) -> SyncDaemon {
    SyncDaemon::new(role, "eth0".parse().unwrap(), 7)
}

/// A kernel whose daemons are kept.
struct Host {
    kernel: Kernel,
    daemons: Daemons,
}

impl Host {
    fn new() -> Self {
        Self { kernel: Kernel::new(), daemons: Daemons::new(START) }
    }

    /// What happens in a run, with these interfaces.
    fn run_with(&mut self, interfaces: &[Interface], now: Time) -> Vec<String> {
        let mut client = self.kernel.client().unwrap();
        let events = self.daemons.run(&mut client, interfaces, now);
        events.iter().map(Event::to_string).collect()
    }

    fn run(&mut self, now: Time) -> Vec<String> {
        self.run_with(&[interface("lo", 1), eth0()], now)
    }

    fn running(&self) -> Vec<Role> {
        let daemons = self.kernel.client().unwrap().daemons().unwrap();
        daemons.iter().map(|daemon| daemon.role).collect()
    }
}

const NOTHING: [&str; 0] = [];
const STARTED: [&str; 2] =
    ["started sync daemon master id 7 on eth0", "started sync daemon backup id 7 on eth0"];
const RESTARTED: [&str; 4] = [
    "stopped sync daemon master",
    "started sync daemon master id 7 on eth0",
    "stopped sync daemon backup",
    "started sync daemon backup id 7 on eth0",
];

/// A host on which both run as they are wanted.
fn with_both() -> Host {
    let mut host = Host::new();
    for role in [Role::Master, Role::Backup] {
        host.daemons.want(daemon(role)).unwrap();
    }
    assert_eq!(host.run(START), STARTED);
    host
}

#[test]
fn both_roles_run_as_they_are_wanted_and_go_on() {
    let mut host = with_both();
    assert_eq!(host.run(START + SECOND), NOTHING);
    assert_eq!(host.running(), [Role::Master, Role::Backup]);
    assert_eq!(host.daemons.poll_timeout(), START + SECOND + INTERVAL);
}

#[test]
fn a_daemon_that_runs_as_it_is_wanted_already_is_left_alone() {
    let mut host = Host::new();
    host.kernel.add_interface("eth0".parse().unwrap(), 9000);
    for role in [Role::Master, Role::Backup] {
        host.kernel.client().unwrap().start_daemon(&daemon(role)).unwrap();
        host.daemons.want(daemon(role)).unwrap();
    }
    assert_eq!(host.run(START), NOTHING);
    let group = Some("ff02::81".parse().unwrap());
    for role in [Role::Master, Role::Backup] {
        let wanted = SyncDaemon { group, ..daemon(role) };
        host.kernel.client().unwrap().stop_daemon(role).unwrap();
        host.kernel.client().unwrap().start_daemon(&wanted).unwrap();
        host.daemons.want(wanted).unwrap();
    }
    assert_eq!(host.run(START), NOTHING);
}

/// Of two that run already, one was found to be dead.
#[test]
fn a_daemon_that_is_found_dead_is_stopped_and_started_anew_where_it_is_wanted() {
    let mut host = Host::new();
    host.kernel.add_interface("eth0".parse().unwrap(), 1500);
    for role in [Role::Master, Role::Backup] {
        host.kernel.client().unwrap().start_daemon(&daemon(role)).unwrap();
        host.daemons.want(daemon(role)).unwrap();
    }
    host.daemons.found_dead(Role::Backup);
    assert_eq!(host.daemons.poll_timeout(), Time::ZERO);
    assert_eq!(host.run(START), RESTARTED[2..]);
    assert_eq!(host.run(START), NOTHING);

    host.daemons.leave(Role::Master, START);
    host.daemons.found_dead(Role::Master);
    assert_eq!(host.run(START), RESTARTED[..1], "it has nothing to send");

    // Without the interface no other would start.
    host.daemons.found_dead(Role::Backup);
    assert_eq!(host.run_with(&[], START), NOTHING);
    assert_eq!(host.run(START), RESTARTED[2..]);
}

#[test]
fn a_daemon_with_another_parameter_is_stopped_and_started_anew() {
    let group = Some("239.1.2.3".parse().unwrap());
    let all: [&dyn Fn(SyncDaemon) -> SyncDaemon; 6] = [
        &|daemon| SyncDaemon { id: 8, ..daemon },
        &|daemon| SyncDaemon { max_len: Some(1400), ..daemon },
        &|daemon| SyncDaemon { group, ..daemon },
        &|daemon| SyncDaemon { port: Some(8849), ..daemon },
        &|daemon| SyncDaemon { ttl: Some(2), ..daemon },
        &|daemon| SyncDaemon { interface: "lo".parse().unwrap(), ..daemon },
    ];
    for change in all {
        let mut host = with_both();
        for role in [Role::Master, Role::Backup] {
            host.daemons.want(change(daemon(role))).unwrap();
        }
        assert_eq!(host.daemons.poll_timeout(), Time::ZERO);
        let told = host.run(START);
        assert_eq!((told[0].as_str(), told[2].as_str()), (RESTARTED[0], RESTARTED[2]));
        assert_eq!(host.run(START), NOTHING);
        for role in [Role::Master, Role::Backup] {
            host.daemons.want(daemon(role)).unwrap();
        }
        assert_eq!(host.run(START), RESTARTED);
    }
}

#[test]
fn a_master_that_is_no_longer_wanted_runs_on_until_it_has_sent_what_it_has() {
    let mut host = with_both();
    host.daemons.leave(Role::Master, START);
    host.daemons.leave(Role::Backup, START);
    assert_eq!(host.daemons.poll_timeout(), START);
    assert_eq!(host.run(START), ["stopped sync daemon backup"]);
    assert_eq!(host.daemons.poll_timeout(), START + LINGER);
    // Said again, it gets no longer.
    host.daemons.leave(Role::Master, START + SECOND);
    assert_eq!(host.run(START + (LINGER - SECOND)), NOTHING);
    assert_eq!(host.daemons.poll_timeout(), START + LINGER);
    assert_eq!(host.running(), [Role::Master]);
    assert_eq!(host.run(START + LINGER), ["stopped sync daemon master"]);
    assert_eq!(host.run(START + LINGER), NOTHING);
}

#[test]
fn a_master_that_is_wanted_again_in_time_goes_on() {
    let mut host = with_both();
    host.daemons.leave(Role::Master, START);
    assert_eq!(host.run(START + SECOND), NOTHING);
    host.daemons.want(daemon(Role::Master)).unwrap();
    assert_eq!(host.run(START + LINGER), NOTHING);
    assert_eq!(host.running(), [Role::Master, Role::Backup]);
}

#[test]
fn what_runs_and_nobody_wants_is_stopped_a_master_later() {
    let mut host = Host::new();
    for role in [Role::Master, Role::Backup] {
        host.kernel.client().unwrap().start_daemon(&daemon(role)).unwrap();
    }
    assert_eq!(host.run(START), ["stopped sync daemon backup"]);
    assert_eq!(host.run(START + LINGER), ["stopped sync daemon master"]);
}

#[test]
fn a_daemon_whose_interface_was_made_anew_is_started_anew() {
    let mut host = with_both();
    // Without it nothing can be done.
    assert_eq!(host.run_with(&[interface("lo", 1)], START), NOTHING);
    assert_eq!(host.run_with(&[interface("eth0", 3)], START), RESTARTED);
    assert_eq!(host.run_with(&[interface("eth0", 3)], START), NOTHING);
    // As is one that was found when its interface was gone.
    let mut other = Host { kernel: host.kernel, daemons: Daemons::new(START) };
    for role in [Role::Master, Role::Backup] {
        other.daemons.want(daemon(role)).unwrap();
    }
    assert_eq!(other.run_with(&[], START), NOTHING);
    assert_eq!(other.run(START), RESTARTED);
}

#[test]
fn an_interface_that_comes_back_with_its_number_is_another_all_the_same() {
    let mut host = with_both();
    // As one that was in another network namespace for a while.
    assert_eq!(host.run_with(&[interface("lo", 1)], START), NOTHING);
    assert_eq!(host.run(START), RESTARTED);
    assert_eq!(host.run(START), NOTHING);
}

#[test]
fn a_master_without_its_interface_has_nothing_to_wait_for() {
    let mut host = with_both();
    host.daemons.leave(Role::Master, START);
    assert_eq!(host.run_with(&[], START), ["stopped sync daemon master"]);
}

#[test]
fn no_daemon_is_stopped_for_one_whose_interface_is_not_there() {
    let mut host = with_both();
    let elsewhere = SyncDaemon { interface: "eth1".parse().unwrap(), ..daemon(Role::Backup) };
    host.daemons.want(elsewhere).unwrap();
    assert_eq!(host.run(START), NOTHING);
    assert_eq!(host.running(), [Role::Master, Role::Backup]);
    host.kernel.add_interface(elsewhere.interface, 1500);
    assert_eq!(
        host.run_with(&[eth0(), interface("eth1", 3)], START),
        ["stopped sync daemon backup", "started sync daemon backup id 7 on eth1"]
    );
}

#[test]
fn a_daemon_that_another_stopped_is_started_again() {
    let mut host = with_both();
    host.kernel.client().unwrap().stop_daemon(Role::Master).unwrap();
    assert_eq!(host.run(host.daemons.poll_timeout()), STARTED[..1]);
}

#[test]
fn a_start_that_a_destination_of_another_family_prevents_is_tried_again() {
    let mut host = Host::new();
    let mut client = host.kernel.client().unwrap();
    let service = Service::new("tcp 10.0.0.1:80".parse().unwrap());
    let mixed = Destination::new("[2001:db8::1]:80".parse().unwrap());
    let mixed = mixed.with_forwarding(Forwarding::IPIP);
    client.add_service(&service).unwrap();
    client.add_destination(&service.key(), &mixed).unwrap();
    for role in [Role::Master, Role::Backup] {
        host.daemons.want(daemon(role)).unwrap();
    }
    let told = host.run(START);
    assert_eq!(told.len(), 2);
    for text in told {
        assert!(text.contains("delete it first (EINVAL)"), "{text}");
    }
    client.delete_destination(&service.key(), mixed.endpoint()).unwrap();
    assert_eq!(host.run(host.daemons.poll_timeout()), STARTED);
}

#[test]
fn what_fails_for_one_role_does_not_keep_the_other_from_being_served() {
    let mut host = Host::new();
    for role in [Role::Master, Role::Backup] {
        host.daemons.want(daemon(role)).unwrap();
    }
    const ENOMEM: i32 = 12;
    host.kernel.inject(Operation::StartDaemon, 1, Fault::Errno(ENOMEM));
    let told = host.run(START);
    assert_eq!(told[1..], STARTED[1..]);
    assert!(told[0].starts_with("start sync daemon master on eth0: "), "{told:?}");
    assert_eq!(host.run(START), STARTED[..1]);
}

#[test]
fn a_stop_that_succeeds_without_an_answer_succeeds() {
    let mut host = with_both();
    host.daemons.leave(Role::Backup, START);
    host.kernel.inject(Operation::StopDaemon, 1, Fault::NoAnswer);
    assert_eq!(host.run(START), ["stopped sync daemon backup"]);
    assert_eq!(host.running(), [Role::Master]);
}

#[test]
fn what_breaks_a_rule_is_not_wanted() {
    let mut host = with_both();
    let wrong = SyncDaemon { port: Some(0), ..daemon(Role::Backup) };
    assert!(host.daemons.want(wrong).is_err());
    assert_eq!(host.run(START), NOTHING);
}
