//! A network namespace for a test, and commands in it.

use crate::bodies::Bench;
use ipvs::transport::Netlink;
use ipvs::{Client, Namespace};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::gettid;
use std::io::Write as _;
use std::marker::PhantomData;
use std::process::{Command, Output, Stdio};

/// The network namespace that the calling thread is in from now on. The next
/// test leaves it, and so it goes.
///
/// Not `Send`: a namespace is its thread's.
pub(crate) struct Netns(PhantomData<*const ()>);

impl Netns {
    /// A fresh namespace with loopback up: without routes the kernel takes no
    /// destination.
    pub(crate) fn new() -> Self {
        unshare(CloneFlags::CLONE_NEWNET).unwrap();
        let netns = Self(PhantomData);
        netns.run("/sbin/ip link set lo up");
        netns
    }

    /// A fresh namespace, and another that is left behind and opened.
    pub(crate) fn two() -> (Self, Namespace) {
        Self::new();
        let other = Namespace::open("/proc/thread-self/ns/net").unwrap();
        (Self::new(), other)
    }

    /// A wire to that namespace, with an interface of this name at both ends.
    pub(crate) fn wire(&self, other: &Namespace, name: &str) {
        let here = gettid();
        let pair = format!("/sbin/ip link add {name} type veth peer name {name} netns {here}");
        other.run(|| Self::entered().run(&pair)).unwrap();
    }

    /// The namespace that the thread is in already.
    pub(crate) fn entered() -> Self {
        Self(PhantomData)
    }

    /// A client in this namespace.
    pub(crate) fn client(&self) -> Client {
        Client::connect().unwrap()
    }

    /// Runs a command that must succeed and returns what it prints.
    pub(crate) fn run(&self, line: &str) -> String {
        let output = self.try_run(line, "");
        assert!(output.status.success(), "{line}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// Runs a command with this input.
    pub(crate) fn try_run(&self, line: &str, input: &str) -> Output {
        let mut words = line.split_whitespace();
        // A child is in the namespace of the thread that makes it.
        let mut child = Command::new(words.next().unwrap())
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{line}: {error}"));
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }
}

impl Bench for Netns {
    type Socket = Netlink;

    fn fresh() -> Self {
        Self::new()
    }

    fn socket(&self) -> Netlink {
        Netlink::open().unwrap()
    }

    fn add_interface(&self) {
        self.run("/sbin/ip link add sync0 type dummy");
        self.run("/sbin/ip link set sync0 up");
        self.run("/sbin/ip addr add 10.5.0.1/24 dev sync0");
        self.run("/sbin/ip addr add fd05::1/64 dev sync0 nodad");
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
