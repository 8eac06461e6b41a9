//! Two hosts on a wire, each in a network namespace of its own.

use ipvs::{InterfaceName, Namespace};
use ipvs_sync::net::{Interface, Rtnetlink, now};
use ipvs_sync::vrrp::Time;
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{Pid, gettid};
use socket2::{Domain, Protocol, Socket, Type};
use std::io::Read as _;
use std::marker::PhantomData;
use std::process::Command;
use std::sync::mpsc;
use std::thread::{self, sleep};
use std::time::Duration;

/// What both ends of the wire are called.
pub(crate) const PORT: &str = "vrrp0";

/// Two hosts. The calling thread is in the namespace of one, until it ends.
///
/// Not `Send`: a namespace is its thread's.
pub(crate) struct Wire {
    peer: Namespace,
    here: PhantomData<*const ()>,
}

impl Wire {
    /// Both have 10.0.0.0/24 and fe80::/64, this one .1 and the peer .2, and both are up.
    pub(crate) fn new() -> Self {
        enter_new_namespace();
        let peer = namespace_with(|thread| {
            run(&format!("ip link add {PORT} type veth peer name {PORT} netns {thread}"));
        });
        let wire = Self { peer, here: PhantomData };
        set_up(1);
        wire.there(|| set_up(2));
        while !(port().is_running && wire.there(|| port().is_running)) {
            sleep(Duration::from_millis(1));
        }
        wire
    }

    /// The peer's namespace.
    pub(crate) fn peer(self) -> Namespace {
        self.peer
    }

    /// Does something at the peer.
    pub(crate) fn there<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        self.peer.run(work).unwrap()
    }
}

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
    unshare(CloneFlags::CLONE_NEWNET).expect("these tests need root (CAP_SYS_ADMIN)");
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

/// This end of the wire.
pub(crate) fn port() -> Interface {
    interface(PORT)
}

/// Tries until there is something, for ten seconds.
pub(crate) fn wait_for<R>(what: &str, mut attempt: impl FnMut() -> Option<R>) -> R {
    let deadline = now() + Duration::from_secs(10);
    while now() < deadline {
        if let Some(found) = attempt() {
            return found;
        }
        sleep(Duration::from_millis(1));
    }
    panic!("no {what}");
}

/// Sees every frame that comes to a namespace.
pub(crate) struct Sniffer(Socket);

impl Sniffer {
    pub(crate) fn new() -> Self {
        // ETH_P_ALL.
        let everything = Protocol::from(i32::from(3_u16.to_be()));
        let socket = Socket::new(Domain::PACKET, Type::RAW, Some(everything)).unwrap();
        socket.set_nonblocking(true).unwrap();
        Self(socket)
    }

    /// The next frame that is wanted; others are passed over.
    pub(crate) fn frame(&mut self, wanted: impl Fn(&[u8]) -> bool) -> Vec<u8> {
        wait_for("frame", || self.next(&wanted))
    }

    /// The next frame that is wanted of those that are queued.
    pub(crate) fn next(&mut self, wanted: impl Fn(&[u8]) -> bool) -> Option<Vec<u8>> {
        let mut frame = vec![0; 65_536];
        while let Ok(length) = self.0.read(&mut frame) {
            if wanted(&frame[..length]) {
                frame.truncate(length);
                return Some(frame);
            }
        }
        None
    }
}

/// Whether a moment is within an interval.
pub(crate) fn is_between(time: Time, from: Time, to: Time) -> bool {
    (from..=to).contains(&time)
}
