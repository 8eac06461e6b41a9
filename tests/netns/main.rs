//! Tests of `ipvs_sync::net`, `ipvs_sync::runtime` and `ipvs-syncd` in network namespaces,
//! as root: `cargo xtask test` runs them on the machine's own kernel, and in guests those
//! that depend on the kernel.
//!
//! Each test has namespaces of its own, so they run side by side.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure here is a failed test"
)]

mod addresses;
mod adverts;
mod announcements;
mod answers;
mod asleep;
mod crash;
mod dissect;
mod events;
mod flood;
mod heard;
mod host;
mod interop;
mod keepalived;
mod kept;
mod lan;
mod logs;
mod macvlan;
mod many;
mod owner;
mod privilege;
mod probe;
mod refused;
mod renewed;
mod rfc_9568;
mod router;
mod runtime;
mod sync;
mod syncd;
mod wire;
