//! The client: a probe to the virtual address every millisecond, and what it hears.

use crate::host::{port, run};
use crate::lan::Lan;
use ipvs_sync::net::{AdvertSocket, Received, now};
use ipvs_sync::vrrp::{Family, Time};
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;
use nix::unistd::gettid;
use socket2::{Domain, Protocol, Socket, Type};
use std::fs;
use std::io::Read as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::AsFd as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What the routers keep alive.
pub(crate) const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 7);

/// The time between two probes.
const PERIOD: Duration = Duration::from_millis(1);

/// What is answered later had to wait for something.
const LATE: Duration = Duration::from_millis(10);

/// A client on a LAN. It ends when this is dropped.
pub(crate) struct Client {
    heard: Arc<Mutex<Heard>>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Heard {
    probes: Vec<Probe>,
    adverts: Vec<Advert>,
}

#[derive(Clone, Copy)]
struct Probe {
    sent: Time,
    is_answered: bool,
}

/// An advertisement, of the host with this number.
#[derive(Clone, Copy)]
pub(crate) struct Advert {
    pub(crate) arrival: Time,
    host: u8,
    priority: u8,
}

impl Client {
    /// Starts one on the host with this number.
    pub(crate) fn start(lan: &Lan, host: u8) -> Self {
        let (probes, adverts) = lan.at(host, || {
            // Root may send echo requests.
            fs::write("/proc/sys/net/ipv4/ping_group_range", "0 0").unwrap();
            let probes = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::ICMPV4)).unwrap();
            probes.set_nonblocking(true).unwrap();
            (probes, AdvertSocket::multicast(&port(), Family::V4).unwrap())
        });
        let (heard, is_over) = (Arc::default(), Arc::default());
        let (to, until) = (Arc::clone(&heard), Arc::clone(&is_over));
        let thread = Some(thread::spawn(move || probe(probes, adverts, &to, &until)));
        Self { heard, is_over, thread }
    }

    /// The last advertisement of a host, unless that is a resignation.
    pub(crate) fn last(&self, host: u8) -> Option<Advert> {
        let heard = self.heard.lock().unwrap();
        let last = heard.adverts.iter().rev().find(|advert| advert.host == host).copied();
        last.filter(|advert| advert.priority > 0)
    }

    /// The last advertisement of a host before this.
    pub(crate) fn last_before(&self, host: u8, before: Time) -> Option<Advert> {
        let heard = self.heard.lock().unwrap();
        let mut adverts = heard.adverts.iter().rev();
        adverts.find(|advert| advert.host == host && advert.arrival < before).copied()
    }

    /// The first advertisement of a host in this time, no resignation.
    pub(crate) fn first(&self, host: u8, from: Time, to: Time) -> Option<Advert> {
        let heard = self.heard.lock().unwrap();
        let start = heard.adverts.partition_point(|advert| advert.arrival < from);
        let adverts = heard.adverts[start..].iter().take_while(|advert| advert.arrival < to);
        adverts.copied().find(|advert| advert.host == host && advert.priority > 0)
    }

    /// The longest time between the sending of two answered probes, of those times that were
    /// not over at the first moment and had begun by the second. It is the period if no
    /// probe between them went without an answer: that the client was late is no gap.
    pub(crate) fn longest_gap(&self, from: Time, to: Time) -> Option<Duration> {
        let heard = self.heard.lock().unwrap();
        let mut begin: Option<usize> = None;
        let mut longest = None;
        // One that is not over lasts until now.
        let last = Probe { sent: now(), is_answered: true };
        let first = heard.probes.partition_point(|probe| probe.sent < from);
        let first = heard.probes[..first].iter().rposition(|probe| probe.is_answered)?;
        for (end, probe) in heard.probes.iter().chain([&last]).enumerate().skip(first) {
            if !probe.is_answered {
                continue;
            }
            if let Some(begin) = begin {
                let gap = probe.sent - heard.probes[begin].sent;
                longest = longest.max(Some(if end == begin + 1 { PERIOD } else { gap }));
            }
            if probe.sent >= to {
                break;
            }
            begin = Some(end);
        }
        longest
    }

    /// The first answered probe from this time on.
    pub(crate) fn first_answered(&self, from: Time) -> Time {
        let heard = self.heard.lock().unwrap();
        let first = heard.probes.partition_point(|probe| probe.sent < from);
        heard.probes[first..].iter().find(|probe| probe.is_answered).expect("an answer").sent
    }
}

impl Heard {
    /// An answer to the probe whose number ends so. If it is late it counts as none.
    fn answer(&mut self, number: [u8; 2]) {
        let last = number_of(self.probes.len().wrapping_sub(1));
        let ago = u16::from_be_bytes(last).wrapping_sub(u16::from_be_bytes(number));
        let probe = self.probes.iter_mut().rev().nth(ago.into());
        if let Some(probe) = probe.filter(|probe| now() - probe.sent < LATE) {
            probe.is_answered = true;
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Sends at every multiple of the period from now on, however late it was with the one
/// before, and notes what comes as it comes.
fn probe(
    mut probes: Socket,
    mut adverts: AdvertSocket,
    heard: &Mutex<Heard>,
    is_over: &AtomicBool,
) {
    // Its own delays are not what is measured. It cannot be kept from a processor by what
    // else the machine does, and waits without slack.
    run(&format!("chrt --fifo --pid 1 {}", gettid()));
    let to = SocketAddr::from((ADDRESS, 0)).into();
    let mut next = now();
    while !is_over.load(Ordering::Relaxed) {
        let mut heard = heard.lock().unwrap();
        let sent = now();
        if next <= sent {
            let [high, low] = number_of(heard.probes.len());
            // The kernel fills in the checksum and the identifier. What cannot be sent is
            // not answered.
            let _ = probes.send_to(&[ECHO_REQUEST, 0, 0, 0, 0, 0, high, low], &to);
            heard.probes.push(Probe { sent, is_answered: false });
            next = next + PERIOD;
        }
        let mut reply = [0; 64];
        while probes.read(&mut reply).is_ok_and(|length| length >= 8) {
            heard.answer([reply[6], reply[7]]);
        }
        while let Ok(Received::Advertisement(advert)) = adverts.receive() {
            let (IpAddr::V4(source), Some(&priority)) = (advert.source, advert.payload.get(2))
            else {
                continue;
            };
            let [.., host] = source.octets();
            heard.adverts.push(Advert { arrival: advert.arrival, host, priority });
        }
        drop(heard);
        let mut polled =
            [probes.as_fd(), adverts.as_fd()].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
        let _ = ppoll(&mut polled, Some(TimeSpec::from(next - now())), None);
    }
}

/// The sequence number of a probe.
fn number_of(probe: usize) -> [u8; 2] {
    let [.., high, low] = probe.to_be_bytes();
    [high, low]
}

const ECHO_REQUEST: u8 = 8;
