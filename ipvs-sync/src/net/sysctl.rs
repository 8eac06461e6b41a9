//! The settings of interfaces, as files of procfs.

use super::error::Error;
use super::links::Interface;
use super::operation::Operation;
use crate::vrrp::Family;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;

/// A setting of an interface that was changed, and can be set back.
///
/// The file is of the network namespace in which it was opened, whichever thread sets it
/// back.
#[derive(Debug)]
pub(super) struct Setting {
    file: File,
    pub(super) name: &'static str,
    pub(super) before: String,
    value: &'static str,
}

impl Setting {
    /// Sets it. What it was before may be known from one who has set it too, and counts
    /// unless it was set to something else since.
    pub(super) fn change(
        interface: &Interface,
        family: Family,
        name: &'static str,
        value: &'static str,
        before: Option<&str>,
    ) -> Result<Self, Error> {
        let change = || -> io::Result<Self> {
            let file = open(interface, family, name)?;
            let is = read(&file)?;
            let before = before.filter(|_| is == value).map_or(is, str::to_owned);
            file.write_all_at(value.as_bytes(), 0)?;
            Ok(Self { file, name, before, value })
        };
        change().map_err(|error| failed(interface, family, name, error))
    }

    pub(super) fn set_back(&self) {
        // What someone else has set meanwhile stays. That the interface is gone is no
        // failure, and there is nobody to tell of others.
        if read(&self.file).is_ok_and(|value| value == self.value) {
            let _ = self.file.write_all_at(self.before.as_bytes(), 0);
        }
    }
}

/// Sets what goes with the interface.
pub(super) fn set(
    interface: &Interface,
    family: Family,
    name: &'static str,
    value: &'static str,
) -> Result<(), Error> {
    let set = || open(interface, family, name)?.write_all_at(value.as_bytes(), 0);
    set().map_err(|error| failed(interface, family, name, error))
}

fn open(interface: &Interface, family: Family, name: &str) -> io::Result<File> {
    let family = match family {
        Family::V4 => "ipv4",
        Family::V6 => "ipv6",
    };
    let path = format!("/proc/sys/net/{family}/conf/{}/{name}", interface.name);
    OpenOptions::new().read(true).write(true).open(path)
}

fn read(file: &File) -> io::Result<String> {
    let mut text = [0; 32];
    let length = file.read_at(&mut text, 0)?;
    let text = String::from_utf8_lossy(text.get(..length).unwrap_or_default());
    Ok(text.trim_end().to_owned())
}

fn failed(interface: &Interface, family: Family, name: &'static str, error: io::Error) -> Error {
    Error::new(Operation::Set { family, name }, Some(interface.name), error)
}
