//! Asks the neighbours who has addresses, and hears who says so.

use super::error::{Cause, Error};
use super::links::Interface;
use super::operation::Operation;
use super::retry::retry;
use super::{arp, ndp, packet_socket};
use crate::vrrp::Family;
use crate::vrrp::router::Answer;
use socket2::{SockFilter, Socket};
use std::io::{self, Read as _};
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};

/// Asks the neighbours of an interface for addresses that are not this host's, from the
/// interface's own MAC address, so that switches do not look for another here. It never
/// waits: poll its descriptor to know when something has come.
///
/// The kernel queues only what is said of these addresses. What others ask does not count,
/// so that several hosts can ask at the same time.
#[derive(Debug)]
pub struct Prober {
    socket: Socket,
    interface: Interface,
    mac: [u8; 6],
    addresses: Vec<IpAddr>,
}

impl Prober {
    /// Opens a socket for these addresses of a family.
    ///
    /// # Errors
    /// [`Error::is_permission`] without CAP_NET_RAW,
    /// [`ErrorKind::NotEthernet`](super::ErrorKind::NotEthernet), or what the system says.
    pub fn open(
        interface: &Interface,
        family: Family,
        addresses: Vec<IpAddr>,
    ) -> Result<Self, Error> {
        let failed = |cause| Error::new(Operation::OpenProber, Some(interface.name), cause);
        let mac = interface.mac.ok_or_else(|| failed(Cause::NotEthernet))?;
        let socket = packet_socket::hearing(interface, ethertype(family), &filter(&addresses))
            .map_err(|error| failed(error.into()))?;
        Ok(Self { socket, interface: *interface, mac, addresses })
    }

    /// The addresses.
    pub fn addresses(&self) -> &[IpAddr] {
        &self.addresses
    }

    /// Asks for each address once: by an ARP probe, or a neighbour solicitation from no
    /// address. Nobody is asked where neighbours are not found so.
    ///
    /// # Errors
    /// The first: [`ErrorKind::InterfaceDown`](super::ErrorKind::InterfaceDown),
    /// [`ErrorKind::Busy`](super::ErrorKind::Busy), or what the system says.
    pub fn ask(&self) -> Result<(), Error> {
        if !self.interface.has_arp {
            return Ok(());
        }
        let mut result = Ok(());
        for &address in &self.addresses {
            let sent = match address {
                IpAddr::V4(address) => self.send(&arp::probe(self.mac, address)),
                IpAddr::V6(address) => self.send(&ndp::probe(self.mac, address)),
            };
            let operation = Operation::Probe { address };
            let sent =
                sent.map_err(|error| Error::new(operation, Some(self.interface.name), error));
            result = result.and(sent);
        }
        result
    }

    /// The next of what was said of the addresses, to this host or to all. It is not seen
    /// what comes from a virtual MAC address that a [`VirtualMac`](super::VirtualMac) above
    /// the interface has too, and goes to all: the kernel takes that for its own
    /// (`macvlan.c: macvlan_handle_frame`), and a prober there sees it.
    ///
    /// # Errors
    /// What the system says; as [`ErrorKind::InterfaceDown`](super::ErrorKind::InterfaceDown)
    /// once when the interface was set down.
    pub fn receive(&self) -> Result<Option<Answer>, Error> {
        let mut frame = [0; LONGEST];
        for _ in 0..MOST_UNMEANT {
            let length = match retry(|| (&self.socket).read(&mut frame)) {
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) => {
                    let operation = Operation::ReceiveAnswers;
                    return Err(Error::new(operation, Some(self.interface.name), error));
                }
            };
            let said = frame.get(..length).and_then(said);
            if let Some(answer) = said.filter(|said| self.addresses.contains(&said.address)) {
                return Ok(Some(answer));
            }
        }
        // What is left is polled again.
        Ok(None)
    }

    fn send(&self, frame: &[u8]) -> io::Result<()> {
        // A frame is sent whole or not at all.
        retry(|| self.socket.send(frame)).map(drop)
    }
}

impl AsFd for Prober {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn said(frame: &[u8]) -> Option<Answer> {
    let v4 = arp::sender(frame).map(|(address, mac)| Answer { address: address.into(), mac });
    v4.or_else(|| ndp::sender(frame).map(|(address, mac)| Answer { address: address.into(), mac }))
}

const fn ethertype(family: Family) -> u16 {
    match family {
        Family::V4 => 0x0806,
        Family::V6 => 0x86dd,
    }
}

/// Lets through what can be said of one of these addresses; [`said`] looks at the rest.
///
/// Of IPv6 it runs for each packet that comes to the interface, so that it is short.
fn filter(addresses: &[IpAddr]) -> Vec<SockFilter> {
    let is = |value| [SockFilter::new(IS, 1, 0, value), SockFilter::new(RETURN, 0, 0, NOTHING)];
    let load = |at| SockFilter::new(LOAD_WORD, 0, 0, at);
    let mut program = Vec::new();
    match addresses.first() {
        // The sender's address.
        Some(IpAddr::V4(_)) => program.push(load(28)),
        // ICMPv6, an advertisement, and the end of its target.
        Some(IpAddr::V6(_)) => {
            for (at, value) in [(20, 58), (54, 136)] {
                program.push(SockFilter::new(LOAD_BYTE, 0, 0, at));
                program.extend(is(value));
            }
            program.push(load(74));
        }
        None => {}
    }
    for &address in addresses {
        let end = match address {
            IpAddr::V4(address) => u32::from(address),
            IpAddr::V6(address) => {
                let [.., a, b, c, d] = address.octets();
                u32::from_be_bytes([a, b, c, d])
            }
        };
        program.push(SockFilter::new(IS, 0, 1, end));
        program.push(SockFilter::new(RETURN, 0, 0, EVERYTHING));
    }
    program.push(SockFilter::new(RETURN, 0, 0, NOTHING));
    program
}

// `linux/bpf_common.h`: BPF_LD | BPF_W | BPF_ABS, BPF_LD | BPF_B | BPF_ABS,
// BPF_JMP | BPF_JEQ | BPF_K and BPF_RET | BPF_K. What is outside the frame lets nothing
// through.
const LOAD_WORD: u16 = 0x20;
const LOAD_BYTE: u16 = 0x30;
const IS: u16 = 0x15;
const RETURN: u16 = 0x06;
const NOTHING: u32 = 0;
const EVERYTHING: u32 = u32::MAX;

/// Longer than any answer with the options that there are.
const LONGEST: usize = 1_514;

/// After so many that are not what they look like it is somebody else's turn.
const MOST_UNMEANT: u32 = 64;
