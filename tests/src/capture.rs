//! Records what the kernel's IPVS and its client say to each other, for tests
//! that have no kernel.
//!
//! `capture`, as root in a guest, builds a table in a network namespace of its
//! own and prints each datagram as `name hex`. `capture sync` does the same for
//! the datagrams of the kernel's sync master. `capture --write DIR` reads such
//! lines and makes a file for each name, its datagrams one after the other.
//!
//! What a client says is sent by raw messages: what is recorded must not depend
//! on the client that is tested with it.

mod messages;
mod table;

use ipvs_sys::family::{GetFamily, NLCTRL, NewFamily};
use ipvs_sys::{
    Body, Command, DaemonAttrs, DelDaemon, DelDestination, DelService, DestinationAttrs, Flush,
    GetConfig, GetDaemon, GetDestination, GetInfo, GetService, Messages, NewDaemon, NewDestination,
    NewService, Payload, ServiceAttrs, SetConfig, SetDestination, SetService, Stats, TimeoutAttrs,
    Zero, encode, put,
};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_GENERIC};
use nix::libc::{MSG_DONTWAIT, MSG_TRUNC};
use nix::sched::{CloneFlags, unshare};
use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};
use table::{BUSY, BUSY_KEY, TCP_KEY, TCP6_KEY, daemons, destinations, plain, services};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const REQUEST: u16 = 1;
const ACK: u16 = REQUEST | 4;
const DUMP: u16 = REQUEST | 0x300;

fn main() -> Result<()> {
    let mut arguments = env::args_os().skip(1);
    match (arguments.next(), arguments.next()) {
        (None, _) => record(),
        (Some(what), None) if what == "sync" => messages::record(),
        (Some(option), Some(directory)) if option == "--write" => write(Path::new(&directory)),
        _ => Err("usage: capture | capture sync | capture --write DIR < LINES".into()),
    }
}

fn write(directory: &Path) -> Result<()> {
    let mut files = BTreeMap::<String, Vec<u8>>::new();
    for line in io::stdin().lines() {
        let line = line?;
        let (name, hex) = line.split_once(' ').ok_or_else(|| format!("not a record: {line}"))?;
        let file = files.entry(name.to_owned()).or_default();
        for pair in hex.as_bytes().chunks(2) {
            file.push(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?);
        }
    }
    fs::create_dir_all(directory)?;
    for (name, bytes) in files {
        fs::write(directory.join(name).with_extension("bin"), bytes)?;
    }
    Ok(())
}

fn record() -> Result<()> {
    unshare(CloneFlags::CLONE_NEWNET)?;
    ip("link set lo up")?;
    ip("address add 198.51.100.1/32 dev lo")?;
    ip("address add 198.51.100.2/32 dev lo")?;
    ip("link add name lan0 type dummy")?;
    ip("address add 10.0.0.254/24 dev lan0")?;
    ip("link set lan0 up multicast on")?;

    let mut wire = Wire::connect(NLCTRL, false, false)?;
    let name = GetFamily { name: b"IPVS" };
    wire.family = family(&wire.exchange("get-family", Some("family"), REQUEST, &name)?)?;
    wire.exchange("get-services", Some("services-none"), DUMP, &GetService(None))?;
    table(&mut wire)?;
    // One socket each: the options change how the same errors look.
    for (ext_ack, cap_ack, name) in
        [(false, false, ""), (true, false, "-ext"), (false, true, "-cap"), (true, true, "-ext-cap")]
    {
        Wire::connect(wire.family, ext_ack, cap_ack)?.refusals(name)?;
    }
    edits(&mut wire)?;
    sync(&mut wire)
}

/// Fills the table, sends traffic through it and reads it in every way.
fn table(wire: &mut Wire) -> Result<()> {
    wire.exchange("new-service", Some("ack"), ACK, &NewService(BUSY))?;
    for service in services() {
        wire.exchange("new-service", None, ACK, &NewService(service))?;
    }
    let service = Some(BUSY_KEY);
    let destination = DestinationAttrs { addr: Some(&[198, 51, 100, 2]), ..plain(8080) };
    wire.exchange("new-destination", None, ACK, &NewDestination { service, destination })?;
    for (service, destination) in destinations() {
        let command = NewDestination { service: Some(service), destination };
        wire.exchange("new-destination", None, ACK, &command)?;
    }

    let connections = traffic()?;
    wire.wait_for_counters()?;
    wire.exchange("get-services", Some("services"), DUMP, &GetService(None))?;
    wire.exchange("get-service", Some("service"), REQUEST, &GetService(Some(BUSY_KEY)))?;
    let busy = GetDestination(BUSY_KEY);
    wire.exchange("get-destinations", Some("destinations-busy"), DUMP, &busy)?;
    wire.exchange("get-destinations", Some("destinations"), DUMP, &GetDestination(TCP_KEY))?;
    wire.exchange("get-destinations", Some("destinations-ipv6"), DUMP, &GetDestination(TCP6_KEY))?;
    drop(connections);
    wire.exchange("get-info", Some("info"), REQUEST, &GetInfo)?;
    let timeouts = TimeoutAttrs { tcp: Some(901), tcp_fin: Some(121), udp: Some(301) };
    wire.exchange("set-config", None, ACK, &SetConfig(timeouts))?;
    wire.exchange("get-config", Some("config"), REQUEST, &GetConfig)?;
    Ok(())
}

/// Every command that changes or removes something.
fn edits(wire: &mut Wire) -> Result<()> {
    let service = ServiceAttrs { timeout: Some(7), scheduler: Some(b"wlc"), ..services()[0] };
    wire.exchange("set-service", None, ACK, &SetService(service))?;
    let (service, destination) = destinations()[0];
    let destination = DestinationAttrs { weight: Some(0), ..destination };
    wire.exchange("set-destination", None, ACK, &SetDestination { service, destination })?;
    let destination = DestinationAttrs::by_address(2, &[10, 0, 0, 1], 8080);
    wire.exchange("del-destination", None, ACK, &DelDestination { service, destination })?;
    wire.exchange("zero", None, ACK, &Zero(Some(service)))?;
    wire.exchange("zero", None, ACK, &Zero(None))?;
    wire.exchange("del-service", None, ACK, &DelService(service))?;
    wire.exchange("del-service", None, ACK, &DelService(ServiceAttrs::by_fwmark(10, 7)))?;
    wire.exchange("flush", None, ACK, &Flush)?;
    Ok(())
}

fn sync(wire: &mut Wire) -> Result<()> {
    let [master, backup] = daemons();
    wire.exchange("new-daemon", None, ACK, &NewDaemon(master))?;
    wire.exchange("new-daemon", None, ACK, &NewDaemon(backup))?;
    wire.exchange("get-daemons", Some("daemons"), DUMP, &GetDaemon)?;
    for state in [DaemonAttrs::MASTER, DaemonAttrs::BACKUP] {
        let key = DaemonAttrs { state: Some(state), ..DaemonAttrs::default() };
        wire.exchange("del-daemon", None, ACK, &DelDaemon(key))?;
    }
    Ok(())
}

/// Twenty connections through the director, which stay open while they are held.
fn traffic() -> Result<Vec<TcpStream>> {
    let server = TcpListener::bind("198.51.100.2:8080")?;
    let mut open = Vec::new();
    for _ in 0..20 {
        let mut client = TcpStream::connect("198.51.100.1:80")?;
        let (mut served, _) = server.accept()?;
        let mut text = [0; 5];
        client.write_all(b"hello")?;
        served.read_exact(&mut text)?;
        served.write_all(&text)?;
        client.read_exact(&mut text)?;
        open.extend([client, served]);
    }
    Ok(open)
}

/// SET_CONFIG with an attribute that is too short for its type.
struct Malformed;

impl Command for Malformed {
    const NUMBER: u8 = 12;

    fn write<P: put::Put>(&self, out: &mut P) {
        put::attr(out, 5, &120u32.to_ne_bytes());
        put::attr(out, 4, &[1, 2]);
    }
}

/// The number in the answer of `nlctrl`.
fn family(answers: &[Vec<u8>]) -> Result<u16> {
    for message in answers.iter().flat_map(|datagram| Messages::new(datagram)) {
        if let Payload::Data { attrs, .. } = message?.payload {
            return Ok(NewFamily::parse(attrs)?.id);
        }
    }
    Err("no family".into())
}

struct Wire {
    socket: Socket,
    family: u16,
    sequence: u32,
}

impl Wire {
    fn connect(family: u16, ext_ack: bool, cap_ack: bool) -> Result<Self> {
        let socket = Socket::new(NETLINK_GENERIC)?;
        socket.set_ext_ack(ext_ack)?;
        socket.set_cap_ack(cap_ack)?;
        socket.connect(&SocketAddr::new(0, 0))?;
        Ok(Self { socket, family, sequence: 0x0100 })
    }

    /// Sends a request; records it, and what it brings where that has a name.
    fn exchange<C: Command>(
        &mut self,
        request: &str,
        reply: Option<&str>,
        flags: u16,
        command: &C,
    ) -> Result<Vec<Vec<u8>>> {
        let (sent, answers) = self.send(flags, command)?;
        for message in answers.iter().flat_map(|datagram| Messages::new(datagram)) {
            if let Payload::Error { code, .. } = message?.payload {
                let error = io::Error::from_raw_os_error(-code.get());
                return Err(format!("{request}: {error}").into());
            }
        }
        print(&format!("request-{request}"), &sent);
        if let Some(reply) = reply {
            answers.iter().for_each(|datagram| print(reply, datagram));
        }
        Ok(answers)
    }

    /// Records how a duplicate and a malformed attribute are refused.
    fn refusals(&mut self, options: &str) -> Result<()> {
        for answer in self.send(ACK, &NewService(BUSY))?.1 {
            print(&format!("error-exists{options}"), &answer);
        }
        for answer in self.send(ACK, &Malformed)?.1 {
            print(&format!("error-policy{options}"), &answer);
        }
        Ok(())
    }

    /// The estimator adds the counters up every two seconds; until then they are 0.
    fn wait_for_counters(&mut self) -> Result<()> {
        let (deadline, sequence) = (Instant::now() + Duration::from_secs(30), self.sequence);
        while Instant::now() < deadline {
            let answers = self.send(REQUEST, &GetService(Some(BUSY_KEY)))?.1;
            for message in answers.iter().flat_map(|datagram| Messages::new(datagram)) {
                let Payload::Data { attrs, .. } = message?.payload else { continue };
                let nest = Body::parse(attrs)?.service.and_then(|service| service.stats64);
                if nest.map(Stats::parse).transpose()?.is_some_and(|stats| stats.connections > 0) {
                    // As if it had never waited: the next recording is the same.
                    self.sequence = sequence;
                    return Ok(());
                }
            }
            thread::sleep(Duration::from_millis(20));
        }
        Err("the counters stay 0".into())
    }

    /// The request as sent, and the datagrams that answer it.
    fn send<C: Command>(&mut self, flags: u16, command: &C) -> Result<(Vec<u8>, Vec<Vec<u8>>)> {
        self.sequence += 1;
        let mut request = Vec::new();
        encode(command, self.family, flags, self.sequence, &mut request)?;
        self.socket.send(&request, 0)?;
        let mut answers = Vec::new();
        let mut buffer = [0; 0x2000];
        loop {
            // Everything is queued when `send` returns, and the next part of a
            // dump when `recv` does: an empty queue is the end.
            match self.socket.recv(&mut &mut buffer[..], MSG_DONTWAIT | MSG_TRUNC) {
                Ok(length) => answers.push(buffer.get(..length).ok_or("truncated")?.to_vec()),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok((request, answers))
    }
}

fn print(name: &str, datagram: &[u8]) {
    let hex: String = datagram.iter().map(|byte| format!("{byte:02x}")).collect();
    println!("{name} {hex}");
}

fn ip(arguments: &str) -> Result<()> {
    let status = process::Command::new("/sbin/ip").args(arguments.split(' ')).status()?;
    if status.success() { Ok(()) } else { Err(format!("ip {arguments}: {status}").into()) }
}
