//! How much memory a snapshot takes.
//!
//! One test in a binary of its own, for its allocator.

#[path = "common/counting.rs"]
mod counting;

use counting::counted;
use ipvs::fake::Kernel;
use ipvs::{Batch, Change, Destination, Endpoint, Service, ServiceKey};

#[test]
fn ten_thousand_services_with_two_destinations_take_250_bytes_an_object_at_most() {
    let mut batch = Batch::new();
    for n in 0..10_000u32 {
        let key = ServiceKey::tcp(Endpoint::new((0x0a00_0000 + n).to_be_bytes(), 80));
        batch.push(Change::AddService(Service::new(key)));
        for host in [1, 2] {
            let server = Destination::new(Endpoint::new([192, 168, 0, host], 80));
            batch.push(Change::AddDestination(key, server));
        }
    }
    let kernel = Kernel::new();
    let mut client = kernel.client().expect("a client");
    client.send_batch(&batch).into_result().expect("valid changes");
    // What the client and the kernel keep for themselves is there after the first.
    drop(client.snapshot().expect("nobody else changes it"));
    let (_, before) = counted();
    let snapshot = client.snapshot().expect("nobody else changes it");
    let (_, after) = counted();
    let objects = snapshot.services().len() + snapshot.destination_count();
    assert_eq!(objects, 30_000);
    let bytes = (after - before).unsigned_abs();
    assert!(bytes > 30_000 * 50, "{bytes} bytes are not all");
    assert!(bytes <= objects * 250, "{} bytes an object", bytes / objects);
}
