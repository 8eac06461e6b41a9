//! What breaks connection sync: on this node and, with what a peer reports of itself,
//! between the two.

use crate::config::{self, Config};
use crate::exit::{Exit, Failure};
use crate::output::show;
use crate::running;
use ipvs::{Client, Namespace};
use ipvs_sync::doctor::{Finding, GatherError, Report, Severity, compare, compare_all, examine};
use ipvs_sync::net::Rtnetlink;
use ipvs_sync::peer::ask_for_report;
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;
use std::{fs, iter};

/// What is told as JSON, and read of a peer.
#[derive(Debug, Serialize, Deserialize)]
struct Diagnosis {
    /// What this node is.
    report: Report,
    findings: Vec<Found>,
}

/// A finding.
#[derive(Debug, Serialize, Deserialize)]
struct Found {
    severity: String,
    at: At,
    /// The peer that this is about, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    peer: Option<String>,
    finding: String,
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum At {
    Here,
    Peer,
    Between,
}

/// Tells what is wrong with the node that the configuration is of.
pub(crate) fn run(file: &Path, is_json: bool, peer: Option<&Path>) -> Result<(), Failure> {
    let config = Config::read(file).map_err(|all| Failure::new(Exit::Configuration, all))?;
    let reported = peer.map(read).transpose()?;
    let namespace = running::open(config.process.namespace.as_deref())?;
    let report = gather(namespace.as_ref())?;
    let link = config.sync.and_then(|sync| sync.link);
    let mut findings: Vec<Found> = found(At::Here, None, examine(&report)).collect();
    let mut peers = Vec::new();
    if let Some(reported) = reported {
        peers.push(reported);
    } else if let Some(link) = &link {
        for address in &link.peers {
            let name = address.to_string();
            match ask(*address, link, namespace.as_ref()) {
                Ok(report) => peers.push((name, report)),
                Err(error) => findings.push(Found {
                    severity: Severity::Warning.to_string(),
                    at: At::Peer,
                    peer: Some(name),
                    finding: format!("it does not answer: {error}"),
                }),
            }
        }
    }
    for (name, peer) in &peers {
        findings.extend(found(At::Peer, Some(name), examine(peer)));
        findings.extend(found(At::Between, Some(name), compare(&report, peer)));
    }
    // A peer of which nothing is known may have the master.
    if !peers.is_empty() && peers.len() >= link.map_or(0, |link| link.peers.len()) {
        let all = iter::once(&report).chain(peers.iter().map(|(_, report)| report));
        findings.extend(found(At::Between, None, compare_all(all)));
    }
    let diagnosis = Diagnosis { report, findings };
    let text = match is_json {
        true => serde_json::to_string(&diagnosis).map_err(Failure::system)? + "\n",
        false => diagnosis.findings.iter().map(line).collect(),
    };
    show(&text);
    match diagnosis.findings.len() {
        0 => Ok(()),
        1 => Err(Failure::new(Exit::Findings, "1 finding")),
        count => Err(Failure::new(Exit::Findings, format!("{count} findings"))),
    }
}

/// What a peer told of itself as JSON, and the name of the file.
fn read(file: &Path) -> Result<(String, Report), Failure> {
    let name = file.display();
    let text = fs::read_to_string(file).map_err(|error| Failure::io(&name, &error))?;
    let told: Diagnosis =
        serde_json::from_str(&text).map_err(|error| Failure::system(format!("{name}: {error}")))?;
    Ok((name.to_string(), told.report))
}

/// What a peer says of itself.
fn ask(
    peer: SocketAddr,
    link: &config::Link,
    namespace: Option<&Namespace>,
) -> Result<Report, Box<dyn Error + Send + Sync>> {
    let ask = || ask_for_report(link.listen, peer, &link.key);
    Ok(match namespace {
        Some(namespace) => namespace.run(ask)??,
        None => ask()?,
    })
}

fn gather(namespace: Option<&Namespace>) -> Result<Report, Failure> {
    let here = || Report::gather(&mut Client::connect()?, &mut Rtnetlink::open()?);
    let gathered = match namespace {
        Some(namespace) => namespace.run(here)?,
        None => here(),
    };
    gathered.map_err(|error: GatherError| Failure::refused(error.is_permission(), error))
}

fn found(
    at: At,
    peer: Option<&String>,
    findings: impl IntoIterator<Item = Finding>,
) -> impl Iterator<Item = Found> {
    findings.into_iter().map(move |finding| Found {
        severity: finding.severity().to_string(),
        at,
        peer: peer.cloned(),
        finding: finding.to_string(),
    })
}

fn line(Found { severity, at, peer, finding }: &Found) -> String {
    match (at, peer) {
        (At::Peer, Some(peer)) => format!("{severity}: at {peer}: {finding}\n"),
        (At::Between, Some(peer)) => format!("{severity}: with {peer}: {finding}\n"),
        _ => format!("{severity}: {finding}\n"),
    }
}
