//! `cargo xtask`: the lab that runs things in a guest with IPVS, and the
//! project's other chores. Everything it needs, it sets up by itself.

mod apt;
mod bench;
mod binaries;
mod conformance;
mod cpio;
mod demo;
mod fuzz;
mod guest;
mod host;
mod kernel;
mod lab;
mod libtest;
mod modules;
mod msrv;
mod process;
mod progress;
mod pyroute2;
mod qemu;
mod test;
mod userland;
mod vm;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// The project's chores.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Run a command in a guest with IPVS; output and status are passed through.
    ///
    /// The guest has busybox in /bin, the real ip, ipvsadm, keepalived and
    /// modprobe in /sbin, and our `kernel` and `netns` (the tests), `capture`, `probe`, `demo`,
    /// `measure` (the client beside the floor), `connections` (failover beside keepalived) and
    /// `ipvs-syncd` in /bin. Nothing of it outlives the command. Statuses of the lab itself:
    /// 124 at the deadline, 125 when the guest could not be run.
    Vm(vm::Options),
    /// Run every test: the libraries' here, as root those in network namespaces too,
    /// the others in guests, with some of those in network namespaces again.
    ///
    /// The last line of the output is `N passed, N failed`.
    Test(test::Options),
    /// Run the demonstration, in a guest or on this machine.
    Demo(demo::Options),
    /// Run the benchmarks, beside the least that there is to do and the peers.
    Bench(bench::Options),
    /// Run the fuzz targets (needs the nightly toolchain).
    Fuzz(fuzz::Options),
    /// Write the table of which test shows which requirement of VRRP.
    Conformance(conformance::Options),
    /// Check the libraries with a compiler of the version they declare.
    Msrv,
}

fn main() -> ExitCode {
    let (result, failure) = match Cli::parse().command {
        Chore::Vm(options) => (options.run(), 125),
        Chore::Test(options) => (options.run(), 1),
        Chore::Demo(options) => (options.run(), 1),
        Chore::Bench(options) => (options.run(), 1),
        Chore::Fuzz(options) => (options.run(), 1),
        Chore::Conformance(options) => (options.run(), 1),
        Chore::Msrv => (msrv::run(), 1),
    };
    result.unwrap_or_else(|error| {
        eprintln!("xtask: {error:#}");
        ExitCode::from(failure)
    })
}
