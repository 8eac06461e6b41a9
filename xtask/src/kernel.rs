//! The kernels that the lab knows: Debian's cloud kernels, downloaded and
//! unpacked, never installed.

use crate::apt::Apt;
use crate::lab::Lab;
use crate::progress::note;
use anyhow::{Context as _, Result, bail, ensure};
use clap::ValueEnum;
use std::fs;
use std::path::{Path, PathBuf};

/// A kernel by its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Name {
    /// Debian 11 (long-term support).
    #[value(name = "5.10")]
    V5_10,
    /// Debian 12.
    #[value(name = "6.1")]
    V6_1,
    /// Debian 13, as backported to Debian 12 by its security team.
    #[value(name = "6.12")]
    V6_12,
    /// From Debian 13's backports.
    #[value(name = "6.18")]
    V6_18,
    /// The newest, from Debian 13's backports.
    #[value(name = "7.3")]
    V7_3,
}

impl Name {
    /// The version, as in `--kernel`.
    pub(crate) const fn version(self) -> &'static str {
        self.source().version
    }

    const fn source(self) -> Source {
        match self {
            Self::V5_10 => Source {
                version: "5.10",
                suites: &["bullseye-security"],
                package: Package::Meta("linux-image-cloud-amd64"),
            },
            Self::V6_1 => Source {
                version: "6.1",
                suites: &["bookworm", "bookworm-security"],
                package: Package::Meta("linux-image-cloud-amd64"),
            },
            Self::V6_12 => Source {
                version: "6.12",
                suites: &["bookworm", "bookworm-security"],
                package: Package::Meta("linux-image-6.12-cloud-amd64"),
            },
            Self::V6_18 => {
                Source { version: "6.18", suites: &["trixie-backports"], package: Package::Newest }
            }
            Self::V7_3 => {
                Source { version: "7.3", suites: &["trixie-backports"], package: Package::Newest }
            }
        }
    }
}

/// Where a kernel comes from.
struct Source {
    version: &'static str,
    suites: &'static [&'static str],
    package: Package,
}

enum Package {
    /// The meta package that always depends on the current one.
    Meta(&'static str),
    /// The newest of this version: backports' meta package has moved on, but
    /// its earlier kernels stay.
    Newest,
}

/// A kernel that is ready to boot.
#[derive(Debug, Clone)]
pub(crate) struct Kernel {
    /// What the guest's LAB_KERNEL says: major and minor version.
    pub(crate) name: String,
    /// The bootable image.
    pub(crate) image: PathBuf,
    /// `lib/modules/<version>`.
    pub(crate) modules: PathBuf,
    /// The full version.
    pub(crate) version: String,
}

impl Kernel {
    /// The named kernel, downloaded where it is missing; or the one that
    /// `IPVS_LAB_KERNEL` points at.
    pub(crate) fn get(lab: &Lab, name: Name) -> Result<Self> {
        if let Some(dir) = own_directory() {
            note(&format!("{VARIABLE} is set: the kernel in {}", dir.display()));
            // Links are made to it, from elsewhere.
            let kernel =
                fs::canonicalize(&dir).map_err(Into::into).and_then(|dir| Self::find(&dir));
            return kernel.with_context(|| format!("{VARIABLE}={}", dir.display()));
        }
        let source = name.source();
        let recipe = format!("1 {} {:?}", source.version, source.suites);
        let dir = lab.once(&format!("kernels/{}", source.version), &recipe, |dir| {
            ensure!(crate::apt::is_available(), "no Debian apt here; set {VARIABLE}");
            let apt = Apt::update(lab, source.suites)?;
            apt.unpack(&packages(&apt, &source)?, dir)
        })?;
        Self::find(&dir)
    }

    /// Finds the one kernel under a directory, in either of Debian's layouts.
    fn find(dir: &Path) -> Result<Self> {
        let modules = [dir.join("lib/modules"), dir.join("usr/lib/modules")];
        let modules = modules.iter().find(|path| path.is_dir());
        let modules = only(modules.context("no lib/modules")?)?;
        let version = modules.file_name().and_then(|name| name.to_str());
        let version = version.context("a version in UTF-8")?.to_owned();
        let images = [dir.join(format!("boot/vmlinuz-{version}")), modules.join("vmlinuz")];
        let image = images.into_iter().find(|path| path.exists());
        let image = image.with_context(|| format!("no boot/vmlinuz-{version}"))?;
        let name: Vec<&str> = version.splitn(3, ['.', '-']).take(2).collect();
        Ok(Self { name: name.join("."), image, modules, version })
    }
}

/// The directory given by the user in place of a download.
pub(crate) fn own_directory() -> Option<PathBuf> {
    std::env::var_os(VARIABLE).map(PathBuf::from)
}

/// Names a directory that holds `boot/vmlinuz-*` and `lib/modules/<version>`.
pub(crate) const VARIABLE: &str = "IPVS_LAB_KERNEL";

/// The image package, and what else the kernel was split into.
fn packages(apt: &Apt, source: &Source) -> Result<Vec<String>> {
    let prefix = format!("linux-image-{}.", source.version);
    let image = match source.package {
        Package::Meta(meta) => {
            let depends = apt.depends(meta)?;
            let image = depends.into_iter().find(|package| package.starts_with(&prefix));
            image.with_context(|| format!("{meta} is no longer a {} kernel", source.version))?
        }
        Package::Newest => {
            let names = apt.names(&prefix)?;
            newest(names).with_context(|| format!("no package {prefix}*-cloud-amd64"))?
        }
    };
    let version = image.trim_start_matches("linux-image").to_owned();
    let mut packages = apt.depends(&image)?;
    packages.retain(|package| package.ends_with(&version));
    packages.push(image);
    Ok(packages)
}

fn newest(names: Vec<String>) -> Option<String> {
    let names = names.into_iter().filter(|name| name.ends_with("-cloud-amd64"));
    names.max_by_key(|name| {
        let numbers = name.split(|c: char| !c.is_ascii_digit());
        numbers.filter_map(|number| number.parse().ok()).collect::<Vec<u32>>()
    })
}

/// The one entry of a directory.
pub(crate) fn only(dir: &Path) -> Result<PathBuf> {
    let entries = fs::read_dir(dir).with_context(|| format!("list {}", dir.display()))?;
    let entries = entries.collect::<Result<Vec<_>, _>>()?;
    match entries.as_slice() {
        [one] => Ok(one.path()),
        _ => bail!("{} entries in {}, expected one", entries.len(), dir.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_kernel_is_found_by_number_and_not_by_letter() {
        let names = [
            "linux-image-6.18.9+deb13-cloud-amd64",
            "linux-image-6.18.15+deb13-cloud-amd64",
            "linux-image-6.18.12+deb13-cloud-amd64",
            "linux-image-6.18.20+deb13-cloud-amd64-dbg",
        ];
        let newest = newest(names.map(str::to_owned).into()).unwrap();
        assert_eq!(newest, "linux-image-6.18.15+deb13-cloud-amd64");
    }

    #[test]
    fn every_kernel_has_the_name_that_the_command_line_uses() {
        for name in Name::value_variants() {
            assert_eq!(name.to_possible_value().unwrap().get_name(), name.version());
        }
    }
}
