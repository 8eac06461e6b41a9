//! Measures the client beside the floor: the least that user space can do for
//! the same work, with messages made in advance and one socket.
//!
//! It needs a kernel with IPVS and runs in the guest:
//!
//! ```text
//! cargo xtask vm --icount --kernel 6.1 -- /bin/measure [NAME…]
//! ```
//!
//! A name stands for every measurement that starts with it; without one all
//! run. With `--icount` the guest's clock counts its instructions, so what to
//! look at are ratios.

mod batch;
mod comparison;
mod counting;
mod floor;
mod listing;
mod measurements;
mod netns;
mod own;
mod plan;
mod procfs;
mod report;
mod restore;
mod sample;
mod shape;
mod single;
mod sweep;

use anyhow::{Result, bail};
use measurements::MEASUREMENTS;

fn main() -> Result<()> {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    for prefix in &wanted {
        if !MEASUREMENTS.iter().any(|(name, _)| name.starts_with(prefix.as_str())) {
            let names: Vec<&str> = MEASUREMENTS.iter().map(|(name, _)| *name).collect();
            bail!("no measurement is called {prefix}; there are {}", names.join(", "));
        }
    }
    report::heading();
    for (name, measurement) in MEASUREMENTS {
        let named = |prefix: &String| name.starts_with(prefix.as_str());
        if wanted.is_empty() || wanted.iter().any(named) {
            measurement.run(name)?;
        }
    }
    Ok(())
}
