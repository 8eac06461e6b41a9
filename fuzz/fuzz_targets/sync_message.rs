//! [`sync_message`], under libFuzzer or, on stable, over the files that are named.

#![cfg_attr(fuzzing, no_main)]

use ipvs_fuzz::sync::sync_message;

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| sync_message(data));

#[cfg(not(fuzzing))]
fn main() -> std::io::Result<()> {
    ipvs_fuzz::replay(sync_message)
}
