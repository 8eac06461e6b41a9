//! Two directors on a wire, set up as they should be.

use crate::netns::Netns;
use crate::sync::director::wait_for;
use ipvs::sysctl::{SyncThreshold, Sysctl, Sysctls};
use ipvs::{Client, Destination, Namespace, Role, Service, ServiceKey, SyncDaemon};
use ipvs_sync::doctor::{Finding, Heard, Report, Tap, compare, compare_all, examine};
use ipvs_sync::net::{Interface, Rtnetlink, SyncListener, now};
use ipvs_sync::proto::GROUP;
use std::fs;
use std::net::{IpAddr, UdpSocket};

/// The thread's director and its peer, whose interfaces `sync0` are connected. Each has a
/// master, a backup and a service.
pub(super) struct Pair {
    pub(super) netns: Netns,
    pub(super) peer: Namespace,
}

/// What is found on this node, on the peer, and between them.
pub(super) type Found = (Vec<Finding>, Vec<Finding>, Vec<Finding>);

pub(super) const NOTHING: Found = (Vec::new(), Vec::new(), Vec::new());

pub(super) const SERVICE: &str = "udp 10.0.0.1:53";
pub(super) const DESTINATION: &str = "127.0.0.1:5353";

impl Pair {
    pub(super) fn new() -> Self {
        allow_buffers();
        let (netns, peer) = Netns::two();
        netns.wire(&peer, "sync0");
        let pair = Self { netns, peer };
        set_up(1);
        pair.there(|| set_up(2));
        wait_for("carrier", || (link().is_running && pair.there(link).is_running).then_some(()));
        start_both();
        pair.there(start_both);
        pair
    }

    /// Does something at the peer.
    pub(super) fn there<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        self.peer.run(work).unwrap()
    }

    pub(super) fn found(&self) -> Found {
        let (here, peer) = (report(), self.there(report));
        let mut between = compare(&here, &peer);
        between.extend(compare_all([&here, &peer]));
        (examine(&here), examine(&peer), between)
    }

    /// What the peer's table has of connections to the service.
    pub(super) fn told(&self) -> usize {
        let is_told = |found: &ipvs::connections::Connection| {
            found.service == SERVICE.parse::<ServiceKey>().unwrap()
        };
        let found = ipvs::connections::open_origins_in(&self.peer).unwrap().map(Result::unwrap);
        found.filter(is_told).count()
    }
}

/// Larger buffers than the kernel allows are asked for. They are of the initial namespace.
fn allow_buffers() {
    let allow = || {
        for name in ["rmem_max", "wmem_max"] {
            fs::write(format!("/proc/sys/net/core/{name}"), "8388608").unwrap();
        }
    };
    Namespace::of_process(1).unwrap().run(allow).unwrap();
}

/// A director's interface, addresses, sysctls and service.
fn set_up(host: u8) {
    let netns = Netns::entered();
    netns.run("/sbin/ip link set sync0 up");
    netns.run(&format!("/sbin/ip addr add 10.5.0.{host}/24 dev sync0"));
    netns.run("/sbin/ip addr add 10.0.0.1/32 dev lo");
    netns.run("/sbin/ip addr add 10.0.0.2/32 dev lo");
    let sysctls = Sysctls::here();
    let threshold = SyncThreshold { packets: 3, period: 0 };
    sysctls.set(Sysctl::SYNC_THRESHOLD, threshold).unwrap();
    sysctls.set(Sysctl::SYNC_REFRESH_PERIOD, 10).unwrap();
    sysctls.set(Sysctl::SYNC_RETRIES, 2).unwrap();
    sysctls.set(Sysctl::SYNC_SOCK_SIZE, 4 << 20).unwrap();
    serve();
}

/// Adds the service with its destination.
pub(super) fn serve() {
    let (mut client, service) =
        (Client::connect().unwrap(), Service::new(SERVICE.parse().unwrap()));
    client.add_service(&service).unwrap();
    let destination = Destination::new(DESTINATION.parse().unwrap());
    client.add_destination(&service.key(), &destination).unwrap();
}

pub(super) fn start_both() {
    start(daemon(Role::Master));
    start(daemon(Role::Backup));
}

pub(super) fn daemon(role: Role) -> SyncDaemon {
    SyncDaemon::new(role, "sync0".parse().unwrap(), 7)
}

/// Starts a daemon in place of that of its role, if one runs.
pub(super) fn start(daemon: SyncDaemon) {
    let mut client = Client::connect().unwrap();
    if client.daemons().unwrap().iter().any(|running| running.role == daemon.role) {
        client.stop_daemon(daemon.role).unwrap();
    }
    client.start_daemon(&daemon).unwrap();
}

pub(super) fn stop(role: Role) {
    Client::connect().unwrap().stop_daemon(role).unwrap();
}

pub(super) fn report() -> Report {
    Report::gather(&mut Client::connect().unwrap(), &mut Rtnetlink::open().unwrap()).unwrap()
}

pub(super) fn link() -> Interface {
    Rtnetlink::open().unwrap().interface("sync0".parse().unwrap()).unwrap()
}

/// So many new connections to the service, each of one packet.
pub(super) fn flows(count: usize) -> Vec<UdpSocket> {
    let flow = |_| {
        let socket = UdpSocket::bind("10.0.0.2:0").unwrap();
        socket.send_to(b"query", "10.0.0.1:53").unwrap();
        socket
    };
    (0..count).map(flow).collect()
}

/// What comes to a port at the peer, beside its backup.
pub(super) struct Ear {
    listener: SyncListener,
    tap: Tap,
}

impl Ear {
    /// As a backup with the peer's id and this longest message hears.
    pub(super) fn new(pair: &Pair, port: u16, max_len: u16) -> Self {
        let open = || SyncListener::open(&link(), GROUP.into(), port).unwrap();
        Self { listener: pair.there(open), tap: Tap::new(7, max_len) }
    }

    /// What was heard up to now of this node, if anything was.
    pub(super) fn heard(&mut self) -> Option<Heard> {
        while let Some((source, datagram)) = self.listener.receive().unwrap() {
            self.tap.take(datagram, source, now());
        }
        let mut senders = self.tap.senders();
        assert!(senders.len() <= 1 && self.tap.others() == 0);
        let (source, heard) = senders.next()?;
        assert_eq!(source, IpAddr::from([10, 5, 0, 1]));
        Some(heard.clone())
    }

    /// What was heard when so many connections have come.
    pub(super) fn wait_for(&mut self, connections: u64) -> Heard {
        wait_for("the master", || {
            self.heard().filter(|heard| heard.connections + heard.lost == connections)
        })
    }
}
