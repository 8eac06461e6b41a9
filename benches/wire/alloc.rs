//! How often encoding and decoding allocate: ours never, which is asserted, beside the
//! others.

#![expect(clippy::unwrap_used, reason = "a panic ends the benchmark")]

#[path = "../../ipvs-sys/tests/common/counting.rs"]
mod counting;
#[expect(dead_code, reason = "those that are timed are more")]
mod netlink_packet_ipvs;
#[expect(dead_code, reason = "those that are timed are more")]
mod nlrs;
mod ours;
#[expect(dead_code, reason = "those that are timed are more")]
mod owned;

use ours::{DESTINATION, FAMILY, SERVICE};
use std::hint::black_box;

fn main() {
    let mut buffer = [0; 256];
    let mut out = Vec::with_capacity(256);
    let (service, destination) = (ours::new_service(), ours::new_destination());
    let (owned_service, owned_destination) = (owned::of(&service), owned::of(&destination));
    println!("allocations: what, ours, owned, nlrs, netlink-packet-ipvs");
    tell(
        "encode/service",
        [
            allocations(|| ours::encode(&service, &mut buffer)),
            allocations(|| owned::encode(&owned_service, FAMILY)),
            allocations(|| nlrs::new_service(&mut out)),
            allocations(netlink_packet_ipvs::new_service),
        ],
    );
    tell(
        "encode/destination",
        [
            allocations(|| ours::encode(&destination, &mut buffer)),
            allocations(|| owned::encode(&owned_destination, FAMILY)),
            allocations(|| nlrs::new_destination(&mut out)),
            allocations(netlink_packet_ipvs::new_destination),
        ],
    );
    tell(
        "decode/service",
        [
            allocations(|| ours::decode(SERVICE)),
            allocations(|| owned::decode(SERVICE)),
            allocations(|| nlrs::service(SERVICE)),
            allocations(|| netlink_packet_ipvs::decode(SERVICE)),
        ],
    );
    tell(
        "decode/destination",
        [
            allocations(|| ours::decode(DESTINATION)),
            allocations(|| owned::decode(DESTINATION)),
            allocations(|| nlrs::destination(DESTINATION)),
            allocations(|| netlink_packet_ipvs::decode(DESTINATION)),
        ],
    );
}

fn tell(what: &str, [ours, owned, nlrs, netlink_packet_ipvs]: [usize; 4]) {
    println!("{what:<20} {ours:>4} {owned:>4} {nlrs:>4} {netlink_packet_ipvs:>4}");
    assert_eq!(ours, 0, "{what} allocates");
}

/// Of the second time, when buffers have grown.
fn allocations<T>(mut work: impl FnMut() -> T) -> usize {
    black_box(work());
    counting::allocations(work)
}
