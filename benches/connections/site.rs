//! Two directors, two real servers and a client, and the network between them.
//!
//! All are on one LAN, the directors on a link of their own besides. The client has an
//! address for each forwarding method, in networks of their own: replies to the one go
//! through the active director, whose second virtual address is the way there, and replies
//! to the other straight to the client.

use crate::host::{PORT, interface, run, wait_for};
use crate::lan::{Lan, plugged};
use ipvs::connections::{self, State};
use ipvs::{Endpoint, Protocol, ServiceKey};
use ipvs_sync::net::Rtnetlink;
use ipvs_sync::vrrp::Family;
use nix::unistd::gettid;
use std::collections::HashMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr};

/// The hosts, by their numbers. The director that is active if all is well comes first.
pub(crate) const BETTER: u8 = 1;
pub(crate) const WORSE: u8 = 2;
pub(crate) const SERVERS: [u8; 2] = [3, 4];
pub(crate) const CLIENT: u8 = 5;

/// What clients connect to, and the way from the servers to the clients whose connections
/// are masqueraded.
pub(crate) const VIRTUAL: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 7);
pub(crate) const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);

/// The directors' own link, as each has it, and the id of the sync daemons there.
pub(crate) const SYNC: &str = "sync0";
pub(crate) const SYNC_ID: u8 = 7;

/// How packets come to a real server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Method {
    Masquerade,
    Direct,
}

/// The whole.
pub(crate) struct Site {
    lan: Lan,
}

/// Connections, as the client has them, each with the address of its server.
pub(crate) type Known = HashMap<(Endpoint, ServiceKey), IpAddr>;

impl Method {
    pub(crate) const ALL: [Self; 2] = [Self::Masquerade, Self::Direct];

    /// Where the client's connections come from.
    pub(crate) fn source(self) -> Ipv4Addr {
        match self {
            Self::Masquerade => Ipv4Addr::new(10, 9, 0, 5),
            Self::Direct => Ipv4Addr::new(10, 8, 0, 5),
        }
    }

    /// The virtual services.
    pub(crate) fn tcp(self) -> u16 {
        match self {
            Self::Masquerade => 80,
            Self::Direct => 81,
        }
    }

    pub(crate) fn udp(self) -> u16 {
        match self {
            Self::Masquerade => 53,
            Self::Direct => 54,
        }
    }
}

/// The address of a host.
pub(crate) fn address(host: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, host)
}

impl Site {
    pub(crate) fn new() -> Self {
        let lan = Lan::new(CLIENT);
        run("ip link add syncs type bridge forward_delay 0 mcast_snooping 0");
        run("ip link set syncs up");
        let site = Self { lan };
        [BETTER, WORSE].into_iter().for_each(|host| site.set_up_director(host));
        SERVERS.into_iter().for_each(|host| site.lan.at(host, set_up_server));
        site.lan.at(CLIENT, set_up_client);
        site
    }

    /// Does something at a host.
    pub(crate) fn at<R: Send>(&self, host: u8, work: impl FnOnce() -> R + Send) -> R {
        self.lan.at(host, work)
    }

    /// The machine is without power: nothing leaves it any more, and nothing is left of it.
    /// What was to be sent, by its kernel too, is lost.
    pub(crate) fn power_off(&self, director: u8) {
        run(&format!("ip link del group {director}"));
    }

    /// The same machine starts anew, with nothing in its kernel.
    pub(crate) fn power_on(&mut self, director: u8) {
        self.lan.hosts[usize::from(director) - 1] = plugged(director);
        self.set_up_director(director);
    }

    /// Nothing comes from a director any more, nor to it. Its links stay up.
    pub(crate) fn cut(&self, director: u8) {
        run(&format!("ip link set group {director} nomaster"));
    }

    pub(crate) fn heal(&self, director: u8) {
        run(&format!("ip link set sync{director} master syncs"));
        run(&format!("ip link set to{director} master switch"));
    }

    /// A director's kernel tells of no connection from now on, but of one with a million
    /// packets.
    pub(crate) fn tells_nothing(&self, director: u8) {
        self.at(director, || set("vs/sync_threshold", "999999 1000000"));
    }

    /// Whether a director has the virtual address.
    pub(crate) fn is_active(&self, director: u8) -> bool {
        self.at(director, || {
            let addresses = Rtnetlink::open().unwrap().addresses(&interface(PORT), Family::V4);
            addresses.unwrap().iter().any(|entry| entry.address.address() == IpAddr::V4(VIRTUAL))
        })
    }

    /// The connections that a director's kernel has, of TCP those that are established: one
    /// that is over may have had the same port.
    pub(crate) fn known(&self, director: u8) -> Known {
        let namespace = &self.lan.hosts[usize::from(director) - 1];
        let found = connections::open_origins_in(namespace).unwrap().map(Result::unwrap);
        let found = found.filter(|found| {
            found.state == State::Established || found.protocol() == Some(Protocol::UDP)
        });
        found.map(|found| ((found.client, found.service), found.destination.address)).collect()
    }

    fn set_up_director(&self, host: u8) {
        let switch = gettid();
        self.at(host, || {
            // The same network card after each start.
            run(&format!("ip link set {PORT} address 02:00:00:00:00:0{host}"));
            run(&format!("ip link add {SYNC} type veth peer name sync{host} netns {switch}"));
            run(&format!("ip link set {SYNC} address 02:00:00:00:05:0{host}"));
            run(&format!("ip addr add 10.5.0.{host}/24 dev {SYNC}"));
            run(&format!("ip link set {SYNC} up"));
            for method in Method::ALL {
                run(&format!("ip route add {}/32 dev {PORT}", method.source()));
            }
            set("ip_forward", "1");
            // All are on one LAN: servers would be told of a shorter way that is none.
            set("conf/all/send_redirects", "0");
            set(&format!("conf/{PORT}/send_redirects"), "0");
        });
        run(&format!("ip link set sync{host} up master syncs"));
        // All links of a machine fail at the same time.
        for link in ["to", "sync"] {
            run(&format!("ip link set {link}{host} group {host}"));
        }
        let is_running = || self.at(host, || interface(SYNC).is_running);
        wait_for("carrier", || is_running().then_some(()));
    }
}

/// A server accepts what is for the virtual address, and tells nobody that it has it.
fn set_up_server() {
    set("conf/all/arp_ignore", "1");
    set("conf/all/arp_announce", "2");
    run(&format!("ip addr add {VIRTUAL}/32 dev lo"));
    run(&format!("ip route add {}/32 via {GATEWAY}", Method::Masquerade.source()));
    run(&format!("ip route add {}/32 dev {PORT}", Method::Direct.source()));
}

fn set_up_client() {
    for method in Method::ALL {
        run(&format!("ip addr add {}/32 dev lo", method.source()));
    }
    // There is no other way to the servers: what comes from one past a director that does
    // not masquerade it any more must not be answered to the server, which would reset what
    // is well.
    for host in SERVERS {
        run(&format!("ip route add blackhole {}/32", address(host)));
    }
}

fn set(name: &str, value: &str) {
    let path = format!("/proc/sys/net/ipv4/{name}");
    fs::write(&path, value).unwrap_or_else(|error| panic!("{path}: {error}"));
}
