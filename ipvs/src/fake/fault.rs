//! What can be made to go wrong, and to happen in between.

use super::{Kernel, State};
use crate::Operation;
use ipvs_sys::{
    Command, DelDaemon, DelDestination, DelService, Flush, GetConfig, GetDaemon, GetDestination,
    GetInfo, GetService, NewDaemon, NewDestination, NewService, SetConfig, SetDestination,
    SetService, Zero,
};
use std::fmt;

/// What goes wrong with a request, or happens around it.
#[non_exhaustive]
pub enum Fault {
    /// It is refused with this error number, such as `libc::ENOMEM`, and does nothing.
    Errno(i32),
    /// It is carried out, and nothing answers. The kernel does this when a sync
    /// daemon is stopped before it first ran (`af_netlink.c: netlink_rcv_skb`
    /// answers nothing to EINTR).
    NoAnswer,
    /// It is carried out, and its answer is lost because the receive queue is
    /// full ([`Received::Overrun`](crate::transport::Received::Overrun)). Later
    /// answers are lost as well, until everything has been received.
    Overrun,
    /// Its first answer is longer than the buffer
    /// ([`Received::Truncated`](crate::transport::Received::Truncated)).
    Truncated,
    /// The listing ends with this error number after its first datagram.
    Cut(i32),
    /// This happens before it is carried out. See [`Fault::before`].
    Before(Meanwhile),
    /// This happens between its first two datagrams. See [`Fault::between`].
    Between(Meanwhile),
}

/// What happens: mostly that another client changes the table.
pub type Meanwhile = Box<dyn FnOnce(&Kernel) + Send>;

/// A fault that waits for its request.
pub(super) struct Planned {
    operation: Option<Operation>,
    /// How many requests are left, with that which it is for.
    left: usize,
    fault: Fault,
}

/// What the faults make of one request.
#[derive(Default)]
pub(super) struct Fate {
    pub(super) errno: Option<i32>,
    pub(super) no_answer: bool,
    pub(super) overrun: bool,
    pub(super) truncated: bool,
    pub(super) cut: Option<i32>,
    pub(super) before: Vec<Meanwhile>,
    pub(super) between: Vec<Meanwhile>,
}

impl Fault {
    /// Before the request is carried out, `change` happens: somebody else was
    /// faster.
    pub fn before(change: impl FnOnce(&Kernel) + Send + 'static) -> Self {
        Self::Before(Box::new(change))
    }

    /// Between the first datagram of a listing and the making of its second,
    /// `change` happens. The kernel keeps a number as its place in the list: of
    /// entries that come or go before that place, one is listed twice or
    /// another not at all. A listing of nothing is one datagram, and then
    /// nothing happens.
    pub fn between(change: impl FnOnce(&Kernel) + Send + 'static) -> Self {
        Self::Between(Box::new(change))
    }
}

impl State {
    pub(super) fn plan(&mut self, operation: Option<Operation>, nth: usize, fault: Fault) {
        self.faults.push(Planned { operation, left: nth.max(1), fault });
    }

    /// What is planned for this request.
    pub(super) fn fate(&mut self, operation: Operation) -> Fate {
        let mut fate = Fate::default();
        for mut planned in std::mem::take(&mut self.faults) {
            if planned.operation.is_none_or(|wanted| wanted == operation) {
                planned.left -= 1;
            }
            if planned.left > 0 {
                self.faults.push(planned);
                continue;
            }
            match planned.fault {
                Fault::Errno(errno) => fate.errno = Some(errno),
                Fault::NoAnswer => fate.no_answer = true,
                Fault::Overrun => fate.overrun = true,
                Fault::Truncated => fate.truncated = true,
                Fault::Cut(errno) => fate.cut = Some(errno),
                Fault::Before(change) => fate.before.push(change),
                Fault::Between(change) => fate.between.push(change),
            }
        }
        fate
    }
}

/// The operation of the client that sends this command.
pub(super) fn operation(command: u8, listing: bool) -> Option<Operation> {
    Some(match (command, listing) {
        (NewService::NUMBER, false) => Operation::AddService,
        (SetService::NUMBER, false) => Operation::EditService,
        (DelService::NUMBER, false) => Operation::DeleteService,
        (GetService::NUMBER, false) => Operation::GetService,
        (GetService::NUMBER, true) => Operation::ListServices,
        (NewDestination::NUMBER, false) => Operation::AddDestination,
        (SetDestination::NUMBER, false) => Operation::EditDestination,
        (DelDestination::NUMBER, false) => Operation::DeleteDestination,
        (GetDestination::NUMBER, true) => Operation::ListDestinations,
        (NewDaemon::NUMBER, false) => Operation::StartDaemon,
        (DelDaemon::NUMBER, false) => Operation::StopDaemon,
        (GetDaemon::NUMBER, true) => Operation::ListDaemons,
        (SetConfig::NUMBER, false) => Operation::SetTimeouts,
        (GetConfig::NUMBER, false) => Operation::GetTimeouts,
        (GetInfo::NUMBER, false) => Operation::GetInfo,
        (Zero::NUMBER, false) => Operation::Zero,
        (Flush::NUMBER, false) => Operation::Flush,
        _ => return None,
    })
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Errno(errno) => write!(f, "Errno({errno})"),
            Self::NoAnswer => f.write_str("NoAnswer"),
            Self::Overrun => f.write_str("Overrun"),
            Self::Truncated => f.write_str("Truncated"),
            Self::Cut(errno) => write!(f, "Cut({errno})"),
            Self::Before(_) => f.write_str("Before(..)"),
            Self::Between(_) => f.write_str("Between(..)"),
        }
    }
}
