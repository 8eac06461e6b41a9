//! [`vrrp_hmac`], under libFuzzer or, on stable, over the files that are named.

#![cfg_attr(fuzzing, no_main)]

use ipvs_fuzz::vrrp::vrrp_hmac;

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| vrrp_hmac(data));

#[cfg(not(fuzzing))]
fn main() -> std::io::Result<()> {
    ipvs_fuzz::replay(vrrp_hmac)
}
