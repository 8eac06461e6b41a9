//! In steady state a change allocates nothing, and is one send and one receive.
//!
//! One test in a binary of its own, for its allocator.

#[path = "../../ipvs-sys/tests/common/counting.rs"]
mod counting;

use counting::allocations;
use ipvs::transport::{Received, Transport};
use ipvs::{Client, Destination, Scheduler, Service, ServiceKey, Weight};
use ipvs_sys::family::{NLCTRL, NewFamily};
use ipvs_sys::{Messages, encode, encode_answer};
use std::io;

/// Acknowledges everything, without allocating once it is warm.
#[derive(Default)]
struct Acknowledging {
    answer: Vec<u8>,
    sends: usize,
    receives: usize,
}

impl Transport for Acknowledging {
    fn send(&mut self, datagram: &[u8]) -> io::Result<()> {
        self.sends += 1;
        self.answer.clear();
        for message in Messages::new(datagram) {
            let header = message.map_err(io::Error::other)?.header;
            if header.message_type == NLCTRL {
                let family =
                    NewFamily { id: 35, name: b"IPVS", version: 1, header_size: 0, max_attr: 6 };
                encode(&family, NLCTRL, 0, header.sequence, &mut self.answer)
                    .map_err(io::Error::other)?;
            } else {
                encode_answer(header, 0, &mut self.answer);
            }
        }
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<Received> {
        self.receives += 1;
        buffer.iter_mut().zip(&self.answer).for_each(|(slot, byte)| *slot = *byte);
        Ok(Received::Datagram(self.answer.len()))
    }
}

#[test]
fn changes_allocate_nothing_once_the_buffers_are_warm() {
    let mut client = Client::with_transport(Acknowledging::default()).unwrap();
    let key: ServiceKey = "tcp 10.0.0.1:80".parse().unwrap();
    let service = Service::new(key).with_scheduler(Scheduler::Wrr);
    let destination = Destination::new("192.168.0.1:80".parse().unwrap());
    let mut round = || {
        client.add_service(&service).unwrap();
        client.edit_service(&service).unwrap();
        client.add_destination(&key, &destination).unwrap();
        client.edit_destination(&key, &destination.with_weight(Weight::ZERO)).unwrap();
        client.delete_destination(&key, destination.endpoint()).unwrap();
        client.delete_service(&key).unwrap();
    };
    round();
    assert_eq!(allocations(|| (0..100).for_each(|_| round())), 0);
    let counted = client.into_transport();
    // The first of each finds the family.
    assert_eq!((counted.sends, counted.receives), (1 + 606, 1 + 606));
}
