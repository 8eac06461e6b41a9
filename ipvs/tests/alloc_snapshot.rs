//! How much memory a snapshot takes, and a watch.
//!
//! In a binary of its own, for its allocator.

#[path = "../../ipvs-sys/tests/common/counting.rs"]
mod counting;

use counting::{allocations, counted};
use ipvs::fake::{Kernel, Socket};
use ipvs::{Batch, Change, Client, Destination, Endpoint, Service, ServiceKey, Watch};
use std::time::{Duration, Instant};

/// A client of a kernel with so many services of two destinations.
fn client(services: u32) -> Client<Socket> {
    let mut batch = Batch::new();
    for n in 0..services {
        let key = ServiceKey::tcp(Endpoint::new((0x0a00_0000 + n).to_be_bytes(), 80));
        batch.push(Change::AddService(Service::new(key)));
        for host in [1, 2] {
            let server = Destination::new(Endpoint::new([192, 168, 0, host], 80));
            batch.push(Change::AddDestination(key, server));
        }
    }
    let mut client = Kernel::new().client().expect("a client");
    client.send_batch(&batch).into_result().expect("valid changes");
    client
}

#[test]
fn ten_thousand_services_with_two_destinations_take_250_bytes_an_object_at_most() {
    let mut client = client(10_000);
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

#[test]
fn a_watch_keeps_the_last_snapshot_and_nothing_else() {
    let mut client = client(1_000);
    let snapshot = client.snapshot().expect("nobody else changes it");
    let objects = snapshot.services().len() + snapshot.destination_count();
    let (_, before) = counted();
    let mut copies: Vec<_> = (0..4).map(|_| snapshot.clone()).collect();
    let (_, four) = counted();
    let start = Instant::now();
    let mut watch = Watch::new();
    for seconds in 0..3 {
        let now = start + Duration::from_secs(seconds);
        watch.observe(now, copies.pop().expect("four"));
    }
    let last = copies.pop().expect("the last of four");
    let mut seen = None;
    let count = allocations(|| seen = Some(watch.observe(start + Duration::from_secs(9), last)));
    let seen = seen.expect("it was observed");
    // The list of rates, as long as it has to be.
    assert_eq!(count, 1);
    assert_eq!((seen.events.len(), seen.rates.len()), (0, objects));
    drop((seen, copies));
    let (_, after) = counted();
    let (kept, one) = (after - before, (four - before) / 4);
    assert!((one - 200..=one).contains(&kept), "{kept} bytes kept, a snapshot has {one}");
}
