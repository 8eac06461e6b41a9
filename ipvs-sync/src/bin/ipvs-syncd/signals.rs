//! Signals, as descriptors to be polled. They are not blocked, so hooks start without a
//! mask of ours.

use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};
use signal_hook::low_level::pipe;
use std::io::{self, Read as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::UnixStream;

/// The signals that mean something.
pub(crate) struct Signals {
    end: UnixStream,
    reload: UnixStream,
    /// A hook has ended, which its runner looks after itself.
    child: UnixStream,
}

impl Signals {
    pub(crate) fn catch() -> io::Result<Self> {
        Ok(Self {
            end: caught(&[SIGTERM, SIGINT])?,
            reload: caught(&[SIGHUP])?,
            child: caught(&[SIGCHLD])?,
        })
    }

    /// What is to be waited for.
    pub(crate) fn polled(&self) -> [BorrowedFd<'_>; 3] {
        [&self.end, &self.reload, &self.child].map(|signal| signal.as_fd())
    }

    /// Whether the daemon was told to end, and whether to reload, since the last time.
    pub(crate) fn take(&mut self) -> (bool, bool) {
        drain(&mut self.child);
        (drain(&mut self.end), drain(&mut self.reload))
    }
}

fn caught(signals: &[i32]) -> io::Result<UnixStream> {
    let (ours, theirs) = UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    for signal in signals {
        pipe::register(*signal, theirs.try_clone()?)?;
    }
    Ok(ours)
}

fn drain(signal: &mut UnixStream) -> bool {
    let (mut any, mut part) = (false, [0; 64]);
    while signal.read(&mut part).is_ok_and(|length| length > 0) {
        any = true;
    }
    any
}
