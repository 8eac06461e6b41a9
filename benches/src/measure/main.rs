//! Measures the client beside the floor: the least that user space can do for
//! the same work, with messages made in advance and one socket.
//!
//! It needs a kernel with IPVS and runs in the guest:
//!
//! ```text
//! cargo xtask vm --icount --kernel 6.1 -- /bin/measure [--quick] [--json] [NAME…]
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
mod peers;
mod plan;
mod processes;
mod procfs;
mod report;
mod restore;
mod sample;
mod shape;
mod single;
mod sweep;

use anyhow::{Result, bail};
use comparison::Effort;
use measurements::MEASUREMENTS;

fn main() -> Result<()> {
    let mut wanted: Vec<String> = std::env::args().skip(1).collect();
    let mut flag = |name: &str| {
        let before = wanted.len();
        wanted.retain(|word| word != name);
        wanted.len() < before
    };
    let (quick, as_json) = (flag("--quick"), flag("--json"));
    for prefix in &wanted {
        if !MEASUREMENTS.iter().any(|(name, _)| name.starts_with(prefix.as_str())) {
            let names: Vec<&str> = MEASUREMENTS.iter().map(|(name, _)| *name).collect();
            bail!("no measurement is called {prefix}; there are {}", names.join(", "));
        }
    }
    if !as_json {
        report::heading();
    }
    let effort = if quick { Effort::QUICK } else { Effort::WHOLE };
    for (name, measurement) in MEASUREMENTS {
        let named = |prefix: &String| name.starts_with(prefix.as_str());
        if wanted.is_empty() || wanted.iter().any(named) {
            report::print(&measurement.run(name, effort)?, as_json);
        }
    }
    Ok(())
}
