//! Network namespaces, entered by a thread that ends.
//!
//! A socket, and a file below `/proc/thread-self/net` or `/proc/sys/net`, is of
//! the network namespace of the thread that opens it, and stays of it. So a
//! thread of its own enters the namespace, opens what is needed and ends; the
//! calling thread never moves, and no failure can leave it elsewhere.

use nix::errno::Errno;
use nix::sched::{CloneFlags, setns};
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread;

/// A network namespace that this process may enter.
///
/// It holds the namespace open: it lives on, whatever is unmounted or ends.
#[derive(Debug)]
pub struct Namespace {
    file: File,
    origin: Origin,
}

/// Why a namespace cannot be entered.
///
/// It displays as `network namespace /run/netns/blue: no such file (ENOENT)`.
#[derive(Debug)]
pub struct NamespaceError {
    origin: Origin,
    problem: NamespaceProblem,
    error: Option<io::Error>,
}

/// The sort of a [`NamespaceError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NamespaceProblem {
    /// There is no such file or process.
    NotFound,
    /// A name is one path component: not empty, no `/`, neither `.` nor `..`.
    Name,
    /// The file is not a namespace.
    NotANamespace,
    /// The file is a namespace, but not of a network.
    NotANetwork,
    /// The file may not be opened. That of a process needs the permission to
    /// trace it (`proc/namespaces.c: proc_ns_get_link`).
    MayNotOpen,
    /// Entering needs CAP_SYS_ADMIN in the user namespace of the process and
    /// in the one that owns the network namespace (`net_namespace.c:
    /// netns_install`).
    MayNotEnter,
    /// Something else; see [`NamespaceError::raw_os_error`].
    Io,
}

/// What the caller named it by.
#[derive(Clone, Debug)]
enum Origin {
    Path(PathBuf),
    Process(u32),
    Descriptor,
}

impl Namespace {
    /// The namespace of a file: what `ip netns add` mounts, or
    /// `/proc/PID/ns/net`.
    ///
    /// # Errors
    ///
    /// Any but [`NamespaceProblem::Name`]. The namespace is entered once to see
    /// that it can be.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, NamespaceError> {
        Self::opened(path.as_ref(), Origin::Path(path.as_ref().to_owned()))
    }

    /// The namespace that `ip netns` has under this name.
    ///
    /// # Errors
    ///
    /// As [`Namespace::open`], and [`NamespaceProblem::Name`].
    pub fn named(name: &str) -> Result<Self, NamespaceError> {
        let path = Path::new(NAMED).join(name);
        if matches!(name, "" | "." | "..") || name.contains(['/', '\0']) {
            return Err(NamespaceError::new(Origin::Path(path), NamespaceProblem::Name, None));
        }
        Self::open(path)
    }

    /// The namespace of a process, by its number in this PID namespace.
    ///
    /// # Errors
    ///
    /// As [`Namespace::open`].
    pub fn of_process(pid: u32) -> Result<Self, NamespaceError> {
        Self::opened(Path::new(&format!("/proc/{pid}/ns/net")), Origin::Process(pid))
    }

    /// The namespace that a file descriptor refers to. One that is borrowed is
    /// cloned first ([`BorrowedFd::try_clone_to_owned`]).
    ///
    /// # Errors
    ///
    /// As [`Namespace::open`].
    ///
    /// [`BorrowedFd::try_clone_to_owned`]: std::os::fd::BorrowedFd::try_clone_to_owned
    pub fn from_fd(fd: OwnedFd) -> Result<Self, NamespaceError> {
        Self { file: File::from(fd), origin: Origin::Descriptor }.entered()
    }

    fn opened(path: &Path, origin: Origin) -> Result<Self, NamespaceError> {
        // A FIFO would otherwise wait for a writer.
        match OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path) {
            Ok(file) => Self { file, origin }.entered(),
            Err(error) => {
                let problem = match error.kind() {
                    io::ErrorKind::NotFound => NamespaceProblem::NotFound,
                    io::ErrorKind::PermissionDenied => NamespaceProblem::MayNotOpen,
                    _ => NamespaceProblem::Io,
                };
                Err(NamespaceError::new(origin, problem, Some(error)))
            }
        }
    }

    fn entered(self) -> Result<Self, NamespaceError> {
        self.run(|| ()).map(|()| self)
    }

    /// Does something in the namespace, on a thread that has ended when this
    /// returns. What it opens there stays of the namespace, whichever thread
    /// uses it later.
    ///
    /// # Errors
    ///
    /// [`NamespaceProblem::MayNotEnter`] and [`NamespaceProblem::Io`].
    pub fn run<R: Send>(&self, work: impl FnOnce() -> R + Send) -> Result<R, NamespaceError> {
        let inside = || match setns(&self.file, CloneFlags::CLONE_NEWNET) {
            Ok(()) => Ok(work()),
            Err(errno) => Err(self.refused(errno)),
        };
        on_a_thread(inside).unwrap_or_else(|error| {
            Err(NamespaceError::new(self.origin.clone(), NamespaceProblem::Io, Some(error)))
        })
    }

    fn refused(&self, errno: Errno) -> NamespaceError {
        let problem = match errno {
            Errno::EPERM => NamespaceProblem::MayNotEnter,
            // `nsproxy.c: setns` answers the same for both.
            Errno::EINVAL if self.is_any_namespace() => NamespaceProblem::NotANetwork,
            Errno::EINVAL => NamespaceProblem::NotANamespace,
            _ => NamespaceProblem::Io,
        };
        NamespaceError::new(self.origin.clone(), problem, Some(errno.into()))
    }

    /// All namespaces are files of one file system, nsfs.
    fn is_any_namespace(&self) -> bool {
        match (self.file.metadata(), fs::metadata("/proc/thread-self/ns/net")) {
            (Ok(this), Ok(other)) => this.dev() == other.dev(),
            _ => false,
        }
    }
}

fn on_a_thread<R: Send>(work: impl FnOnce() -> R + Send) -> io::Result<R> {
    thread::scope(|scope| {
        let worker = thread::Builder::new().name("ipvs-namespace".to_owned());
        let worker = worker.spawn_scoped(scope, work)?;
        Ok(worker.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })
}

/// Where `ip netns add` mounts namespaces.
const NAMED: &str = "/run/netns";

impl NamespaceError {
    fn new(origin: Origin, problem: NamespaceProblem, error: Option<io::Error>) -> Self {
        Self { origin, problem, error }
    }

    /// The sort of error.
    pub fn problem(&self) -> NamespaceProblem {
        self.problem
    }

    /// Whether a privilege is missing.
    pub fn is_permission(&self) -> bool {
        matches!(self.problem, NamespaceProblem::MayNotOpen | NamespaceProblem::MayNotEnter)
    }

    /// The system's error number, if there is one.
    pub fn raw_os_error(&self) -> Option<i32> {
        self.error.as_ref()?.raw_os_error()
    }
}

impl fmt::Display for NamespaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "network namespace {}: ", self.origin)?;
        let text = match (self.problem, &self.origin, &self.error) {
            (NamespaceProblem::NotFound, Origin::Process(_), _) => "no such process",
            (NamespaceProblem::NotFound, ..) => "no such file (ENOENT)",
            (NamespaceProblem::Name, ..) => {
                "a name is one path component: not empty, no `/`, neither `.` nor `..`"
            }
            (NamespaceProblem::NotANamespace, ..) => "this file is not a namespace",
            (NamespaceProblem::NotANetwork, ..) => "this is a namespace, but not of a network",
            (NamespaceProblem::MayNotOpen, Origin::Process(_), _) => {
                "permission denied, this process may not trace that one (CAP_SYS_PTRACE)"
            }
            (NamespaceProblem::MayNotOpen, ..) => "permission denied, the file may not be read",
            (NamespaceProblem::MayNotEnter, ..) => {
                "permission denied, entering it needs the capability CAP_SYS_ADMIN, here and in \
                 the user namespace that owns it (EPERM)"
            }
            (NamespaceProblem::Io, _, Some(error)) => return error.fmt(f),
            (NamespaceProblem::Io, _, None) => "it cannot be entered",
        };
        f.write_str(text)
    }
}

impl std::error::Error for NamespaceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.as_ref().map(|error| error as _)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => path.display().fmt(f),
            Self::Process(pid) => write!(f, "of process {pid}"),
            Self::Descriptor => f.write_str("of a file descriptor"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, ErrorKind, Operation, Subject};

    fn problem(result: Result<Namespace, NamespaceError>) -> (NamespaceProblem, String) {
        let error = result.unwrap_err();
        (error.problem(), error.to_string())
    }

    #[test]
    fn what_is_not_there_is_said_by_what_named_it() {
        assert_eq!(
            problem(Namespace::open("/nowhere/net")),
            (
                NamespaceProblem::NotFound,
                "network namespace /nowhere/net: no such file (ENOENT)".to_owned()
            )
        );
        assert_eq!(
            problem(Namespace::of_process(u32::MAX)),
            (
                NamespaceProblem::NotFound,
                "network namespace of process 4294967295: no such process".to_owned()
            )
        );
        assert_eq!(
            problem(Namespace::named("no such name")).1,
            "network namespace /run/netns/no such name: no such file (ENOENT)"
        );
    }

    #[test]
    fn a_name_does_not_leave_its_directory() {
        for name in ["", ".", "..", "../../proc/1/ns/net", "a/b", "a\0b"] {
            assert_eq!(problem(Namespace::named(name)).0, NamespaceProblem::Name, "{name:?}");
        }
    }

    #[test]
    fn a_file_that_is_no_namespace_and_one_of_another_kind_are_told_apart() {
        // The kernel looks at the kind before it looks at the privilege.
        assert_eq!(
            problem(Namespace::open("/proc/self/status")),
            (
                NamespaceProblem::NotANamespace,
                "network namespace /proc/self/status: this file is not a namespace".to_owned()
            )
        );
        assert_eq!(problem(Namespace::open("/proc/self/ns/uts")).0, NamespaceProblem::NotANetwork);
        let uts = File::open("/proc/self/ns/uts").unwrap();
        assert_eq!(
            problem(Namespace::from_fd(uts.into())),
            (
                NamespaceProblem::NotANetwork,
                "network namespace of a file descriptor: this is a namespace, but not of a network"
                    .to_owned()
            )
        );
    }

    #[test]
    fn a_client_that_cannot_enter_says_so() {
        for (problem, kind) in [
            (NamespaceProblem::MayNotEnter, ErrorKind::Permission),
            (NamespaceProblem::NotANetwork, ErrorKind::Namespace),
        ] {
            let error = NamespaceError::new(
                Origin::Path("/run/netns/blue".into()),
                problem,
                Some(Errno::EPERM.into()),
            );
            let text = error.to_string();
            let error = Error::new(Operation::Connect, Subject::nothing(), error.into());
            assert_eq!(error.kind(), kind);
            assert_eq!(error.is_permission(), kind == ErrorKind::Permission);
            assert_eq!(error.raw_os_error(), Some(libc::EPERM));
            assert_eq!(error.to_string(), format!("connect to IPVS: {text}"));
        }
    }

    #[test]
    fn a_panic_inside_comes_out() {
        let panic =
            std::panic::catch_unwind(|| on_a_thread(|| resume_unwind(Box::new(7)))).unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&7));
    }
}
