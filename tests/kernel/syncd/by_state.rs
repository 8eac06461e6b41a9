//! The sync daemons, where they go by the states of virtual routers.

use super::{running, sync};
use crate::bodies::Bench as _;
use crate::host::wait_for;
use crate::netns::Netns;
use crate::program::{Daemon, web};

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
