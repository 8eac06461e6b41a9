//! Health checks: all servers are asked at once, one that fails is taken out and
//! a command is run for it, and a sorry server stands in before none is left.
//! Figure 18 of the thesis.
//!
//! `cargo run --example health -- KEY SORRY ROUNDS COMMAND SERVER…`, as root. A
//! server is asked by HTTP at its own address and port. `COMMAND` gets the
//! server's address as its argument when it goes down. What fails in a round is
//! told, and tried again in the next.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for a terminal")]

use ipvs::{Client, Destination, Endpoint, Service, ServiceKey, Weight};
use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::process::{Command, ExitCode};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Good answers in a row that bring a server in, and bad ones that take it out.
const RISE: u32 = 2;
const FALL: u32 = 2;
/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_millis(500);
/// Between two rounds.
const INTERVAL: Duration = Duration::from_millis(200);
/// How long the command may take.
const RESTART_TIMEOUT: Duration = Duration::from_secs(10);

const USAGE: &str = "usage: health KEY SORRY ROUNDS COMMAND SERVER…";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut checks = arguments().map_err(|error| format!("{error}\n{USAGE}"))?;
    let mut client = Client::connect()?;
    checks.begin(&mut client)?;
    for _ in 0..checks.rounds {
        checks.ask();
        if let Err(error) = checks.balance(&mut client) {
            eprintln!("{error}");
        }
        thread::sleep(INTERVAL);
    }
    // None is left behind.
    for restart in checks.servers.into_iter().filter_map(|server| server.restart) {
        let _ = restart.join();
    }
    Ok(())
}

fn arguments() -> Result<Checks, Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [key, sorry, rounds, command, _, ..] = &words[..] else {
        return Err("arguments are missing".into());
    };
    let servers = words.iter().skip(4).map(|server| Ok(Server::new(server.parse()?)));
    Ok(Checks {
        key: key.parse()?,
        sorry: Destination::new(sorry.parse()?),
        rounds: rounds.parse().map_err(|error| format!("`{rounds}`: {error}"))?,
        command: command.clone(),
        servers: servers.collect::<Result<_, Box<dyn Error>>>()?,
    })
}

struct Checks {
    key: ServiceKey,
    sorry: Destination,
    rounds: u32,
    command: String,
    servers: Vec<Server>,
}

struct Server {
    /// As it was in the pool last.
    destination: Destination,
    up: bool,
    /// Answers in a row that say the other.
    against: u32,
    /// What runs the command for it, or did.
    restart: Option<JoinHandle<()>>,
}

type Pool = BTreeMap<Endpoint, Destination>;

impl Checks {
    /// A service that is there stays as it is, and a server that is in its pool
    /// counts as up.
    fn begin(&mut self, client: &mut Client) -> Result<(), ipvs::Error> {
        match client.add_service(&Service::new(self.key)) {
            Err(error) if !error.is_already_exists() => return Err(error),
            _ => {}
        }
        let pool = self.pool(client)?;
        for server in &mut self.servers {
            if let Some(found) = pool.get(&server.endpoint()) {
                (server.destination, server.up) = (*found, true);
            }
        }
        Ok(())
    }

    /// Asks all servers at once.
    fn ask(&mut self) {
        let command = &self.command;
        thread::scope(|scope| {
            for server in &mut self.servers {
                scope.spawn(move || {
                    let good = is_healthy(server.endpoint()).unwrap_or(false);
                    server.hear(good, command);
                });
            }
        });
    }

    /// Puts in the pool who is up, and the sorry server if that is nobody, and
    /// takes out who is not, in an order in which the pool never runs empty.
    fn balance(&mut self, client: &mut Client) -> Result<(), ipvs::Error> {
        let mut pool = self.pool(client)?;
        for server in self.servers.iter().filter(|server| server.up) {
            let endpoint = server.endpoint();
            if pool.contains_key(&endpoint) {
                continue;
            }
            match client.add_destination(&self.key, &server.destination) {
                Ok(()) => {
                    println!("{endpoint} is up");
                    pool.insert(endpoint, server.destination);
                }
                // It does not keep the others from being balanced.
                Err(error) => eprintln!("{error}"),
            }
        }
        let is_serving = |server: &&Server| {
            let found = pool.get(&server.endpoint());
            server.up && found.is_some_and(|found| found.weight() != Weight::ZERO)
        };
        let serving: Vec<&Server> = self.servers.iter().filter(is_serving).collect();
        let has_sorry = pool.contains_key(&self.sorry.endpoint());
        if serving.is_empty() && !has_sorry {
            client.add_destination(&self.key, &self.sorry)?;
            println!("sorry server in");
        }
        // One that counts as up from the start may be dead.
        let answers = serving.iter().any(|server| server.against == 0);
        if answers && has_sorry {
            client.delete_destination(&self.key, self.sorry.endpoint())?;
            println!("sorry server out");
        }
        for server in self.servers.iter_mut().filter(|server| !server.up) {
            if let Some(found) = pool.get(&server.endpoint()) {
                server.destination = *found;
                client.delete_destination(&self.key, server.endpoint())?;
                println!("{} is down", server.endpoint());
            }
        }
        Ok(())
    }

    fn pool(&self, client: &mut Client) -> Result<Pool, ipvs::Error> {
        let found = client.destinations(&self.key)?.into_iter().map(|entry| entry.destination);
        Ok(found.map(|destination| (destination.endpoint(), destination)).collect())
    }
}

impl Server {
    fn new(endpoint: Endpoint) -> Self {
        Self { destination: Destination::new(endpoint), up: false, against: 0, restart: None }
    }

    fn endpoint(&self) -> Endpoint {
        self.destination.endpoint()
    }

    /// Takes an answer in, and has the command run if the server goes down by it.
    fn hear(&mut self, good: bool, command: &str) {
        self.against = if good == self.up { 0 } else { self.against + 1 };
        if self.against < if good { RISE } else { FALL } {
            return;
        }
        (self.up, self.against) = (good, 0);
        // One that still runs since the last time is let finish.
        if !good && self.restart.as_ref().is_none_or(JoinHandle::is_finished) {
            let (command, address) = (command.to_owned(), self.endpoint().address);
            self.restart = Some(thread::spawn(move || {
                if let Err(error) = restart(&command, address) {
                    eprintln!("{command} {address}: {error}");
                }
            }));
        }
    }
}

fn is_healthy(endpoint: Endpoint) -> io::Result<bool> {
    let end = Instant::now() + TIMEOUT;
    let address = SocketAddr::new(endpoint.address, endpoint.port);
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
    let mut answer = Vec::new();
    while answer.len() < "HTTP/1.0 200".len() {
        // When no time is left this is an error.
        stream.set_read_timeout(Some(end.saturating_duration_since(Instant::now())))?;
        let mut part = [0; 64];
        match stream.read(&mut part)? {
            0 => return Ok(false),
            length => answer.extend(part.iter().take(length)),
        }
    }
    Ok(answer.starts_with(b"HTTP/1.") && answer.get(8..12) == Some(b" 200"))
}

/// Runs the command, waits for it, and kills it when it takes too long.
fn restart(command: &str, address: IpAddr) -> io::Result<()> {
    let end = Instant::now() + RESTART_TIMEOUT;
    let mut child = Command::new(command).arg(address.to_string()).spawn()?;
    while Instant::now() < end {
        match child.try_wait()? {
            None => thread::sleep(INTERVAL),
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(io::Error::other(status.to_string())),
        }
    }
    child.kill()?;
    child.wait()?;
    Err(io::Error::other(format!("killed after {RESTART_TIMEOUT:?}")))
}
