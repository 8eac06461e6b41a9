//! [`neighbour_frame`], under libFuzzer or, on stable, over the files that are named.

#![cfg_attr(fuzzing, no_main)]

use ipvs_fuzz::neighbours::neighbour_frame;

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| neighbour_frame(data));

#[cfg(not(fuzzing))]
fn main() -> std::io::Result<()> {
    ipvs_fuzz::replay(neighbour_frame)
}
