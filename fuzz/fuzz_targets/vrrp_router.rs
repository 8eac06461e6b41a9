//! [`routers`], under libFuzzer or, on stable, over the files that are named.

#![cfg_attr(fuzzing, no_main)]

use ipvs_fuzz::routers::routers;

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| routers(data));

#[cfg(not(fuzzing))]
fn main() -> std::io::Result<()> {
    ipvs_fuzz::replay(routers)
}
