//! [`connections`], under libFuzzer or, on stable, over the files that are named.

#![cfg_attr(fuzzing, no_main)]

use ipvs_fuzz::procfs::connections;

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| connections(data));

#[cfg(not(fuzzing))]
fn main() -> std::io::Result<()> {
    ipvs_fuzz::replay(connections)
}
