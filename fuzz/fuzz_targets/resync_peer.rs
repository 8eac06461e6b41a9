//! [`resync_peer`], under libFuzzer or, on stable, over the files that are named.

#![cfg_attr(fuzzing, no_main)]

use ipvs_fuzz::resync::resync_peer;

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| resync_peer(data));

#[cfg(not(fuzzing))]
fn main() -> std::io::Result<()> {
    ipvs_fuzz::replay(resync_peer)
}
