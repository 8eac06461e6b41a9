//! [`daemon`], under libFuzzer or, on stable, over the files that are named.

#![cfg_attr(fuzzing, no_main)]

use ipvs_fuzz::targets::daemon;

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| daemon(data));

#[cfg(not(fuzzing))]
fn main() -> std::io::Result<()> {
    ipvs_fuzz::replay(daemon)
}
