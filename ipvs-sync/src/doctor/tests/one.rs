//! One node.

use super::*;
use ipvs::Forwarding;

/// What is found of a healthy node after this change.
fn found(change: impl FnOnce(&mut Report)) -> Vec<String> {
    let mut report = healthy("10.5.0.1");
    change(&mut report);
    lines(&examine(&report))
}

#[test]
fn nothing_is_wrong_with_a_healthy_node() {
    assert_eq!(found(|_| {}), [""; 0]);
    // Nor with one that is only ready to take over.
    assert_eq!(found(|report| report.daemons = report.daemons.split_off(1)), [""; 0]);
}

#[test]
fn daemons_that_do_not_run_are_found_and_why() {
    let none = "error: no sync daemon runs: connections are neither told to others nor learned \
        from them";
    assert_eq!(found(|report| report.daemons.clear()), [none]);
    assert_eq!(
        found(|report| {
            report.daemons.clear();
            report.services.push(served("tcp [fd00::1]:80", &["[fd00::2]:80", "10.9.0.1:80"]));
        }),
        [
            none,
            "error: tcp [fd00::1]:80 has the destination 10.9.0.1:80 of another address family: \
             no sync daemon can be started"
        ]
    );
}

#[test]
fn ids_are_those_of_messages() {
    assert_eq!(
        found(|report| {
            daemon(report, Role::Master).id = 256;
            daemon(report, Role::Backup).id = 300;
        }),
        [
            "warning: the master has the id 256, and messages have room for 0 to 255: it sends \
             with the id 0",
            "error: the backup has the id 300, and messages have room for 0 to 255: it takes none",
        ]
    );
    assert_eq!(
        found(|report| daemon(report, Role::Backup).id = 0),
        ["notice: the backup has the id 0: it takes the connections of every master of its group"]
    );
}

#[test]
fn an_interface_that_carries_nothing_is_found() {
    assert_eq!(
        found(|report| report.interfaces.clear()),
        [
            "error: the interface eth1 of the master is gone: the daemon runs on and reaches \
             nobody",
            "error: the interface eth1 of the backup is gone: the daemon runs on and reaches \
             nobody",
        ]
    );
    assert_eq!(
        found(|report| {
            report.daemons.truncate(1);
            report.interfaces[0].interface.is_running = false;
        }),
        ["error: the interface eth1 of the master has no carrier: nothing goes through it"]
    );
    assert_eq!(
        found(|report| {
            report.daemons.remove(0);
            report.interfaces[0].interface.is_running = false;
            report.interfaces[0].interface.is_up = false;
            report.interfaces[0].interface.has_multicast = false;
        }),
        [
            "error: the interface eth1 of the backup is down: nothing goes through it",
            "warning: the interface eth1 of the backup does not do multicast: messages may not \
             reach anybody",
        ]
    );
}

#[test]
fn an_interface_on_which_nobody_hears_the_group_is_found() {
    assert_eq!(
        found(|report| {
            report.interfaces[0].groups.pop();
        }),
        ["error: nobody hears 224.0.0.81 on eth1: the interface was made anew after the backup \
             was started, which hears nothing until it is started again"]
    );
}

#[test]
fn a_master_whose_address_is_gone_is_found() {
    let gone = |address: &str| Source { address: address.parse().unwrap(), is_local: false };
    assert_eq!(
        found(|report| report.sources = vec![gone("10.5.0.1")]),
        ["error: the master sends from 10.5.0.1, which is no longer an address of this director: \
             all messages are lost until the master is started again"]
    );
    // It may be another program that sends from what is gone.
    assert_eq!(found(|report| report.sources.push(gone("10.5.0.7"))), [""; 0]);
    // Nor has the interface to have an address: another's is taken then.
    assert_eq!(found(|report| report.interfaces[0].addresses.clear()), [""; 0]);
    // IPv6 sends from an address that is gone.
    assert_eq!(found(|report| report.sources = vec![gone("fe80::1")]), [""; 0]);
    assert_eq!(found(|report| report.sources.clear()), [""; 0]);
}

#[test]
fn more_connections_than_a_byte_counts_are_found_by_the_length() {
    let with = |max_len, change: fn(&mut Report)| {
        let mut report = healthy("10.5.0.1");
        report.interfaces[0].interface.mtu = 65_535;
        daemon(&mut report, Role::Master).max_len = Some(max_len);
        change(&mut report);
        let found = examine(&report);
        found.iter().any(|finding| matches!(finding, Finding::CountWraps { .. }))
    };
    let only_v6 = |report: &mut Report| {
        report.services = vec![served("tcp [fd00::1]:80", &[])];
    };
    let old = |report: &mut Report| report.settings.sync_version = 0;
    for (most, change) in [(9_188, (|_| {}) as fn(&mut Report)), (18_368, only_v6), (6_124, old)] {
        assert!(!with(most, change), "{most}");
        assert!(with(most + 1, change), "{most}");
    }
    assert_eq!(
        found(|report| {
            report.interfaces[0].interface.mtu = 65_535;
            daemon(report, Role::Master).max_len = Some(10_000);
        }),
        ["error: the master's messages are up to 10000 bytes long, and beyond 9188 their \
             connections are counted modulo 256: 256 of each that has more are lost"]
    );
}

#[test]
fn messages_that_are_longer_than_the_mtu_or_leave_the_network_are_found() {
    assert_eq!(
        found(|report| report.interfaces[0].interface.mtu = 1499),
        ["warning: the master's packets of up to 1500 bytes are sent in fragments by eth1, \
             whose MTU is 1499: if one is lost, the whole message is"]
    );
    assert_eq!(
        found(|report| daemon(report, Role::Master).ttl = Some(5)),
        ["notice: the master's messages have a TTL of 5 and can leave their network: nothing \
             protects them there"]
    );
}

#[test]
fn a_backup_beside_a_master_stops_the_balancing_if_it_is_to() {
    let backup_only = |report: &mut Report| report.settings.backup_only = true;
    assert_eq!(
        found(backup_only),
        ["error: backup_only is set and both daemons run: while the backup does, nothing is \
             balanced here"]
    );
    assert_eq!(
        found(|report| {
            backup_only(report);
            report.daemons.remove(0);
        }),
        [""; 0]
    );
}

#[test]
fn a_queue_or_a_socket_that_bursts_overflow_is_found() {
    assert_eq!(
        found(|report| report.settings.sync_qlen_max = 0),
        ["error: sync_qlen_max is 0: the master drops each full message before it is sent"]
    );
    assert_eq!(
        found(|report| report.settings.sync_qlen_max = 99),
        ["warning: sync_qlen_max is 99: in a burst the master drops the messages beyond that"]
    );
    assert_eq!(
        found(|report| report.settings.sync_sock_size = 0),
        ["notice: sync_sock_size is 0: the socket has the system's buffer, and a burst \
             overflows it"]
    );
    assert_eq!(
        found(|report| report.settings.sync_sock_size = 65_536),
        ["notice: sync_sock_size is 65536 bytes: a burst overflows the socket's buffer"]
    );
    assert_eq!(
        found(|report| {
            report.settings.rmem_max = Some(212_992);
            report.settings.wmem_max = Some(212_992);
        }),
        [
            "notice: sync_sock_size is 8388608 bytes, and net.core.wmem_max allows the master \
             212992: a burst overflows the socket's buffer",
            "notice: sync_sock_size is 8388608 bytes, and net.core.rmem_max allows the backup \
             212992: a burst overflows the socket's buffer",
        ]
    );
    assert_eq!(
        found(|report| report.drops = 12),
        ["error: the backup has lost at least 12 messages because its receive queue was full: a \
             larger sync_sock_size helps"]
    );
}

#[test]
fn connections_that_are_told_late_or_never_again_are_found() {
    let told = |packets, period, refresh, retries| {
        found(|report| {
            report.settings.sync_threshold = SyncThreshold { packets, period };
            report.settings.sync_refresh_period = refresh;
            report.settings.sync_retries = retries;
        })
    };
    let late = |packet| {
        format!(
            "notice: sync_threshold tells a connection at its packet {packet}: before that nobody \
             else knows it"
        )
    };
    let seldom = |period| {
        format!(
            "warning: the period of sync_threshold is {period}: a connection is told again only \
             every {period} packets, whatever sync_refresh_period is, and one with fewer within \
             its timeout is forgotten by the others (the period 0 and a sync_refresh_period of 10 \
             tell it by time)"
        )
    };
    let once = "warning: sync_refresh_period and the period of sync_threshold are 0: a connection \
        is told once, and forgotten by the others when its timeout has passed (a \
        sync_refresh_period of 10 tells it again)";
    assert_eq!(told(3, 50, 0, 0), [seldom(50)]);
    assert_eq!(told(4, 50, 0, 0), [late(4), seldom(50)]);
    assert_eq!(told(0, 50, 0, 0), [late(50), seldom(50)]);
    assert_eq!(told(0, 1, 0, 0), [""; 0]);
    // A refresh is the least time between two tellings, and with a period causes none.
    assert_eq!(told(3, 50, 10, 2), [seldom(50)]);
    assert_eq!(told(3, 0, 0, 0), [once]);
    assert_eq!(told(20, 0, 0, 0), [late(20).as_str(), once]);
    // With time alone the first packet tells it.
    assert_eq!(told(20, 0, 10, 2), [""; 0]);
    assert_eq!(
        told(0, 0, 0, 0),
        ["error: sync_threshold is \"0 0\" and sync_refresh_period 0: a connection is not told \
             while it is established (a sync_refresh_period of 10 tells it)"]
    );
    assert_eq!(
        told(3, 0, 10, 0),
        ["notice: sync_retries is 0: a connection whose message is lost is told again after \
             10 s at the earliest"]
    );
    // None of that matters to a backup.
    assert_eq!(
        found(|report| {
            report.daemons.remove(0);
            report.settings.sync_refresh_period = 0;
            report.settings.sync_version = 0;
        }),
        [""; 0]
    );
}

#[test]
fn what_version_0_cannot_say_is_found() {
    let timeouts = "notice: sync_version is 0: timeouts are not told, and connections live as \
        long as the backup has it for their state, templates for 180 s";
    assert_eq!(found(|report| report.settings.sync_version = 0), [timeouts]);
    assert_eq!(
        found(|report| {
            report.settings.sync_version = 0;
            let engine = Some("sip".parse().unwrap());
            report.services = vec![
                Served { engine, ..served("udp 10.0.0.1:5060", &[]) },
                served("fwmark 7", &[]),
                served("tcp [fd00::1]:80", &[]),
                Served { engine, ..served("fwmark 8 ipv6", &[]) },
            ];
        }),
        [
            timeouts,
            "error: sync_version is 0: connections of tcp [fd00::1]:80 (and 1 more) are IPv6 and \
             not told",
            "error: sync_version is 0: the mark of fwmark 7 is not told, and connections stay \
             without a destination",
            "error: sync_version is 0: what the persistence engine of udp 10.0.0.1:5060 knows \
             clients by is not told, and after a takeover they are balanced anew",
        ]
    );
}

#[test]
fn services_whose_connections_are_lost_are_found() {
    assert_eq!(
        found(|report| report.services[0].one_packet = true),
        ["notice: the connections of tcp 10.0.0.1:80 are of one packet and never told"]
    );
    assert_eq!(
        found(|report| report.services.clear()),
        ["error: the backup runs and there is no service: the connections that it hears of \
             stay without a destination until they are told again"]
    );
    assert_eq!(
        found(|report| report.synced[0].counted = 4),
        ["error: of 9 connections to 192.168.0.1:80 only 4 are counted with it: the others \
             were told before it was there, and are outside its limits and its drain until they \
             are told again"]
    );
}

#[test]
fn connection_tracking_that_is_strict_is_found_where_something_is_masqueraded() {
    let strict = |report: &mut Report| {
        report.settings.conntrack = true;
        report.settings.conntrack_tcp_loose = Some(false);
    };
    assert_eq!(
        found(strict),
        ["error: conntrack is set and nf_conntrack_tcp_loose is 0: connections of \
             tcp 10.0.0.1:80 that were told by others are dropped as invalid after a takeover"]
    );
    assert_eq!(
        found(|report| {
            strict(report);
            for target in &mut report.services[0].destinations {
                target.forwarding = Forwarding::DirectRoute;
            }
        }),
        [""; 0]
    );
}

#[test]
fn a_director_that_is_a_real_server_itself_is_found_where_connections_are_tracked() {
    let local = |conntrack, forwarding| {
        found(|report| {
            report.settings.conntrack = conntrack;
            report.services[0].destinations[1] =
                Target { forwarding, is_local: true, ..report.services[0].destinations[1] };
        })
    };
    assert_eq!(
        local(true, Forwarding::Masquerade),
        ["error: conntrack is set and a masqueraded destination of tcp 10.0.0.1:80 is this \
             director itself: connections to it that were told by others are dropped after a \
             takeover"]
    );
    assert_eq!(local(true, Forwarding::Local), [""; 0]);
    assert_eq!(local(false, Forwarding::Masquerade), [""; 0]);
}
