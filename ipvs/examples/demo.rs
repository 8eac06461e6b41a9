//! A director, two real servers and a client in network namespaces of their
//! own: the kernel balances real HTTP requests, and this program sets it up,
//! shows what an operator wants to see, and checks that it is so.
//!
//! Needs root, IPVS in the kernel, and `ip` of iproute2. `cargo xtask demo` runs
//! it in a guest, `cargo xtask demo --native` on this machine.

#![expect(clippy::print_stdout, reason = "a demonstration for a terminal")]

use ipvs::{Client, Destination, DestinationEntry, Scheduler, Service, ServiceKey, Stats, Weight};
use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

type Outcome<T> = Result<T, Box<dyn Error>>;

const VIRTUAL: &str = "10.0.0.1:80";
const FIRST: &str = "192.168.0.1:80";
const SECOND: &str = "192.168.0.2:80";
const NAMESPACES: [&str; 4] = ["client", "director", "server1", "server2"];
/// How the names of the namespaces start, before the process that made them.
const PREFIX: &str = "ipvs-demo-";
/// The environment variable that tells a part who made the namespaces.
const OWNER: &str = "IPVS_DEMO_OWNER";
/// How long anything on the network may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The program plays all parts: it starts itself again in each namespace.
fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => run(),
        ["direct"] => direct(),
        ["serve", name, address] => serve(name, address),
        ["request", count] => request(count.parse()?),
        ["hold"] => hold(),
        _ => Err("usage: demo".into()),
    }
}

/// Makes the network, and has the director balance.
fn run() -> Outcome<()> {
    let _network = Network::make()?;
    let _servers = [
        Part::start("server1", &["serve", "first", FIRST])?,
        Part::start("server2", &["serve", "second", SECOND])?,
    ];
    let status = part("director", &["direct"])?.status()?;
    if !status.success() {
        return Err("the demonstration failed".into());
    }
    Ok(())
}

/// What the crate is for: the director's part.
fn direct() -> Outcome<()> {
    let mut client = Client::connect()?;
    let key: ServiceKey = ServiceKey::tcp(VIRTUAL.parse()?);
    let first = Destination::new(FIRST.parse()?);
    let second = Destination::new(SECOND.parse()?).with_weight(Weight::from(3));

    heading("Weighted round robin: one share for the first server, three for the second");
    client.add_service(&Service::new(key).with_scheduler(Scheduler::Wrr))?;
    client.add_destination(&key, &first)?;
    client.add_destination(&key, &second)?;
    expect(requests(400)?, &[("first", 100), ("second", 300)])?;
    show(&mut client)?;
    let counted = client.service(&key)?.ok_or("service gone")?.stats.connections;
    if counted != 400 {
        return Err(format!("the kernel counted {counted} connections instead of 400").into());
    }

    heading("One call changes a weight of the live service: now equal shares");
    client.set_weight(&key, second.endpoint(), Weight::ONE)?;
    expect(requests(100)?, &[("first", 50), ("second", 50)])?;

    heading("Weight 0 with a connection open: it lives on, new ones go elsewhere");
    let mut held = Held::open()?;
    let name = held.ask()?;
    println!("  a connection is open to the {name} server");
    let (draining, other) = if name == "first" { (first, "second") } else { (second, "first") };
    client.set_weight(&key, draining.endpoint(), Weight::ZERO)?;
    expect(requests(100)?, &[(other, 100)])?;
    let still = held.ask()?;
    println!("  the open connection is still answered by the {still} server");
    if still != name {
        return Err(format!("the connection moved from {name} to {still}").into());
    }
    let drained = client.destination(&key, draining.endpoint())?.ok_or("destination gone")?;
    if drained.connections.active != 1 {
        return Err(format!("expected one active connection: {drained:?}").into());
    }
    show(&mut client)?;
    held.close()?;

    println!("\nAll as expected.");
    Ok(())
}

/// Prints services, destinations, connections and counters as aligned tables.
fn show(client: &mut Client) -> Outcome<()> {
    // The kernel refreshes its counters every two seconds.
    sleep(Duration::from_millis(2500));
    let mut setup = vec![row(["SERVICE / server", "how", "weight", "active", "inactive"])];
    let mut counters =
        vec![row(["SERVICE / server", "connections", "packets in", "packets out", "bytes out"])];
    for entry in client.services()? {
        let service = entry.service;
        let name = service.key().to_string();
        setup.push(row([&name, &service.scheduler().to_string(), "", "", ""]));
        counters.push(counted(name, entry.stats));
        let mut destinations = client.destinations(&service.key())?;
        destinations.sort_by_key(|entry| entry.destination.endpoint());
        for DestinationEntry { destination, connections, stats } in destinations {
            let name = format!("  {}", destination.endpoint());
            setup.push([
                name.clone(),
                destination.forwarding().to_string(),
                destination.weight().to_string(),
                connections.active.to_string(),
                connections.inactive.to_string(),
            ]);
            counters.push(counted(name, stats));
        }
    }
    print_table(&setup);
    print_table(&counters);
    Ok(())
}

type Row = [String; 5];

fn row(cells: [&str; 5]) -> Row {
    cells.map(str::to_owned)
}

fn counted(name: String, stats: Stats) -> Row {
    let Stats { connections, packets_in, packets_out, bytes_out, .. } = stats;
    let [a, b, c, d] = [connections, packets_in, packets_out, bytes_out].map(|n| n.to_string());
    [name, a, b, c, d]
}

/// The first column to the left, the others to the right.
fn print_table(rows: &[Row]) {
    let mut widths = [0; 5];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.len().max(*width);
        }
    }
    println!();
    for row in rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
            line += &match column {
                0 => format!("  {cell:<width$}"),
                _ => format!("  {cell:>width$}"),
            };
        }
        println!("{}", line.trim_end());
    }
}

fn heading(text: &str) {
    println!("\n== {text}");
}

/// Prints who answered how often, which must be exactly so.
fn expect(answers: BTreeMap<String, u32>, expected: &[(&str, u32)]) -> Outcome<()> {
    for (name, count) in &answers {
        println!("  {count:>4} requests answered by the {name} server");
    }
    let expected = expected.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
    if answers != expected {
        return Err(format!("expected {expected:?}, got {answers:?}").into());
    }
    Ok(())
}

/// Has the client make so many requests and counts the answers by server.
fn requests(count: u32) -> Outcome<BTreeMap<String, u32>> {
    let output = part("client", &["request", &count.to_string()])?.output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let mut answers = BTreeMap::new();
    for name in String::from_utf8(output.stdout)?.lines() {
        *answers.entry(name.to_owned()).or_default() += 1;
    }
    Ok(answers)
}

/// A connection of the client's that stays open.
struct Held {
    part: Part,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Held {
    fn open() -> Outcome<Self> {
        let mut command = part("client", &["hold"])?;
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let ask = child.stdin.take().ok_or("no input")?;
        let answers = BufReader::new(child.stdout.take().ok_or("no output")?);
        Ok(Self { part: Part(child), ask, answers })
    }

    /// The name of the server at the other end.
    fn ask(&mut self) -> Outcome<String> {
        writeln!(self.ask)?;
        let mut name = String::new();
        if self.answers.read_line(&mut name)? == 0 {
            return Err("the open connection broke".into());
        }
        Ok(name.trim_end().to_owned())
    }

    fn close(mut self) -> Outcome<()> {
        drop(self.ask);
        self.part.0.wait()?;
        Ok(())
    }
}

/// A real server: answers every request with its name.
fn serve(name: &str, address: &str) -> Outcome<()> {
    let listener = TcpListener::bind(address)?;
    println!("ready");
    for stream in listener.incoming() {
        let (stream, name) = (stream?, name.to_owned());
        std::thread::spawn(move || answer(stream, &name));
    }
    Ok(())
}

fn answer(mut stream: TcpStream, name: &str) -> std::io::Result<()> {
    let mut requests = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    while requests.read_line(&mut line)? > 0 {
        if line == "\r\n" {
            let length = name.len();
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{name}")?;
        }
        line.clear();
    }
    Ok(())
}

/// The client: each request on a connection of its own.
fn request(count: u32) -> Outcome<()> {
    for _ in 0..count {
        println!("{}", get(&mut connect()?)?);
    }
    Ok(())
}

/// The client: one connection, a request for every line of input.
fn hold() -> Outcome<()> {
    let mut stream = connect()?;
    for line in std::io::stdin().lines() {
        line?;
        println!("{}", get(&mut stream)?);
    }
    Ok(())
}

/// A connection that fails instead of waiting for ever.
fn connect() -> Outcome<TcpStream> {
    let stream = TcpStream::connect_timeout(&VIRTUAL.parse()?, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    Ok(stream)
}

fn get(stream: &mut TcpStream) -> Outcome<String> {
    write!(stream, "GET / HTTP/1.1\r\nHost: demo\r\n\r\n")?;
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 && line != "\r\n" {
        if let Some(value) = line.strip_prefix("Content-Length: ") {
            length = value.trim().parse()?;
        }
        line.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(String::from_utf8(body)?)
}

/// This program again, in a namespace.
fn part(namespace: &str, arguments: &[&str]) -> Outcome<Command> {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", &scoped(namespace)]).arg(std::env::current_exe()?);
    command.args(arguments).env(OWNER, owner());
    Ok(command)
}

/// A process that ends with its owner.
struct Part(Child);

impl Part {
    /// Starts a part and waits for the line that says it is ready.
    fn start(namespace: &str, arguments: &[&str]) -> Outcome<Self> {
        let mut part = Self(part(namespace, arguments)?.stdout(Stdio::piped()).spawn()?);
        let ready = part.0.stdout.take().ok_or("no output")?;
        if BufReader::new(ready).read_line(&mut String::new())? == 0 {
            return Err(format!("{namespace} did not start").into());
        }
        Ok(part)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to do.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The namespaces, joined by pairs of virtual interfaces; gone when dropped.
struct Network;

impl Network {
    fn make() -> Outcome<Self> {
        remove_left_behind()?;
        let network = Self;
        for name in NAMESPACES {
            ip(&format!("netns add {}", scoped(name)))?;
            ip(&format!("-n {} link set lo up", scoped(name)))?;
        }
        network.join("client", "10.0.0.2", "10.0.0.1")?;
        network.join("server1", "192.168.0.1", "192.168.0.254")?;
        network.join("server2", "192.168.0.2", "192.168.0.254")?;
        let forward = "/proc/sys/net/ipv4/ip_forward";
        let arguments = ["netns", "exec", &scoped("director"), "sh", "-c"];
        let status =
            Command::new("ip").args(arguments).arg(format!("echo 1 > {forward}")).status()?;
        if !status.success() {
            return Err("cannot switch forwarding on".into());
        }
        Ok(network)
    }

    /// A line from a namespace to the director, by which it reaches all others.
    fn join(&self, name: &str, address: &str, director: &str) -> Outcome<()> {
        let (far, near) = (scoped(name), scoped("director"));
        ip(&format!("-n {near} link add {name} type veth peer name eth0 netns {far}"))?;
        ip(&format!("-n {near} addr add {director}/32 dev {name}"))?;
        ip(&format!("-n {near} link set {name} up"))?;
        ip(&format!("-n {near} route add {address}/32 dev {name}"))?;
        ip(&format!("-n {far} addr add {address}/32 dev eth0"))?;
        ip(&format!("-n {far} link set eth0 up"))?;
        ip(&format!("-n {far} route add {director}/32 dev eth0"))?;
        ip(&format!("-n {far} route add default via {director}"))?;
        Ok(())
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for name in NAMESPACES {
            let _ = ip(&format!("netns del {}", scoped(name)));
        }
    }
}

/// Deletes the namespaces of demonstrations that were killed.
fn remove_left_behind() -> Outcome<()> {
    let listed = ip("netns list")?;
    let names = listed.lines().filter_map(|line| line.split_whitespace().next());
    for name in names {
        let owner = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next());
        if owner.is_some_and(|owner| !Path::new("/proc").join(owner).exists()) {
            ip(&format!("netns del {name}"))?;
        }
    }
    Ok(())
}

/// A name that no other namespace on the machine has.
fn scoped(name: &str) -> String {
    format!("{PREFIX}{}-{name}", owner())
}

/// The process that made the namespaces; the parts that it starts are told.
fn owner() -> String {
    std::env::var(OWNER).unwrap_or_else(|_| std::process::id().to_string())
}

/// Runs `ip` and returns what it prints.
fn ip(arguments: &str) -> Outcome<String> {
    let output = Command::new("ip").args(arguments.split_whitespace()).output()?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        return Err(format!("ip {arguments}: {}", complaint.trim_end()).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}
