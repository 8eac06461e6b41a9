//! The sync daemons, where they go by the states of virtual routers.

use super::{director, linked, running, sync};
use crate::bodies::Bench as _;
use crate::host::wait_for;
use crate::netns::Netns;
use crate::program::{Daemon, web};
use ipvs::sysctl::{Sysctl, Sysctls};
use ipvs_sync::failover::{Link, Settings};
use ipvs_sync::net::now;
use ipvs_sync::peer::{Key, Standing};
use ipvs_sync::vrrp::router::State;
use std::time::Duration;

#[test]
fn the_master_runs_while_a_router_is_active_and_the_backup_while_one_is_not() {
    let netns = Netns::new();
    netns.add_interface();
    for (name, address) in [("vrrp0", "10.0.0.1/24"), ("other0", "10.6.0.1/24")] {
        netns.run(&format!("/sbin/ip link add {name} type dummy"));
        netns.run(&format!("/sbin/ip link set {name} up"));
        netns.run(&format!("/sbin/ip addr add {address} dev {name}"));
    }
    let waits_for = |wanted: &[&str]| {
        wait_for(&wanted.join(", "), || (running(&netns) == wanted).then_some(()));
    };
    let (master, backup) = ("master id 7 on sync0", "backup id 7 on sync0");
    let sync = format!("{}daemons = \"by-state\"\n", sync(7));
    let router = web(100, "track = [{ interface = \"other0\" }]");
    let daemon = Daemon::start(&format!("{sync}{router}"));
    daemon.waits_for("\"state\":\"active\"");
    waits_for(&[master]);

    // A fault is no time to send what is new, and one to listen.
    netns.run("/sbin/ip link set other0 down");
    waits_for(&[master, backup]);
    daemon.waits_for("\"state\":\"fault\"");
    waits_for(&[backup]);
    netns.run("/sbin/ip link set other0 up");
    daemon.waits_for("\"state\":\"active\"");
    waits_for(&[master]);

    // It is active again before the master is stopped.
    assert_eq!(daemon.ask(&["handover", "--now"]).status.code(), Some(0));
    daemon.waits_for("\"started\":3,\"stopped\":3");
    assert!(daemon.state().contains("\"started\":2,\"stopped\":1"), "{}", daemon.state());
    assert_eq!(running(&netns), [master]);
}

/// With `backup_only` it would balance nothing while the backup runs.
#[test]
fn what_a_rival_has_is_taken_by_an_active_director_unless_it_would_balance_nothing_meanwhile() {
    let netns = director();
    netns.run("/sbin/ip addr add 10.5.0.2/24 dev sync0");
    let backup_only = |is_set| Sysctls::here().set(Sysctl::BACKUP_ONLY, is_set).unwrap();
    backup_only(true);
    let daemon = Daemon::start("");
    let by_state = linked(daemon.folder(), "10.5.0.1", 'a')
        .replace("[sync]", "[sync]\ndaemons = \"by-state\"");
    daemon.reload(&by_state);
    daemon.waits_for("\"state\":\"active\"");
    let master = ["master id 7 on sync0"];
    wait_for("the master alone", || (running(&netns) == master).then_some(()));

    let (listen, peer) = ("10.5.0.2:8849".parse().unwrap(), "10.5.0.1:8849".parse().unwrap());
    let settings = Settings { listen, peers: vec![peer], key: Key::new([0xaa; 32]) };
    let rival = Link::start(settings, None).unwrap();
    let says = |state| {
        let (address, activated) = ("10.0.0.7".parse().unwrap(), Some(now()));
        rival.publish(&[Standing { address, state, is_ready: false, activated }]);
    };
    says(State::Active);
    wait_for("a notice", || daemon.log().contains("are not fetched").then_some(()));
    let until = now() + Duration::from_secs(3);
    while now() < until {
        assert_eq!(running(&netns), master);
    }
    backup_only(false);
    // It is looked at again.
    daemon.reload(&by_state);
    says(State::Backup);
    daemon.waits_for("\"last-transfer\":\"synced 0 of 0 connections\"");
    wait_for("the master alone", || (running(&netns) == master).then_some(()));
    assert!(daemon.log().contains("sync daemon stopped sequence="), "{}", daemon.log());
}
