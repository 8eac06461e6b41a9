//! Tests against a real kernel, run in the guest by `cargo xtask test`.
//!
//! Each test has a network namespace of its own and starts with
//! `let netns = Netns::new()`. They run one after the other: some load and
//! unload modules.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a failure here is a failed test")]

mod batch;
#[path = "../../ipvs/tests/bodies/mod.rs"]
mod bodies;
mod connections;
mod counting;
mod daemons;
mod doctor;
mod drain;
mod errors;
mod examples;
mod exchange;
mod failover;
mod genetlink;
#[expect(dead_code, reason = "tests of virtual routers use more of it")]
#[path = "../netns/host.rs"]
mod host;
mod ipvsadm;
#[path = "../netns/syncd/lacking.rs"]
mod lacking;
mod modules;
mod namespaces;
mod netns;
mod plan;
#[path = "../netns/syncd/program.rs"]
mod program;
mod random;
mod requests;
mod resync;
mod shapes;
mod snapshot;
mod sync;
mod syncd;
mod sysctl;
mod table;
#[path = "../../ipvs/tests/common/tables.rs"]
mod tables;
mod traffic;
mod watch;

/// The tests that the fake kernel passes too.
mod on_kernel {
    crate::bodies::on_bench!(crate::netns::Netns);
}
