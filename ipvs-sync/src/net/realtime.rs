//! The scheduling of a thread that must not be late.

use std::io;

/// The calling thread runs before all others of a lower real-time priority, or of none
/// (SCHED_FIFO), until it waits.
#[expect(unsafe_code, reason = "nix has no scheduling policies")]
pub(crate) fn run_in_real_time(priority: u8) -> io::Result<()> {
    // SAFETY: the fields of `sched_param` are integers, or structures of integers, of which
    // each may be zero.
    let mut param: libc::sched_param = unsafe { std::mem::zeroed() };
    param.sched_priority = i32::from(priority);
    // SAFETY: the thread is the calling one, and the parameter is only read until the call
    // returns.
    let errno =
        unsafe { libc::pthread_setschedparam(libc::pthread_self(), libc::SCHED_FIFO, &param) };
    match errno {
        0 => Ok(()),
        errno => Err(io::Error::from_raw_os_error(errno)),
    }
}
