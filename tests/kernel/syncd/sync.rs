//! The sync daemons, where both run all the time.

use super::{running, sync};
use crate::bodies::Bench as _;
use crate::host::wait_for;
use crate::netns::Netns;
use crate::program::Daemon;
use std::fs;
use std::time::{Duration, Instant};

/// Waits until these run.
fn waits_for(netns: &Netns, wanted: &[&str]) {
    wait_for(&wanted.join(", "), || (running(netns) == wanted).then_some(()));
}

/// Whether the backup hears what is sent to its group on the interface that is there.
fn is_member() -> bool {
    let groups = fs::read_to_string("/proc/thread-self/net/igmp").unwrap();
    let of_interface = groups.split_once("\tsync0 ").map(|(_, rest)| rest);
    let own = of_interface.into_iter().flat_map(|rest| rest.lines().skip(1));
    // 224.0.0.81, as this machine has it in memory.
    let group = format!("{:08X}", u32::from_ne_bytes([224, 0, 0, 81]));
    own.take_while(|line| line.starts_with('\t')).any(|line| line.contains(&*group))
}

#[test]
fn the_daemons_run_again_when_their_interface_was_created_anew() {
    let netns = Netns::new();
    netns.add_interface();
    let daemon = Daemon::start(&sync(7));
    let wanted = ["master id 7 on sync0", "backup id 7 on sync0"];
    assert_eq!(running(&netns), wanted);
    assert!(is_member());
    netns.run("/sbin/ip link del sync0");
    daemon.waits_for("\"errors\":[\"sync daemons: there is no interface sync0\"]");
    netns.add_interface();
    wait_for("both", || (daemon.state().matches("\"started\":2").count() == 2).then_some(()));
    assert_eq!(running(&netns), wanted);
    assert!(is_member());
    daemon.waits_for("\"errors\":[]");
}

#[test]
fn daemons_that_it_finds_on_an_interface_that_was_made_anew_are_started_anew() {
    let netns = Netns::new();
    netns.add_interface();
    let mut daemon = Daemon::start(&sync(7));
    let wanted = ["master id 7 on sync0", "backup id 7 on sync0"];
    assert_eq!(running(&netns), wanted);
    daemon.crash();
    daemon.start_again();
    assert!(!daemon.log().contains("is dead"));
    daemon.crash();
    netns.run("/sbin/ip link del sync0");
    netns.add_interface();
    assert_eq!(running(&netns), wanted, "the kernel does not notice");
    assert!(!is_member());
    daemon.start_again();
    waits_for(&netns, &wanted);
    wait_for("membership", || is_member().then_some(()));
    assert_eq!(daemon.log().matches("is dead: its interface was deleted").count(), 2);
    // Hooks and counters are told.
    daemon.waits_for("\"started\":1,\"stopped\":1");
    assert_eq!(daemon.state().matches("\"started\":1,\"stopped\":1").count(), 2);
}

#[test]
fn a_reload_changes_the_daemons_and_stops_them_when_they_are_no_longer_wanted() {
    let netns = Netns::new();
    netns.add_interface();
    let daemon = Daemon::start(&sync(7));
    daemon.reload(&sync(8));
    waits_for(&netns, &["master id 8 on sync0", "backup id 8 on sync0"]);
    daemon.waits_for("\"done\":1");
    daemon.reload("");
    let start = Instant::now();
    // The master sends what it has.
    waits_for(&netns, &["master id 8 on sync0"]);
    waits_for(&netns, &[]);
    assert!(start.elapsed() > Duration::from_secs(3), "{:?}", start.elapsed());
    daemon.waits_for("\"sync\":null");
}

#[test]
fn the_daemons_outlive_ipvs_syncd_and_go_on_under_the_next_one() {
    let netns = Netns::new();
    netns.add_interface();
    let mut daemon = Daemon::start(&sync(7));
    daemon.end();
    let wanted = ["master id 7 on sync0", "backup id 7 on sync0"];
    assert_eq!(running(&netns), wanted);
    daemon.start_again();
    assert_eq!(running(&netns), wanted);
    assert_eq!(daemon.state().matches("\"running\":true").count(), 2);
    assert_eq!(daemon.state().matches("\"started\":0,\"stopped\":0").count(), 2);
}
