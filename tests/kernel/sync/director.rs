//! A director with sync daemons.

use super::table::{named, packed};
use crate::netns::Netns;
use ipvs::connections;
use ipvs::sysctl::{SyncThreshold, Sysctl, Sysctls};
use ipvs::{Client, Destination, Endpoint, Role, Service, ServiceKey, SyncDaemon};
use ipvs_sync::net::{Interface, Reach, Rtnetlink, SyncListener, SyncSender};
use ipvs_sync::proto::{Connection, GROUP, PORT, Version};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A director whose interface `sync0` leads to `sync1`, which is its own too.
pub(crate) struct Director {
    netns: Netns,
    pub(crate) client: Client,
    pub(crate) sender: SyncSender,
    /// The last of the connections that say that all before them have arrived.
    last: u16,
}

/// The id of the backup daemon, and of the master.
pub(crate) const BACKUP: u8 = 9;
pub(crate) const MASTER: u8 = 7;

pub(crate) const TCP: u8 = 6;
pub(crate) const UDP: u8 = 17;

impl Director {
    pub(crate) fn new() -> Self {
        let netns = Netns::new();
        netns.run("/sbin/modprobe ip_vs_pe_sip");
        for address in ["10.0.0.1/32", "10.0.0.2/32", "fd00::1/128 nodad", "fd00::2/128 nodad"] {
            netns.run(&format!("/sbin/ip addr add dev lo {address}"));
        }
        let client = netns.client();
        let sender = add_interface(&netns);
        Self { netns, client, sender, last: 0 }
    }

    /// Deletes the interface, and makes another of the same name.
    pub(crate) fn add_interface_again(&mut self) {
        self.netns.run("/sbin/ip link del sync0");
        self.sender = add_interface(&self.netns);
    }

    pub(crate) fn with_backup() -> Self {
        let mut director = Self::new();
        director.start(Role::Backup, BACKUP);
        director
    }

    pub(crate) fn start(&mut self, role: Role, id: u8) {
        let daemon = SyncDaemon::new(role, "sync0".parse().unwrap(), id);
        self.client.start_daemon(&SyncDaemon { max_len: Some(9188), ..daemon }).unwrap();
    }

    /// A master that tells of each packet, and what hears it.
    pub(crate) fn with_master(version: Version) -> (Self, SyncListener) {
        let mut director = Self::with_backup();
        let every = SyncThreshold { packets: 0, period: 1 };
        Sysctls::here().set(Sysctl::SYNC_THRESHOLD, every).unwrap();
        let version = u32::from(version == Version::V1);
        Sysctls::here().set(Sysctl::SYNC_VERSION, version).unwrap();
        director.start(Role::Master, MASTER);
        let listener = SyncListener::open(&interface("sync1"), GROUP.into(), PORT).unwrap();
        (director, listener)
    }

    /// A service with one destination.
    pub(crate) fn serve(&mut self, service: Service, destination: &str) {
        self.client.add_service(&service).unwrap();
        let destination = Destination::new(destination.parse().unwrap());
        self.client.add_destination(&service.key(), &destination).unwrap();
    }

    /// Gives datagrams to the backup daemon, and waits until it has seen them.
    pub(crate) fn give(&mut self, datagrams: &[Vec<u8>]) {
        // Its receive queue takes a dozen of the longest.
        for datagrams in datagrams.chunks(8) {
            datagrams.iter().for_each(|datagram| self.sender.send(datagram).unwrap());
            self.last += 1;
            let client = Endpoint::new([198, 51, 100, 1], self.last);
            let last = Connection { timeout: 900, ..Connection::new(UDP, client, LAST, client) };
            self.sender.send(&packed(Version::V1, &[last]).remove(0)).unwrap();
            wait_for("the backup", || {
                let mut found = connections::open_origins().unwrap().flatten();
                found.find(|found| found.client == client)
            });
        }
    }

    /// What the table has, without what [`Director::give`] puts into it.
    pub(crate) fn table(&self) -> BTreeMap<String, connections::Connection> {
        let is_last = |found: &connections::Connection| found.service == ServiceKey::udp(LAST);
        let found = connections::open_origins().unwrap().map(Result::unwrap);
        found.filter(|found| !is_last(found)).map(named).collect()
    }
}

/// What goes to the backup daemon on it is sent by what this returns.
fn add_interface(netns: &Netns) -> SyncSender {
    netns.run("/sbin/ip link add sync0 type veth peer name sync1");
    netns.run("/sbin/ip link set sync0 up");
    netns.run("/sbin/ip link set sync1 up");
    netns.run("/sbin/ip addr add 10.5.0.1/24 dev sync0");
    netns.run("/sbin/ip addr add fd05::1/64 dev sync0 nodad");
    std::fs::write("/proc/sys/net/ipv4/conf/sync1/accept_local", "1").unwrap();
    SyncSender::open(&interface("sync0"), GROUP.into(), PORT, Reach::ThisHost).unwrap()
}

fn interface(name: &str) -> Interface {
    Rtnetlink::open().unwrap().interface(name.parse().unwrap()).unwrap()
}

const LAST: Endpoint = Endpoint { address: IpAddr::V4(Ipv4Addr::new(198, 51, 100, 2)), port: 2 };

/// Tries until there is something, for 20 seconds: the master keeps what it has for three.
pub(crate) fn wait_for<R>(what: &str, mut attempt: impl FnMut() -> Option<R>) -> R {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(found) = attempt() {
            return found;
        }
        assert!(Instant::now() < deadline, "nothing of {what}");
        sleep(Duration::from_millis(20));
    }
}
