//! Two nodes.

use super::*;
use ipvs::Forwarding;

/// What is found between two healthy nodes after this change of the first and the second.
fn found(change: impl FnOnce(&mut Report, &mut Report)) -> Vec<String> {
    let (mut here, mut peer) = (healthy("10.5.0.1"), healthy("10.5.0.2"));
    change(&mut here, &mut peer);
    lines(&compare(&here, &peer))
}

/// As [`found`], with the master here and the backup there only.
fn one_way(change: impl FnOnce(&mut Report, &mut Report)) -> Vec<String> {
    found(|here, peer| {
        here.daemons.truncate(1);
        peer.daemons.remove(0);
        change(here, peer);
    })
}

#[test]
fn nothing_is_wrong_between_healthy_nodes() {
    assert_eq!(found(|_, _| {}), [""; 0]);
    assert_eq!(one_way(|_, _| {}), [""; 0]);
}

#[test]
fn a_master_that_nobody_hears_is_found() {
    assert_eq!(
        one_way(|_, peer| peer.daemons.clear()),
        ["error: the master of this node runs and no backup on the peer: what it tells is lost"]
    );
    // Two masters hear nobody.
    assert_eq!(
        found(|here, peer| {
            here.daemons.truncate(1);
            peer.daemons.truncate(1);
        })
        .len(),
        2
    );
}

#[test]
fn a_master_may_be_on_any_node_and_is_to_be_on_one() {
    let [active, mut backup, mut other] = ["10.5.0.1", "10.5.0.2", "10.5.0.3"].map(healthy);
    // The daemons of three nodes go by the states of their virtual routers.
    for node in [&mut backup, &mut other] {
        node.daemons.remove(0);
    }
    assert_eq!(compare(&backup, &other), []);
    assert_eq!(compare_all([&backup, &active, &other]), None);
    let none = compare_all([&backup, &other]);
    assert_eq!(
        lines(none.as_slice()),
        ["error: no master runs on any node: no connection is told"]
    );
}

#[test]
fn messages_that_do_not_arrive_are_found() {
    assert_eq!(
        one_way(|_, peer| {
            let backup = daemon(peer, Role::Backup);
            backup.group = Some("224.0.0.82".parse().unwrap());
            backup.port = Some(8900);
            backup.id = 8;
            backup.max_len = Some(1400);
        }),
        [
            "error: the master of this node sends to 224.0.0.81 and the backup of the peer hears \
             224.0.0.82: all messages are lost",
            "error: the master of this node sends to port 8848 and the backup of the peer hears \
             8900: messages are lost",
            "error: the master of this node sends with id 7 and the backup of the peer takes 8: \
             it drops all messages",
            "error: the master of this node sends messages of up to 1472 bytes and the backup of \
             the peer takes 1400: it drops each longer one, with all its connections",
        ]
    );
    // What takes more hurts nobody.
    assert_eq!(
        one_way(|_, peer| {
            daemon(peer, Role::Backup).id = 0;
            daemon(peer, Role::Backup).max_len = Some(9188);
            peer.settings.sync_ports = 8;
        }),
        [""; 0]
    );
}

#[test]
fn a_master_sends_the_last_eight_bits_of_its_id() {
    let with = |sends, takes| {
        one_way(|here, peer| {
            daemon(here, Role::Master).id = sends;
            daemon(peer, Role::Backup).id = takes;
        })
    };
    assert_eq!(with(0x107, 7), [""; 0]);
    assert_eq!(with(0x107, 0), [""; 0]);
    // As whole numbers they are the same; a backup compares that with what has eight bits.
    assert_eq!(
        with(0x107, 0x107),
        ["error: the master of this node sends with id 7 and the backup of the peer takes 263: \
             it drops all messages"]
    );
}

#[test]
fn parameters_that_are_left_out_are_the_kernels_own() {
    assert_eq!(
        found(|here, _| {
            for daemon in &mut here.daemons {
                (daemon.max_len, daemon.group, daemon.port, daemon.ttl) = (None, None, None, None);
            }
        }),
        [""; 0]
    );
}

#[test]
fn ports_that_nobody_hears_are_found() {
    assert_eq!(
        found(|here, _| here.settings.sync_ports = 4),
        ["error: the master of this node sends to 4 ports and the backup of the peer hears 1: \
             the messages to the others are lost (sync_ports, when the daemons were started)"]
    );
    // The kernel takes no more than 64.
    assert_eq!(
        found(|here, peer| {
            here.settings.sync_ports = 128;
            peer.settings.sync_ports = 64;
        }),
        [""; 0]
    );
}

#[test]
fn links_that_do_not_fit_are_found() {
    assert_eq!(
        found(|here, _| {
            here.interfaces[0].interface.mtu = 9000;
            for daemon in &mut here.daemons {
                daemon.max_len = Some(8972);
            }
        })
        .first()
        .unwrap(),
        "error: the master of this node sends messages of up to 8972 bytes and the backup of the \
         peer takes 1472: it drops each longer one, with all its connections"
    );
    assert_eq!(
        one_way(|here, peer| {
            here.interfaces[0].interface.mtu = 9000;
            here.daemons[0].max_len = Some(8972);
            peer.daemons[0].max_len = Some(8972);
        }),
        ["warning: the master of this node sends packets of up to 9000 bytes and the interface \
             of the peer has an MTU of 1500: longer ones may be dropped"]
    );
    assert_eq!(
        one_way(|_, peer| {
            peer.interfaces[0].addresses[0] =
                InterfaceAddress::new("10.6.0.2".parse().unwrap(), 24).unwrap();
        }),
        ["warning: the master of this node sends from 10.5.0.1/24 with a TTL of 1 and the \
             backup of the peer hears at 10.6.0.2/24: messages arrive only if both are of one link \
             and rp_filter lets them in"]
    );
    // Addresses of their own say nothing of the link.
    assert_eq!(
        one_way(|here, peer| {
            here.interfaces[0].addresses[0] = InterfaceAddress::host("10.5.0.1".parse().unwrap());
            peer.interfaces[0].addresses[0] = InterfaceAddress::host("10.6.0.2".parse().unwrap());
        }),
        [""; 0]
    );
}

#[test]
fn services_and_destinations_that_the_backup_lacks_are_found() {
    assert_eq!(
        one_way(|here, peer| {
            here.services.push(served("tcp 10.0.0.2:80", &[]));
            here.services.push(served("tcp 10.0.0.3:80", &[]));
            peer.services.push(served("tcp 10.0.0.4:80", &[]));
            peer.services[0].destinations[1].forwarding = Forwarding::DirectRoute;
            peer.services[0].destinations.remove(0);
        }),
        [
            "error: the peer does not have tcp 10.0.0.2:80 (and 1 more): connections of it that \
             this node tells stay without a destination",
            "error: the peer does not have 192.168.0.1:80 of tcp 10.0.0.1:80: connections to it \
             that this node tells stay without a destination",
            "warning: this node forwards to 192.168.0.2:80 of tcp 10.0.0.1:80 by masquerade and \
             the peer by direct-route: after a takeover connections go on by the latter",
        ]
    );
}

#[test]
fn an_engine_that_the_backup_lacks_is_found() {
    let engine = Some("sip".parse().unwrap());
    assert_eq!(
        one_way(|here, _| {
            here.services[0].persistent = true;
            here.services[0].engine = engine;
        }),
        ["error: the peer does not have the persistence engine sip for tcp 10.0.0.1:80: the \
             templates of it that this node tells are dropped there, or match no client"]
    );
}

#[test]
fn each_engine_is_named_once_with_its_services() {
    let with = |service, engine: &str| Served {
        engine: Some(engine.parse().unwrap()),
        ..served(service, &[])
    };
    assert_eq!(
        one_way(|here, peer| {
            here.services.extend([
                with("tcp 10.0.0.2:5060", "sip"),
                with("tcp 10.0.0.3:5060", "other"),
                with("tcp 10.0.0.4:5060", "sip"),
                with("tcp 10.0.0.5:5060", "sip"),
            ]);
            // That of another service makes no template of use.
            peer.services.extend([
                served("tcp 10.0.0.2:5060", &[]),
                served("tcp 10.0.0.3:5060", &[]),
                with("tcp 10.0.0.4:5060", "sip"),
                with("tcp 10.0.0.5:5060", "other"),
            ]);
        }),
        [
            "error: the peer does not have the persistence engine other for tcp 10.0.0.3:5060: \
             the templates of it that this node tells are dropped there, or match no client",
            "error: the peer does not have the persistence engine sip for tcp 10.0.0.2:5060 (and \
             1 more): the templates of it that this node tells are dropped there, or match no \
             client",
        ]
    );
}

#[test]
fn only_templates_are_not_enough_for_who_takes_no_connection_from_its_middle() {
    let persistent = |here: &mut Report, peer: &mut Report| {
        for report in [here, peer] {
            report.settings.sync_persist_mode = true;
            report.services[0].persistent = true;
        }
    };
    assert_eq!(
        one_way(persistent),
        ["error: sync_persist_mode is set on this node: of tcp 10.0.0.1:80 only templates are \
             told, and as sloppy_tcp is 0 on the peer it drops their connections after a takeover"]
    );
    assert_eq!(
        one_way(|here, peer| {
            persistent(here, peer);
            here.settings.sloppy_tcp = true;
            peer.settings.sloppy_tcp = true;
        }),
        [""; 0]
    );
}

#[test]
fn sysctls_that_make_a_takeover_a_change_are_found() {
    assert_eq!(
        found(|here, peer| {
            here.settings.expire_nodest_conn = true;
            peer.settings.conntrack = true;
        }),
        [
            "notice: conntrack is 0 on this node and 1 on the peer: a takeover changes how \
             connections are treated",
            "notice: expire_nodest_conn is 1 on this node and 0 on the peer: a takeover changes \
             how connections are treated",
        ]
    );
}
