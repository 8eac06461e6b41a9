//! Two hosts on a wire, each in a network namespace of its own.

use crate::host::{PORT, enter_new_namespace, namespace_with, port, run, set_up, wait_for};
use ipvs::Namespace;
use ipvs_sync::vrrp::Time;
use socket2::{Domain, Protocol, Socket, Type};
use std::io::Read as _;
use std::marker::PhantomData;
use std::thread::sleep;
use std::time::Duration;

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
