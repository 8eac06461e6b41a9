//! The kernel's sync daemons.

use crate::bodies::Bench as _;
use crate::counting::Counting;
use crate::netns::Netns;
use ipvs::{Client, Role, SyncDaemon};

/// A namespace with an interface that has addresses of both families.
fn with_interface() -> (Netns, Client) {
    let netns = Netns::new();
    netns.add_interface();
    let client = netns.client();
    (netns, client)
}

fn daemon(role: Role) -> SyncDaemon {
    SyncDaemon::new(role, "sync0".parse().unwrap(), 7)
}

#[test]
fn a_daemon_runs_with_the_kernels_defaults() {
    let (netns, mut client) = with_interface();
    assert_eq!(client.daemons().unwrap(), []);
    client.start_daemon(&daemon(Role::Master)).unwrap();
    let running = SyncDaemon {
        max_len: Some(1472),
        group: Some([224, 0, 0, 81].into()),
        port: Some(8848),
        ttl: Some(1),
        ..daemon(Role::Master)
    };
    assert_eq!(client.daemons().unwrap(), [running]);
    assert_eq!(
        netns.run("/sbin/ipvsadm -L --daemon"),
        "master sync daemon (mcast=sync0, syncid=7, maxlen=1472, group=224.0.0.81, port=8848, \
         ttl=1)\n"
    );
    client.stop_daemon(Role::Master).unwrap();
    assert_eq!(client.daemons().unwrap(), []);
}

#[test]
fn both_roles_run_with_every_parameter() {
    let (netns, mut client) = with_interface();
    let master = SyncDaemon {
        max_len: Some(1400),
        group: Some([239, 1, 2, 3].into()),
        port: Some(8900),
        ttl: Some(5),
        ..daemon(Role::Master)
    };
    let backup = SyncDaemon {
        id: 255,
        max_len: Some(2000),
        group: Some("ff05::81".parse().unwrap()),
        port: Some(8901),
        ttl: Some(6),
        ..daemon(Role::Backup)
    };
    client.start_daemon(&master).unwrap();
    client.start_daemon(&backup).unwrap();
    assert_eq!(client.daemons().unwrap(), [master, backup]);
    let shown = netns.run("/sbin/ipvsadm -L --daemon");
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(
        lines,
        [
            "master sync daemon (mcast=sync0, syncid=7, maxlen=1400, group=239.1.2.3, port=8900, \
             ttl=5)",
            "backup sync daemon (mcast=sync0, syncid=255, maxlen=2000, group=ff05::81, \
             port=8901, ttl=6)",
        ]
    );
    client.stop_daemon(Role::Backup).unwrap();
    client.stop_daemon(Role::Master).unwrap();
}

#[test]
fn what_ipvsadm_starts_the_client_reads() {
    let (netns, mut client) = with_interface();
    netns.run(
        "/sbin/ipvsadm --start-daemon backup --mcast-interface sync0 --syncid 9 \
         --mcast-group 239.9.9.9 --mcast-port 9999 --mcast-ttl 3 --sync-maxlen 1300",
    );
    let running = SyncDaemon {
        id: 9,
        max_len: Some(1300),
        group: Some([239, 9, 9, 9].into()),
        port: Some(9999),
        ttl: Some(3),
        ..daemon(Role::Backup)
    };
    assert_eq!(client.daemons().unwrap(), [running]);
    client.stop_daemon(Role::Backup).unwrap();
}

/// A thread that is stopped before it first ran makes the kernel swallow the
/// acknowledgement. That must not hang, and must not leave anything.
#[test]
fn starting_and_stopping_in_quick_succession_ends_right_each_time() {
    const ROUNDS: usize = 200;
    let (_netns, _) = with_interface();
    let mut client = Counting::client();
    let mut expected = 1;
    for round in 0..ROUNDS {
        let roles: &[Role] = match round % 3 {
            0 => &[Role::Backup],
            1 => &[Role::Master],
            _ => &[Role::Master, Role::Backup],
        };
        for role in roles {
            client.start_daemon(&daemon(*role)).unwrap();
        }
        for role in roles {
            client.stop_daemon(*role).unwrap();
        }
        assert_eq!(client.daemons().unwrap(), []);
        expected += 2 * roles.len() + 1;
    }
    // One more for each stop that was not answered.
    let swallowed = client.into_transport().sends - expected;
    assert!(swallowed > 0, "the kernel answered all stops: this test shows nothing");
}
