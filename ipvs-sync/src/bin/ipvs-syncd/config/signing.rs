//! Keys of signed advertisements, from files that only their owner can read.

use super::document::{Placed, Section};
use ipvs_sync::vrrp::Rule;
use ipvs_sync::vrrp::packet::auth_hmac::{self, Key, Mode};
use nix::unistd::geteuid;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::Duration;

const HMAC: &[&str] = &["mode", "keys"];
const KEY: &[&str] = &["id", "file"];

const MODES: &[(&str, Mode)] = &[
    ("receive-only", Mode::ReceiveOnly),
    ("permissive", Mode::Permissive),
    ("enforce", Mode::Enforce),
];

/// How advertisements are signed. Not shown: it has the secrets.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Signing {
    mode: Mode,
    keys: Vec<(u8, Vec<u8>)>,
    /// Three times this a packet is fresh.
    interval: Duration,
}

impl Signing {
    /// Reads `hmac` of a virtual router, if it has that.
    pub(super) fn read(router: &Section<'_>, folder: &Path, interval: Duration) -> Option<Self> {
        let node = router.node("hmac")?;
        let section = router.document.section(&format!("{}: hmac", router.what), node, HMAC)?;
        let mode = match section.node("mode") {
            Some(_) => section.word("mode", MODES)?,
            None => Mode::Enforce,
        };
        let nodes = section.array("keys");
        if nodes.is_empty() {
            section.problem(section.at("keys"), "`keys` has no key: the first one signs");
        }
        let mut keys: Vec<(u8, Vec<u8>)> = Vec::new();
        for node in nodes {
            let Some(entry) = router.document.section(&section.what, node, KEY) else { continue };
            let id = entry.required(entry.number::<u8>("id", "1 to 255"), "id");
            let file = entry.required(entry.text("file"), "file");
            let (Some(id), Some(file)) = (id, file) else { continue };
            let Placed { at, value: name } = file;
            let secret = secret(&folder.join(name)).map_err(|why| format!("key {name}: {why}"));
            let Some(secret) = entry.kept(at, secret) else { continue };
            match Key::new(id.value, &secret) {
                Ok(_) if keys.iter().any(|(other, _)| *other == id.value) => {
                    entry.problem(id.at, Rule::DuplicateKey { id: id.value });
                }
                Ok(_) => keys.push((id.value, secret)),
                Err(rule @ Rule::KeyId) => entry.problem(id.at, rule),
                Err(rule) => entry.problem(at, rule),
            }
        }
        (!keys.is_empty()).then_some(Self { mode, keys, interval })
    }

    /// As the protocol has it.
    pub(super) fn settings(&self) -> Result<Option<auth_hmac::Settings>, Rule> {
        let mut keys = self.keys.iter().map(|(id, secret)| Key::new(*id, secret));
        let Some(first) = keys.next() else { return Ok(None) };
        let settings = auth_hmac::Settings::new(self.mode, first?, self.interval);
        keys.try_fold(settings, |settings, key| settings.with_key(key?)).map(Some)
    }
}

/// The bytes of a file of hexadecimal digits.
fn secret(path: &Path) -> Result<Vec<u8>, String> {
    // Opening a pipe waits for its other end otherwise.
    let file = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path);
    let file = file.map_err(|error| error.to_string())?;
    let about = file.metadata().map_err(|error| error.to_string())?;
    if !about.is_file() {
        return Err("is no file".to_owned());
    }
    if about.mode() & 0o077 != 0 {
        let mode = about.mode() & 0o777;
        return Err(format!("mode {mode:03o} lets others read it: it must be 600 or 400"));
    }
    if about.uid() != 0 && about.uid() != geteuid().as_raw() {
        return Err(format!("belongs to user {}, who could change it", about.uid()));
    }
    let mut text = String::new();
    let read = file.take(LONGEST).read_to_string(&mut text);
    read.map_err(|_| "is no text of hexadecimal digits".to_owned())?;
    hexadecimal(text.trim_end()).ok_or_else(|| "is no text of hexadecimal digits".to_owned())
}

/// More than any key has.
const LONGEST: u64 = 1_024;

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digit =
        |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    };
    text.as_bytes().chunks(2).map(pair).collect()
}
