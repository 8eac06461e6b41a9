//! [`table_json`], under libFuzzer or, on stable, over the files that are named.

#![cfg_attr(fuzzing, no_main)]

use ipvs_fuzz::tables::table_json;

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| table_json(data));

#[cfg(not(fuzzing))]
fn main() -> std::io::Result<()> {
    ipvs_fuzz::replay(table_json)
}
