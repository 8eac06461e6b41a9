//! What the two ends of the lab agree on: `xtask` on the host and `lab-init`,
//! the guest's first process.
//!
//! The host writes a job (files under [`JOB`]) into the guest's file system;
//! the guest sends the job's output through two virtio-serial ports and ends
//! with exactly one [`Verdict`] line on its console. The host answers it with
//! one byte, once every byte of output has arrived; only then does the guest
//! end. A guest that ends without a verdict has failed, whatever its status.

mod verdict;

pub use verdict::{Outcome, Verdict};

/// Where the job's files are in the guest.
pub const JOB: &str = "/job";

/// The command and its arguments, each ended by a NUL.
pub const JOB_ARGV: &str = "/job/argv";

/// The environment as `NAME=value`, each ended by a NUL.
pub const JOB_ENVIRONMENT: &str = "/job/environment";

/// Present when the guest must not have IPVS at all.
pub const JOB_WITHOUT_IPVS: &str = "/job/without-ipvs";

/// The port that carries the job's standard output; the host's one byte of
/// answer to the verdict comes back through it.
pub const PORT_STDOUT: &str = "/dev/vport0p1";

/// The port that carries the job's standard error.
pub const PORT_STDERR: &str = "/dev/vport0p2";
