//! Sync messages to the kernel's backup daemon, and from its master.

mod director;
mod dropped;
mod shown;
mod table;
mod told;
