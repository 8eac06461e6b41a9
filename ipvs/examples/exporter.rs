//! Counters and connections for Prometheus, at http://127.0.0.1:PORT/metrics.
//!
//! `cargo run --example exporter --features json,toml -- PORT [TABLE]`, as root. The
//! table is a file that names services; those without a name have their key.
//!
//! At most `LIMIT` services and `LIMIT` destinations have series of their own. Of
//! the other destinations of a service the connections are added up as `other`;
//! their counters are not told, as a sum falls when one of them goes.

#![expect(clippy::print_stderr, reason = "a program for a terminal")]

use ipvs::{Client, Connections, Snapshot, Stats, Table};
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Services, and destinations, that have labels of their own.
const LIMIT: usize = 1_000;
/// What a request may take: time, and bytes.
const TIMEOUT: Duration = Duration::from_secs(5);
const LONGEST: usize = 8_192;

type Counter = (&'static str, &'static str, fn(&Stats) -> u64);
type Gauge = (&'static str, &'static str, fn(&Connections) -> u32);

const COUNTERS: [Counter; 5] = [
    ("connections_total", "Connections scheduled.", |stats| stats.connections),
    ("packets_in_total", "Packets from clients.", |stats| stats.packets_in),
    ("packets_out_total", "Packets to clients.", |stats| stats.packets_out),
    ("bytes_in_total", "Bytes from clients.", |stats| stats.bytes_in),
    ("bytes_out_total", "Bytes to clients.", |stats| stats.bytes_out),
];

const GAUGES: [Gauge; 3] = [
    ("connections_active", "Connections established.", |now| now.active),
    ("connections_inactive", "Connections being closed, and UDP's.", |now| now.inactive),
    ("connections_persistent", "Clients that are remembered.", |now| now.persistent),
];

const USAGE: &str = "usage: exporter PORT [TABLE]";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn arguments() -> Result<(u16, Table), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (port, names) = match &words[..] {
        [port] => (port, Table::default()),
        [port, file] => (port, Table::read(file)?),
        _ => return Err("one or two arguments are needed".into()),
    };
    Ok((port.parse().map_err(|error| format!("port `{port}`: {error}"))?, names))
}

fn run() -> Result<(), Box<dyn Error>> {
    let (port, names) = arguments().map_err(|error| format!("{error}\n{USAGE}"))?;
    let mut client = Client::connect()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    for stream in listener.incoming() {
        // A client that went away is no reason to stop.
        let _ = stream.and_then(|stream| answer(&stream, &mut client, &names));
    }
    Ok(())
}

fn answer(mut stream: &TcpStream, client: &mut Client, names: &Table) -> io::Result<()> {
    let (status, body) = match request(stream) {
        Err(_) => ("400 Bad Request", String::new()),
        Ok(request) if !request.starts_with(b"GET /metrics ") => ("404 Not Found", String::new()),
        Ok(_) => match client.snapshot() {
            Ok(snapshot) => ("200 OK", metrics(&snapshot, names)),
            Err(error) => ("503 Service Unavailable", format!("{error}\n")),
        },
    };
    stream.set_write_timeout(Some(TIMEOUT))?;
    write!(
        stream,
        "HTTP/1.0 {status}\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )?;
    stream.write_all(body.as_bytes())
}

/// Reads a request to the end of its head: what is left unread resets the connection.
fn request(mut stream: &TcpStream) -> io::Result<Vec<u8>> {
    let (start, mut request, mut part) = (Instant::now(), Vec::new(), [0; 1_024]);
    while !request.windows(4).any(|four| four == b"\r\n\r\n") {
        let left = TIMEOUT.saturating_sub(start.elapsed());
        if left.is_zero() || request.len() > LONGEST {
            return Err(io::ErrorKind::InvalidData.into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut part)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            len => request.extend(part.iter().take(len)),
        }
    }
    Ok(request)
}

fn metrics(snapshot: &Snapshot, names: &Table) -> String {
    let (mut services, mut destinations) = (Vec::new(), Vec::new());
    let mut connections: BTreeMap<String, Vec<Connections>> = BTreeMap::new();
    for found in snapshot.services().take(LIMIT) {
        let key = found.entry.service.key();
        let name = names.get(&key).and_then(|wanted| wanted.name());
        let service = escaped(&name.map_or_else(|| key.to_string(), str::to_owned));
        services.push((format!("service=\"{service}\""), found.entry.stats));
        for entry in found.destinations {
            let own = destinations.len() < LIMIT;
            let name =
                if own { entry.destination.endpoint().to_string() } else { "other".to_owned() };
            let labels = format!("service=\"{service}\",destination=\"{name}\"");
            if own {
                destinations.push((labels.clone(), entry.stats));
            }
            connections.entry(labels).or_default().push(entry.connections);
        }
    }
    let mut out = String::new();
    for (of, series) in [("service", &services), ("destination", &destinations)] {
        for (name, help, read) in COUNTERS {
            heading(&mut out, &format!("ipvs_{of}_{name}"), help, "counter");
            for (labels, stats) in series {
                let _ = writeln!(out, "ipvs_{of}_{name}{{{labels}}} {}", read(stats));
            }
        }
    }
    for (name, help, read) in GAUGES {
        heading(&mut out, &format!("ipvs_destination_{name}"), help, "gauge");
        for (labels, connections) in &connections {
            let sum: u64 = connections.iter().map(|now| u64::from(read(now))).sum();
            let _ = writeln!(out, "ipvs_destination_{name}{{{labels}}} {sum}");
        }
    }
    heading(&mut out, "ipvs_services", "Services, also those without series.", "gauge");
    let _ = writeln!(out, "ipvs_services {}", snapshot.services().len());
    out
}

fn heading(out: &mut String, name: &str, help: &str, kind: &str) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

/// A label's value as the text format has it.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
