//! Debian packages without installing them and without touching the machine's
//! apt: a private configuration with its own sources, lists, cache and status,
//! which also works without root and for suites other than the machine's.

use crate::lab::Lab;
use crate::process::{find, quiet, text};
use crate::progress::note;
use anyhow::{Context as _, Result, ensure};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Whether the machine has what [`Apt`] needs.
pub(crate) fn is_available() -> bool {
    find("apt-get").is_some() && find("dpkg-deb").is_some() && Path::new(KEYRING).exists()
}

/// A private apt over some of Debian's suites.
#[derive(Debug)]
pub(crate) struct Apt {
    dir: PathBuf,
}

impl Apt {
    /// Sets up an apt for `suites` and fetches their package lists.
    pub(crate) fn update(lab: &Lab, suites: &[&str]) -> Result<Self> {
        let dir = lab.dir.join("apt").join(suites.join("+"));
        for needed in ["lists/partial", "cache/archives/partial", "state"] {
            fs::create_dir_all(dir.join(needed))?;
        }
        fs::write(dir.join("state/status"), "")?;
        fs::write(dir.join("sources.list"), sources(&Archives::of_this_machine()?, suites))?;
        let apt = Self { dir };
        quiet(apt.command("apt-get").args(["update", "--quiet"]))?;
        Ok(apt)
    }

    /// The names of all packages that start with `prefix`.
    pub(crate) fn names(&self, prefix: &str) -> Result<Vec<String>> {
        let names = text(self.command("apt-cache").args(["pkgnames", prefix]))?;
        Ok(names.lines().map(str::to_owned).collect())
    }

    /// The existing packages that `package` directly depends on.
    pub(crate) fn depends(&self, package: &str) -> Result<Vec<String>> {
        let listing = text(self.command("apt-cache").args(["depends", "--important", package]))?;
        Ok(parse_depends(&listing))
    }

    /// Downloads `packages` alone and unpacks them below `into`.
    pub(crate) fn unpack(&self, packages: &[String], into: &Path) -> Result<()> {
        let debs = into.join(".debs");
        fs::create_dir_all(&debs)?;
        quiet(self.command("apt-get").arg("download").args(packages).current_dir(&debs))?;
        unpack_all(&debs, into)?;
        fs::remove_dir_all(&debs).context("remove the downloaded packages")
    }

    /// As [`Apt::unpack`], with everything that `packages` depend on.
    pub(crate) fn unpack_closure(&self, packages: &[&str], into: &Path) -> Result<()> {
        let install = ["install", "--yes", "--no-install-recommends", "--download-only"];
        quiet(self.command("apt-get").args(install).args(packages))?;
        let debs = self.dir.join("cache/archives");
        unpack_all(&debs, into)?;
        fs::remove_dir_all(&debs).context("remove the downloaded packages")
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let dir = self.dir.display();
        for option in [
            format!("Dir::Etc::sourcelist={dir}/sources.list"),
            "Dir::Etc::sourceparts=/dev/null".to_owned(),
            "Dir::Etc::preferences=/dev/null".to_owned(),
            "Dir::Etc::preferencesparts=/dev/null".to_owned(),
            format!("Dir::State={dir}/state"),
            format!("Dir::State::lists={dir}/lists"),
            format!("Dir::State::status={dir}/state/status"),
            format!("Dir::Cache={dir}/cache"),
            // Nothing here needs another user, and apt's own could not enter.
            "APT::Sandbox::User=root".to_owned(),
            "APT::Update::Error-Mode=any".to_owned(),
            "Acquire::Languages=none".to_owned(),
            "Acquire::Retries=3".to_owned(),
            // Old suites are signed but no longer renewed.
            "Acquire::Check-Valid-Until=false".to_owned(),
        ] {
            command.args(["-o", &option]);
        }
        command.env("LC_ALL", "C").env("DEBIAN_FRONTEND", "noninteractive");
        command
    }
}

/// Where the machine gets Debian from.
#[derive(Debug, PartialEq, Eq)]
struct Archives {
    main: String,
    security: String,
}

impl Archives {
    fn of_this_machine() -> Result<Self> {
        if let Some(archives) = Self::ask()? {
            return Ok(archives);
        }
        if nix::unistd::geteuid().is_root() {
            note("apt has no package lists yet: apt-get update");
            quiet(Command::new("apt-get").args(["update", "--quiet"]))?;
        }
        Self::ask()?.context("apt knows no Debian archive (try `apt-get update` as root)")
    }

    fn ask() -> Result<Option<Self>> {
        let format = "$(REPO_URI)|$(LABEL)";
        let targets = ["indextargets", "--format", format, "Created-By: Packages"];
        Ok(Self::parse(&text(Command::new("apt-get").args(targets))?))
    }

    fn parse(targets: &str) -> Option<Self> {
        let labelled = |label| {
            let mut pairs = targets.lines().filter_map(|line| line.split_once('|'));
            pairs.find(|(_, found)| *found == label).map(|(uri, _)| uri.to_owned())
        };
        let main = labelled("Debian")?;
        // Mirrors keep the two side by side, under these names.
        let beside = || format!("{}-security/", main.trim_end_matches('/'));
        let security = labelled("Debian-Security").unwrap_or_else(beside);
        Some(Self { main, security })
    }
}

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

fn sources(archives: &Archives, suites: &[&str]) -> String {
    let mut list = String::new();
    for suite in suites {
        let is_security = suite.ends_with("-security");
        let uri = if is_security { &archives.security } else { &archives.main };
        let _ = writeln!(list, "deb [arch=amd64 signed-by={KEYRING}] {uri} {suite} main");
    }
    list
}

/// Reads `apt-cache depends`: virtual packages are in angle brackets, and the
/// packages that provide one are listed below it with a deeper indent.
fn parse_depends(listing: &str) -> Vec<String> {
    let lines = listing.lines().map(str::trim_start);
    let names = lines.filter_map(|line| line.trim_start_matches('|').strip_prefix("Depends: "));
    names.filter(|name| !name.starts_with('<')).map(str::to_owned).collect()
}

fn unpack_all(debs: &Path, into: &Path) -> Result<()> {
    let mut unpacked = 0;
    for entry in fs::read_dir(debs)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "deb") {
            quiet(Command::new("dpkg-deb").arg("--extract").arg(&path).arg(into))?;
            unpacked += 1;
        }
    }
    ensure!(unpacked > 0, "apt-get downloaded nothing");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_are_told_apart_by_their_labels() {
        let targets = "http://m/sec/|Debian-Security\nhttp://m/x/|Node\nhttp://m/debian/|Debian\n";
        let archives = Archives::parse(targets).unwrap();
        assert_eq!(archives.main, "http://m/debian/");
        assert_eq!(archives.security, "http://m/sec/");
        let list = sources(&archives, &["bookworm", "bookworm-security"]);
        let uris: Vec<_> = list.lines().filter_map(|line| line.split("] ").nth(1)).collect();
        let expected = ["http://m/debian/ bookworm main", "http://m/sec/ bookworm-security main"];
        assert_eq!(uris, expected);
    }

    #[test]
    fn the_security_archive_is_beside_the_main_one_where_the_machine_has_none() {
        let archives = Archives::parse("http://m/debian/|Debian").unwrap();
        assert_eq!(archives.security, "http://m/debian-security/");
        assert_eq!(Archives::parse("http://m/x/|Ubuntu"), None);
        assert_eq!(Archives::parse("http://m/debian/|\n"), None, "no lists yet");
    }

    #[test]
    fn only_existing_direct_dependencies_count() {
        let listing = "linux-image-6.1.0-1-cloud-amd64\n  PreDepends: linux-base\n \
                       |Depends: <dracut>\n  Depends: kmod\n |Depends: initramfs-tools\n  \
                       Depends: <linux-initramfs-tool>\n    dracut\n  Breaks: fwupdate\n";
        assert_eq!(parse_depends(listing), ["kmod", "initramfs-tools"]);
    }
}
