//! Faults that are provoked, and found.

use super::pair::{
    DESTINATION, Ear, NOTHING, Pair, SERVICE, daemon, flows, link, start, start_both, stop,
};
use crate::netns::Netns;
use crate::sync::director::wait_for;
use ipvs::sysctl::{SyncThreshold, Sysctl, Sysctls};
use ipvs::{Client, Destination, Forwarding, Role, Service, SyncDaemon};
use ipvs_sync::daemon::LINGER;
use ipvs_sync::doctor::{Finding, Node, Services, Unsaid};
use ipvs_sync::net::InterfaceAddress;
use ipvs_sync::proto::PORT;
use nix::unistd::gettid;
use std::thread::sleep;

fn services(first: &str) -> Services {
    Services { first: first.parse().unwrap(), count: 1 }
}

#[test]
fn nothing_is_wrong_with_a_healthy_pair() {
    assert_eq!(Pair::new().found(), NOTHING);
}

#[test]
fn daemons_that_do_not_fit_are_found() {
    let pair = Pair::new();
    let (master, interface) = (Node::Here, "sync0".parse().unwrap());
    pair.there(|| start(SyncDaemon { id: 8, ..daemon(Role::Backup) }));
    let id = Finding::Id { master, sends: 7, takes: 8 };
    assert_eq!(pair.found(), (vec![], vec![], vec![id]));

    let group = "224.0.0.82".parse().unwrap();
    pair.there(|| start(SyncDaemon { group: Some(group), ..daemon(Role::Backup) }));
    let group = Finding::Group { master, sends: [224, 0, 0, 81].into(), hears: group };
    assert_eq!(pair.found(), (vec![], vec![], vec![group]));

    pair.there(|| start(SyncDaemon { port: Some(8900), ..daemon(Role::Backup) }));
    let port = Finding::Port { master, sends: 8848, hears: 8900 };
    assert_eq!(pair.found(), (vec![], vec![], vec![port]));

    pair.there(|| start(daemon(Role::Backup)));
    start(SyncDaemon { max_len: Some(10_000), ttl: Some(3), ..daemon(Role::Master) });
    let here = vec![
        Finding::CountWraps { max_len: 10_000, most: 9188 },
        Finding::Fragments { interface, packet: 10_028, mtu: 1500 },
        Finding::FarReach { ttl: 3 },
    ];
    let max_len = Finding::MaxLen { master, sends: 10_000, takes: 1472 };
    assert_eq!(pair.found(), (here, vec![], vec![max_len]));

    start(daemon(Role::Master));
    pair.there(|| stop(Role::Backup));
    assert_eq!(pair.found(), (vec![], vec![], vec![Finding::Unheard { master }]));

    pair.there(|| stop(Role::Master));
    stop(Role::Master);
    let none = (vec![], vec![Finding::NoDaemon], vec![Finding::NoMaster]);
    assert_eq!(pair.found(), none);
}

#[test]
fn a_destination_of_another_family_that_keeps_daemons_from_starting_is_found() {
    let pair = Pair::new();
    stop(Role::Master);
    stop(Role::Backup);
    let mut client = Client::connect().unwrap();
    let service = Service::new("tcp [fd00::1]:80".parse().unwrap());
    client.add_service(&service).unwrap();
    let tunnel = Destination::new("10.5.0.2:80".parse().unwrap());
    let tunnel = tunnel.with_forwarding(Forwarding::IPIP);
    client.add_destination(&service.key(), &tunnel).unwrap();
    assert!(client.start_daemon(&daemon(Role::Master)).is_err());
    let (service, destination) = (service.key(), tunnel.endpoint());
    let mixed = Finding::MixedFamily { service, destination };
    assert_eq!(pair.found().0, [Finding::NoDaemon, mixed]);
}

#[test]
fn interfaces_that_carry_nothing_are_found() {
    let pair = Pair::new();
    let interface = "sync0".parse().unwrap();
    pair.netns.run("/sbin/ip addr del 10.5.0.1/24 dev sync0");
    let no_source = || vec![Finding::NoSource { address: [10, 5, 0, 1].into() }];
    assert_eq!(pair.found(), (no_source(), vec![], vec![]));

    // It sends from another only when it is started again.
    pair.netns.run("/sbin/ip addr add 10.6.0.1/24 dev sync0");
    assert_eq!(pair.found().0, no_source());
    let mut ear = Ear::new(&pair, PORT, 1472);
    let _lost = flows(1);
    sleep(LINGER);
    assert_eq!(ear.heard(), None);
    start(daemon(Role::Master));
    let addresses = [("10.6.0.1", 24), ("10.5.0.2", 24)].map(|(address, prefix)| {
        let address = address.parse().unwrap();
        InterfaceAddress::new(address, prefix).unwrap()
    });
    let [own, other] = addresses;
    let networks = |master, sends, hears| Finding::Networks { master, sends, hears };
    let both = vec![networks(Node::Here, own, other), networks(Node::Peer, other, own)];
    assert_eq!(pair.found(), (vec![], vec![], both));

    // The other end loses its carrier.
    pair.netns.run("/sbin/ip link set sync0 down");
    let dead = |is_up| {
        [Role::Master, Role::Backup]
            .map(|role| Finding::NotRunning { role, interface, is_up })
            .to_vec()
    };
    wait_for("its loss", || pair.there(|| !link().is_running).then_some(()));
    let (here, there, _) = pair.found();
    assert_eq!((here, there), (dead(false), dead(true)));

    pair.netns.run("/sbin/ip link del sync0");
    let gone = [Role::Master, Role::Backup].map(|role| Finding::NoInterface { role, interface });
    assert_eq!(pair.found(), (gone.to_vec(), gone.to_vec(), vec![]));
}

#[test]
fn a_backup_whose_interface_was_made_anew_is_found() {
    let pair = Pair::new();
    let here = gettid();
    pair.netns.run("/sbin/ip link del sync0");
    pair.there(|| {
        let netns = Netns::entered();
        netns.run(&format!("/sbin/ip link add sync0 type veth peer name sync0 netns {here}"));
        netns.run("/sbin/ip link set sync0 up");
        netns.run("/sbin/ip addr add 10.5.0.2/24 dev sync0");
    });
    pair.netns.run("/sbin/ip link set sync0 up");
    pair.netns.run("/sbin/ip addr add 10.5.0.1/24 dev sync0");
    let (interface, group) = ("sync0".parse().unwrap(), [224, 0, 0, 81].into());
    let anew = vec![Finding::NoMember { interface, group }];
    wait_for("carrier", || (link().is_running && pair.there(link).is_running).then_some(()));
    assert_eq!(pair.found(), (anew.clone(), anew.clone(), vec![]));
    // It is the daemon, not the interface.
    start(daemon(Role::Backup));
    assert_eq!(pair.found(), (vec![], anew, vec![]));
}

#[test]
fn sysctls_that_lose_connections_are_found() {
    let pair = Pair::new();
    let sysctls = Sysctls::here();
    let threshold = SyncThreshold { packets: 8, period: 50 };
    sysctls.set(Sysctl::SYNC_THRESHOLD, threshold).unwrap();
    sysctls.set(Sysctl::SYNC_REFRESH_PERIOD, 0).unwrap();
    sysctls.set(Sysctl::SYNC_QLEN_MAX, 0).unwrap();
    sysctls.set(Sysctl::SYNC_SOCK_SIZE, 0).unwrap();
    sysctls.set(Sysctl::SYNC_VERSION, 0).unwrap();
    sysctls.set(Sysctl::BACKUP_ONLY, true).unwrap();
    sysctls.set(Sysctl::SYNC_PORTS, 2).unwrap();
    sysctls.set(Sysctl::EXPIRE_NODEST_CONN, true).unwrap();
    let here = vec![
        Finding::ShortQueue { messages: 0 },
        Finding::SmallSocket { bytes: 0 },
        Finding::LateFirst { packet: 8 },
        Finding::NoRefresh { threshold },
        Finding::Version0 { unsaid: Unsaid::Timeouts },
        Finding::BackupOnly,
    ];
    let between = vec![
        Finding::Ports { master: Node::Here, sends: 2, hears: 1 },
        Finding::Differs { sysctl: "expire_nodest_conn", here: true },
    ];
    assert_eq!(pair.found(), (here, vec![], between));
}

#[test]
fn services_that_the_other_lacks_are_found() {
    let pair = Pair::new();
    let service = SERVICE.parse().unwrap();
    pair.there(|| {
        let mut client = Client::connect().unwrap();
        client.delete_destination(&service, DESTINATION.parse().unwrap()).unwrap();
    });
    let destinations = Finding::MissingDestinations {
        master: Node::Here,
        service,
        first: DESTINATION.parse().unwrap(),
        count: 1,
    };
    assert_eq!(pair.found(), (vec![], vec![], vec![destinations]));

    pair.there(|| {
        let mut client = Client::connect().unwrap();
        client.add_service(&Service::new("udp 10.0.0.1:54".parse().unwrap())).unwrap();
        client.delete_service(&service).unwrap();
    });
    let missing = |master, first| Finding::MissingServices { master, services: services(first) };
    let both = vec![missing(Node::Here, SERVICE), missing(Node::Peer, "udp 10.0.0.1:54")];
    assert_eq!(pair.found(), (vec![], vec![], both));

    pair.there(|| {
        Client::connect().unwrap().delete_service(&"udp 10.0.0.1:54".parse().unwrap()).unwrap();
        stop(Role::Master);
        stop(Role::Backup);
        start_both();
    });
    assert_eq!(pair.found().1, [Finding::NoServices]);
}
