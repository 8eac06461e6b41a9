//! [`vrrp_packet`], under libFuzzer or, on stable, over the files that are named.

#![cfg_attr(fuzzing, no_main)]

use ipvs_fuzz::vrrp::vrrp_packet;

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| vrrp_packet(data));

#[cfg(not(fuzzing))]
fn main() -> std::io::Result<()> {
    ipvs_fuzz::replay(vrrp_packet)
}
