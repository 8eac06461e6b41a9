//! Hosts, each in a network namespace of its own.

use ipvs::{InterfaceName, Namespace};
use ipvs_sync::net::{Interface, Rtnetlink, now};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{Pid, gettid};
use std::process::Command;
use std::sync::mpsc;
use std::thread::{self, sleep};
use std::time::Duration;

/// What the port of each host is called.
pub(crate) const PORT: &str = "vrrp0";

/// A new namespace, into which something is plugged: it is given a thread that is there.
pub(crate) fn namespace_with(plug: impl FnOnce(Pid)) -> Namespace {
    let (to_us, from_thread) = mpsc::channel();
    let (to_thread, from_us) = mpsc::channel::<()>();
    // Its namespace is found by its number as long as it lives.
    let thread = thread::spawn(move || {
        enter_new_namespace();
        to_us.send((Namespace::open("/proc/thread-self/ns/net").unwrap(), gettid())).unwrap();
        // Until the channel closes.
        from_us.recv().unwrap_err();
    });
    let (namespace, number) = from_thread.recv().unwrap();
    plug(number);
    drop(to_thread);
    thread.join().unwrap();
    namespace
}

pub(crate) fn enter_new_namespace() {
    unshare(CloneFlags::CLONE_NEWNET).expect("namespaces need root (CAP_SYS_ADMIN)");
    // Link-local addresses can be used at once.
    std::fs::write("/proc/sys/net/ipv6/conf/default/accept_dad", "0").unwrap();
    run("ip link set lo up");
}

/// Gives the port of the thread's namespace the addresses of the host with this number.
pub(crate) fn set_up(host: u8) {
    run(&format!("ip link set {PORT} up"));
    run(&format!("ip addr add 10.0.0.{host}/24 dev {PORT}"));
    run(&format!("ip addr add fe80::{host}/64 dev {PORT} nodad"));
}

/// Runs a command that must succeed, in the thread's namespace, and returns what it prints.
pub(crate) fn run(line: &str) -> String {
    let mut words = line.split_whitespace();
    let output = Command::new(words.next().unwrap()).args(words).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn name(name: &str) -> InterfaceName {
    name.parse().unwrap()
}

/// An interface of the thread's namespace.
pub(crate) fn interface(name: &str) -> Interface {
    Rtnetlink::open().unwrap().interface(self::name(name)).unwrap()
}

/// The port of the thread's namespace.
pub(crate) fn port() -> Interface {
    interface(PORT)
}

/// Tries until there is something, for half a minute: in an emulated machine that is busy
/// keepalived takes a third of it for two hundred addresses.
pub(crate) fn wait_for<R>(what: &str, mut attempt: impl FnMut() -> Option<R>) -> R {
    let deadline = now() + Duration::from_secs(30);
    while now() < deadline {
        if let Some(found) = attempt() {
            return found;
        }
        sleep(Duration::from_millis(1));
    }
    panic!("no {what}");
}
