//! Counters and connections for Prometheus, at http://127.0.0.1:PORT/metrics.
//!
//! `cargo run --example exporter --features json,toml -- PORT [TABLE]`, as root. The
//! table is a file that names services; those without a name have their key. Of
//! more destinations than `LIMIT`, the rest is one, `other`, of each service.

use ipvs::{Client, Connections, Snapshot, Stats, Table};
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

/// Destinations that have labels of their own.
const LIMIT: usize = 1_000;
/// How long a request may take.
const TIMEOUT: Duration = Duration::from_secs(5);

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

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let port = arguments.next().ok_or("usage: exporter PORT [TABLE]")?.parse()?;
    let names = arguments.next().map(Table::read).transpose()?.unwrap_or_default();
    let mut client = Client::connect()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    for stream in listener.incoming() {
        let mut stream = stream?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        let mut request = String::new();
        let read = BufReader::new(&stream).read_line(&mut request);
        let (status, body) = match client.snapshot() {
            _ if read.is_err() => ("400 Bad Request", String::new()),
            Ok(_) if !request.starts_with("GET /metrics ") => ("404 Not Found", String::new()),
            Ok(snapshot) => ("200 OK", metrics(&snapshot, &names)),
            Err(error) => ("503 Service Unavailable", format!("{error}\n")),
        };
        let head = format!(
            "HTTP/1.0 {status}\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        // A client that went away is no reason to stop.
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
    }
    Ok(())
}

fn metrics(snapshot: &Snapshot, names: &Table) -> String {
    let mut services = Vec::new();
    let mut destinations: BTreeMap<String, (Vec<Stats>, Vec<Connections>)> = BTreeMap::new();
    let mut left = LIMIT;
    for found in snapshot.services() {
        let key = found.entry.service.key();
        let name = names.get(&key).and_then(|wanted| wanted.name());
        let service = escaped(&name.map_or_else(|| key.to_string(), str::to_owned));
        services.push((format!("service=\"{service}\""), found.entry.stats));
        for entry in found.destinations {
            let destination = match left.checked_sub(1) {
                Some(fewer) => {
                    left = fewer;
                    entry.destination.endpoint().to_string()
                }
                None => "other".to_owned(),
            };
            let labels = format!("service=\"{service}\",destination=\"{destination}\"");
            let (stats, connections) = destinations.entry(labels).or_default();
            stats.push(entry.stats);
            connections.push(entry.connections);
        }
    }
    let mut out = String::new();
    for (name, help, read) in COUNTERS {
        heading(&mut out, &format!("ipvs_service_{name}"), help, "counter");
        for (labels, stats) in &services {
            let _ = writeln!(out, "ipvs_service_{name}{{{labels}}} {}", read(stats));
        }
        heading(&mut out, &format!("ipvs_destination_{name}"), help, "counter");
        for (labels, (stats, _)) in &destinations {
            let sum: u64 = stats.iter().map(read).sum();
            let _ = writeln!(out, "ipvs_destination_{name}{{{labels}}} {sum}");
        }
    }
    for (name, help, read) in GAUGES {
        heading(&mut out, &format!("ipvs_destination_{name}"), help, "gauge");
        for (labels, (_, connections)) in &destinations {
            let sum: u64 = connections.iter().map(|now| u64::from(read(now))).sum();
            let _ = writeln!(out, "ipvs_destination_{name}{{{labels}}} {sum}");
        }
    }
    out
}

fn heading(out: &mut String, name: &str, help: &str, kind: &str) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

/// A label's value as the text format has it.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
