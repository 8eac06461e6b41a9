//! A target that receives what neighbours say of addresses. A panic is a finding.
//!
//! The tests of `ipvs-sync` include this file to replay the corpus.

use ipvs_sync::net::{arp, ndp};

/// A frame; and, as the fuzzer seldom makes one of the length and with the checksum that
/// it says, the same as ICMPv6 with the right ones.
pub fn neighbour_frame(data: &[u8]) {
    received(data);
    received(&righted(data.to_vec()));
}

fn received(frame: &[u8]) {
    let (v4, v6) = (arp::sender(frame), ndp::sender(frame));
    assert!(v4.is_none() || v6.is_none(), "a frame of two types");
    if let Some((address, mac)) = v4 {
        assert!(!address.is_unspecified());
        assert_eq!(arp::sender(&arp::announcement(mac, address)), v4);
        assert_eq!(arp::sender(&arp::probe(mac, address)), None);
    }
    if let Some((address, mac)) = v6 {
        assert!(!address.is_multicast());
        assert_eq!(ndp::sender(&ndp::announcement(mac, address, true)), v6);
        assert_eq!(ndp::sender(&ndp::probe(mac, address)), None);
    }
}

fn righted(mut frame: Vec<u8>) -> Vec<u8> {
    let length = u16::try_from(frame.len().saturating_sub(54)).unwrap_or(u16::MAX);
    put(&mut frame, 18, length);
    put(&mut frame, 56, 0);
    let words = frame.get(22..).unwrap_or_default().chunks(2);
    let word = |bytes: &[u8]| match *bytes {
        [high, low] => u64::from(u16::from_be_bytes([high, low])),
        [high] => u64::from(high) << 8,
        _ => 0,
    };
    let mut sum: u64 = words.map(word).sum::<u64>() + u64::from(length) + 58;
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    put(&mut frame, 56, !u16::try_from(sum).unwrap_or_default());
    frame
}

fn put(frame: &mut [u8], at: usize, value: u16) {
    frame.iter_mut().skip(at).zip(value.to_be_bytes()).for_each(|(slot, byte)| *slot = byte);
}
