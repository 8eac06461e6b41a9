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

/// A client on a LAN. It ends when this is dropped.
pub(crate) struct Client {
    heard: Arc<Mutex<Heard>>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Heard {
    /// When answers came.
    answers: Vec<Time>,
    adverts: Vec<Advert>,
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

    /// The longest time between two answers, one after the other, of those that were not
    /// over at the first moment and had begun by the second.
    pub(crate) fn longest_gap(&self, from: Time, to: Time) -> Duration {
        let heard = self.heard.lock().unwrap();
        let start = heard.answers.partition_point(|answer| *answer < from).saturating_sub(1);
        let answers = &heard.answers[start..];
        // One that is not over lasts until now.
        let ends = answers.iter().copied().skip(1).chain([now()]);
        let gaps = answers.iter().zip(ends).take_while(|(begin, _)| **begin < to);
        gaps.map(|(begin, end)| end - *begin).max().expect("an answer before")
    }

    /// The first answer from this time on.
    pub(crate) fn first_answer(&self, from: Time) -> Time {
        let heard = self.heard.lock().unwrap();
        let first = heard.answers.partition_point(|answer| *answer < from);
        *heard.answers.get(first).expect("an answer")
    }

    /// Whether answers have come for so long until now, without a longer gap than this.
    pub(crate) fn is_answered(&self, duration: Duration, longest: Duration) -> bool {
        let heard = self.heard.lock().unwrap();
        let (now, mut next) = (now(), now());
        for &answer in heard.answers.iter().rev() {
            if next - answer > longest {
                return false;
            }
            if now - answer >= duration {
                return true;
            }
            next = answer;
        }
        false
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
    let mut sequence = 0_u16;
    let mut next = now();
    while !is_over.load(Ordering::Relaxed) {
        if next <= now() {
            let [high, low] = sequence.to_be_bytes();
            // The kernel fills in the checksum and the identifier. What cannot be sent is
            // not answered.
            let _ = probes.send_to(&[ECHO_REQUEST, 0, 0, 0, 0, 0, high, low], &to);
            sequence = sequence.wrapping_add(1);
            next = next + PERIOD;
        }
        let mut heard = heard.lock().unwrap();
        let mut reply = [0; 64];
        while probes.read(&mut reply).is_ok() {
            heard.answers.push(now());
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

const ECHO_REQUEST: u8 = 8;
