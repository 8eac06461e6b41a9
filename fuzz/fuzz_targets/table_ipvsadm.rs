//! [`table_ipvsadm`], under libFuzzer or, on stable, over the files that are named.

#![cfg_attr(fuzzing, no_main)]

use ipvs_fuzz::tables::table_ipvsadm;

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| table_ipvsadm(data));

#[cfg(not(fuzzing))]
fn main() -> std::io::Result<()> {
    ipvs_fuzz::replay(table_ipvsadm)
}
