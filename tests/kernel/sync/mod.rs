//! The kernel's sync daemons: messages to the backup and from the master, and which run.

mod director;
mod dropped;
mod kept;
mod shown;
mod table;
mod told;
