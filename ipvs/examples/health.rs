//! Health checks: all servers are asked at once, one that fails is taken out and
//! a command is run for it, and a sorry server stands in before none is left.
//! Figure 18 of the thesis.
//!
//! `cargo run --example health -- KEY SORRY ROUNDS COMMAND SERVER…`, as root. A
//! server is asked by HTTP at its own address and port. `COMMAND` gets the
//! server's address as its argument when it goes down, and half a minute. What
//! goes wrong is told and tried again in the next round.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for a terminal")]

use ipvs::{Client, Destination, Endpoint, Service, ServiceKey};
use std::error::Error;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

/// Good answers in a row that bring a server in, and bad ones that take it out.
const RISE: u32 = 2;
const FALL: u32 = 2;
const TIMEOUT: Duration = Duration::from_millis(500);
const INTERVAL: Duration = Duration::from_millis(200);
const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);

struct Server {
    endpoint: Endpoint,
    up: bool,
    /// Whether it answered since it is up: one that was in the pool from the start
    /// may be dead.
    seen: bool,
    /// Answers in a row that say the other.
    against: u32,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [key, sorry, rounds, command, servers @ ..] = &arguments[..] else {
        return Err("usage: health KEY SORRY ROUNDS COMMAND SERVER…".into());
    };
    let key: ServiceKey = key.parse()?;
    let sorry: Endpoint = sorry.parse()?;
    let rounds: u32 = rounds.parse()?;
    let endpoints =
        servers.iter().map(|text| text.parse()).collect::<Result<Vec<Endpoint>, _>>()?;

    let mut client = Client::connect()?;
    if client.service(&key)?.is_none() {
        client.add_service(&Service::new(key))?;
    }
    let pool = pool(&mut client, &key)?;
    let server =
        |endpoint| Server { endpoint, up: pool.contains(&endpoint), seen: false, against: 0 };
    let mut servers: Vec<Server> = endpoints.into_iter().map(server).collect();
    let mut commands = Commands(Vec::new());
    for _ in 0..rounds {
        for down in judge(&mut servers) {
            commands.run(command, down);
        }
        if let Err(error) = bring_about(&mut client, &key, &servers, sorry) {
            eprintln!("{error}");
        }
        commands.end_late();
        thread::sleep(INTERVAL);
    }
    Ok(())
}

/// Asks all servers, and returns those that go down.
fn judge(servers: &mut [Server]) -> Vec<Endpoint> {
    let healthy: Vec<bool> = thread::scope(|scope| {
        let ask = |server: &Server| {
            let endpoint = server.endpoint;
            scope.spawn(move || is_healthy(endpoint).is_ok())
        };
        let asked: Vec<_> = servers.iter().map(ask).collect();
        asked.into_iter().map(|asked| asked.join().unwrap_or(false)).collect()
    });
    let mut down = Vec::new();
    for (server, healthy) in servers.iter_mut().zip(healthy) {
        server.against = if healthy == server.up { 0 } else { server.against + 1 };
        if server.against >= if healthy { RISE } else { FALL } {
            (server.up, server.seen, server.against) = (healthy, false, 0);
            down.extend((!healthy).then_some(server.endpoint));
        }
        server.seen |= server.up && healthy;
    }
    down
}

/// Changes the pool in an order in which it never runs empty: what comes, then the
/// sorry server in or out, then what goes.
fn bring_about(
    client: &mut Client,
    key: &ServiceKey,
    servers: &[Server],
    sorry: Endpoint,
) -> Result<(), ipvs::Error> {
    let pool = pool(client, key)?;
    for server in servers.iter().filter(|server| server.up && !pool.contains(&server.endpoint)) {
        client.put_destination(key, &Destination::new(server.endpoint))?;
        println!("{} is up", server.endpoint);
    }
    let none_up = !servers.iter().any(|server| server.up && server.seen);
    if none_up && !pool.contains(&sorry) {
        client.put_destination(key, &Destination::new(sorry))?;
        println!("sorry server in");
    } else if !none_up && pool.contains(&sorry) {
        client.delete_destination(key, sorry)?;
        println!("sorry server out");
    }
    for server in servers.iter().filter(|server| !server.up && pool.contains(&server.endpoint)) {
        client.delete_destination(key, server.endpoint)?;
        println!("{} is down", server.endpoint);
    }
    Ok(())
}

fn pool(client: &mut Client, key: &ServiceKey) -> Result<Vec<Endpoint>, ipvs::Error> {
    let entries = client.destinations(key)?;
    Ok(entries.iter().map(|entry| entry.destination.endpoint()).collect())
}

fn is_healthy(endpoint: Endpoint) -> io::Result<()> {
    let address = SocketAddr::new(endpoint.address, endpoint.port);
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
    let mut start = [0; 12];
    stream.read_exact(&mut start)?;
    if start.ends_with(b" 200") { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
}

/// Commands that run, since when. A restart may take longer than a round, so
/// nobody waits for one.
struct Commands(Vec<(Child, Instant)>);

impl Commands {
    fn run(&mut self, command: &str, server: Endpoint) {
        match Command::new(command).arg(server.address.to_string()).spawn() {
            Ok(child) => self.0.push((child, Instant::now())),
            Err(error) => eprintln!("{command}: {error}"),
        }
    }

    /// Ends those whose time is up, and forgets those that have ended.
    fn end_late(&mut self) {
        self.0.retain_mut(|(child, since)| {
            if since.elapsed() > COMMAND_TIMEOUT && child.kill().is_ok() {
                eprintln!("a command took more than {COMMAND_TIMEOUT:?} and was ended");
            }
            matches!(child.try_wait(), Ok(None))
        });
    }
}
