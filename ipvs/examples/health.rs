//! Health checks: all servers are asked at once, one that fails is taken out and
//! a command is run for it, and a sorry server stands in before none is left.
//! Figure 18 of the thesis.
//!
//! `cargo run --example health -- KEY SORRY ROUNDS COMMAND SERVER…`, as root. A
//! server is asked by HTTP at its own address and port. `COMMAND` gets the
//! server's address as its argument when it goes down.

#![expect(clippy::print_stdout, reason = "a program for a terminal")]

use ipvs::{Client, Destination, Endpoint, Service, ServiceKey};
use std::error::Error;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::thread;
use std::time::Duration;

/// Good answers in a row that bring a server in, and bad ones that take it out.
const RISE: u32 = 2;
const FALL: u32 = 2;
const TIMEOUT: Duration = Duration::from_millis(500);
const INTERVAL: Duration = Duration::from_millis(200);

struct Server {
    endpoint: Endpoint,
    up: bool,
    /// Answers in a row that say the other.
    against: u32,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [key, sorry, rounds, command, servers @ ..] = &arguments[..] else {
        return Err("usage: health KEY SORRY ROUNDS COMMAND SERVER…".into());
    };
    let key: ServiceKey = key.parse()?;
    let sorry = Destination::new(sorry.parse()?);
    let server = |text: &String| Ok(Server { endpoint: text.parse()?, up: false, against: 0 });
    let mut servers = servers.iter().map(server).collect::<Result<Vec<_>, Box<dyn Error>>>()?;

    let mut client = Client::connect()?;
    client.put_service(&Service::new(key))?;
    client.put_destination(&key, &sorry)?;
    for server in &mut servers {
        server.up = client.destination(&key, server.endpoint)?.is_some();
    }
    for _ in 0..rounds.parse()? {
        let healthy: Vec<bool> = thread::scope(|scope| {
            let ask = |server: &Server| {
                let endpoint = server.endpoint;
                scope.spawn(move || is_healthy(endpoint).is_ok())
            };
            let asked: Vec<_> = servers.iter().map(ask).collect();
            asked.into_iter().map(|asked| asked.join().unwrap_or(false)).collect()
        });
        let mut changed = Vec::new();
        for (server, healthy) in servers.iter_mut().zip(healthy) {
            server.against = if healthy == server.up { 0 } else { server.against + 1 };
            if server.against >= if healthy { RISE } else { FALL } {
                (server.up, server.against) = (healthy, 0);
                changed.push((server.endpoint, healthy));
            }
        }
        // In an order in which the pool never runs empty: what comes, then the
        // sorry server in or out, then what goes.
        let any_up = servers.iter().any(|server| server.up);
        for (endpoint, _) in changed.iter().filter(|(_, up)| *up) {
            client.put_destination(&key, &Destination::new(*endpoint))?;
            println!("{endpoint} is up");
        }
        let has_sorry = client.destination(&key, sorry.endpoint())?.is_some();
        if !any_up && !has_sorry {
            client.add_destination(&key, &sorry)?;
            println!("sorry server in");
        } else if any_up && has_sorry {
            client.delete_destination(&key, sorry.endpoint())?;
            println!("sorry server out");
        }
        for (endpoint, _) in changed.iter().filter(|(_, up)| !*up) {
            client.delete_destination(&key, *endpoint)?;
            println!("{endpoint} is down");
            // Not waited for: a restart may take longer than a round.
            Command::new(command).arg(endpoint.address.to_string()).spawn()?;
        }
        thread::sleep(INTERVAL);
    }
    Ok(())
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
