//! The kernel's connection table, as a stream.
//!
//! Reading never panics, whatever the bytes, and allocates nothing for a line,
//! except for the data of a persistence engine. The memory is that of one line,
//! however long the table.
//!
//! ```no_run
//! use ipvs::connections::{self, Filter, Summary};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let filter = Filter { service: Some("tcp 10.0.0.1:80".parse()?), ..Filter::default() };
//! for connection in connections::open()? {
//!     let connection = connection?;
//!     if filter.matches(&connection) {
//!         println!("{connection}");
//!     }
//! }
//!
//! let summary: Summary = connections::open()?.collect::<Result<_, _>>()?;
//! for (service, destination, counts) in summary.iter() {
//!     println!("{service} to {destination}: {}", counts.connections());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What to know
//!
//! The table is that of one network namespace and needs no privilege to read.
//! It is there as soon as the module `ip_vs` is loaded.
//!
//! The kernel does not stop the table while it is read. It gives about 4 KiB at
//! a time and finds its place again by counting connections (`ip_vs_conn.c:
//! ip_vs_conn_array`). So a connection can be seen twice when others come before
//! it meanwhile, and missed when others before it end. Up to Linux 6.12 at least
//! it counts from the first connection of the table: reading one of twice the
//! size takes up to four times as long. Later it counts within a bucket; from
//! about Linux 7.1 on, when the table is resized meanwhile, the rest of it can be
//! missing.
//!
//! The kernel does not escape the data of a persistence engine (`ip_vs_conn.c:
//! ip_vs_conn_seq_show`). Those that it takes from packets are words without
//! white space (`nf_conntrack_sip.c: callid_len`), but a sync master can send
//! any bytes. They end at a NUL, and behind a newline in them the rest is read
//! as a line of its own: malformed, or what the master made it.
//! [`open_origins`] reads a file without them.

mod entry;
mod filter;
mod line;
mod reader;
mod summary;

pub use entry::{Connection, EngineData, Origin, State, StateName};
pub use filter::Filter;
pub use line::LineProblem;
pub use reader::{ReadError, Reader};
pub use summary::{Counts, Summary};

use crate::Namespace;
use std::fs::File;
use std::io::BufReader;

/// Opens the table of the calling thread's network namespace, with the data of
/// persistence engines (`/proc/net/ip_vs_conn`).
///
/// # Errors
///
/// [`ReadError::is_no_ipvs`], or what the system says.
pub fn open() -> Result<Reader<BufReader<File>>, ReadError> {
    open_file(ENGINES)
}

/// Opens the table of another network namespace.
///
/// # Errors
///
/// As [`open`], and those of the namespace.
pub fn open_in(namespace: &Namespace) -> Result<Reader<BufReader<File>>, ReadError> {
    namespace.run(|| open_file(ENGINES))?
}

/// Opens the table of the calling thread's network namespace, with where each
/// connection was made (`/proc/net/ip_vs_conn_sync`).
///
/// # Errors
///
/// As [`open`].
pub fn open_origins() -> Result<Reader<BufReader<File>>, ReadError> {
    open_file(ORIGINS)
}

/// Opens the table of another network namespace, with where each connection
/// was made.
///
/// # Errors
///
/// As [`open_in`].
pub fn open_origins_in(namespace: &Namespace) -> Result<Reader<BufReader<File>>, ReadError> {
    namespace.run(|| open_file(ORIGINS))?
}

// `/proc/net` is that of the thread group's leader, wherever this thread is.
const ENGINES: &str = "/proc/thread-self/net/ip_vs_conn";
const ORIGINS: &str = "/proc/thread-self/net/ip_vs_conn_sync";

fn open_file(path: &'static str) -> Result<Reader<BufReader<File>>, ReadError> {
    match File::open(path) {
        Ok(file) => Ok(Reader::new(BufReader::new(file))),
        Err(error) => Err(ReadError::open(path, error)),
    }
}
