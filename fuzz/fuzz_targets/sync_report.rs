//! [`sync_report`], under libFuzzer or, on stable, over the files that are named.

#![cfg_attr(fuzzing, no_main)]

use ipvs_fuzz::reports::sync_report;

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| sync_report(data));

#[cfg(not(fuzzing))]
fn main() -> std::io::Result<()> {
    ipvs_fuzz::replay(sync_report)
}
