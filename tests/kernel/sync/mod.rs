//! The kernel's sync daemons: messages to the backup and from the master, and which run.

pub(crate) mod director;
mod dropped;
mod kept;
mod shown;
pub(crate) mod table;
pub(crate) mod told;
