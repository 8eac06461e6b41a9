//! Hosts on a switch, each in a network namespace of its own.

use crate::host::{PORT, enter_new_namespace, namespace_with, port, run, set_up, wait_for};
use ipvs::Namespace;
use std::marker::PhantomData;

/// Hosts on a switch, by their numbers, from 1. The calling thread is in the namespace of
/// the switch.
///
/// Each has 10.0.0.0/24 and fe80::/64, and there the address of its number.
///
/// Not `Send`: a namespace is its thread's.
pub(crate) struct Lan {
    pub(crate) hosts: Vec<Namespace>,
    here: PhantomData<*const ()>,
}

impl Lan {
    pub(crate) fn new(hosts: u8) -> Self {
        enter_new_namespace();
        run("ip link add switch type bridge forward_delay 0 mcast_snooping 0");
        run("ip link set switch up");
        let lan = Self { hosts: (1..=hosts).map(plugged).collect(), here: PhantomData };
        for number in 1..=hosts {
            wait_for("carrier", || lan.at(number, || port().is_running).then_some(()));
        }
        lan
    }

    /// Does something at a host.
    pub(crate) fn at<R: Send>(&self, host: u8, work: impl FnOnce() -> R + Send) -> R {
        self.hosts[usize::from(host) - 1].run(work).unwrap()
    }

    /// Nothing comes from a host to the others any more, nor to it. Its link stays up.
    pub(crate) fn cut(&self, host: u8) {
        run(&format!("ip link set to{host} nomaster"));
    }

    pub(crate) fn heal(&self, host: u8) {
        run(&format!("ip link set to{host} master switch"));
    }
}

/// A new host with this number.
pub(crate) fn plugged(number: u8) -> Namespace {
    let host = namespace_with(|thread| {
        run(&format!("ip link add to{number} type veth peer name {PORT} netns {thread}"));
    });
    run(&format!("ip link set to{number} up master switch"));
    host.run(|| set_up(number)).unwrap();
    host
}
