//! The IPv4 header, which raw sockets deliver with the packet. Never panics and never
//! allocates, whatever the bytes.

use std::net::Ipv4Addr;
use std::ops::Range;

/// What the header says of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) source: Ipv4Addr,
    pub(super) destination: Ipv4Addr,
    pub(super) ttl: u8,
    /// Where the payload is. What follows it is padding of the frame.
    pub(super) payload: Range<usize>,
}

impl Header {
    /// Reads the header at the start of a packet; `None` if it is not one of IPv4, or the
    /// packet is shorter than it says.
    pub(super) fn read(packet: &[u8]) -> Option<Self> {
        let [
            version,
            _,
            length1,
            length2,
            _,
            _,
            _,
            _,
            ttl,
            _,
            _,
            _,
            s1,
            s2,
            s3,
            s4,
            d1,
            d2,
            d3,
            d4,
        ] = *packet.first_chunk::<20>()?;
        let start = usize::from(version & 0xf) * 4;
        let end = usize::from(u16::from_be_bytes([length1, length2]));
        let is_whole = version >> 4 == 4 && start >= 20 && start <= end && end <= packet.len();
        is_whole.then_some(Self {
            source: [s1, s2, s3, s4].into(),
            destination: [d1, d2, d3, d4].into(),
            ttl,
            payload: start..end,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From 10.0.0.1 to 224.0.0.18 with an option of four bytes, a payload of two and
    /// three of padding.
    const PACKET: [u8; 29] = [
        0x46, 0xc0, 0, 26, 0, 1, 0, 0, 255, 112, 0, 0, 10, 0, 0, 1, 224, 0, 0, 18, 1, 1, 1, 0,
        0xaa, 0xbb, 0, 0, 0,
    ];

    #[test]
    fn options_and_padding_are_not_of_the_payload() {
        let header = Header::read(&PACKET).unwrap();
        assert_eq!(header.source, Ipv4Addr::new(10, 0, 0, 1));
        assert_eq!(header.destination, Ipv4Addr::new(224, 0, 0, 18));
        assert_eq!(header.ttl, 255);
        assert_eq!(PACKET[header.payload], [0xaa, 0xbb]);
    }

    #[test]
    fn a_header_that_does_not_fit_its_packet_is_none() {
        let with = |at: usize, byte: u8| {
            let mut packet = PACKET;
            packet[at] = byte;
            Header::read(&packet)
        };
        assert_eq!(Header::read(&PACKET[..25]), None);
        assert_eq!(Header::read(&PACKET[..19]), None);
        assert_eq!(Header::read(&[]), None);
        // IPv6, a header of 16 bytes, one longer than the packet, and a length beyond it.
        assert_eq!(with(0, 0x66), None);
        assert_eq!(with(0, 0x44), None);
        assert_eq!(with(0, 0x4f), None);
        assert_eq!(with(3, 30), None);
        assert_eq!(with(3, 24).unwrap().payload, 24..24);
    }
}
