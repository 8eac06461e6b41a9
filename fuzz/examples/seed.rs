//! Makes the first corpora from the captures of `ipvs-sys` and `ipvs-sync`:
//! `cargo run --manifest-path fuzz/Cargo.toml --example seed`.
//!
//! What the fuzzer has found is in files of other names and stays.

use ipvs_sync::net::{arp, ndp};
use ipvs_sync::peer::{LeftOut, Message, Standing};
use ipvs_sync::vrrp::Time;
use ipvs_sync::vrrp::router::State;
use ipvs_sys::{Attrs, Messages, Payload};
use std::net::{IpAddr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::{fs, io};

fn main() -> io::Result<()> {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR"));
    // Those of 6.12 have the same attributes.
    for kernel in ["6.1", "other"] {
        for entry in fs::read_dir(fuzz.join("../ipvs-sys/testdata").join(kernel))? {
            let path = entry?.path();
            let name = path.file_stem().unwrap_or_default().display().to_string();
            seed(&fuzz.join("corpus"), &format!("{kernel}-{name}"), &fs::read(path)?)?;
        }
    }
    // The family has the same number there as on the fake kernel.
    let mut all = Vec::new();
    for entry in fs::read_dir(fuzz.join("../ipvs-sys/testdata/6.12"))? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().display().to_string();
        if name.starts_with("request") {
            let requests = fs::read(path)?;
            write(fuzz.join("corpus/fake"), &name, &requests)?;
            all.push((name, requests));
        }
    }
    // Backwards by name, adding comes before getting and deleting.
    all.sort_by(|(a, _), (b, _)| b.cmp(a));
    let all: Vec<u8> = all.into_iter().flat_map(|(_, requests)| requests).collect();
    write(fuzz.join("corpus/fake"), "requests", &all)?;
    sync(fuzz)?;
    resync(fuzz)?;
    neighbours(fuzz)?;
    vrrp(fuzz)
}

/// What the neighbours of a virtual router are told and asked.
fn neighbours(fuzz: &Path) -> io::Result<()> {
    let (mac, v4) = ([0, 0, 0x5e, 0, 1, 7], [10, 0, 0, 7].into());
    let v6 = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 7);
    let corpus = fuzz.join("corpus/neighbour_frame");
    write(corpus.clone(), "arp-announcement", &arp::announcement(mac, v4))?;
    write(corpus.clone(), "arp-probe", &arp::probe(mac, v4))?;
    write(corpus.clone(), "ndp-announcement", &ndp::announcement(mac, v6, true))?;
    write(corpus, "ndp-probe", &ndp::probe(mac, v6))
}

/// Each datagram of a sync master; those of 6.12 differ in nothing but ports.
fn sync(fuzz: &Path) -> io::Result<()> {
    for entry in fs::read_dir(fuzz.join("../ipvs-sync/testdata/sync/6.1"))? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().display().to_string();
        write(fuzz.join("corpus/sync_message"), &name, &fs::read(path)?)?;
    }
    Ok(())
}

/// A table of the connections of each capture, as the active director tells it, and what
/// else peers say.
fn resync(fuzz: &Path) -> io::Result<()> {
    let frame = |message: &Message<'_>| {
        let mut bytes = vec![0, 0];
        message.write(&mut bytes);
        let length = u16::try_from(bytes.len() - 2).unwrap_or(u16::MAX).to_be_bytes();
        bytes.iter_mut().zip(length).for_each(|(byte, length)| *byte = length);
        bytes
    };
    let end = frame(&Message::End { read: 200, left_out: LeftOut::default() });
    for entry in fs::read_dir(fuzz.join("../ipvs-sync/testdata/sync/6.1"))? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().display().to_string();
        let datagram = &fs::read(path)?;
        let table = [1, 90, 90].map(|read| frame(&Message::Data { read, datagram })).concat();
        write(fuzz.join("corpus/resync_peer"), &name, &[&table[..], &end].concat())?;
    }
    let addresses: [IpAddr; 2] = [[10, 0, 0, 7].into(), [0x2001, 0xdb8, 0, 0, 0, 0, 0, 7].into()];
    let mut standings = Vec::new();
    for (address, state) in addresses.into_iter().zip([State::Active, State::Backup]) {
        let is_ready = state == State::Active;
        let activated = is_ready.then_some(Time::from_micros(1_000_000));
        Standing { address, state, is_ready, activated }.write(&mut standings);
    }
    let [v4, v6] = addresses.map(|address| Message::Promote { address });
    let part = |bytes| Message::Part { bytes };
    for (name, messages) in [
        ("asked", &[Message::Table { skip: 7 }, Message::Thanks][..]),
        ("routers", &[Message::Routers, part(&standings), part(b"")]),
        ("promote", &[v4, part(b"")]),
        ("promote-declined", &[v6, Message::Declined { reason: "no: active here" }]),
        ("report", &[Message::Report, part(br#"{"kernel":"6.12.0"}"#), part(b"")]),
    ] {
        let all: Vec<_> = messages.iter().flat_map(frame).collect();
        write(fuzz.join("corpus/resync_peer"), name, &all)?;
    }
    write(fuzz.join("corpus/resync_peer"), "greeting", &[&[0, 48][..], &[9; 48]].concat())
}

/// Each packet of a virtual router, and signed ones of which a byte is changed.
fn vrrp(fuzz: &Path) -> io::Result<()> {
    for entry in fs::read_dir(fuzz.join("../ipvs-sync/testdata/vrrp/keepalived-2.2.7"))? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().display().to_string();
        let packet = fs::read(path)?;
        // The numbers are `Receiver`'s in `src/vrrp.rs`.
        let (receiver, header) = match name.as_bytes() {
            [b'v', b'2', b'-', b'p', ..] => (0b110, 20),
            [b'v', b'2', ..] => (0b10, 20),
            [b'v', b'3', b'-', b'u', ..] => (0b1000, 20),
            [b'v', b'3', ..] => (0, 20),
            _ => (1, 40),
        };
        let seed = [&[receiver, 255], packet.get(header..).unwrap_or_default()].concat();
        write(fuzz.join("corpus/vrrp_packet"), &name, &seed)?;
    }
    let trailer = [&[1, 1, 0, 0, 0x68, 0, 0, 0, 0x80, 0, 0, 0][..], &[0; 16]].concat();
    for (name, receiver) in [("v3", 0), ("v6", 1), ("v2", 0b10), ("v2-password", 0b110)] {
        for (mode, at, trailing) in [(0, 2, &trailer[..]), (1, 6, &[]), (2, 30, &trailer[..27])] {
            let seed = [&[receiver, mode, 0, at, 1, 200], trailing].concat();
            write(fuzz.join("corpus/vrrp_hmac"), &format!("{name}-{mode}"), &seed)?;
        }
    }
    Ok(())
}

fn seed(corpus: &Path, name: &str, datagrams: &[u8]) -> io::Result<()> {
    write(corpus.join("datagram"), name, datagrams)?;
    write(corpus.join("roundtrip"), name, datagrams)?;
    for (number, message) in Messages::new(datagrams).map_while(Result::ok).enumerate() {
        let Payload::Data { attrs, .. } = message.payload else { continue };
        if name.contains("family") {
            write(corpus.join("nlctrl"), name, attrs.as_bytes())?;
            continue;
        }
        for attr in Attrs::new(attrs.as_bytes(), "message").map_while(Result::ok) {
            // GET_INFO's numbers are not nests.
            let target = match attr.kind {
                1 if attr.value.len() > 4 => "service",
                2 if attr.value.len() > 4 => "destination",
                3 => "daemon",
                _ => continue,
            };
            write(corpus.join(target), &format!("{name}-{number}"), attr.value)?;
        }
    }
    Ok(())
}

fn write(directory: PathBuf, name: &str, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(&directory)?;
    fs::write(directory.join(name), bytes)
}
