//! What went wrong: the operation, the object, the cause, and what it means.

use crate::diagnosis::{NoIpvs, Permission};
use crate::name::{EngineName, InterfaceName};
use crate::plan::NotTakenBack;
use crate::{Endpoint, NamespaceError, Role, Rule, Scheduler, Service, ServiceKey, SyncDaemon};
use ipvs_sys::DecodeError;
use std::fmt;
use std::io;

/// An operation that failed, on what, and why.
///
/// It displays as one sentence: `add destination 10.0.0.7:80 to tcp
/// 192.0.2.1:443: no such virtual service (ESRCH)`. Nothing is formatted before
/// it is displayed. To act on it, ask the predicates, or [`Error::kind`] for
/// more detail. The client can be used on after any error.
pub struct Error(Box<Inner>);

struct Inner {
    operation: Operation,
    subject: Subject,
    failure: Failure,
}

/// What was to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// Opening the socket and finding IPVS.
    Connect,
    /// Adding a service.
    AddService,
    /// Editing a service.
    EditService,
    /// Deleting a service.
    DeleteService,
    /// Reading one service.
    GetService,
    /// Reading all services.
    ListServices,
    /// Adding a destination.
    AddDestination,
    /// Editing a destination.
    EditDestination,
    /// Deleting a destination.
    DeleteDestination,
    /// Reading one destination.
    GetDestination,
    /// Reading the destinations of a service.
    ListDestinations,
    /// Sending a batch of changes.
    SendBatch,
    /// Reading the whole table.
    TakeSnapshot,
    /// Applying a plan.
    ApplyPlan,
    /// Reading the timeouts.
    GetTimeouts,
    /// Setting timeouts.
    SetTimeouts,
    /// Asking for version and size.
    GetInfo,
    /// Starting a sync daemon.
    StartDaemon,
    /// Stopping a sync daemon.
    StopDaemon,
    /// Reading the sync daemons.
    ListDaemons,
    /// Zeroing counters.
    Zero,
    /// Deleting all services.
    Flush,
}

/// The sort of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A value breaks a [`Rule`]. Nothing was sent.
    Rule,
    /// The service does not exist.
    NoSuchService,
    /// The service has no such destination.
    NoSuchDestination,
    /// The kernel has no such scheduler or persistence engine and found no
    /// module for it.
    NoSuchScheduler,
    /// No sync daemon of that role runs.
    NoSuchDaemon,
    /// There is no such network interface.
    NoSuchInterface,
    /// The service, destination or daemon exists already.
    AlreadyExists,
    /// The capability CAP_NET_ADMIN is missing, or one to enter the network
    /// namespace.
    Permission,
    /// The capability is there, but in a user namespace, where IPVS does not count it.
    UserNamespace,
    /// The network namespace cannot be entered, for want of something else than
    /// a privilege; see [`std::error::Error::source`] for a [`NamespaceError`].
    Namespace,
    /// The kernel has no IPVS, or its module is not loaded.
    NoIpvs,
    /// The kernel refused for another reason; see [`Error::raw_os_error`].
    Refused,
    /// Answers were lost, so it is not known what was carried out.
    Overrun,
    /// An answer was longer than the receive buffer.
    Truncated,
    /// The kernel gave no answer.
    NoAnswer,
    /// A listing ended too early or changed underneath.
    Incomplete,
    /// The table changed under every reading of it.
    Unstable,
    /// The table is no longer the one that a plan was made from. Nothing was sent.
    Changed,
    /// A step of a plan was not taken back, for a reason that is not the kernel's.
    NotTakenBack,
    /// An answer could not be read.
    Malformed,
    /// The socket failed.
    Io,
}

/// What the operation was on. Small and copied on failure only.
#[derive(Clone, Copy, Default)]
pub(crate) struct Subject {
    service: Option<ServiceKey>,
    destination: Option<Endpoint>,
    daemon: Option<(Role, Option<InterfaceName>)>,
    /// Of a service that is added or edited, what may be unknown to the kernel.
    scheduler: Option<(Scheduler, Option<EngineName>)>,
}

/// Why it failed, as far as the place that noticed knows.
#[derive(Debug)]
pub(crate) enum Failure {
    Rule(Rule),
    /// The kernel's answer: a positive error number, and its text if it has one.
    Errno {
        errno: i32,
        text: Option<Box<str>>,
    },
    Permission(Permission),
    NoIpvs(NoIpvs),
    Namespace(NamespaceError),
    Io(io::Error),
    Overrun,
    Truncated {
        len: usize,
        room: usize,
    },
    NoAnswer,
    DumpFailed(i32),
    DumpInterrupted,
    Unstable {
        readings: usize,
    },
    Changed,
    /// Its answer was lost, and reading back shows that it was not carried out.
    NotDone,
    NotTakenBack(NotTakenBack),
    Decode(DecodeError),
}

impl Error {
    pub(crate) fn new(operation: Operation, subject: Subject, failure: Failure) -> Self {
        Self(Box::new(Inner { operation, subject, failure }))
    }

    /// What was to be done.
    pub fn operation(&self) -> Operation {
        self.0.operation
    }

    /// The sort of error.
    pub fn kind(&self) -> ErrorKind {
        match &self.0.failure {
            Failure::Rule(_) => ErrorKind::Rule,
            Failure::Errno { errno, .. } => self.0.kind_of(*errno),
            Failure::Permission(Permission::UserNamespace) => ErrorKind::UserNamespace,
            Failure::Permission(_) => ErrorKind::Permission,
            Failure::NoIpvs(_) => ErrorKind::NoIpvs,
            Failure::Namespace(error) if error.is_permission() => ErrorKind::Permission,
            Failure::Namespace(_) => ErrorKind::Namespace,
            Failure::Io(_) => ErrorKind::Io,
            Failure::Overrun => ErrorKind::Overrun,
            Failure::Truncated { .. } => ErrorKind::Truncated,
            Failure::NoAnswer => ErrorKind::NoAnswer,
            Failure::DumpFailed(_) | Failure::DumpInterrupted => ErrorKind::Incomplete,
            Failure::Unstable { .. } => ErrorKind::Unstable,
            Failure::Changed => ErrorKind::Changed,
            Failure::NotDone => ErrorKind::Refused,
            Failure::NotTakenBack(_) => ErrorKind::NotTakenBack,
            Failure::Decode(_) => ErrorKind::Malformed,
        }
    }

    /// Whether the service, destination or daemon does not exist. For a
    /// scheduler or interface that does not, see [`Error::kind`].
    pub fn is_not_found(&self) -> bool {
        matches!(
            self.kind(),
            ErrorKind::NoSuchService | ErrorKind::NoSuchDestination | ErrorKind::NoSuchDaemon
        )
    }

    /// Whether what was to be added or started is there already.
    pub fn is_already_exists(&self) -> bool {
        self.kind() == ErrorKind::AlreadyExists
    }

    /// Whether a privilege is missing.
    pub fn is_permission(&self) -> bool {
        matches!(self.kind(), ErrorKind::Permission | ErrorKind::UserNamespace)
    }

    /// Whether the kernel has no IPVS.
    pub fn is_no_ipvs(&self) -> bool {
        self.kind() == ErrorKind::NoIpvs
    }

    /// Whether it is not known if the operation was carried out: its answer was
    /// lost, or the socket failed before or after. Read back what matters.
    pub fn is_uncertain(&self) -> bool {
        matches!(
            self.kind(),
            ErrorKind::Overrun
                | ErrorKind::Truncated
                | ErrorKind::NoAnswer
                | ErrorKind::Malformed
                | ErrorKind::Io
        )
    }

    /// The rule that was broken, if that is known.
    pub fn rule(&self) -> Option<Rule> {
        match self.0.failure {
            Failure::Rule(rule) => Some(rule),
            _ => None,
        }
    }

    /// The kernel's error number, positive, if there is one.
    pub fn raw_os_error(&self) -> Option<i32> {
        match &self.0.failure {
            Failure::Errno { errno, .. } | Failure::DumpFailed(errno) => Some(*errno),
            Failure::Permission(_) => Some(libc::EPERM),
            Failure::NoIpvs(_) => Some(libc::ENOENT),
            Failure::Overrun => Some(libc::ENOBUFS),
            Failure::Namespace(error) => error.raw_os_error(),
            Failure::Io(error) => error.raw_os_error(),
            _ => None,
        }
    }
}

impl Subject {
    pub(crate) fn nothing() -> Self {
        Self::default()
    }

    pub(crate) fn key(key: &ServiceKey) -> Self {
        Self { service: Some(*key), ..Self::default() }
    }

    pub(crate) fn service(service: &Service) -> Self {
        let engine = service.persistence().and_then(|persistence| persistence.engine);
        Self { scheduler: Some((service.scheduler(), engine)), ..Self::key(&service.key()) }
    }

    pub(crate) fn destination(key: &ServiceKey, endpoint: Endpoint) -> Self {
        Self { destination: Some(endpoint), ..Self::key(key) }
    }

    pub(crate) fn daemon(daemon: &SyncDaemon) -> Self {
        Self { daemon: Some((daemon.role, Some(daemon.interface))), ..Self::default() }
    }

    pub(crate) fn role(role: Role) -> Self {
        Self { daemon: Some((role, None)), ..Self::default() }
    }
}

impl Inner {
    /// What an error number means for this operation (`ip_vs_ctl.c:
    /// ip_vs_genl_set_cmd` and what it calls).
    fn kind_of(&self, errno: i32) -> ErrorKind {
        use Operation::{
            AddService, DeleteDestination, EditDestination, EditService, StartDaemon, StopDaemon,
        };
        match (errno, self.operation) {
            (libc::EEXIST, _) => ErrorKind::AlreadyExists,
            (libc::ESRCH, StopDaemon) => ErrorKind::NoSuchDaemon,
            (libc::ESRCH, _) => ErrorKind::NoSuchService,
            (libc::ENOENT, AddService | EditService) => ErrorKind::NoSuchScheduler,
            (libc::ENOENT, EditDestination | DeleteDestination) => ErrorKind::NoSuchDestination,
            (libc::ENODEV, StartDaemon) => ErrorKind::NoSuchInterface,
            _ => ErrorKind::Refused,
        }
    }

    /// What an error number means, in words; `None` if no more than its name.
    fn meaning(&self, errno: i32, f: &mut fmt::Formatter<'_>) -> Option<fmt::Result> {
        use Operation::{AddDestination, EditDestination, EditService, SetTimeouts, StartDaemon};
        let mixed = match (self.subject.service, self.subject.destination) {
            (Some(key), Some(endpoint)) => key.family() != endpoint.family(),
            _ => false,
        };
        let text = match (self.kind_of(errno), errno, self.operation) {
            (ErrorKind::NoSuchService, ..) => "no such virtual service",
            (ErrorKind::NoSuchDestination, ..) => "no such destination in this service",
            (ErrorKind::NoSuchDaemon, ..) => "no such sync daemon runs",
            (ErrorKind::NoSuchInterface, ..) => "no such network interface",
            (ErrorKind::AlreadyExists, _, StartDaemon) => {
                "a sync daemon of this role runs already; stop it to change its parameters"
            }
            (ErrorKind::AlreadyExists, ..) => "already exists",
            (ErrorKind::NoSuchScheduler, ..) => return Some(self.no_such_scheduler(f)),
            (_, libc::EINVAL, AddDestination) if mixed => {
                "the kernel takes no destination of another address family while a sync daemon \
                 runs, nor one without a route"
            }
            (_, libc::EINVAL, EditDestination) if mixed => {
                "the kernel edits no destination of another address family while a sync daemon \
                 runs"
            }
            (_, libc::EINVAL, AddDestination) => {
                "the address is not unicast by this network namespace's routes (a broadcast \
                 address, or no route and loopback down)"
            }
            (_, libc::EINVAL, EditDestination) => "the kernel refuses the new parameters",
            (_, libc::EINVAL, EditService) => {
                "the kernel refuses the new parameters (the scheduler mh takes no more \
                 destinations than its table has entries)"
            }
            (_, libc::EINVAL, SetTimeouts) => {
                "a timeout is longer than the kernel's clock ticks can express"
            }
            (_, libc::EINVAL, StartDaemon) => {
                "the kernel refuses the parameters, most likely because a service has a \
                 destination of another address family, which sync messages cannot express: \
                 delete it first"
            }
            (_, libc::EADDRINUSE, StartDaemon) => "another socket has the UDP port",
            (_, libc::ENETUNREACH | libc::EADDRNOTAVAIL | libc::ENETDOWN, StartDaemon) => {
                "the interface is down or has no address of the group's family"
            }
            (_, libc::ERANGE, _) => "a number is out of the kernel's range",
            (_, libc::EAFNOSUPPORT, _) => "this kernel has no IPv6, or it is switched off",
            (_, libc::ENOMEM, _) => "the kernel is out of memory",
            (_, libc::ENOPROTOOPT, _) => "IPVS is being unloaded",
            (_, libc::EOPNOTSUPP, _) => "this kernel's IPVS does not know the command",
            (_, libc::EBUSY, _) => "another listing on this socket has not ended",
            _ => return None,
        };
        Some(f.write_str(text))
    }

    fn no_such_scheduler(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.subject.scheduler {
            Some((scheduler, Some(engine))) => write!(
                f,
                "scheduler `{scheduler}` or persistence engine `{engine}` is unknown to the \
                 kernel, which found no module ip_vs_{scheduler} or ip_vs_pe_{engine}"
            ),
            Some((scheduler, None)) => write!(
                f,
                "scheduler `{scheduler}` is unknown to the kernel, which found no module \
                 ip_vs_{scheduler}"
            ),
            None => f.write_str("scheduler unknown to the kernel"),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { operation, subject, failure } = &*self.0;
        write_object(*operation, subject, f)?;
        f.write_str(": ")?;
        match failure {
            Failure::Rule(rule) => rule.fmt(f),
            Failure::Errno { errno, text } => {
                match self.0.meaning(*errno, f) {
                    Some(written) => written?,
                    None => f.write_str("the kernel refuses")?,
                }
                write!(f, " ({})", Errno(*errno))?;
                match text {
                    Some(text) => write!(f, "; the kernel says: {text}"),
                    None => Ok(()),
                }
            }
            Failure::Permission(permission) => permission.fmt(f),
            Failure::NoIpvs(no_ipvs) => no_ipvs.fmt(f),
            Failure::Namespace(error) => error.fmt(f),
            Failure::Io(error) => write!(f, "netlink socket: {error}"),
            Failure::Overrun => f.write_str(
                "answers were lost because the receive queue was full (ENOBUFS); what was \
                 carried out is not known, read it back",
            ),
            Failure::Truncated { len, room } => {
                write!(f, "an answer of {len} bytes did not fit the buffer of {room}")
            }
            Failure::NoAnswer => f.write_str(
                "the kernel gave no answer; whether it was carried out is not known, read it back",
            ),
            Failure::DumpFailed(errno) => {
                write!(f, "the listing ended too early ({})", Errno(*errno))
            }
            Failure::DumpInterrupted => {
                f.write_str("the table changed while it was listed; list it again")
            }
            Failure::Changed => f.write_str(
                "it is not as it was when the plan was made; make another plan from a new snapshot",
            ),
            Failure::NotDone => f.write_str(
                "not carried out, as reading back shows; why is not known, the answer was lost",
            ),
            Failure::NotTakenBack(reason) => reason.fmt(f),
            Failure::Unstable { readings } => write!(
                f,
                "the table changed under each of {readings} readings; try again when it is changed \
                 less often"
            ),
            Failure::Decode(error) => write!(f, "the kernel's answer cannot be read: {error}"),
        }
    }
}

fn write_object(
    operation: Operation,
    subject: &Subject,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    f.write_str(match operation {
        Operation::Connect => "connect to IPVS",
        Operation::AddService => "add service",
        Operation::EditService => "edit service",
        Operation::DeleteService => "delete service",
        Operation::GetService => "get service",
        Operation::ListServices => "list services",
        Operation::AddDestination => "add destination",
        Operation::EditDestination => "edit destination",
        Operation::DeleteDestination => "delete destination",
        Operation::GetDestination => "get destination",
        Operation::ListDestinations => "list destinations",
        Operation::SendBatch => "send a batch",
        Operation::TakeSnapshot => "take a snapshot",
        Operation::ApplyPlan => "apply a plan",
        Operation::GetTimeouts => "get timeouts",
        Operation::SetTimeouts => "set timeouts",
        Operation::GetInfo => "get info",
        Operation::StartDaemon => "start sync daemon",
        Operation::StopDaemon => "stop sync daemon",
        Operation::ListDaemons => "list sync daemons",
        Operation::Zero => "zero counters",
        Operation::Flush => "flush",
    })?;
    if let Some(endpoint) = subject.destination {
        write!(f, " {endpoint}")?;
    }
    if let Some(key) = subject.service {
        f.write_str(match operation {
            Operation::AddDestination => " to",
            Operation::DeleteDestination => " from",
            Operation::ApplyPlan => " to",
            Operation::EditDestination
            | Operation::GetDestination
            | Operation::ListDestinations
            | Operation::TakeSnapshot
            | Operation::Zero => " of",
            _ => "",
        })?;
        write!(f, " {key}")?;
    }
    match subject.daemon {
        Some((role, Some(interface))) => write!(f, " {role} on {interface}")?,
        Some((role, None)) => write!(f, " {role}")?,
        None => {}
    }
    Ok(())
}

/// An error number by its name, or in the system's words.
struct Errno(i32);

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match errno_name(self.0) {
            Some(name) => f.write_str(name),
            None => io::Error::from_raw_os_error(self.0).fmt(f),
        }
    }
}

fn errno_name(errno: i32) -> Option<&'static str> {
    Some(match errno {
        libc::EPERM => "EPERM",
        libc::ENOENT => "ENOENT",
        libc::ESRCH => "ESRCH",
        libc::EINTR => "EINTR",
        libc::ENOMEM => "ENOMEM",
        libc::EACCES => "EACCES",
        libc::EBUSY => "EBUSY",
        libc::EEXIST => "EEXIST",
        libc::ENODEV => "ENODEV",
        libc::EINVAL => "EINVAL",
        libc::ERANGE => "ERANGE",
        libc::ENOPROTOOPT => "ENOPROTOOPT",
        libc::EOPNOTSUPP => "EOPNOTSUPP",
        libc::EAFNOSUPPORT => "EAFNOSUPPORT",
        libc::EADDRINUSE => "EADDRINUSE",
        libc::EADDRNOTAVAIL => "EADDRNOTAVAIL",
        libc::ENETDOWN => "ENETDOWN",
        libc::ENETUNREACH => "ENETUNREACH",
        libc::ENOBUFS => "ENOBUFS",
        _ => return None,
    })
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({:?}: {self})", self.kind())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0.failure {
            Failure::Rule(rule) => Some(rule),
            Failure::Io(error) => Some(error),
            Failure::Namespace(error) => Some(error),
            Failure::Decode(error) => Some(error),
            _ => None,
        }
    }
}

impl From<Rule> for Failure {
    fn from(rule: Rule) -> Self {
        Self::Rule(rule)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<NamespaceError> for Failure {
    fn from(error: NamespaceError) -> Self {
        Self::Namespace(error)
    }
}

impl From<DecodeError> for Failure {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}
