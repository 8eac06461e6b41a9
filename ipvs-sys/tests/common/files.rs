//! The captures, and reading all that bytes can be read as.

#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

use ipvs_sys::family::{GetFamily, NewFamily};
use ipvs_sys::{Body, ExtAck, InfoAttrs, Messages, Payload, Stats, is_ack};
use std::fs;
use std::path::Path;

/// Every capture of every kernel: its path below `testdata` and its bytes.
pub(crate) fn every() -> Vec<(String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let mut files = Vec::new();
    for directory in ["6.1", "6.12", "other"] {
        for entry in fs::read_dir(root.join(directory)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(&root).unwrap().display().to_string();
            files.push((name, fs::read(&path).unwrap()));
        }
    }
    assert!(files.len() > 60, "{} captures", files.len());
    files.sort();
    files
}

/// Reads a datagram in every way there is and returns the number of views that
/// were found without an error.
pub(crate) fn read_in_every_way(datagram: &[u8]) -> usize {
    let header = Messages::new(datagram).find_map(|message| Some(message.ok()?.header));
    let alone = header.is_some_and(|header| is_ack(datagram, header.sequence));
    let views: usize = Messages::new(datagram)
        .map_while(Result::ok)
        .map(|message| match message.payload {
            Payload::Data { attrs, .. } => {
                Body::parse(attrs).map_or(0, |body| 1 + counters(body))
                    + usize::from(InfoAttrs::parse(attrs).is_ok())
                    + usize::from(NewFamily::parse(attrs).is_ok())
                    + usize::from(GetFamily::parse(attrs).is_ok())
            }
            Payload::Ack(ext) | Payload::Error { ext, .. } | Payload::Done { ext, .. } => {
                extended(ext)
            }
            _ => 0,
        })
        .sum();
    views + usize::from(alone)
}

fn counters(body: Body<'_>) -> usize {
    let of_service = body.service.map(|service| [service.stats, service.stats64]);
    let of_destination = body.destination.map(|found| [found.stats, found.stats64]);
    let nests = [of_service, of_destination].into_iter().flatten().flatten().flatten();
    nests.filter(|nest| Stats::parse(*nest).is_ok()).count()
}

fn extended(ext: ExtAck<'_>) -> usize {
    usize::from(ext.text().is_some()) + usize::from(ext.offset().is_some())
}
