//! The fuzz targets, and how they run without a fuzzer.

pub mod batches;
pub mod fakes;
pub mod neighbours;
pub mod procfs;
pub mod reports;
pub mod resync;
pub mod routers;
pub mod sync;
pub mod tables;
pub mod targets;
pub mod vrrp;

use std::{env, fs, io};

/// Shows the files named on the command line to a target.
pub fn replay(target: fn(&[u8])) -> io::Result<()> {
    for path in env::args_os().skip(1) {
        target(&fs::read(path)?);
    }
    Ok(())
}
