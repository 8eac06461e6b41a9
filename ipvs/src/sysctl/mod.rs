//! The kernel's settings of IPVS: the sysctls `net.ipv4.vs`.
//!
//! ```no_run
//! use ipvs::sysctl::{Sysctl, Sysctls};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sysctls = Sysctls::here();
//! if !sysctls.get(Sysctl::CONNTRACK)? {
//!     sysctls.set(Sysctl::CONNTRACK, true)?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Each network namespace has its own. They are files of
//! `/proc/sys/net/ipv4/vs`, which shows those of the thread that looks.
//! Everyone may read; to write, a thread needs CAP_NET_ADMIN in the user
//! namespace that owns the network namespace, or its root (`sysctl_net.c:
//! net_ctl_permissions`). In the network namespaces of other user namespaces
//! than the initial one, kernels up to 6.1 hide them all, and later ones let
//! `sync_qlen_max`, `sync_sock_size`, `run_estimation`, `est_cpulist`,
//! `est_nice`, `conn_lfactor` and `svc_lfactor` be read only.

mod names;
mod value;

pub use value::{Defence, SyncThreshold, Value};

use crate::{Namespace, NamespaceError};
use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// One sysctl: its name, and what it takes.
///
/// The known ones are constants, [`Sysctl::CONNTRACK`] and others; the type of
/// the value goes with them.
#[derive(Clone, Copy, Debug)]
pub struct Sysctl<V> {
    name: &'static str,
    default: Option<V>,
    takes: &'static str,
    check: fn(&V) -> bool,
    kernels: &'static str,
}

/// The sysctls of one network namespace.
#[derive(Clone, Debug)]
pub struct Sysctls<'a> {
    directory: PathBuf,
    namespace: Option<&'a Namespace>,
}

/// A sysctl cannot be read or set.
///
/// It displays as `sysctl net.ipv4.vs.est_nice = -30: out of range, it takes -20
/// to 19`.
#[derive(Debug)]
pub struct SysctlError {
    name: &'static str,
    value: Option<String>,
    cause: Cause,
}

#[derive(Debug)]
enum Cause {
    Range(&'static str),
    NoSysctl(&'static str),
    NoIpvs,
    Permission(io::Error),
    Refused(io::Error),
    Malformed,
    Namespace(NamespaceError),
    Io(io::Error),
}

impl<V: Value> Sysctl<V> {
    /// The name, without `net.ipv4.vs.`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What the kernel has in a new network namespace, where it is always the
    /// same.
    pub fn default_value(&self) -> Option<&V> {
        self.default.as_ref()
    }

    /// Which kernels have it, in words.
    pub fn kernels(&self) -> &'static str {
        self.kernels
    }
}

impl Sysctls<'static> {
    /// Those of the calling thread's network namespace.
    pub fn here() -> Self {
        Self::at(Path::new(DIRECTORY), None)
    }
}

impl<'a> Sysctls<'a> {
    /// Those of another network namespace.
    pub fn of(namespace: &'a Namespace) -> Self {
        Self::at(Path::new(DIRECTORY), Some(namespace))
    }

    fn at(directory: &Path, namespace: Option<&'a Namespace>) -> Self {
        Self { directory: directory.to_owned(), namespace }
    }

    /// Reads one.
    ///
    /// # Errors
    ///
    /// [`SysctlError::is_absent`], a value that is not of its type, or what the
    /// system says.
    pub fn get<V: Value>(&self, sysctl: Sysctl<V>) -> Result<V, SysctlError> {
        let failed = |cause| SysctlError { name: sysctl.name, value: None, cause };
        let text = self
            .inside(|directory| fs::read_to_string(directory.join(sysctl.name)))
            .map_err(|error| failed(Cause::Namespace(error)))?
            .map_err(|error| failed(self.cause(error, sysctl.kernels)))?;
        let text = text.trim_ascii();
        V::parse(text)
            .ok_or_else(|| SysctlError { value: Some(text.to_owned()), ..failed(Cause::Malformed) })
    }

    /// Sets one.
    ///
    /// # Errors
    ///
    /// [`SysctlError::is_range`], without anything written;
    /// [`SysctlError::is_absent`] and [`SysctlError::is_permission`]; or what
    /// the system says.
    pub fn set<V: Value>(&self, sysctl: Sysctl<V>, value: V) -> Result<(), SysctlError> {
        let text = value.text();
        let failed = |cause| SysctlError { name: sysctl.name, value: Some(text.clone()), cause };
        if !(sysctl.check)(&value) {
            return Err(failed(Cause::Range(sysctl.takes)));
        }
        self.inside(|directory| write(&directory.join(sysctl.name), &text))
            .map_err(|error| failed(Cause::Namespace(error)))?
            .map_err(|error| failed(self.cause(error, sysctl.kernels)))
    }

    /// Reads all that the kernel has, known or not, by name: as text, without
    /// the newline.
    ///
    /// # Errors
    ///
    /// [`SysctlError::is_absent`] where there are none at all, or what the
    /// system says.
    pub fn all(&self) -> Result<Vec<(String, String)>, SysctlError> {
        let failed = |cause| SysctlError { name: "", value: None, cause };
        let mut all = self
            .inside(read_all)
            .map_err(|error| failed(Cause::Namespace(error)))?
            .map_err(|error| failed(self.cause(error, "")))?;
        if all.is_empty() {
            return Err(failed(Cause::NoIpvs));
        }
        all.sort();
        Ok(all)
    }

    /// Does something where the directory is that of the namespace.
    fn inside<R: Send>(&self, work: impl FnOnce(&Path) -> R + Send) -> Result<R, NamespaceError> {
        match self.namespace {
            Some(namespace) => namespace.run(|| work(&self.directory)),
            None => Ok(work(&self.directory)),
        }
    }

    fn cause(&self, error: io::Error, kernels: &'static str) -> Cause {
        match (error.kind(), error.raw_os_error()) {
            (io::ErrorKind::NotFound, _) => {
                match self.inside(|directory| !kernels.is_empty() && has_files(directory)) {
                    Ok(true) => Cause::NoSysctl(kernels),
                    _ => Cause::NoIpvs,
                }
            }
            (io::ErrorKind::PermissionDenied, _) => Cause::Permission(error),
            (_, Some(libc::EINVAL | libc::ERANGE)) => Cause::Refused(error),
            _ => Cause::Io(error),
        }
    }
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    // Never made where there is none. The newline is for an empty text, which
    // would be no write at all.
    let mut file = OpenOptions::new().write(true).truncate(true).open(path)?;
    file.write_all(format!("{text}\n").as_bytes())
}

/// Where the kernel hides the sysctls, it shows their directory.
fn has_files(directory: &Path) -> bool {
    fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_some())
}

fn read_all(directory: &Path) -> io::Result<Vec<(String, String)>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        match fs::read_to_string(entry.path()) {
            Ok(text) => {
                let name = entry.file_name().to_string_lossy().into_owned();
                all.push((name, text.trim_ascii().to_owned()));
            }
            // A scheduler was unloaded meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}

const DIRECTORY: &str = "/proc/sys/net/ipv4/vs";

impl SysctlError {
    /// The name, without `net.ipv4.vs.`; empty where all were to be read.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Whether the value is out of range. Nothing was written.
    pub fn is_range(&self) -> bool {
        matches!(self.cause, Cause::Range(_))
    }

    /// Whether this kernel does not have it, or none at all.
    pub fn is_absent(&self) -> bool {
        matches!(self.cause, Cause::NoSysctl(_) | Cause::NoIpvs)
    }

    /// Whether a privilege is missing.
    pub fn is_permission(&self) -> bool {
        match &self.cause {
            Cause::Permission(_) => true,
            Cause::Namespace(error) => error.is_permission(),
            _ => false,
        }
    }
}

impl fmt::Display for SysctlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dot = if self.name.is_empty() { "" } else { "." };
        write!(f, "sysctl net.ipv4.vs{dot}{}", self.name)?;
        if let Some(value) = &self.value {
            write!(f, " = {value}")?;
        }
        f.write_str(": ")?;
        match &self.cause {
            Cause::Range(takes) => write!(f, "out of range, it takes {takes}"),
            Cause::NoSysctl(kernels) => {
                write!(f, "this kernel does not have it, {kernels} have")
            }
            Cause::NoIpvs => f.write_str(
                "there are none: the module ip_vs is not loaded, or this is the network \
                 namespace of a user namespace, from which kernels up to 6.1 hide them",
            ),
            Cause::Permission(_) if self.value.is_some() => f.write_str(
                "permission denied, writing needs CAP_NET_ADMIN in the user namespace that owns \
                 the network namespace; outside of the initial one some can only be read",
            ),
            Cause::Refused(error) => write!(f, "the kernel refuses this value ({error})"),
            Cause::Malformed => f.write_str("this is not a value that it can have"),
            Cause::Namespace(error) => error.fmt(f),
            Cause::Permission(error) | Cause::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SysctlError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.cause {
            Cause::Permission(error) | Cause::Refused(error) | Cause::Io(error) => Some(error),
            Cause::Namespace(error) => Some(error),
            Cause::Range(_) | Cause::NoSysctl(_) | Cause::NoIpvs | Cause::Malformed => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory with these files, which goes with it.
    struct Directory(PathBuf);

    impl Directory {
        fn with(test: &str, files: &[(&str, &str)]) -> Self {
            let path =
                std::env::temp_dir().join(format!("ipvs-sysctl-{}-{test}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            for (name, text) in files {
                fs::write(path.join(name), text).unwrap();
            }
            Self(path)
        }

        fn sysctls(&self) -> Sysctls<'static> {
            Sysctls::at(&self.0, None)
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    #[test]
    fn values_are_read_by_their_type() {
        let directory = Directory::with(
            "read",
            &[
                ("conntrack", "1\n"),
                ("sync_threshold", "3\t50\n"),
                ("est_nice", "-7\n"),
                ("est_cpulist", "\n"),
                ("drop_entry", "2\n"),
                ("pmtu_disc", "yes\n"),
            ],
        );
        let sysctls = directory.sysctls();
        assert!(sysctls.get(Sysctl::CONNTRACK).unwrap());
        let threshold = sysctls.get(Sysctl::SYNC_THRESHOLD).unwrap();
        assert_eq!(threshold, SyncThreshold { packets: 3, period: 50 });
        assert_eq!(sysctls.get(Sysctl::EST_NICE).unwrap(), -7);
        assert_eq!(sysctls.get(Sysctl::EST_CPULIST).unwrap(), "");
        assert_eq!(sysctls.get(Sysctl::DROP_ENTRY).unwrap(), Defence::AutomaticActive);
        assert_eq!(
            sysctls.get(Sysctl::PMTU_DISC).unwrap_err().to_string(),
            "sysctl net.ipv4.vs.pmtu_disc = yes: this is not a value that it can have"
        );
        let all = sysctls.all().unwrap();
        assert_eq!(all.len(), 6);
        assert_eq!(all.first(), Some(&("conntrack".to_owned(), "1".to_owned())));
    }

    #[test]
    fn what_is_out_of_range_is_not_written() {
        let directory = Directory::with("range", &[("est_nice", "0\n"), ("sync_ports", "1\n")]);
        let sysctls = directory.sysctls();
        let error = sysctls.set(Sysctl::EST_NICE, -30).unwrap_err();
        assert!(error.is_range());
        assert_eq!(
            error.to_string(),
            "sysctl net.ipv4.vs.est_nice = -30: out of range, it takes -20 to 19"
        );
        assert_eq!(
            sysctls.set(Sysctl::SYNC_PORTS, 3).unwrap_err().to_string(),
            "sysctl net.ipv4.vs.sync_ports = 3: out of range, it takes a power of two"
        );
        assert_eq!(sysctls.get(Sysctl::EST_NICE).unwrap(), 0);
        sysctls.set(Sysctl::EST_NICE, -20).unwrap();
        assert_eq!(fs::read_to_string(directory.0.join("est_nice")).unwrap(), "-20\n");
    }

    #[test]
    fn what_a_kernel_lacks_is_not_made_and_the_error_says_who_has_it() {
        let directory = Directory::with("absent", &[("conntrack", "0\n")]);
        let sysctls = directory.sysctls();
        let error = sysctls.set(Sysctl::EST_NICE, 0).unwrap_err();
        assert!(error.is_absent());
        assert_eq!(
            error.to_string(),
            "sysctl net.ipv4.vs.est_nice = 0: this kernel does not have it, those from Linux \
             6.2 on have"
        );
        assert_eq!(sysctls.all().unwrap().len(), 1);
    }

    #[test]
    fn without_any_the_error_says_why() {
        let empty = Directory::with("empty", &[]);
        let nowhere = Sysctls::at(&empty.0.join("nowhere"), None);
        for error in [
            empty.sysctls().all().unwrap_err(),
            empty.sysctls().get(Sysctl::CONNTRACK).unwrap_err(),
            nowhere.all().unwrap_err(),
            nowhere.get(Sysctl::CONNTRACK).unwrap_err(),
            nowhere.set(Sysctl::CONNTRACK, true).unwrap_err(),
        ] {
            assert!(error.is_absent());
            assert!(error.to_string().contains("ip_vs is not loaded"), "{error}");
        }
    }
}
