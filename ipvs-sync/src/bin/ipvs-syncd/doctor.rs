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
    let peer = peer.map(read).transpose()?;
    let namespace = running::open(config.process.namespace.as_deref())?;
    let report = gather(namespace.as_ref())?;
    let link = config.sync.and_then(|sync| sync.link);
    let mut silent = Vec::new();
    let peers = match (peer, &link) {
        (Some(peer), _) => vec![peer],
        (None, Some(link)) => {
            let answers = link.peers.iter().filter_map(|address| {
                let silence = |error| format!("{address} does not answer: {error}");
                let answer = ask(*address, link, namespace.as_ref()).map_err(silence);
                answer.map_err(|silence| silent.push(silence)).ok()
            });
            answers.collect()
        }
        (None, None) => Vec::new(),
    };
    let mut findings: Vec<Found> = found(At::Here, examine(&report)).collect();
    for peer in &peers {
        findings.extend(found(At::Peer, examine(peer)));
        findings.extend(found(At::Between, compare(&report, peer)));
    }
    // A peer of which nothing is known may have the master.
    if !peers.is_empty() && peers.len() >= link.map_or(0, |link| link.peers.len()) {
        findings.extend(found(At::Between, compare_all(iter::once(&report).chain(&peers))));
    }
    findings.extend(silent.into_iter().map(|finding| Found {
        severity: Severity::Warning.to_string(),
        at: At::Peer,
        finding,
    }));
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

/// What a peer told of itself as JSON.
fn read(file: &Path) -> Result<Report, Failure> {
    let name = file.display();
    let text = fs::read_to_string(file).map_err(|error| Failure::io(&name, &error))?;
    let told: Diagnosis =
        serde_json::from_str(&text).map_err(|error| Failure::system(format!("{name}: {error}")))?;
    Ok(told.report)
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

fn found(at: At, findings: impl IntoIterator<Item = Finding>) -> impl Iterator<Item = Found> {
    findings.into_iter().map(move |finding| Found {
        severity: finding.severity().to_string(),
        at,
        finding: finding.to_string(),
    })
}

fn line(Found { severity, at, finding }: &Found) -> String {
    match at {
        At::Peer => format!("{severity}: at the peer: {finding}\n"),
        At::Here | At::Between => format!("{severity}: {finding}\n"),
    }
}
