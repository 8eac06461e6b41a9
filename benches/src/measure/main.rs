//! Measures the client beside the floor: the least that user space can do for
//! the same work, with messages made in advance and one socket.
//!
//! It needs a kernel with IPVS and runs in the guest:
//!
//! ```text
//! cargo xtask vm --icount --kernel 6.1 -- /bin/measure [--quick] [--wall] [--ours] [--json] [NAME…]
//! ```
//!
//! A name stands for every measurement that starts with it; without one all
//! run. `--wall` does as much as a real clock takes in some minutes, `--ours` leaves
//! out what others do; only the guests of `cargo xtask bench` have pyroute2. With
//! `--icount` the guest's clock counts its instructions, so what to look at are ratios.

mod batch;
mod change;
mod comparison;
mod counting;
mod floor;
mod listing;
mod measurements;
mod memory;
mod netns;
mod once;
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
mod trace;

use anyhow::{Result, bail};
use comparison::Effort;

fn main() -> Result<()> {
    let all = measurements::all();
    let mut wanted: Vec<String> = std::env::args().skip(1).collect();
    if let [option, name, way, rounds] = &wanted[..] {
        if option == once::OPTION {
            return once::run(name, way, rounds);
        }
    }
    let mut flag = |name: &str| {
        let before = wanted.len();
        wanted.retain(|word| word != name);
        wanted.len() < before
    };
    let effort = if flag("--quick") { Effort::QUICK } else { Effort::WHOLE };
    let effort = if flag("--wall") { effort.by_wall_clock() } else { effort };
    let effort = Effort { peers: !flag("--ours"), ..effort };
    let as_json = flag("--json");
    for prefix in &wanted {
        if !all.iter().any(|measurement| measurement.name.starts_with(prefix.as_str())) {
            let names: Vec<&str> = all.iter().map(|measurement| &*measurement.name).collect();
            bail!("no measurement is called {prefix}; there are {}", names.join(", "));
        }
    }
    if !as_json {
        report::heading();
    }
    for measurement in all {
        let named = |prefix: &String| measurement.name.starts_with(prefix.as_str());
        if wanted.is_empty() || wanted.iter().any(named) {
            report::print(&measurement.run(effort)?, as_json);
        }
    }
    Ok(())
}
