//! The fake kernel with any bytes for requests. A panic is a finding.
//!
//! A file of its own: the tests of `ipvs` include it to replay the corpus.

use ipvs::Client;
use ipvs::fake::{Kernel, Version};
use ipvs::transport::{Received, Transport};
use std::io::Read;

/// Datagrams with anything in them, sent twice: what the first adds, the second
/// finds. Then the table must be in order.
pub fn fake(data: &[u8]) {
    for version in [Version::V6_1, Version::V6_12] {
        let kernel = Kernel::of(version);
        let mut socket = kernel.socket();
        for room in [4096, 64] {
            // Too long or too short is refused.
            let _ = socket.send(data);
            drain(&mut socket, room);
        }
        in_order(&kernel);
    }
}

/// Receives all. The queue holds 277 answers at most, and listings end.
fn drain(socket: &mut impl Transport, room: usize) {
    let mut buffer = vec![0; room];
    for _ in 0..1000 {
        match socket.receive(&mut buffer) {
            Ok(Received::Empty) => return,
            Ok(Received::Datagram(length)) => assert!(length <= room),
            Ok(Received::Truncated(length)) => assert!(length > room),
            Ok(Received::Overrun) => {}
            Err(error) => unreachable!("{error}"),
        }
    }
    unreachable!("an endless queue");
}

/// Everything can be listed, and the listing as text has as many lines.
fn in_order(kernel: &Kernel) {
    let mut lines = 3;
    let Ok(mut client) = Client::with_transport(kernel.socket()) else { unreachable!("no family") };
    let Ok(services) = client.services() else { unreachable!("no services") };
    for service in services {
        let Ok(found) = client.destinations(&service.service.key()) else {
            unreachable!("no destinations")
        };
        lines += 1 + found.len();
    }
    let mut text = String::new();
    let mut socket = kernel.socket();
    let Some(mut listing) = socket.listing() else { unreachable!("no listing") };
    assert!(listing.read_to_string(&mut text).is_ok());
    assert_eq!(text.lines().count(), lines, "{text}");
    assert!(client.daemons().is_ok() && client.timeouts().is_ok());
}
