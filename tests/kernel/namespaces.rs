//! Clients in other network namespaces than the calling thread's.

use crate::netns::{Netns, text};
use ipvs::{Client, Namespace, NamespaceProblem, Service, ServiceKey};
use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

fn key() -> ServiceKey {
    "tcp 10.0.0.1:80".parse().unwrap()
}

/// Which network namespace the calling thread is in.
fn here() -> PathBuf {
    fs::read_link("/proc/thread-self/ns/net").unwrap()
}

/// A process that stays in the namespace in which it was made.
struct Resident(Child);

impl Resident {
    fn new() -> Self {
        Self(Command::new("/bin/busybox").args(["sleep", "600"]).spawn().unwrap())
    }
}

impl Drop for Resident {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn a_client_opens_elsewhere_and_its_thread_stays() {
    let other = Netns::new();
    other.client().add_service(&Service::new(key())).unwrap();
    let resident = Resident::new();
    let path = format!("/proc/{}/ns/net", resident.0.id());
    let there = here();
    let netns = Netns::new();
    let before = here();
    assert_ne!(before, there);

    let namespaces = [
        Namespace::open(&path).unwrap(),
        Namespace::of_process(resident.0.id()).unwrap(),
        Namespace::from_fd(File::open(&path).unwrap().into()).unwrap(),
    ];
    // A namespace that is held open outlives its processes.
    drop(resident);
    for namespace in &namespaces {
        let mut client = Client::connect_in(namespace).unwrap();
        assert_eq!(client.services().unwrap().len(), 1, "{namespace:?}");
        assert_eq!(here(), before);
    }
    assert_eq!(netns.client().services().unwrap(), []);
}

#[test]
fn a_namespace_of_ip_netns_is_found_by_its_name() {
    let netns = Netns::new();
    netns.run("/sbin/ip netns add blue");
    let blue = Namespace::named("blue").unwrap();
    let mut client = Client::connect_in(&blue).unwrap();
    client.add_service(&Service::new(key())).unwrap();
    let shown = netns.run("/sbin/ip netns exec blue /sbin/ipvsadm -Sn");
    assert_eq!(shown, "-A -t 10.0.0.1:80 -s wlc\n");
    netns.run("/sbin/ip netns del blue");
    assert_eq!(client.services().unwrap().len(), 1);
    let error = Namespace::named("blue").unwrap_err();
    assert_eq!(error.problem(), NamespaceProblem::NotFound);
}

#[test]
fn two_clients_in_two_namespaces_see_two_tables_at_once() {
    let netns = Netns::new();
    let mut clients = ["red", "green"].map(|name| {
        netns.run(&format!("/sbin/ip netns add {name}"));
        Client::connect_in(&Namespace::named(name).unwrap()).unwrap()
    });
    let keys: [ServiceKey; 2] = [key(), "udp 10.0.0.2:53".parse().unwrap()];
    for (client, key) in clients.iter_mut().zip(keys) {
        client.add_service(&Service::new(key)).unwrap();
    }
    for (client, key) in clients.iter_mut().zip(keys) {
        let found = client.services().unwrap();
        assert_eq!(found.iter().map(|entry| entry.service.key()).collect::<Vec<_>>(), [key]);
    }
    assert_eq!(netns.client().services().unwrap(), []);
    netns.run("/sbin/ip netns del red");
    netns.run("/sbin/ip netns del green");
}

#[test]
fn a_namespace_may_change_hands_between_threads() {
    let netns = Netns::new();
    let resident = Resident::new();
    let namespace = Namespace::of_process(resident.0.id()).unwrap();
    let count = std::thread::spawn(move || {
        Client::connect_in(&namespace).unwrap().add_service(&Service::new(key())).unwrap();
    });
    count.join().unwrap();
    assert_eq!(netns.client().services().unwrap().len(), 1);
}

#[test]
fn what_cannot_be_entered_says_why() {
    let netns = Netns::new();
    for (path, problem) in [
        ("/proc/1/ns/mnt", NamespaceProblem::NotANetwork),
        ("/proc/1/ns/user", NamespaceProblem::NotANetwork),
        ("/etc/passwd-of-nobody", NamespaceProblem::NotFound),
        ("/proc/1/status", NamespaceProblem::NotANamespace),
        ("/proc", NamespaceProblem::NotANamespace),
    ] {
        let error = Namespace::open(path).unwrap_err();
        assert_eq!(error.problem(), problem, "{error}");
    }
    // Without the capability a namespace is found and not entered.
    netns.run("/sbin/ip netns add blue");
    let probe = |path: &str| {
        let mut probe = Command::new("/bin/probe");
        text(&probe.arg(path).uid(65_534).gid(65_534).output().unwrap().stdout)
    };
    assert_eq!(
        probe("/run/netns/blue"),
        "network namespace /run/netns/blue: permission denied, entering it needs the capability \
         CAP_SYS_ADMIN, here and in the user namespace that owns it (EPERM)\n"
    );
    assert_eq!(
        probe("/proc/1/ns/net"),
        "network namespace /proc/1/ns/net: permission denied, the file may not be read\n"
    );
    netns.run("/sbin/ip netns del blue");
}

#[test]
fn a_user_namespaces_network_is_entered_from_the_initial_one() {
    let _netns = Netns::new();
    let mut child = Command::new("/bin/busybox")
        .args(["unshare", "-U", "-r", "-n", "/bin/busybox", "cat"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mine = here();
    let path = format!("/proc/{}/ns/net", child.id());
    while fs::read_link(&path).unwrap() == mine {
        std::thread::yield_now();
    }
    let mut client = Client::connect_in(&Namespace::open(&path).unwrap()).unwrap();
    client.add_service(&Service::new(key())).unwrap();
    assert_eq!(client.services().unwrap().len(), 1);
    drop(child.stdin.take());
    child.wait().unwrap();
}
