//! The programs of the guest that are not ours: busybox and the peers whose
//! view of IPVS is compared with ours.
//!
//! They are unpacked beside the kernels instead of being installed: nothing
//! starts a daemon on the machine, and every machine has the same versions.

use crate::apt::{self, Apt};
use crate::cpio::Archive;
use crate::lab::Lab;
use crate::process::text;
use anyhow::{Context as _, Result, bail};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A program and the Debian package that has it.
const PROGRAMS: [(&str, &str); 6] = [
    ("busybox", "busybox-static"),
    ("ip", "iproute2"),
    ("ipvsadm", "ipvsadm"),
    ("keepalived", "keepalived"),
    ("kmod", "kmod"),
    ("strace", "strace"),
];

/// The root of the tree that holds the programs: an unpacked Debian 12, or the
/// machine itself where there is no apt.
pub(crate) fn get(lab: &Lab) -> Result<PathBuf> {
    if !apt::is_available() {
        let root = PathBuf::from("/");
        let missing = PROGRAMS.into_iter().filter(|(program, _)| find(&root, program).is_none());
        let missing: Vec<&str> = missing.map(|(_, package)| package).collect();
        if !missing.is_empty() {
            bail!("{}", crate::host::advice(&missing));
        }
        return Ok(root);
    }
    let packages = PROGRAMS.map(|(_, package)| package);
    lab.once("userland", &format!("1 {packages:?}"), |dir| {
        Apt::update(lab, &["bookworm", "bookworm-security"])?.unpack_closure(&packages, dir)
    })
}

/// The root of a tree with keepalived of Debian 13, for tests in network namespaces.
pub(crate) fn newer_keepalived(lab: &Lab) -> Result<PathBuf> {
    lab.once("keepalived-13", "1", |dir| {
        Apt::update(lab, &["trixie", "trixie-security"])?.unpack_closure(&["keepalived"], dir)?;
        // The links are of a package that all others take for granted.
        ["lib", "lib64"].iter().try_for_each(|name| {
            symlink(Path::new("usr").join(name), dir.join(name)).context("link a directory")
        })
    })
}

/// What is added: when that changes, earlier results are stale.
pub(crate) fn recipe() -> String {
    format!("{PROGRAMS:?} {DIRECTORIES:?} {LINKS:?} {FILES:?}")
}

/// Adds the programs, their libraries and the files they read.
pub(crate) fn add(archive: &mut Archive, root: &Path) -> Result<()> {
    for directory in DIRECTORIES {
        archive.directory(directory)?;
    }
    for (path, target) in LINKS {
        archive.link(path, target)?;
    }
    for (path, content) in FILES {
        archive.file(path, 0o644, content.as_bytes())?;
    }
    let mut dynamic = Vec::new();
    for (program, _) in PROGRAMS {
        let path = find(root, program).with_context(|| format!("no {program}"))?;
        if program == "busybox" {
            add_busybox(archive, &path)?;
        } else {
            archive.file(&format!("sbin/{program}"), 0o755, &fs::read(&path)?)?;
            dynamic.push(path);
        }
    }
    add_libraries(archive, root, &dynamic)
}

/// Adds the shared libraries of these programs or libraries, and the loader.
pub(crate) fn add_libraries(archive: &mut Archive, root: &Path, dynamic: &[PathBuf]) -> Result<()> {
    let mut libraries = BTreeSet::new();
    for path in dynamic {
        libraries.extend(libraries_of(root, path)?);
    }
    let mut made = BTreeSet::new();
    for library in libraries {
        let inside = library.strip_prefix(root).with_context(|| library.display().to_string())?;
        let mut parents: Vec<&Path> = inside.ancestors().skip(1).collect();
        parents.reverse();
        for parent in parents.into_iter().filter(|parent| *parent != Path::new("")) {
            if made.insert(parent.to_owned()) && !DIRECTORIES.iter().any(|d| parent == Path::new(d))
            {
                archive.directory(parent.to_str().context("a path in UTF-8")?)?;
            }
        }
        let path = inside.to_str().context("a path in UTF-8")?;
        archive.file(path, 0o755, &fs::read(&library)?)?;
    }
    Ok(())
}

const DIRECTORIES: [&str; 16] = [
    "bin",
    "dev",
    "etc",
    "etc/keepalived",
    "lib",
    "lib64",
    "proc",
    "root",
    "run",
    "sbin",
    "sys",
    "tmp",
    "usr",
    "usr/lib",
    "var",
    "var/lib",
];

/// The real tools have one place, /sbin: busybox's shell prefers its own
/// applets to anything that is only in `PATH`.
const LINKS: [(&str, &str); 6] = [
    ("sbin/depmod", "kmod"),
    ("sbin/modprobe", "kmod"),
    ("usr/bin", "../bin"),
    ("usr/sbin", "../sbin"),
    ("var/run", "../run"),
    ("var/tmp", "../tmp"),
];

const FILES: [(&str, &str); 5] = [
    ("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n"),
    ("etc/group", "root:x:0:\nnogroup:x:65534:\n"),
    ("etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"),
    ("etc/services", "domain 53/udp\nhttp 80/tcp\nhttps 443/tcp\n"),
    ("etc/protocols", "tcp 6 TCP\nudp 17 UDP\nvrrp 112 VRRP\nsctp 132 SCTP\n"),
];

/// Adds busybox, and its applets as links; not those that are here for real.
fn add_busybox(archive: &mut Archive, path: &Path) -> Result<()> {
    archive.file("bin/busybox", 0o755, &fs::read(path)?)?;
    let applets = text(Command::new(path).arg("--list"))?;
    let real = PROGRAMS.map(|(program, _)| program);
    for applet in applets.lines() {
        if !real.contains(&applet) && !["modprobe", "depmod"].contains(&applet) {
            archive.link(&format!("bin/{applet}"), "busybox")?;
        }
    }
    Ok(())
}

fn find(root: &Path, program: &str) -> Option<PathBuf> {
    let directories = ["sbin", "usr/sbin", "bin", "usr/bin"].into_iter();
    directories.map(|directory| root.join(directory).join(program)).find(|path| path.is_file())
}

/// The shared libraries that a program loads, and the loader.
///
/// The tree's own loader is asked, so that its libraries are found and not the
/// machine's.
fn libraries_of(root: &Path, program: &Path) -> Result<Vec<PathBuf>> {
    let listing = text(loader(root)?.arg("--list").arg(program))?;
    let mut libraries = parse_libraries(&listing);
    libraries.push(root.join(LOADER));
    Ok(libraries)
}

/// The tree's loader, which runs a program with the tree's libraries.
pub(crate) fn loader(root: &Path) -> Result<Command> {
    let places = ["lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu"].map(|place| root.join(place));
    let mut command = Command::new(root.join(LOADER));
    command.arg("--library-path").arg(std::env::join_paths(places)?);
    Ok(command)
}

const LOADER: &str = "lib64/ld-linux-x86-64.so.2";

/// Reads the loader's list: `name => path (address)` is a library; the loader
/// and the kernel's own have no arrow.
fn parse_libraries(listing: &str) -> Vec<PathBuf> {
    let arrows = listing.lines().filter_map(|line| line.split_once(" => "));
    let paths = arrows.filter_map(|(_, path)| path.rsplit_once(" ("));
    paths.map(|(path, _)| PathBuf::from(path)).filter(|path| !path.ends_with(LOADER)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_what_the_loader_resolved() {
        let listing = "\tlinux-vdso.so.1 (0x00007ffd)\n\
                       \tlibnl-3.so.200 => /t/lib/libnl-3.so.200 (0x00007f6e)\n\
                       \t/lib64/ld-linux-x86-64.so.2 => /t/lib64/ld-linux-x86-64.so.2 (0x7f)\n\
                       \tlibc.so.6 => /t/lib/libc.so.6 (0x00007f6d)\n";
        let expected = ["/t/lib/libnl-3.so.200", "/t/lib/libc.so.6"].map(PathBuf::from);
        assert_eq!(parse_libraries(listing), expected);
    }
}
